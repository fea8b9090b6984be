"""Putting batches together, sending them out once, and taking in what the bank answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.sealing import seal, unseal
from core.spreadsheets import ImportResult
from core.text import N_, Message
from finance.batches.lifecycle import BATCH
from finance.batches.models import Batch, BatchFile, BatchItem, LayoutColumn, ReceiptFile, ReceiptLine
from finance.batches.queries import batch_of, compare_all, items_of, lines_of, why_not
from finance.batches.rules import Answer, Heading, layout_problem
from finance.disbursements.models import Disbursement
from finance.disbursements.services import mark_paid, mark_returned, release
from registry.agencies.models import Agency

PURPOSE = "batch"
Make = Callable[[Batch, Sequence[BatchItem]], dict[str, bytes]]


def make_batch(agency: Agency, disbursements: Sequence[Disbursement], *, by: Any) -> Batch:
    """Put approved payments of one unit together; what cannot go out is refused with its reason.

    Nothing is released yet: count and total are looked at first.
    """
    _require_pay(by, agency.id)
    if not disbursements:
        raise Refusal(Message(N_("Choose at least one payment.")))
    # Two people at one unit make their batches one after the other: the number follows from the last.
    db.session.execute(select(Agency.id).where(Agency.id == agency.id).with_for_update())
    for item in disbursements:
        reason = (
            Message(N_("it belongs to another unit")) if item.agency_id != agency.id else why_not(item, by)
        )
        other = batch_of(item) if reason is None else None
        if other is not None:
            reason = Message(N_("it lies in batch %(number)s"), {"number": other.number})
        if reason is not None:
            raise Refusal(
                Message(
                    N_("Payment %(number)s stays out: %(reason)s"), {"number": item.number, "reason": reason}
                ),
                status=409,
            )
    batch = Batch(
        agency_id=agency.id,
        number=_number(agency),
        count=len(disbursements),
        total=sum((item.amount for item in disbursements), Money(0)),
        made_by=by.actor_id,
        made_at=clock.now(),
    )
    for position, item in enumerate(sorted(disbursements, key=lambda row: row.id), 1):
        batch.items.append(BatchItem(position=position, disbursement_id=item.id, amount=item.amount))
    db.session.add(batch)
    db.session.flush()
    record(
        batch,
        "made",
        by=by,
        details={"number": batch.number, "count": batch.count, "total": batch.total},
    )
    return batch


def _number(agency: Agency) -> str:
    prefix = f"{agency.division_code}-PC-{clock.today().year}-{agency.id:02d}-"
    made = db.session.scalar(select(func.count()).where(Batch.number.startswith(prefix)))
    return f"{prefix}{(made or 0) + 1:03d}"


def drop_item(item: BatchItem, *, by: Any) -> None:
    """Take one payment out again before the export; the last one dissolves the batch."""
    batch = item.batch
    _require_pay(by, batch.agency_id)
    db.session.refresh(batch, ["state", "count", "total"], with_for_update=True)
    db.session.refresh(item, ["dropped_at"])
    if batch.state != "made" or item.dropped_at is not None:
        raise Refusal(Message(N_("Only a batch that was not sent yet can be changed.")), status=409)
    if batch.count == 1:
        drop_batch(batch, by=by)
        return
    item.dropped_at = clock.now()
    batch.count -= 1
    batch.total = batch.total - item.amount
    db.session.flush()
    record(batch, "item_dropped", by=by, details={"payment": item.disbursement.number, "amount": item.amount})


def drop_batch(batch: Batch, *, by: Any) -> None:
    """Dissolve it before the export: its payments may go into another one."""
    fire(batch, "drop", by=by)


def export_batch(batch: Batch, *, total: Money, make: Make, by: Any) -> None:
    """Send it: every payment is released, the file is made once and sealed.

    ``total`` is what the person has confirmed; ``make`` writes the file in each of its kinds. Refused
    as a whole when one payment may not go.
    """
    fire(batch, "export", by=by, details={"count": batch.count, "total": total}, total=total)
    items = items_of(batch)
    for item in items:
        release(item.disbursement, by=by)
    for kind, data in make(batch, items).items():
        batch.files.append(
            BatchFile(
                kind=kind,
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                sealed=seal(PURPOSE, data),
            )
        )
    db.session.flush()
    record(batch, "file_made", by=by, details={item.kind: item.sha256 for item in batch.files})


def fetch_file(batch: Batch, kind: str, *, by: Any) -> bytes:
    """The file as it was made; each fetching is written down, since it holds full account numbers."""
    _require_pay(by, batch.agency_id)
    file = next((item for item in batch.files if item.kind == kind), None)
    if file is None:
        raise Refusal(Message(N_("The file is made when the batch is sent.")), status=409)
    data = unseal(PURPOSE, file.sealed)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise Refusal(Message(N_("The kept file is not what was made: it is not handed out.")), status=409)
    record(batch, "file_fetched", by=by, details={"kind": kind, "sha256": file.sha256})
    return data


def set_layout(agency: Agency, columns: Sequence[Heading], *, by: Any) -> None:
    """The columns that this unit's treasury takes; none: the standard ones."""
    if not by.may("account.payee", agency_id=agency.id):
        raise _no_permission()
    problem = layout_problem(columns) if columns else None
    if problem is not None:
        raise Refusal(problem)
    db.session.execute(delete(LayoutColumn).where(LayoutColumn.agency_id == agency.id))
    db.session.flush()
    for position, item in enumerate(columns, 1):
        db.session.add(
            LayoutColumn(
                agency_id=agency.id,
                position=position,
                heading=item.heading.strip(),
                field=item.field,
                fixed=item.fixed.strip() if item.field == "fixed" else "",
            )
        )
    db.session.flush()
    record(
        agency,
        "payment_layout_set",
        by=by,
        details={"columns": [f"{item.heading}={item.field}" for item in columns]},
    )


