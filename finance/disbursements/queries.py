"""Reading disbursements and payee accounts, and gathering what the till checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.access.policy import ROLES
from core.db import db
from core.lifecycle import state_of
from core.money import Money
from core.rules.queries import Parameters, parameters
from core.rules.rules import Finding
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import (
    Payment,
    committed_balance,
    excluded_people,
    open_holds,
    tell_payments,
)
from finance.disbursements.models import ALIVE, Disbursement, PayeeAccount, PaymentLimit
from finance.disbursements.rules import DEFAULTS, TillFacts, leaders, lower, till
from finance.ledger.queries import name_owners
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import Agency
from registry.interests.queries import conflicts
from registry.organizations.models import Organization

# While one of these holds, the money still lies on the commitment.
BEFORE_APPROVAL = ("requested", "reviewed", "first_approved")
# Nothing of such a payment is left: its tranche may be paid by another one.
STOPPED = ("returned", "cancelled")


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

    Nobody is asked for a second step on one payment.
    """
    own_id = user.id

    def untouched(*places: Any) -> ColumnElement[bool]:
        return and_(*(or_(place.is_(None), place != own_id) for place in places))

    again = aliased(Disbursement)
    redone = exists().where(again.tranche_id == Disbursement.tranche_id, again.id > Disbursement.id)
    return or_(
        and_(
            Disbursement.state == "requested",
            Disbursement.agency_id.in_(user.agency_ids("disbursement.review")),
            Disbursement.requested_by != own_id,
        ),
        and_(
            Disbursement.state.in_(("reviewed", "first_approved")),
            Disbursement.agency_id.in_(user.agency_ids("disbursement.approve")),
            untouched(Disbursement.requested_by, Disbursement.reviewed_by, Disbursement.approved_by),
        ),
        and_(
            Disbursement.state == "approved",
            Disbursement.agency_id.in_(user.agency_ids("disbursement.pay")),
            untouched(
                Disbursement.requested_by,
                Disbursement.reviewed_by,
                Disbursement.approved_by,
                Disbursement.second_approved_by,
            ),
        ),
        and_(
            Disbursement.state == "released",
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


def unpaid_before(tranche: Tranche) -> list[Tranche]:
    """Tranches of the same commitment that come before this one and were never paid; nothing due is no tranche."""
    paid = select(Disbursement.tranche_id).where(Disbursement.state.in_(("paid", "recovered")))
    return list(
        db.session.scalars(
            select(Tranche)
            .where(
                Tranche.commitment_id == tranche.commitment_id,
                Tranche.number < tranche.number,
                Tranche.amount > Money(0),
                Tranche.id.not_in(paid.where(Disbursement.commitment_id == tranche.commitment_id)),
            )
            .order_by(Tranche.number)
        )
    )


def tranche_to_request(user: Any, tranche_id: int) -> Tranche | None:
    """A tranche of the units where this person asks for payments."""
    return db.session.scalar(
        select(Tranche)
        .join(Commitment, Commitment.id == Tranche.commitment_id)
        .where(Tranche.id == tranche_id, Commitment.agency_id.in_(user.agency_ids("disbursement.request")))
    )


def visible_payee_accounts(user: Any) -> Select[PayeeAccount]:
    """Accounts of organizations the user's units keep or pay (a host's too), and of the user's own."""
    agencies = user.agency_ids("disbursement.read")
    paid = select(Commitment.organization_id).where(Commitment.agency_id.in_(agencies))
    used = select(Disbursement.payee_account_id).where(Disbursement.agency_id.in_(agencies))
    return (
        select(PayeeAccount)
        .join(Organization, Organization.id == PayeeAccount.organization_id)
        .where(
            or_(
                Organization.agency_id.in_(agencies),
                Organization.id.in_(paid),
                PayeeAccount.id.in_(used),
                Organization.id.in_(user.organization_ids("own.read")),
            )
        )
        .options(joinedload(PayeeAccount.organization))
    )


def payee_account_in_scope(user: Any, account_id: int) -> PayeeAccount | None:
    return db.session.scalar(visible_payee_accounts(user).where(PayeeAccount.id == account_id))


def payable_organizations(user: Any) -> Select[Organization]:
    """Organizations the user may record an account for."""
    agencies = user.agency_ids("account.payee")
    paid = select(Commitment.organization_id).where(Commitment.agency_id.in_(agencies))
    return select(Organization).where(
        or_(
            Organization.agency_id.in_(agencies),
            Organization.id.in_(paid),
            Organization.id.in_(user.organization_ids("own.edit")),
        )
    )


def only_payable(user: Any) -> Organization | None:
    """The organization the user may record an account for, where it is a single one."""
    found = db.session.scalars(payable_organizations(user).limit(2)).all()
    return found[0] if len(found) == 1 else None


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
    leaving: bool = False,
) -> list[Finding]:
    """What the till says now about paying ``amount`` for ``tranche`` to ``payee_account``.

    ``disbursement`` is the payment itself when there is one already; ``people`` are asked for
    besides those who have acted on it; ``leaving``: the money goes to the bank with this step.
    """
    commitment = tranche.commitment
    taken = disbursement is not None and disbursement.state not in BEFORE_APPROVAL
    excluded = excluded_people(commitment)
    actors = {user.id: user for user in [*people, *(actors_of(disbursement) if disbursement else ())]}
    organization = commitment.organization
    host = _host(organization, commitment)
    values = till_parameters(commitment)
    tied = {
        person_id
        for person_id, _body in conflicts(
            {user.person_id for user in actors.values()}, [organization.id], on=clock.today()
        )
    }
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
            (user.name, excluded.get(user.person_id, "tied"))
            for user in actors.values()
            if user.person_id in excluded or user.person_id in tied
        ],
        cools_until=cools_until(payee_account, values),
        today=clock.today(),
        leaving=leaving,
        filed=organization.register_class == "filed",
        hosted=host_of(organization.id, commitment.id, clock.today()) is not None,
    )
    approver = next(iter(people), None) if disbursement is not None else None
    limit = programme_limit(values)
    if disbursement is not None and disbursement.approved_by is not None:
        stood_for = (disbursement.in_place_of or {}).get("approved", disbursement.approved_by)
        limit = lower(
            limit, *(limit_of(who, commitment.agency_id) for who in {disbursement.approved_by, stood_for})
        )
    elif approver is not None and disbursement is not None and disbursement.state == "reviewed":
        limit = lower(limit, personal_limit(approver, commitment.agency_id))
    return [
        *till(facts),
        leaders(
            amount,
            limit,
            first=disbursement is not None and disbursement.approved_by is not None,
            second=disbursement is not None and disbursement.second_approved_by is not None,
            decided=taken,
        ),
    ]


