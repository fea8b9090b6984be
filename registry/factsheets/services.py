"""Tables of facts: kept, compared with the register, taken in whole or thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, insert, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db, transaction
from core.money import Money
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.factsheets import queries
from registry.factsheets.models import FactRow, FactSheet
from registry.factsheets.rules import ENTRY, PARTY, STAFF
from registry.organizations.models import Organization
from registry.organizations.services import edit_organization, record_inspection, record_party_facts
from registry.particulars.services import PROFILE, record_staff, set_profile
from registry.rosters.rules import Draft, draft_of


def open_sheet(agency: Agency, file_name: str, *, digest: str, header: Sequence[str], by: Actor) -> FactSheet:
    """A table that was uploaded for a unit; its rows follow with :func:`keep_reading`."""
    sheet = FactSheet(
        agency_id=agency.id,
        file_name=file_name[-200:],
        sha256=digest,
        header=list(header),
        opened_by=by.actor_id,
        opened_at=clock.now(),
    )
    db.session.add(sheet)
    db.session.flush()
    record(sheet, "uploaded", by=by, details={"file": sheet.file_name, "sha256": digest})
    return sheet


def require_open(sheet: FactSheet) -> None:
    """Hold the table, and refuse one that was taken already."""
    db.session.flush()
    db.session.scalar(
        select(FactSheet)
        .where(FactSheet.id == sheet.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if sheet.state == "taken":
        raise Refusal(Message(N_("This table was taken already.")), status=409)


def kept_drafts(sheet: FactSheet) -> list[Draft]:
    """The rows that are kept, in their order."""
    rows = db.session.scalars(select(FactRow).where(FactRow.sheet_id == sheet.id).order_by(FactRow.number))
    return [draft_of(row.number, row.told) for row in rows]


def keep_reading(
    sheet: FactSheet,
    drafts: Sequence[Draft],
    places: dict[str, int],
    unknown: Sequence[str],
    refusals: Sequence[Message],
    *,
    by: Any,
) -> None:
    """Keep what was read in place of what was kept before, each row compared with the register."""
    db.session.execute(delete(FactRow).where(FactRow.sheet_id == sheet.id))
    sheet.columns, sheet.unknown = places, list(unknown)
    sheet.refusals = [message.to_dict() for message in refusals]
    judged = (
        queries.judged(sheet, drafts, by) if not refusals else [(draft, "refused", None) for draft in drafts]
    )
    if judged:
        db.session.execute(
            insert(FactRow),
            [
                {
                    "sheet_id": sheet.id,
                    "number": draft.number,
                    "action": action,
                    "organization_id": organization,
                    "told": draft.text(),
                }
                for draft, action, organization in judged
            ],
        )
    recount(sheet)


def recount(sheet: FactSheet) -> None:
    """The figures of a table from its rows."""
    counts: dict[str, int] = dict(
        db.session.execute(
            select(FactRow.action, func.count()).where(FactRow.sheet_id == sheet.id).group_by(FactRow.action)
        ).all()  # type: ignore[arg-type]
    )
    sheet.changed_rows, sheet.same_rows = counts.get("changed", 0), counts.get("same", 0)
    sheet.refused_rows = counts.get("refused", 0)
    able = (sheet.changed_rows or sheet.same_rows) and not sheet.refusals
    sheet.state = "read" if able else "wrong"
    db.session.flush()


# Taking ----------------------------------------------------------------------------------------


def take_facts(number: int, *, by: Any) -> int:
    """Write every row that changes something, or none; how many. Opens transactions of its own.

    Rows that the rules of the register refuse are marked with the reason; then nothing is taken, and the rest
    can be taken by a second try. Raises :class:`Refusal`.
    """
    try:
        with transaction() as session:
            sheet = session.get_one(FactSheet, number)
            require_open(sheet)
            rows = list(
                session.scalars(
                    select(FactRow)
                    .where(FactRow.sheet_id == number, FactRow.action == "changed")
                    .order_by(FactRow.number)
                )
            )
            if sheet.state != "read" or not rows:
                raise Refusal(
                    Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
                )
            allowed = queries.writable(sheet, by)
            refused: dict[int, Message] = {}
            for row in rows:
                organization = session.get(Organization, row.organization_id)
                try:
                    if organization is None or organization.agency_id not in allowed:
                        raise Refusal(
                            Message(
                                N_(
                                    "The register has changed since this table was read. Read it again and compare."
                                )
                            )
                        )
                    with session.begin_nested():
                        _write(organization, draft_of(row.number, row.told), sheet.file_name, by)
                except Refusal as refusal:
                    refused[row.id] = refusal.sentence
            if refused:
                raise _Refused(refused)
            sheet.state, sheet.taken_by, sheet.taken_at = "taken", by.actor_id, clock.now()
            session.flush()
            record(
                sheet, "taken", by=by,
                details={"file": sheet.file_name, "sha256": sheet.sha256, "changed": len(rows), "left_out": sheet.refused_rows},
            )  # fmt: skip
            return len(rows)
    except _Refused as problem:
        _mark(number, problem.rows)
        raise Refusal(
            Message(
                N_("Nothing was taken: %(count)s rows are refused by the rules of the register. They are marked below; the others can be taken."),
                {"count": len(problem.rows)},
            )
        ) from problem  # fmt: skip


class _Refused(Exception):
    """Rows that the register refuses, with the sentence of each."""

    def __init__(self, rows: dict[int, Message]) -> None:
        super().__init__(f"{len(rows)} rows refused")
        self.rows = rows


def _mark(number: int, refused: dict[int, Message]) -> None:
    with transaction() as session:
        sheet = session.get_one(FactSheet, number)
        for identity, sentence in refused.items():
            row = session.get_one(FactRow, identity)
            draft = draft_of(row.number, row.told)
            draft.reasons.append(("", sentence))
            row.action, row.told = "refused", draft.text()
        session.flush()
        recount(sheet)


def _write(organization: Organization, draft: Draft, file_name: str, by: Any) -> None:
    """One row through the services that a person's own typing goes through."""
    new = {column: after for column, _before, after in draft.changes}
    came: dict[str, Any] = {"by": by, "evidence": file_name, "source": "import"}
    profile = {name: _value(name, new[name]) for name in PROFILE if name in new}
    if profile:
        set_profile(organization, **came, **profile)
    entry = {name: new[name] for name in ENTRY if name in new}
    if entry:
        edit_organization(organization, **came, **queries.entry_of(organization), **entry)
    party = {name: new[name] for name in PARTY if name in new}
    if party:
        facts = queries.party_of(organization)
        record_party_facts(organization, **(facts | party), by=by)
    for column, value in new.items():
        name, _, year = column.partition("@")
        if name == "inspection":
            record_inspection(organization, int(year), value, by=by)
    for year in sorted({column.partition("@")[2] for column in new if column.partition("@")[0] in STAFF}):
        counts: dict[str, Any] = {**queries.staff_of(organization, int(year))}
        counts |= {name: new[f"{name}@{year}"] for name in STAFF if f"{name}@{year}" in new}
        record_staff(organization, int(year), **came, **counts)


def _value(name: str, value: Any) -> Any:
    if name == "capital":
        return Money(value)
    if name in ("filed_on", "certificate_from", "certificate_to", "charter_on"):
        return date.fromisoformat(value)
    return value


def discard_sheet(sheet: FactSheet, *, by: Actor) -> None:
    """Forget a table that was not taken."""
    require_open(sheet)
    append("fact_sheet", sheet.id, "discarded", by=by, details={"file": sheet.file_name})
    db.session.execute(delete(FactRow).where(FactRow.sheet_id == sheet.id))
    db.session.delete(sheet)
    db.session.flush()
