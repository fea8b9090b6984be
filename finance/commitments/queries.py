"""Reading commitments: in scope, running, held, and what was paid on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.money import Money
from finance.commitments.models import Commitment, CommitmentShare, ExcludedPerson, Hold, Tranche
from finance.funds.models import Budget, Earmark
from finance.ledger.models import Account, Posting
from finance.ledger.queries import Owner, balances, extract_of, name_owners

KINDS = ("committed", "payable", "paid", "returned")


@dataclass(frozen=True, slots=True)
class Payment:
    """What the room above says about paying a tranche: number, state and the page that shows it."""

    number: str
    label: str
    tone: str
    endpoint: str
    values: dict[str, Any]


_payments: list[Callable[[set[int]], dict[int, Payment]]] = []


def tell_payments(source: Callable[[set[int]], dict[int, Payment]]) -> None:
    """Let the room above say how each tranche (by id) is being paid; one query for all."""
    _payments[:] = [source]


def payments_of(tranches: Iterable[Tranche]) -> dict[int, Payment]:
    ids = {tranche.id for tranche in tranches}
    return _payments[0](ids) if _payments and ids else {}


def in_scope(user: Any) -> ColumnElement[bool]:
    """Of the user's units, also where they only give a share, or owed to the user's organizations."""
    units = user.agency_ids("commitment.read")
    shared = select(CommitmentShare.commitment_id).where(
        CommitmentShare.agency_id.in_(units), CommitmentShare.number > 1
    )
    return or_(
        Commitment.agency_id.in_(units),
        Commitment.id.in_(shared),
        Commitment.organization_id.in_(user.organization_ids("own.read")),
    )


def visible_commitments(user: Any) -> Select[Commitment]:
    """Those of the user's units, and those owed to the user's own organizations."""
    return (
        select(Commitment)
        .where(in_scope(user))
        .options(
            joinedload(Commitment.organization),
            joinedload(Commitment.earmark).joinedload(Earmark.budget).joinedload(Budget.fund_source),
        )
    )


def totals(user: Any, *conditions: ColumnElement[bool]) -> tuple[int, dict[str, Money]]:
    """How many visible commitments meet the conditions, and their sums by account kind and ``amount``."""
    count, amount = db.session.execute(
        select(func.count(), func.sum(Commitment.amount)).where(in_scope(user), *conditions)
    ).one()
    chosen = select(Commitment.id).where(in_scope(user), *conditions)
    rows = db.session.execute(
        select(Account.kind, func.sum(Account.balance))
        .join(CommitmentShare, CommitmentShare.id == Account.owner_id)
        .where(Account.owner_type == "commitment_share", CommitmentShare.commitment_id.in_(chosen))
        .group_by(Account.kind)
    )
    sums = dict.fromkeys(KINDS, Money(0))
    sums.update((kind, balance) for kind, balance in rows)
    return count, {"amount": amount or Money(0), **sums}


def commitment_in_scope(user: Any, commitment_id: int) -> Commitment | None:
    return db.session.scalar(visible_commitments(user).where(Commitment.id == commitment_id))


def running_commitments(organization_id: int, on: date) -> list[Commitment]:
    """What is still owed to the organization on ``on``: not ended, also when its last day is past."""
    return list(
        db.session.scalars(
            select(Commitment)
            .where(
                Commitment.organization_id == organization_id,
                or_(Commitment.ended_on.is_(None), Commitment.ended_on > on),
            )
            .order_by(Commitment.id)
        )
    )


def paid_total(commitment: Commitment) -> Money:
    """What was paid and has not come back."""
    return sums_of([commitment])[commitment.id]["paid"]


def committed_balance(commitment: Commitment) -> Money:
    """What is owed and not yet approved for payment."""
    return sums_of([commitment])[commitment.id]["committed"]


def open_holds(commitment: Commitment) -> list[Hold]:
    return list(
        db.session.scalars(
            select(Hold)
            .where(Hold.commitment_id == commitment.id, Hold.lifted_at.is_(None))
            .order_by(Hold.id)
        )
    )


def excluded_people(commitment: Commitment) -> dict[int, str]:
    """Person id → reason."""
    rows = db.session.execute(
        select(ExcludedPerson.person_id, ExcludedPerson.reason).where(
            ExcludedPerson.commitment_id == commitment.id
        )
    )
    return {row.person_id: row.reason for row in rows}


def sums_of(commitments: Iterable[Commitment]) -> dict[int, dict[str, Money]]:
    """Committed, payable, paid and returned of several commitments in one query."""
    found = {commitment.id: dict.fromkeys(KINDS, Money(0)) for commitment in commitments}
    rows = db.session.execute(
        select(CommitmentShare.commitment_id, Account.kind, func.sum(Account.balance))
        .join(Account, Account.owner_id == CommitmentShare.id)
        .where(Account.owner_type == "commitment_share", CommitmentShare.commitment_id.in_(found))
        .group_by(CommitmentShare.commitment_id, Account.kind)
    )
    for row_id, kind, amount in rows:
        found[row_id][kind] = amount
    return found


def accounts_of(commitment: Commitment) -> dict[int, dict[str, Account]]:
    """The accounts of each source's part: share id → kind → account."""
    return balances("commitment_share", [share.id for share in commitment.shares])


def extract_of_commitment(commitment: Commitment, *, limit: int = 50) -> list[Posting]:
    """The newest postings on the accounts of all its sources."""
    return extract_of("commitment_share", *(share.id for share in commitment.shares), limit=limit)


def commitments_of_earmark(earmark_id: int) -> list[Commitment]:
    return list(
        db.session.scalars(
            select(Commitment)
            .join(CommitmentShare, CommitmentShare.commitment_id == Commitment.id)
            .where(CommitmentShare.earmark_id == earmark_id)
            .options(joinedload(Commitment.organization))
            .order_by(Commitment.id)
        )
    )


def _names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.execute(
        select(Commitment.id, Commitment.number, Commitment.title).where(Commitment.id.in_(ids))
    )
    return {
        row.id: Owner(f"{row.number} {row.title}", "commitments.show", {"commitment_id": row.id})
        for row in rows
    }


def _share_names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.execute(
        select(CommitmentShare.id, Commitment.id, Commitment.number, Commitment.title)
        .join(Commitment, Commitment.id == CommitmentShare.commitment_id)
        .where(CommitmentShare.id.in_(ids))
    )
    return {
        share_id: Owner(f"{number} {title}", "commitments.show", {"commitment_id": row_id})
        for share_id, row_id, number, title in rows
    }


name_owners("commitment", _names)
name_owners("commitment_share", _share_names)
