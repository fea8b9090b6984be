"""Reading batches, what may go into one, and the bank's answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from finance.batches.models import Batch, BatchItem, LayoutColumn, ReceiptFile, ReceiptLine
from finance.batches.rules import STANDARD, Answer, Comparison, Heading, Request, compare
from finance.commitments.models import Commitment, CommitmentShare
from finance.disbursements import policy
from finance.disbursements.lifecycle import findings_now
from finance.disbursements.models import Disbursement
from finance.funds.models import Budget, Earmark
from finance.ledger.models import Account, Posting, Transfer
from registry.accounts.models import User
from registry.agencies.models import Agency

# What stands before the release; only the last of them may go out.
BEFORE_RELEASE = ("requested", "reviewed", "first_approved", "approved")
WAITING = {
    "requested": N_("waits for the review"),
    "reviewed": N_("waits for the approval"),
    "first_approved": N_("above the limit: the second leader has not approved"),
}
MOST_ITEMS = 500


def visible_batches(user: Any) -> Select[Batch]:
    return (
        select(Batch)
        .where(Batch.agency_id.in_(user.agency_ids("disbursement.read")))
        .options(joinedload(Batch.agency))
    )


def batch_in_scope(user: Any, batch_id: int) -> Batch | None:
    return db.session.scalar(visible_batches(user).where(Batch.id == batch_id))


def paying_agencies(user: Any) -> list[Agency]:
    """The units for which this person makes batches."""
    return list(
        db.session.scalars(
            select(Agency).where(Agency.id.in_(user.agency_ids("disbursement.pay"))).order_by(Agency.path)
        )
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payment that could go out; ``reason`` says why it stays out, ``None`` when it may go."""

    disbursement: Disbursement
    reason: Message | None


def candidates(agency_id: int, by: User) -> list[Candidate]:
    """Every payment of a unit before its release that lies in no batch; those that may go first."""
    taken = select(BatchItem.disbursement_id).where(BatchItem.dropped_at.is_(None))
    rows = db.session.scalars(
        select(Disbursement)
        .where(
            Disbursement.agency_id == agency_id,
            Disbursement.state.in_(BEFORE_RELEASE),
            Disbursement.id.not_in(taken),
        )
        .options(
            joinedload(Disbursement.commitment).joinedload(Commitment.organization),
            joinedload(Disbursement.tranche),
            joinedload(Disbursement.payee_account),
        )
        .order_by(Disbursement.id)
        .limit(MOST_ITEMS)
    )
    found = [Candidate(item, why_not(item, by)) for item in rows]
    return sorted(found, key=lambda item: item.reason is not None)


def why_not(disbursement: Disbursement, by: User) -> Message | None:
    """Why this person cannot send the payment out now; ``None``: nothing stands against it."""
    if disbursement.state in WAITING:
        return Message(WAITING[disbursement.state])
    if disbursement.state != "approved":
        return Message(N_("was released, cancelled or returned meanwhile"))
    for finding in findings_now(disbursement, by, leaving=True):
        if finding.verdict is Verdict.FAIL:
            return finding.sentence
    refusal = policy.may_step(by, disbursement, "released")
    return refusal.sentence if refusal is not None else None


def outcomes(items: Iterable[BatchItem]) -> list[tuple[Disbursement, int, Money]]:
    """What became of the payments of a batch: one payment of each state with count and sum, as they come."""
    found: dict[str, list[BatchItem]] = {}
    for item in items:
        found.setdefault(item.disbursement.state, []).append(item)
    return [
        (rows[0].disbursement, len(rows), sum((row.amount for row in rows), Money(0)))
        for rows in found.values()
    ]


def items_of(batch: Batch, *, living: bool = True) -> list[BatchItem]:
    """The payments of a batch in their order, with what its page and its file show."""
    query = (
        select(BatchItem)
        .where(BatchItem.batch_id == batch.id)
        .options(
            joinedload(BatchItem.disbursement).options(
                joinedload(Disbursement.commitment).options(
                    joinedload(Commitment.organization),
                    selectinload(Commitment.shares)
                    .joinedload(CommitmentShare.earmark)
                    .joinedload(Earmark.budget)
                    .joinedload(Budget.fund_source),
                ),
                joinedload(Disbursement.tranche),
                joinedload(Disbursement.payee_account),
            )
        )
        .order_by(BatchItem.position)
    )
    if living:
        query = query.where(BatchItem.dropped_at.is_(None))
    return list(db.session.scalars(query))


