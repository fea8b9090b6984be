"""Reading commitments: in scope, running, held, and what was paid on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, join, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import Parameters, parameters
from core.text import N_, Message
from finance.commitments.models import Commitment, CommitmentShare, ExcludedPerson, Hold, Tranche
from finance.commitments.rules import TRANCHE_DEFAULTS, whole_at_once_problem
from finance.contracts.queries import tell_paid
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.queries import budget_in_scope, earmark_in_scope, source_in_scope, visible_budgets
from finance.funds.rules import FUND_KINDS
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import Owner, balances, extract_of, name_owners, owners
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.outcomes.queries import add_matters, add_touched

KINDS = ("committed", "payable", "paid", "returned")


@dataclass(frozen=True, slots=True)
class Payment:
    """What the room above says about paying a tranche: number, state and the page that shows it.

    ``alive``: neither sent back nor cancelled.
    """

    number: str
    label: str
    tone: str
    alive: bool
    endpoint: str
    values: dict[str, Any]


_payments: list[Callable[[set[int]], dict[int, Payment]]] = []


def tell_payments(source: Callable[[set[int]], dict[int, Payment]]) -> None:
    """Let the room above say how each tranche (by id) is being paid; one query for all."""
    _payments[:] = [source]


def payments_of(tranches: Iterable[Tranche]) -> dict[int, Payment]:
    ids = {tranche.id for tranche in tranches}
    return _payments[0](ids) if _payments and ids else {}


@dataclass(frozen=True, slots=True)
class Back:
    """What the room above says of a case by which paid money comes back, and the page that shows it."""

    number: str
    label: str
    tone: str
    asked: Money
    came: Money
    payment_id: int | None
    endpoint: str
    values: dict[str, Any]


_backs: list[Callable[[Any, int], list[Back]]] = []


def tell_backs(source: Callable[[Any, int], list[Back]]) -> None:
    """Let the room above say which cases of a commitment (by id) a reader may see."""
    _backs[:] = [source]


def backs_of(user: Any, commitment_id: int) -> list[Back]:
    """The cases by which money of a commitment comes back, as far as the reader may open them."""
    return _backs[0](user, commitment_id) if _backs else []


_requests: list[Callable[[Any, Commitment], dict[int, tuple[str, dict[str, Any]]]]] = []


def tell_requests(source: Callable[[Any, Commitment], dict[int, tuple[str, dict[str, Any]]]]) -> None:
    """Let the room above say which tranches (by id) this person asks to be paid, and on which page."""
    _requests[:] = [source]


def requests_of(user: Any, commitment: Commitment) -> dict[int, tuple[str, dict[str, Any]]]:
    """The tranches this person may ask for now, each with the endpoint and values of its page."""
    return _requests[0](user, commitment) if _requests else {}


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


# The chain from source to spending -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spending:
    """What the payee accounts for, as a room above tells it: one line of the chain."""

    label: Message
    amount: Money
    endpoint: str
    values: dict[str, Any]


_spending: list[Callable[[set[int]], dict[int, list[Spending]]]] = []


def tell_spending(source: Callable[[set[int]], dict[int, list[Spending]]]) -> None:
    """Let the room above say what was spent and accepted of commitments (by id); one query for all."""
    _spending[:] = [source]


def spending_of(commitment_ids: Iterable[int]) -> dict[int, list[Spending]]:
    ids = set(commitment_ids)
    return _spending[0](ids) if _spending and ids else {}


@dataclass(frozen=True, slots=True)
class Flow:
    """What one payment (or one return) moved of one source's part, by the ledger.

    ``payable`` is approved and not paid yet, ``paid`` net of what the bank sent back, ``returned`` what
    came back as surplus or recovery.
    """

    about: tuple[str, int]
    owner: Owner | None
    payable: Money
    paid: Money
    returned: Money


def flows_of(shares: Iterable[CommitmentShare]) -> dict[int, list[Flow]]:
    """By share id, what was paid and what came back, each by the thing it was about, oldest first."""
    ids = {share.id for share in shares}
    arrived = case((Posting.amount > Money(0), Posting.amount))
    rows = db.session.execute(
        select(
            Account.owner_id,
            Account.kind,
            Transfer.reference_type,
            Transfer.reference_id,
            func.sum(Posting.amount),
            func.sum(arrived),
            func.min(Transfer.id),
        )
        .join(Posting, Posting.account_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Account.owner_type == "commitment_share",
            Account.owner_id.in_(ids),
            Account.kind.in_(("payable", "paid", "returned")),
        )
        .group_by(Account.owner_id, Account.kind, Transfer.reference_type, Transfer.reference_id)
    ).all()
    found: dict[tuple[int, tuple[str, int]], dict[str, Money]] = {}
    first: dict[tuple[int, tuple[str, int]], int] = {}
    for share_id, kind, about, about_id, net, came, transfer_id in rows:
        key = (share_id, (about, about_id))
        # Surplus only passes through its account: count what arrived there.
        found.setdefault(key, {})[kind] = money_of(came if kind == "returned" else net)
        first[key] = min(first.get(key, transfer_id), transfer_id)
    names = owners(about for _share, about in found)
    flows: dict[int, list[Flow]] = {}
    for key in sorted(found, key=lambda item: first[item]):
        share_id, about = key
        sums = {kind: found[key].get(kind, Money(0)) for kind in ("payable", "paid", "returned")}
        if sums["returned"]:
            # What came back was paid once: the payment's own line keeps it.
            sums["paid"] = Money(0)
        flows.setdefault(share_id, []).append(Flow(about, names.get(about), **sums))
    return flows


def paid_by_year(commitment_ids: Iterable[int]) -> dict[int, dict[int, Money]]:
    """By commitment id, what was paid in each year of the books and has not come back.

    Money that comes back is taken off the newest year that still has some, so that no year is ever
    negative. Of a contract that public money pays for, public money alone is told.
    """
    rows = db.session.execute(
        select(
            CommitmentShare.commitment_id, FundSource.kind, Posting.amount, Transfer.booked_on, Transfer.posted_at
        )
        .join(Earmark, Earmark.id == CommitmentShare.earmark_id)
        .join(Budget, Budget.id == Earmark.budget_id)
        .join(FundSource, FundSource.id == Budget.fund_source_id)
        .outerjoin(
            Account,
            and_(
                Account.owner_type == "commitment_share",
                Account.owner_id == CommitmentShare.id,
                Account.kind == "paid",
            ),
        )
        .outerjoin(Posting, Posting.account_id == Account.id)
        .outerjoin(Transfer, Transfer.id == Posting.transfer_id)
        .where(CommitmentShare.commitment_id.in_(set(commitment_ids)))
        .order_by(Transfer.id)
    ).all()  # fmt: skip
    public = {row.commitment_id for row in rows if FUND_KINDS[row.kind].public}
    found: dict[int, dict[int, Money]] = {}
    for row in rows:
        years = found.setdefault(row.commitment_id, {})
        if row.amount is None or (row.commitment_id in public and not FUND_KINDS[row.kind].public):
            continue
        if row.amount > Money(0):
            year = (row.booked_on or clock.local(row.posted_at).date()).year
            years[year] = years.get(year, Money(0)) + row.amount
            continue
        back = -row.amount
        for year in sorted(years, reverse=True):
            part = min(back, years[year])
            years[year], back = years[year] - part, back - part
    return found


def released_of(shares: Iterable[CommitmentShare]) -> dict[int, Money]:
    """By share id, what was owed and not needed any more: it went back to what was set aside."""
    rows = db.session.execute(
        select(Account.owner_id, func.sum(Posting.amount))
        .join(Posting, Posting.account_id == Account.id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Account.owner_type == "commitment_share",
            Account.owner_id.in_({share.id for share in shares}),
            Account.kind == "committed",
            Transfer.kind == "remainder_released",
        )
        .group_by(Account.owner_id)
    )
    return {share_id: -money_of(amount) for share_id, amount in rows}


def money_of(value: Any) -> Money:
    """A sum as Money; PostgreSQL gives NUMERIC where the type is lost."""
    return value if isinstance(value, Money) else Money(int(value or 0))


def shares_of_earmarks(earmark_ids: Iterable[int]) -> Select[CommitmentShare]:
    """The parts that commitments take from these earmarks, with their payees; page it by id."""
    return (
        select(CommitmentShare)
        .where(CommitmentShare.earmark_id.in_(set(earmark_ids)))
        .options(joinedload(CommitmentShare.commitment).joinedload(Commitment.organization))
    )


def chain_of(user: Any, kind: str, thing_id: int) -> tuple[Any, list[Budget], list[Earmark]] | None:
    """The place of a source, budget, earmark or commitment in the chain: itself, with the budgets and
    earmarks its money passes; ``None`` outside the reader's scope."""
    if kind == "commitment":
        commitment = commitment_in_scope(user, thing_id)
        if commitment is None:
            return None
        earmarks = [share.earmark for share in commitment.shares]
        return commitment, list({item.budget_id: item.budget for item in earmarks}.values()), earmarks
    if kind == "earmark":
        earmark = earmark_in_scope(user, thing_id)
        return (earmark, [earmark.budget], [earmark]) if earmark is not None else None
    if kind == "budget":
        budget = budget_in_scope(user, thing_id)
        return (budget, [budget], _earmarks_under([budget])) if budget is not None else None
    source = source_in_scope(user, thing_id)
    if source is None:
        return None
    budgets = list(
        db.session.scalars(
            visible_budgets(user)
            .where(Budget.fund_source_id == source.id, Budget.state == "approved")
            .order_by(Budget.fiscal_year.desc(), Budget.id.desc())
        )
    )
    return source, budgets, _earmarks_under(budgets)