def till_parameters(commitment: Commitment) -> Parameters:
    """The parameters of the till for the commitment's unit and programme today."""
    return unit_parameters(commitment.agency_id, commitment.track)


def unit_parameters(agency_id: int, programme: str = "") -> Parameters:
    """The parameters of the till at a unit today."""
    agency = db.session.get_one(Agency, agency_id)
    return parameters(
        "RDT", DEFAULTS, on=clock.today(), jurisdiction=agency.division_code, programme=programme
    )


def programme_limits(user: Any) -> list[tuple[Agency, str, Money | None, str]]:
    """Unit, programme, limit and the rule set it comes from, at the units where this person acts."""
    acting = {item.agency for item in user.held("disbursement.read") if item.agency is not None}
    found = []
    for agency in sorted(acting, key=lambda item: item.path):
        for track in ("venture_grant", "service_purchase"):
            values = unit_parameters(agency.id, track)
            found.append((agency, track, programme_limit(values), values.label))
    return found


def programme_limit(values: Parameters) -> Money | None:
    """Up to how much one leader approves under this programme; ``None``: any amount."""
    return Money.parse(str(values["second_leader_above"])) if values["second_leader_above"] else None


def personal_limit(user: User, agency_id: int) -> Money | None:
    """Up to how much this person approves alone; acting for a colleague, the lower of both limits."""
    away = user.in_place_of("disbursement.approve", agency_id)
    return lower(*(limit_of(user_id, agency_id) for user_id in (user.id, away) if user_id is not None))


def limit_for(disbursement: Disbursement, user: User) -> Money | None:
    """Up to how much this person approves this payment alone."""
    return lower(
        programme_limit(till_parameters(disbursement.commitment)),
        personal_limit(user, disbursement.agency_id),
    )


def limit_of(user_id: int, agency_id: int) -> Money | None:
    """The confirmed limit of a person at a unit; ``None``: none was set."""
    return db.session.scalar(
        select(PaymentLimit.amount)
        .where(
            PaymentLimit.agency_id == agency_id,
            PaymentLimit.user_id == user_id,
            PaymentLimit.confirmed_by.is_not(None),
            PaymentLimit.ended_on.is_(None),
        )
        .order_by(PaymentLimit.id.desc())
        .limit(1)
    )


def visible_limits(user: Any) -> Select[PaymentLimit]:
    """Limits set at the user's units, in force or waiting for the second person."""
    return (
        select(PaymentLimit)
        .where(PaymentLimit.agency_id.in_(user.agency_ids("disbursement.read")))
        .options(joinedload(PaymentLimit.user))
    )


def limit_in_scope(user: Any, limit_id: int) -> PaymentLimit | None:
    return db.session.scalar(visible_limits(user).where(PaymentLimit.id == limit_id))