def batch_of(disbursement: Disbursement) -> Batch | None:
    """The batch in which a payment lies."""
    return db.session.scalar(
        select(Batch)
        .join(BatchItem, BatchItem.batch_id == Batch.id)
        .where(BatchItem.disbursement_id == disbursement.id, BatchItem.dropped_at.is_(None))
    )


def layout_columns(agency_id: int) -> list[LayoutColumn]:
    return list(
        db.session.scalars(
            select(LayoutColumn).where(LayoutColumn.agency_id == agency_id).order_by(LayoutColumn.position)
        )
    )


def layout_of(agency_id: int, names: dict[str, str]) -> list[Heading]:
    """The columns of a unit's file; without own ones the standard, named by ``names``."""
    own = [Heading(item.heading, item.field, item.fixed) for item in layout_columns(agency_id)]
    return own or [Heading(names[name], name) for name in STANDARD]


# The bank's answers --------------------------------------------------------------------------------


def visible_receipts(user: Any) -> Select[ReceiptFile]:
    return select(ReceiptFile).where(ReceiptFile.agency_id.in_(user.agency_ids("disbursement.read")))


def receipt_in_scope(user: Any, file_id: int) -> ReceiptFile | None:
    return db.session.scalar(visible_receipts(user).where(ReceiptFile.id == file_id))


def lines_of(file: ReceiptFile) -> list[ReceiptLine]:
    return list(
        db.session.scalars(
            select(ReceiptLine)
            .where(ReceiptLine.file_id == file.id)
            .options(
                joinedload(ReceiptLine.disbursement)
                .joinedload(Disbursement.commitment)
                .joinedload(Commitment.organization)
            )
            .order_by(ReceiptLine.row_number)
        )
    )


def compare_all(agency_id: int, answers: Iterable[Answer]) -> list[tuple[Answer, int | None, Comparison]]:
    """Each answer with the payment it speaks of, and whether request, receipt and posting agree."""
    given = list(answers)
    references = {item.reference for item in given}
    payments = {
        item.number: item
        for item in db.session.scalars(
            select(Disbursement)
            .where(Disbursement.agency_id == agency_id, Disbursement.number.in_(references))
            .options(joinedload(Disbursement.payee_account))
        )
    }
    posted = posted_amounts({item.id for item in payments.values()})
    found = []
    for answer in given:
        payment = payments.get(answer.reference)
        comparison = compare(
            request_of(payment) if payment is not None else None,
            answer,
            posted.get(payment.id) if payment is not None else None,
        )
        found.append((answer, payment.id if payment is not None else None, comparison))
    return found


def request_of(payment: Disbursement) -> Request:
    return Request(
        number=payment.number,
        state=payment.state,
        amount=payment.amount,
        account_name=payment.payee_account.account_name,
        last_four=payment.payee_account.last_four,
        released_on=clock.local(payment.released_at).date() if payment.released_at else None,
        paid_on=payment.paid_on,
        voucher_number=payment.voucher_number,
    )


def posted_amounts(payment_ids: set[int]) -> dict[int, Money]:
    """What the ledger moved to be paid for each payment, over all its sources."""
    rows = db.session.execute(
        select(Transfer.reference_id, func.sum(Posting.amount))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Transfer.reference_type == "disbursement",
            Transfer.reference_id.in_(payment_ids),
            Transfer.kind == "disbursement_approved",
            Account.kind == "payable",
        )
        .group_by(Transfer.reference_id)
    )
    return {
        payment_id: amount if isinstance(amount, Money) else Money(int(amount)) for payment_id, amount in rows
    }


def unanswered(file: ReceiptFile) -> list[Disbursement]:
    """Released payments of the unit that this file does not speak of: not compared."""
    told = select(ReceiptLine.disbursement_id).where(
        ReceiptLine.file_id == file.id, ReceiptLine.disbursement_id.is_not(None)
    )
    return list(
        db.session.scalars(
            select(Disbursement)
            .where(
                Disbursement.agency_id == file.agency_id,
                Disbursement.state == "released",
                Disbursement.id.not_in(told),
            )
            .options(joinedload(Disbursement.commitment).joinedload(Commitment.organization))
            .order_by(Disbursement.id)
            .limit(MOST_ITEMS)
        )
    )


def names_of(user_ids: Iterable[int | None]) -> dict[int, str]:
    ids = {item for item in user_ids if item is not None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def fetches_of(batch: Batch) -> list[Any]:
    """Who fetched the file, and when."""
    return [event for event in history_of(batch) if event.event == "file_fetched"]