def _earmarks_under(budgets: Iterable[Budget]) -> list[Earmark]:
    return list(
        db.session.scalars(
            select(Earmark)
            .where(Earmark.budget_id.in_({item.id for item in budgets}))
            .options(joinedload(Earmark.budget).joinedload(Budget.fund_source))
            .order_by(Earmark.id)
        )
    )


def sums_of_shares(shares: Iterable[CommitmentShare]) -> dict[int, dict[str, Money]]:
    """Committed, payable and paid of each part, by share id."""
    found = {share.id: dict.fromkeys(KINDS, Money(0)) for share in shares}
    rows = db.session.execute(
        select(Account.owner_id, Account.kind, Account.balance).where(
            Account.owner_type == "commitment_share", Account.owner_id.in_(found)
        )
    )
    for share_id, kind, amount in rows:
        found[share_id][kind] = amount
    return found


tell_paid(paid_by_year)
name_owners(
    "commitment",
    "commitments.show",
    Commitment.id,
    [Commitment.number, Commitment.title],
    {"commitment_id": Commitment.id},
)
name_owners(
    "commitment_share",
    "commitments.show",
    CommitmentShare.id,
    [Commitment.number, Commitment.title],
    {"commitment_id": Commitment.id},
    join(CommitmentShare, Commitment, Commitment.id == CommitmentShare.commitment_id),
)


