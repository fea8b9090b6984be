"""What the books say: execution, advances, what falls due, variance and input, all from postings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import sums_of
from finance.commitments.rules import falls_due
from finance.disbursements.models import Disbursement
from finance.exports.queries import fed_from
from finance.funds.models import Budget, FundSource
from finance.funds.queries import Figures, figures_of_budgets, visible_budgets
from finance.ledger.models import Posting, Transfer
from finance.ledger.queries import booked_between
from finance.statements.rules import ageing

ZERO = Money(0)


def _money(value: Any) -> Money:
    """A sum as Money; PostgreSQL gives NUMERIC where the type is lost."""
    return value if isinstance(value, Money) else Money(int(value or 0))


def month_end(month: date) -> date:
    return clock.add_months(month, 1) - timedelta(days=1)


# Budget execution -------------------------------------------------------------------------------


@dataclass
class Execution:
    """One budget: where its money is now, and what was paid of it by month of the books (net)."""

    budget: Budget
    figures: Figures
    paid: dict[date, Money] = field(default_factory=dict)

    def paid_in(self, month: date) -> Money:
        return self.paid.get(month, ZERO)


def execution(user: Any, fiscal_year: int, *conditions: ColumnElement[bool]) -> list[Execution]:
    """Every approved budget of the fiscal year in scope, in three queries and one for each year of payment."""
    budgets = list(
        db.session.scalars(
            visible_budgets(user)
            .join(FundSource, FundSource.id == Budget.fund_source_id)
            .where(Budget.fiscal_year == fiscal_year, Budget.state == "approved", *conditions)
            .order_by(FundSource.agency_id, FundSource.name, Budget.id)
        )
    )
    figures = figures_of_budgets(budgets)
    rows = {budget.id: Execution(budget, figures[budget.id]) for budget in budgets}
    for (budget_id, month), amount in paid_by_month(rows).items():
        rows[budget_id].paid[month] = amount
    return list(rows.values())


def paid_by_month(budget_ids: Iterable[int]) -> dict[tuple[int, date], Money]:
    """What arrived on the paid accounts of each budget less what left them, by month of the books."""
    ids = sorted(budget_ids)
    if not ids:
        return {}
    accounts = fed_from(Budget.id.in_(ids))
    ends: Any = db.session.execute(
        select(func.min(Transfer.posted_at), func.min(Transfer.booked_on), func.max(Transfer.posted_at))
        .select_from(Posting)
        .join(accounts, accounts.c.account_id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(accounts.c.kind == "paid")
    ).one()
    first, booked, last = ends
    if first is None:
        return {}
    begin = min(day for day in (clock.local(first).date(), booked) if day is not None)
    found: dict[tuple[int, date], Money] = {}
    for year in range(begin.year, clock.local(last).year + 1):
        months = [date(year, number, 1) for number in range(1, 13)]
        month = case(*((booked_between(each, month_end(each)), each.month) for each in months))
        rows = db.session.execute(
            select(accounts.c.budget_id, month, func.sum(Posting.amount))
            .select_from(Posting)
            .join(accounts, accounts.c.account_id == Posting.account_id)
            .join(Transfer, Transfer.id == Posting.transfer_id)
            .where(accounts.c.kind == "paid", booked_between(months[0], date(year, 12, 31)))
            .group_by(accounts.c.budget_id, month)
        )
        for budget_id, number, amount in rows:
            found[budget_id, date(year, number, 1)] = _money(amount)
    return found


def fiscal_years(user: Any) -> list[int]:
    """Years with a budget in scope, newest first."""
    return list(
        db.session.scalars(
            select(Budget.fiscal_year)
            .where(Budget.agency_id.in_(user.agency_ids("fund.read")), Budget.state == "approved")
            .distinct()
            .order_by(Budget.fiscal_year.desc())
        )
    )


# Spending of projects, told by the floor above ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One budget line of a commitment's project: planned and spent; ``label`` is an English id."""

    code: str
    label: str
    planned: Money
    spent: Money


Lines = Callable[[Sequence[int]], dict[int, list[LineFigures]]]
_lines: list[Lines] = []


def tell_lines(source: Lines) -> None:
    """Let the rooms of projects say what was spent under commitments (by id), line by line."""
    _lines[:] = [source]


def lines_of(commitment_ids: Sequence[int]) -> dict[int, list[LineFigures]]:
    return _lines[0](commitment_ids) if _lines and commitment_ids else {}


def commitments_in_books(user: Any) -> Select[Commitment]:
    """Commitments of the units whose books the user may see."""
    return (
        select(Commitment)
        .where(Commitment.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(Commitment.organization))
        .order_by(Commitment.id)
    )


# Ageing of advances -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Advance:
    """Paid to a project and not yet shown as spent, by age of the payments."""

    commitment: Commitment
    paid: Money
    spent: Money
    bands: list[Money]

    @property
    def outstanding(self) -> Money:
        return sum(self.bands, ZERO)