def limits_to_confirm(user: Any) -> Select[PaymentLimit]:
    return (
        select(PaymentLimit)
        .where(
            PaymentLimit.agency_id.in_(user.agency_ids("limit.set")),
            PaymentLimit.confirmed_by.is_(None),
            PaymentLimit.ended_on.is_(None),
            PaymentLimit.set_by != user.id,
            PaymentLimit.user_id != user.id,
        )
        .options(joinedload(PaymentLimit.user))
        .order_by(PaymentLimit.id)
    )


def approving_people(agency_ids: Iterable[int]) -> list[RoleAssignment]:
    """Who may approve payments at these units in their own right."""
    return [
        item
        for item in db.session.scalars(
            select(RoleAssignment)
            .join(User, User.id == RoleAssignment.user_id)
            .where(
                RoleAssignment.agency_id.in_(set(agency_ids)),
                RoleAssignment.delegated_by.is_(None),
                RoleAssignment.role.in_(
                    [role.name for role in ROLES.values() if "disbursement.approve" in role.permissions]
                ),
                User.active,
            )
            .options(joinedload(RoleAssignment.user), joinedload(RoleAssignment.agency))
            .order_by(RoleAssignment.agency_id, RoleAssignment.id)
        )
        if item.alive(clock.today())
    ]


def cools_until(account: PayeeAccount, values: Parameters) -> date | None:
    """The first day on which money may leave to the account; ``None``: confirmed before this was noted.

    The first account of an organization has its own, usually shorter, time.
    """
    if account.confirmed_at is None:
        return None
    earlier = db.session.scalar(
        select(PayeeAccount.id)
        .where(
            PayeeAccount.organization_id == account.organization_id,
            PayeeAccount.id != account.id,
            PayeeAccount.confirmed_by.is_not(None),
            or_(PayeeAccount.confirmed_at.is_(None), PayeeAccount.confirmed_at < account.confirmed_at),
        )
        .limit(1)
    )
    days = values["cooling_off_days"] if earlier is not None else values["cooling_off_first_days"]
    return clock.local(account.confirmed_at).date() + timedelta(days=int(days))


@dataclass(frozen=True, slots=True)
class Stuck:
    """A released payment and the day by which the bank should have answered."""

    disbursement: Disbursement
    due: date

    @property
    def days_left(self) -> int:
        return clock.working_days_left(self.due)


def stuck_payments(query: Select[Disbursement]) -> list[Stuck]:
    """Of the payments of ``query``, those released and without an answer for too long."""
    found, days = [], {}
    rows = query.where(Disbursement.state == "released", Disbursement.released_at.is_not(None)).options(
        joinedload(Disbursement.commitment)
    )
    for item in db.session.scalars(rows.order_by(Disbursement.id)):
        key = (item.agency_id, item.commitment.track)
        if key not in days:
            days[key] = int(till_parameters(item.commitment)["answer_within_days"])
        assert item.released_at is not None
        due = clock.add_working_days(clock.local(item.released_at).date(), days[key])
        if due < clock.today():
            found.append(Stuck(item, due))
    return found


def successor_of(disbursement: Disbursement) -> Disbursement | None:
    """The payment that was issued in its place."""
    return db.session.scalar(select(Disbursement).where(Disbursement.reissues_id == disbursement.id))


def to_reissue(tranche: Tranche) -> Disbursement | None:
    """The last payment of the tranche, when it was returned or cancelled and nothing replaces it yet."""
    last = db.session.scalar(
        select(Disbursement)
        .where(Disbursement.tranche_id == tranche.id)
        .order_by(Disbursement.id.desc())
        .limit(1)
    )
    return last if last is not None and last.state in ("returned", "cancelled") else None


def actors_of(disbursement: Disbursement) -> list[User]:
    """Who has taken a step on it."""
    ids = {
        disbursement.requested_by,
        disbursement.reviewed_by,
        disbursement.approved_by,
        disbursement.second_approved_by,
        disbursement.released_by,
    } - {None}
    return list(db.session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id)))


def people_of(disbursements: Iterable[Disbursement]) -> dict[int, str]:
    """Names of everybody named on these payments, by account id."""
    ids = {
        user_id
        for item in disbursements
        for user_id in (
            item.requested_by,
            item.reviewed_by,
            item.approved_by,
            item.second_approved_by,
            item.released_by,
            *(item.in_place_of or {}).values(),
        )
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
            item.number,
            state.label,
            state.tone,
            item.state not in STOPPED,
            "disbursements.show",
            {"disbursement_id": item.id},
        )
    return found


tell_payments(_payments)
name_owners(
    "disbursement",
    "disbursements.show",
    Disbursement.id,
    [Disbursement.number],
    {"disbursement_id": Disbursement.id},
)
