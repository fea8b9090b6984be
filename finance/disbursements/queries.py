"""Reading disbursements and payee accounts, and gathering what the till checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.db import db
from core.lifecycle import state_of
from core.money import Money
from core.rules.rules import Finding
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import (
    Payment,
    committed_balance,
    excluded_people,
    open_holds,
    tell_payments,
)
from finance.disbursements.models import ALIVE, Disbursement, PayeeAccount
from finance.disbursements.rules import TillFacts, till
from finance.ledger.queries import Owner, name_owners
from registry.accounts.models import User
from registry.organizations.models import Organization

# While one of these holds, the money still lies on the commitment.
BEFORE_APPROVAL = ("requested", "reviewed")


def in_scope(user: Any) -> ColumnElement[bool]:
    """Condition on Disbursement joined with Commitment: those of the user's units, and to its organizations."""
    return or_(
        Disbursement.agency_id.in_(user.agency_ids("disbursement.read")),
        Commitment.organization_id.in_(user.organization_ids("own.read")),
    )


def visible_disbursements(user: Any) -> Select[Disbursement]:
    """Those of the user's units, and those to the user's own organizations."""
    return (
        select(Disbursement)
        .join(Commitment, Commitment.id == Disbursement.commitment_id)
        .where(in_scope(user))
        .options(
            joinedload(Disbursement.commitment).joinedload(Commitment.organization),
            joinedload(Disbursement.tranche),
            joinedload(Disbursement.payee_account),
        )
    )


def totals(user: Any, *conditions: ColumnElement[bool]) -> dict[str, tuple[int, Money]]:
    """Count and sum by state over the visible payments that meet the conditions."""
    rows = db.session.execute(
        select(Disbursement.state, func.count(), func.sum(Disbursement.amount))
        .join(Commitment, Commitment.id == Disbursement.commitment_id)
        .where(in_scope(user), *conditions)
        .group_by(Disbursement.state)
    )
    return {state: (count, amount) for state, count, amount in rows}


def disbursement_in_scope(user: Any, disbursement_id: int) -> Disbursement | None:
    return db.session.scalar(visible_disbursements(user).where(Disbursement.id == disbursement_id))


def waiting_for(user: Any) -> ColumnElement[bool]:
    """Payments that this person can take a step on now, as a condition.

    Who prepared it does not review it, who prepared or reviewed it does not approve it.
    """
    own_id = user.id
    again = aliased(Disbursement)
    redone = exists().where(again.tranche_id == Disbursement.tranche_id, again.id > Disbursement.id)
    return or_(
        and_(
            Disbursement.state == "requested",
            Disbursement.agency_id.in_(user.agency_ids("disbursement.review")),
            Disbursement.requested_by != own_id,
        ),
        and_(
            Disbursement.state == "reviewed",
            Disbursement.agency_id.in_(user.agency_ids("disbursement.approve")),
            Disbursement.requested_by != own_id,
            Disbursement.reviewed_by != own_id,
        ),
        and_(
            Disbursement.state.in_(("approved", "released")),
            Disbursement.agency_id.in_(user.agency_ids("disbursement.pay")),
        ),
        and_(
            Disbursement.state == "returned",
            Disbursement.agency_id.in_(user.agency_ids("disbursement.request")),
            ~redone,
        ),
    )


def accounts_to_confirm(user: Any) -> Select[PayeeAccount]:
    """Accounts somebody else recorded, for finance to compare with the bank's paper."""
    agencies = user.agency_ids("disbursement.review") | user.agency_ids("account.payee")
    paid = select(Commitment.organization_id).where(Commitment.agency_id.in_(agencies))
    return (
        select(PayeeAccount)
        .join(Organization, Organization.id == PayeeAccount.organization_id)
        .where(
            or_(Organization.agency_id.in_(agencies), Organization.id.in_(paid)),
            PayeeAccount.confirmed_by.is_(None),
            PayeeAccount.closed_on.is_(None),
            PayeeAccount.recorded_by != user.id,
        )
        .options(joinedload(PayeeAccount.organization))
        .order_by(PayeeAccount.id)
    )


def disbursement_of(tranche: Tranche) -> Disbursement | None:
    """The payment of this tranche that is alive or paid; ``None`` when there is none."""
    return db.session.scalar(select(Disbursement).where(Disbursement.tranche_id == tranche.id, text(ALIVE)))


def disbursements_of(tranche: Tranche) -> list[Disbursement]:
    """All payments of this tranche, the returned and cancelled too, oldest first."""
    return list(
        db.session.scalars(
            select(Disbursement).where(Disbursement.tranche_id == tranche.id).order_by(Disbursement.id)
        )
    )


def visible_payee_accounts(user: Any) -> Select[PayeeAccount]:
    """Accounts of organizations the user's units keep or pay, and of the user's own."""
    agencies = user.agency_ids("disbursement.read")
    paid = select(Commitment.organization_id).where(Commitment.agency_id.in_(agencies))
    return (
        select(PayeeAccount)
        .join(Organization, Organization.id == PayeeAccount.organization_id)
        .where(
            or_(
                Organization.agency_id.in_(agencies),
                Organization.id.in_(paid),
                Organization.id.in_(user.organization_ids("own.read")),
            )
        )
        .options(joinedload(PayeeAccount.organization))
    )


def payee_account_in_scope(user: Any, account_id: int) -> PayeeAccount | None:
    return db.session.scalar(visible_payee_accounts(user).where(PayeeAccount.id == account_id))