def advances(user: Any) -> list[Advance]:
    """Every commitment with paid money that its vouchers do not cover yet, the largest first."""
    commitments = list(db.session.scalars(commitments_in_books(user)))
    sums = sums_of(commitments)
    paid = [item for item in commitments if sums[item.id]["paid"]]
    spending = lines_of([item.id for item in paid])
    payments: dict[int, list[tuple[date, Money]]] = {}
    for row in db.session.execute(
        select(Disbursement.commitment_id, Disbursement.paid_on, Disbursement.amount).where(
            Disbursement.commitment_id.in_([item.id for item in paid]),
            Disbursement.paid_on.is_not(None),
            Disbursement.state.in_(("paid", "recovered")),
        )
    ):
        payments.setdefault(row.commitment_id, []).append((row.paid_on, row.amount))
    found = []
    for item in paid:
        spent = sum((line.spent for line in spending.get(item.id, [])), ZERO)
        left = sums[item.id]["paid"] - spent
        if left > ZERO:
            bands = ageing(payments.get(item.id, []), left, clock.today())
            found.append(Advance(item, sums[item.id]["paid"], spent, bands))
    return sorted(found, key=lambda row: (-row.outstanding.fen, row.commitment.id))


# Tranche calendar -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """A tranche that is still to be paid, and the day it falls due, agreed or expected."""

    tranche: Tranche
    commitment: Commitment
    due_on: date
    number: str  # of the payment under way, empty where there is none

    @property
    def month(self) -> date:
        return self.due_on.replace(day=1)


def dues(user: Any) -> list[Due]:
    """Unpaid tranches of commitments that have not ended, in the order in which they fall due."""
    under_way = {
        tranche_id: (number, state)
        for tranche_id, number, state in db.session.execute(
            select(Disbursement.tranche_id, Disbursement.number, Disbursement.state).where(
                Disbursement.agency_id.in_(user.agency_ids("fund.read")),
                Disbursement.state.not_in(("returned", "cancelled")),
            )
        )
    }
    found = []
    rows = db.session.scalars(
        select(Tranche)
        .join(Commitment, Commitment.id == Tranche.commitment_id)
        .where(
            Commitment.agency_id.in_(user.agency_ids("fund.read")),
            Commitment.ended_on.is_(None),
            Tranche.amount > ZERO,
        )
        .options(joinedload(Tranche.commitment).joinedload(Commitment.organization))
    )
    for tranche in rows:
        number, state = under_way.get(tranche.id, ("", ""))
        if state in ("paid", "recovered"):
            continue
        commitment = tranche.commitment
        found.append(Due(tranche, commitment, falls_due(tranche), number))
    return sorted(found, key=lambda row: (row.due_on, row.commitment.id, row.tranche.number))


def owed_in_ledger(user: Any) -> Money:
    """What the ledger holds as committed or approved for payment on commitments that have not ended."""
    commitments = list(db.session.scalars(commitments_in_books(user).where(Commitment.ended_on.is_(None))))
    return sum((sums["committed"] + sums["payable"] for sums in sums_of(commitments).values()), ZERO)


# Variance ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Variance:
    """One budget line of one commitment."""

    commitment: Commitment
    line: LineFigures


def variances(user: Any) -> list[Variance]:
    """Budget lines of every project in the books, planned and spent."""
    commitments = {item.id: item for item in db.session.scalars(commitments_in_books(user))}
    spending = lines_of(list(commitments))
    return [
        Variance(commitments[commitment_id], line)
        for commitment_id in sorted(spending)
        for line in spending[commitment_id]
    ]


# Input over years -------------------------------------------------------------------------------


@dataclass
class Input:
    """One source: budgeted by fiscal year, paid by year of the books (net)."""

    source: FundSource
    budgeted: dict[int, Money] = field(default_factory=dict)
    paid: dict[int, Money] = field(default_factory=dict)


def inputs(user: Any, years: Sequence[int]) -> list[Input]:
    """What each source in scope gave and what was paid of it in these years."""
    budgets = list(
        db.session.scalars(
            visible_budgets(user).where(Budget.state == "approved").order_by(Budget.fund_source_id, Budget.id)
        )
    )
    figures = figures_of_budgets([item for item in budgets if item.fiscal_year in years])
    rows: dict[int, Input] = {}
    for budget in budgets:
        row = rows.setdefault(budget.fund_source_id, Input(budget.fund_source))
        if budget.fiscal_year in years:
            year = budget.fiscal_year
            row.budgeted[year] = row.budgeted.get(year, ZERO) + figures[budget.id].budgeted
    source_of = {budget.id: budget.fund_source_id for budget in budgets}
    for (budget_id, month), amount in paid_by_month(source_of).items():
        if month.year in years:
            row = rows[source_of[budget_id]]
            row.paid[month.year] = row.paid.get(month.year, ZERO) + amount
    return [row for row in rows.values() if row.budgeted or any(row.paid.values())]


# Labour remuneration ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fee:
    """Remuneration for labour as booked by a project: who got it, when, how much, and the page that shows it."""

    commitment_id: int
    payee: str
    paid_on: date
    amount: Money
    voucher_number: str
    endpoint: str
    values: dict[str, Any]


Fees = Callable[[Sequence[int]], list[Fee]]
_fees: list[Fees] = []


def tell_fees(source: Fees) -> None:
    """Let the rooms of projects say which labour remuneration was booked under commitments (by id)."""
    _fees[:] = [source]


def fees_together(user: Any) -> dict[tuple[date, str, int], list[Fee]]:
    """Fees in the user's books that are taxed together: by month, payee and commitment (同一项目一个月内), the
    newest month first."""
    ids = list(db.session.scalars(commitments_in_books(user).with_only_columns(Commitment.id)))
    found: dict[tuple[date, str, int], list[Fee]] = {}
    for fee in _fees[0](ids) if _fees and ids else []:
        found.setdefault((fee.paid_on.replace(day=1), fee.payee, fee.commitment_id), []).append(fee)
    return dict(sorted(found.items(), key=lambda item: (-item[0][0].toordinal(), *item[0][1:])))