# The bank's answers --------------------------------------------------------------------------------


def keep_answers(
    agency: Agency, name: str, data: bytes, result: ImportResult[Answer], *, by: Any
) -> ReceiptFile:
    """Keep a table that was read without a mistake, each row compared; nothing moves yet."""
    _require_pay(by, agency.id)
    if result.errors or not result.rows:
        raise ValueError("a table with mistakes is not kept")
    digest = hashlib.sha256(data).hexdigest()
    known = db.session.scalar(
        select(ReceiptFile).where(
            ReceiptFile.agency_id == agency.id,
            ReceiptFile.sha256 == digest,
            ReceiptFile.state != "discarded",
        )
    )
    if known is not None:
        raise Refusal(
            Message(
                N_("This very table was read in on %(day)s already."),
                {"day": clock.local(known.read_at).date()},
            ),
            status=409,
        )
    file = ReceiptFile(
        agency_id=agency.id, name=name[:200], sha256=digest, read_by=by.actor_id, read_at=clock.now()
    )
    for answer, payment_id, comparison in compare_all(agency.id, result.rows):
        file.lines.append(
            ReceiptLine(
                row_number=answer.row,
                reference=answer.reference,
                disbursement_id=payment_id,
                result=answer.result,
                amount=answer.amount,
                account_name=answer.account_name,
                last_four=answer.last_four,
                happened_on=answer.happened_on,
                voucher_number=answer.voucher_number,
                reason=answer.reason,
                verdict=comparison.verdict,
                differences=[item.to_dict() for item in comparison.differences],
            )
        )
    db.session.add(file)
    db.session.flush()
    record(file, "read", by=by, details={"name": file.name, "rows": len(file.lines), "sha256": digest})
    return file


def apply_answers(file: ReceiptFile, *, by: Any) -> int:
    """Record what matches as paid or returned; how many payments moved.

    Everything is compared again, since the payments may have moved since the table was read. What
    differs or was not compared stays as it is.
    """
    fire(file, "apply", by=by)
    lines = lines_of(file)
    moved: list[Disbursement] = []
    for line, (answer, payment_id, comparison) in zip(
        lines, compare_all(file.agency_id, [_answer(line) for line in lines]), strict=True
    ):
        line.disbursement_id = payment_id
        line.verdict = comparison.verdict
        line.differences = [item.to_dict() for item in comparison.differences]
        payment = line.disbursement
        if comparison.verdict != "matched" or payment is None:
            continue
        if answer.result == "paid" and payment.state == "released":
            mark_paid(payment, paid_on=answer.happened_on, voucher_number=answer.voucher_number, by=by)
        elif answer.result == "returned" and payment.state in ("released", "paid"):
            mark_returned(payment, reason=answer.reason, by=by)
        else:
            continue
        line.applied = True
        moved.append(payment)
    db.session.flush()
    close_answered(moved, by=by)
    return len(moved)


def discard_answers(file: ReceiptFile, *, by: Any) -> None:
    """A table that was read in by mistake; it may be read in again."""
    fire(file, "discard", by=by)


def close_answered(payments: Iterable[Disbursement], *, by: Any) -> None:
    """Batches all of whose payments have an end are answered."""
    batches = {batch.id: batch for item in payments if (batch := batch_of(item)) is not None}
    for batch in batches.values():
        ended = all(item.disbursement.state != "released" for item in items_of(batch))
        if batch.state == BATCH.by_name["answer"].sources[0] and ended:
            fire(batch, "answer", by=by)


def close_ended(*, by: Any) -> int:
    """The same for payments whose end was recorded one by one; how many batches."""
    waiting = (
        exists()
        .where(BatchItem.batch_id == Batch.id, BatchItem.dropped_at.is_(None))
        .where(Disbursement.id == BatchItem.disbursement_id, Disbursement.state == "released")
    )
    batches = db.session.scalars(select(Batch).where(Batch.state == "exported", ~waiting)).all()
    for batch in batches:
        fire(batch, "answer", by=by)
    return len(batches)


def _answer(line: ReceiptLine) -> Answer:
    return Answer(
        row=line.row_number,
        reference=line.reference,
        result=line.result,
        amount=line.amount,
        account_name=line.account_name,
        last_four=line.last_four,
        happened_on=line.happened_on,
        voucher_number=line.voucher_number,
        reason=line.reason,
    )


def _require_pay(by: Any, agency_id: int) -> None:
    if not by.may("disbursement.pay", agency_id=agency_id):
        raise _no_permission()


def _no_permission() -> Refusal:
    return Refusal(Message(N_("You do not have the permission for this step.")), status=403)