def tranche_parameters(agency_id: int, programme: str) -> Parameters:
    """The templates of tranches and the limit of a micro grant at a unit today."""
    agency = db.session.get_one(Agency, agency_id)
    return parameters(
        "RDT",
        TRANCHE_DEFAULTS,
        on=clock.today(),
        jurisdiction=agency.division_code,
        programme=programme,
    )


def whole_at_once(agency_id: int, programme: str, weights: list[int] | None, amount: Money) -> Message | None:
    """Why grants of this amount are not paid whole at signing at this unit; ``None``: they may be."""
    values = tranche_parameters(agency_id, programme)
    return whole_at_once_problem(weights or [50, 40, 10], amount, int(values["micro_limit_yuan"]))


def _matters(organization: Organization) -> list[tuple[Message, int]]:
    count = len(running_commitments(organization.id, clock.today()))
    return [(Message(N_("Commitments that have not ended: %(count)s"), {"count": count}), count)]


add_matters("commitments", _matters)


def _touched(user: Any, ids: list[int]) -> list[tuple[str, str, dict[str, int]]]:
    rows = db.session.scalars(
        visible_commitments(user).where(Commitment.id.in_(ids)).order_by(Commitment.id)
    ).unique()
    return [(f"{row.number} {row.title}", "commitments.show", {"commitment_id": row.id}) for row in rows]


add_touched("commitments", _touched)
