"""Writing what statements are made with: the mapping to government accounting, and file layouts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from finance.exports.models import FileColumn, VoucherRule
from finance.exports.rules import BOOKS, FIELDS, MOVEMENTS, Entry
from registry.agencies.models import Agency

MOST_COLUMNS = 40


def propose_rule(agency: Agency, *, movement: str, book: str, entry: Entry, by: Actor) -> VoucherRule:
    """How a movement shall be entered from now on; in force once a second person confirms it."""
    if movement not in MOVEMENTS or book not in BOOKS:
        raise ValueError(f"unknown line {movement} of {book}")
    waiting = db.session.scalar(
        select(VoucherRule.id).where(
            VoucherRule.agency_id == agency.id,
            VoucherRule.movement == movement,
            VoucherRule.book == book,
            VoucherRule.state == "proposed",
        )
    )
    if waiting is not None:
        raise Refusal(Message(N_("A change of this line waits for its second person already.")), status=409)
    rule = VoucherRule(
        agency_id=agency.id,
        movement=movement,
        book=book,
        debit_code=entry.debit_code.strip(),
        debit_name=entry.debit_name.strip(),
        credit_code=entry.credit_code.strip(),
        credit_name=entry.credit_name.strip(),
        basis=entry.basis.strip(),
        proposed_by=by.actor_id,
        proposed_at=clock.now(),
    )
    db.session.add(rule)
    db.session.flush()
    record(
        rule,
        "proposed",
        by=by,
        details={"movement": movement, "book": book, "debit": rule.debit_code, "credit": rule.credit_code},
    )
    return rule


def confirm_rule(rule: VoucherRule, *, by: Actor) -> None:
    """The second person puts the line in force; the one before it is kept as replaced."""
    fire(rule, "confirm", by=by)


def refuse_rule(rule: VoucherRule, *, by: Actor) -> None:
    """The line stays as it was."""
    fire(rule, "refuse", by=by)


def set_layout(agency: Agency, file: str, columns: Sequence[tuple[str, str, str]], *, by: Actor) -> None:
    """The columns of a file as (heading, field, fixed text), in order; none puts the standard back.

    A column shows a field, or the same text in each row when its field is empty.
    """
    if file not in FIELDS:
        raise ValueError(f"unknown file {file}")
    if len(columns) > MOST_COLUMNS:
        raise Refusal(Message(N_("A file has at most %(count)s columns."), {"count": MOST_COLUMNS}))
    for heading, field, fixed in columns:
        if not heading.strip() or len(heading) > 40 or len(fixed) > 60:
            raise Refusal(Message(N_("Each column has a heading of at most 40 characters.")))
        if field and field not in FIELDS[file]:
            raise Refusal(Message(N_("Choose one of the offered values.")))
    db.session.execute(delete(FileColumn).where(FileColumn.agency_id == agency.id, FileColumn.file == file))
    for position, (heading, field, fixed) in enumerate(columns, 1):
        db.session.add(
            FileColumn(
                agency_id=agency.id,
                file=file,
                position=position,
                heading=heading.strip(),
                field=field,
                fixed=fixed.strip() if not field else "",
            )
        )
    db.session.flush()
    append(
        "agency",
        agency.id,
        "file_layout_set",
        by=by,
        details={"file": file, "columns": [list(item) for item in columns]},
    )