def payable_organizations(user: Any) -> list[Organization]:
    """Organizations the user may record an account for."""
    agencies = user.agency_ids("account.payee")
    paid = select(Commitment.organization_id).where(Commitment.agency_id.in_(agencies))
    return list(
        db.session.scalars(
            select(Organization)
            .where(
                or_(
                    Organization.agency_id.in_(agencies),
                    Organization.id.in_(paid),
                    Organization.id.in_(user.organization_ids("own.edit")),
                )
            )
            .order_by(Organization.sort_key, Organization.id)
        )
    )


def confirmed_accounts(
    organization: Organization, commitment: Commitment | None = None
) -> list[PayeeAccount]:
    """Accounts that money may go to: confirmed by a second person and not closed; its host's too, where
    a host keeps the money of ``commitment``.
    """
    host = _host(organization, commitment)
    return list(
        db.session.scalars(
            select(PayeeAccount)
            .where(
                PayeeAccount.organization_id.in_({organization.id, host.id if host else organization.id}),
                PayeeAccount.confirmed_by.is_not(None),
                PayeeAccount.closed_on.is_(None),
            )
            .order_by(PayeeAccount.id)
        )
    )


_hosts: list[Callable[[int, int | None, date], Organization | None]] = []


def tell_hosts(source: Callable[[int, int | None, date], Organization | None]) -> None:
    """Let the room above say who keeps an organization's money (for a commitment, on a day)."""
    _hosts[:] = [source]


def host_of(organization_id: int, commitment_id: int | None, on: date) -> Organization | None:
    """The host whose account may be paid instead of the organization's own; ``None`` when there is none.

    Without a commitment: the host of any hosting agreement in force on that day.
    """
    return _hosts[0](organization_id, commitment_id, on) if _hosts else None


def _host(organization: Organization, commitment: Commitment | None) -> Organization | None:
    """The host by agreement, else the one that the register names."""
    by_agreement = host_of(organization.id, commitment.id if commitment else None, clock.today())
    return by_agreement or organization.host


def account_names(organization: Organization, commitment: Commitment | None = None) -> list[str]:
    """Names money may go to: the payee's own, then its host's."""
    host = _host(organization, commitment)
    return [organization.name, *([host.name] if host is not None else [])]


def receipt_used_by(organization_id: int, receipt_number: str, *, but: int | None = None) -> str:
    """The number of the living payment to this organization that used the receipt; empty when none."""
    found = db.session.scalar(
        select(Disbursement.number)
        .join(Commitment, Commitment.id == Disbursement.commitment_id)
        .where(
            Commitment.organization_id == organization_id,
            Disbursement.receipt_number == receipt_number.strip(),
            Disbursement.id != (but or 0),
            Disbursement.state.not_in(("returned", "cancelled")),
        )
        .limit(1)
    )
    return found or ""


def till_findings(
    tranche: Tranche,
    payee_account: PayeeAccount,
    *,
    amount: Money,
    receipt_number: str,
    disbursement: Disbursement | None = None,
    people: Iterable[User] = (),
) -> list[Finding]:
    """What the till says now about paying ``amount`` for ``tranche`` to ``payee_account``.

    ``disbursement`` is the payment itself when there is one already; ``people`` are asked for
    besides those who have acted on it.
    """
    commitment = tranche.commitment
    taken = disbursement is not None and disbursement.state not in BEFORE_APPROVAL
    excluded = excluded_people(commitment)
    actors = {user.id: user for user in [*people, *(actors_of(disbursement) if disbursement else ())]}
    organization = commitment.organization
    host = _host(organization, commitment)
    facts = TillFacts(
        amount=amount,
        planned=tranche.amount,
        available=None if taken else committed_balance(commitment),
        receipt_number=receipt_number,
        receipt_used_by=receipt_used_by(
            organization.id, receipt_number, but=disbursement.id if disbursement is not None else None
        ),
        account_name=payee_account.account_name,
        account_names=account_names(organization, commitment),
        account_confirmed=payee_account.confirmed_by is not None,
        account_closed=payee_account.closed_on is not None,
        account_is_payees=payee_account.organization_id in (organization.id, host.id if host else None),
        holds=[(hold.reason, hold.text) for hold in open_holds(commitment)],
        excluded=[
            (user.name, excluded[user.person_id]) for user in actors.values() if user.person_id in excluded
        ],
    )
    return till(facts)


def actors_of(disbursement: Disbursement) -> list[User]:
    """Who has taken a step on it."""
    ids = {
        disbursement.requested_by,
        disbursement.reviewed_by,
        disbursement.approved_by,
        disbursement.released_by,
    } - {None}
    return list(db.session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id)))


def people_of(disbursements: Iterable[Disbursement]) -> dict[int, str]:
    """Names of everybody named on these payments, by account id."""
    ids = {
        user_id
        for item in disbursements
        for user_id in (item.requested_by, item.reviewed_by, item.approved_by, item.released_by)
        if user_id is not None
    }
    return names_of(ids)


def names_of(user_ids: Iterable[int | None]) -> dict[int, str]:
    ids = {user_id for user_id in user_ids if user_id is not None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _payments(tranche_ids: set[int]) -> dict[int, Payment]:
    """How each tranche is being paid, for the page of its commitment: the newest payment counts."""
    found: dict[int, Payment] = {}
    for item in db.session.scalars(
        select(Disbursement).where(Disbursement.tranche_id.in_(tranche_ids)).order_by(Disbursement.id)
    ):
        state = state_of(item)
        found[item.tranche_id] = Payment(
            item.number, state.label, state.tone, "disbursements.show", {"disbursement_id": item.id}
        )
    return found


def _names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.execute(select(Disbursement.id, Disbursement.number).where(Disbursement.id.in_(ids)))
    return {row.id: Owner(row.number, "disbursements.show", {"disbursement_id": row.id}) for row in rows}


tell_payments(_payments)
name_owners("disbursement", _names)
