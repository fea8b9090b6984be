"""Reading funds: sources, budgets and earmarks in scope, and where their money is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, case, func, join, or_, select
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import parameters
from core.rules.rules import Finding
from finance.funds.models import Budget, BudgetAdjustment, Earmark, FundSource
from finance.funds.rules import IDLE_DEFAULTS, idle_finding
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import balance, name_owners

ZERO = Money(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """Where the money of a budget (or a sum of budgets) is now.

    ``budgeted`` is what came in from the source or from last year, less what went back or on into the
    next year; ``earmarked`` what is set aside and not yet bound;
    ``paid`` is net of what came back; ``returned`` is what came back to the budget in all.
    available + earmarked + reserved + committed + payable + paid = budgeted.
    """

    budgeted: Money = ZERO
    available: Money = ZERO
    earmarked: Money = ZERO
    reserved: Money = ZERO
    committed: Money = ZERO
    payable: Money = ZERO
    paid: Money = ZERO
    returned: Money = ZERO

    @property
    def bound(self) -> Money:
        """Owed to somebody and not paid yet."""
        return self.committed + self.payable

    @property
    def set_aside(self) -> Money:
        """Set aside or proposed, owed to nobody yet."""
        return self.earmarked + self.reserved

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, name) + getattr(other, name) for name in FIGURES))


FIGURES = ("budgeted", "available", "earmarked", "reserved", "committed", "payable", "paid", "returned")
_COLUMN = {"earmark": "earmarked", "budget": "available"}
# Movements that change how much a budget has in all.
GIVING = ("budget_approved", "adjusted", "carried_over", "clawed_back", "opening")


def visible_sources(user: Any) -> Select[FundSource]:
    return (
        select(FundSource)
        .where(FundSource.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(FundSource.agency))
    )


def visible_budgets(user: Any) -> Select[Budget]:
    return (
        select(Budget)
        .where(Budget.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(Budget.fund_source), joinedload(Budget.agency))
    )


def visible_earmarks(user: Any) -> Select[Earmark]:
    return (
        select(Earmark)
        .where(Earmark.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(Earmark.budget).joinedload(Budget.fund_source))
    )


def source_in_scope(user: Any, source_id: int) -> FundSource | None:
    return db.session.scalar(visible_sources(user).where(FundSource.id == source_id))


def budget_in_scope(user: Any, budget_id: int) -> Budget | None:
    return db.session.scalar(visible_budgets(user).where(Budget.id == budget_id))


def earmark_in_scope(user: Any, earmark_id: int) -> Earmark | None:
    return db.session.scalar(visible_earmarks(user).where(Earmark.id == earmark_id))


def earmark_available(earmark: Earmark) -> Money:
    """What is set aside and not yet reserved or committed."""
    return balance("earmark", earmark.id, "earmark")


def open_earmarks(user: Any) -> list[Earmark]:
    """Earmarks in scope that still have money to give, oldest first."""
    return list(
        db.session.scalars(
            visible_earmarks(user)
            .join(
                Account,
                (Account.owner_type == "earmark")
                & (Account.owner_id == Earmark.id)
                & (Account.kind == "earmark"),
            )
            .where(Account.balance > Money(0))
            .order_by(Earmark.id)
        )
    )


def earmarks_of(budget: Budget) -> list[Earmark]:
    return list(
        db.session.scalars(select(Earmark).where(Earmark.budget_id == budget.id).order_by(Earmark.id))
    )


def figures_of_budgets(budgets: Iterable[Budget]) -> dict[int, Figures]:
    """The figures of several budgets, in a few queries."""
    found: dict[int, dict[str, Money]] = {budget.id: {} for budget in budgets}
    base = aliased(Account)
    roots = {
        account.id: account.owner_id
        for account in db.session.scalars(
            select(base).where(base.owner_type == "budget", base.owner_id.in_(found))
        )
    }
    for root_id, column, amount in [*_given(roots), *_below(roots)]:
        sums = found[roots[root_id]]
        sums[column] = sums.get(column, Money(0)) + amount
    return {budget_id: Figures(**sums) for budget_id, sums in found.items()}


def _given(roots: Iterable[int]) -> list[tuple[int, str, Money]]:
    """What came into each budget's account from above, net: (root, "budgeted", sum)."""
    rows = db.session.execute(
        select(Posting.account_id, func.sum(Posting.amount))
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Posting.account_id.in_(set(roots)), Transfer.kind.in_(GIVING))
        .group_by(Posting.account_id)
    )
    return [(root_id, "budgeted", _money(amount)) for root_id, amount in rows]


def _money(value: Any) -> Money:
    """A sum as Money; PostgreSQL gives NUMERIC where the type is lost."""
    return value if isinstance(value, Money) else Money(int(value or 0))


def _below(roots: Iterable[int]) -> list[tuple[int, str, Money]]:
    """(root, figure, sum) over the budget accounts, their earmarks and what was committed from them."""
    ids = list(roots)
    first, second, returns = aliased(Account), aliased(Account), aliased(Account)
    base = aliased(Account)
    queries = [
        select(base.id, base.kind, base.balance).where(base.id.in_(ids)),
        select(first.parent_id, first.kind, func.sum(first.balance))
        .where(first.parent_id.in_(ids))
        .group_by(first.parent_id, first.kind),
        select(first.parent_id, second.kind, func.sum(second.balance))
        .join(second, second.parent_id == first.id)
        .where(first.parent_id.in_(ids), second.kind != "returned")
        .group_by(first.parent_id, second.kind),
        # Surplus passes through its account on the way back: count what arrived there.
        select(first.parent_id, returns.kind, func.sum(case((Posting.amount > Money(0), Posting.amount))))
        .join(returns, returns.parent_id == first.id)
        .join(Posting, Posting.account_id == returns.id)
        .where(first.parent_id.in_(ids), returns.kind == "returned")
        .group_by(first.parent_id, returns.kind),
    ]
    return [
        (root_id, _COLUMN.get(kind, kind), _money(amount))
        for query in queries
        for root_id, kind, amount in db.session.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class EarmarkFigures:
    """Where the money of one earmark is now."""

    available: Money = ZERO
    reserved: Money = ZERO
    committed: Money = ZERO
    payable: Money = ZERO
    paid: Money = ZERO

    def __add__(self, other: EarmarkFigures) -> EarmarkFigures:
        return EarmarkFigures(
            *(getattr(self, name) + getattr(other, name) for name in EarmarkFigures.__dataclass_fields__)
        )

    @property
    def bound(self) -> Money:
        """Owed to somebody or paid."""
        return self.committed + self.payable + self.paid

    @property
    def whole(self) -> Money:
        """What is set aside in all."""
        return self.available + self.reserved + self.bound


def figures_of_earmarks(earmarks: Iterable[Earmark]) -> dict[int, EarmarkFigures]:
    """The figures of several earmarks, in two queries."""
    sums: dict[int, dict[str, Money]] = {earmark.id: {} for earmark in earmarks}
    roots: dict[int, int] = {}
    for account in db.session.scalars(
        select(Account).where(Account.owner_type == "earmark", Account.owner_id.in_(sums))
    ):
        name = "available" if account.kind == "earmark" else account.kind
        sums[account.owner_id][name] = account.balance
        if account.kind == "earmark":
            roots[account.id] = account.owner_id
    rows = db.session.execute(
        select(Account.parent_id, Account.kind, func.sum(Account.balance))
        .where(Account.parent_id.in_(roots), Account.kind != "returned")
        .group_by(Account.parent_id, Account.kind)
    )
    for parent_id, kind, amount in rows:
        if parent_id is not None and kind in EarmarkFigures.__dataclass_fields__:
            sums[roots[parent_id]][kind] = amount
    return {earmark_id: EarmarkFigures(**found) for earmark_id, found in sums.items()}


def adjustments_of(budget: Budget) -> list[BudgetAdjustment]:
    return list(
        db.session.scalars(
            select(BudgetAdjustment)
            .where(BudgetAdjustment.budget_id == budget.id)
            .order_by(BudgetAdjustment.id)
        )
    )


def visible_adjustments(user: Any) -> Select[BudgetAdjustment]:
    return (
        select(BudgetAdjustment)
        .where(BudgetAdjustment.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(BudgetAdjustment.budget).joinedload(Budget.fund_source))
    )


def adjustment_in_scope(user: Any, adjustment_id: int) -> BudgetAdjustment | None:
    return db.session.scalar(visible_adjustments(user).where(BudgetAdjustment.id == adjustment_id))


def carried_to(budget: Budget) -> list[Budget]:
    """The budgets into which a rest of this one was carried, drafts included."""
    return list(
        db.session.scalars(
            select(Budget)
            .where(Budget.carried_from_id == budget.id, Budget.state != "withdrawn")
            .order_by(Budget.id)
        )
    )


def open_drafts_of(budget: Budget) -> Money:
    """What drafts waiting for approval would take from the budget: carried over or given back."""
    carried = db.session.scalar(
        select(func.sum(Budget.amount)).where(Budget.carried_from_id == budget.id, Budget.state == "draft")
    )
    taken = db.session.scalar(
        select(func.sum(BudgetAdjustment.amount)).where(
            BudgetAdjustment.budget_id == budget.id,
            BudgetAdjustment.state == "draft",
            BudgetAdjustment.amount < Money(0),
        )
    )
    return _money(carried) - _money(taken)


def idle_of(budget: Budget, figure: Figures | None = None, *, on: date | None = None) -> Finding:
    """RLF-7 about one budget: what is available or set aside and owed to nobody, and for how long."""
    day = on or clock.today()
    figure = figure or figures_of_budgets([budget])[budget.id]
    return idle_finding(
        budget.fund_source.kind,
        origin_year=budget.origin_year,
        unused=figure.available + figure.earmarked,
        on=day,
        parameters=parameters("RLF", IDLE_DEFAULTS, on=day, jurisdiction=budget.agency.division_code),
    )


def old_budgets(user: Any, permission: str, before: int) -> list[Budget]:
    """Budgets in force at the units where ``permission`` is held, first budgeted before the year
    ``before``, of which something is owed to nobody."""
    base, lower = aliased(Account), aliased(Account)
    free = (
        select(lower.id)
        .where(lower.parent_id == base.id, lower.kind == "earmark", lower.balance > Money(0))
        .exists()
    )
    return list(
        db.session.scalars(
            select(Budget)
            .join(base, (base.owner_type == "budget") & (base.owner_id == Budget.id))
            .where(
                Budget.agency_id.in_(user.agency_ids(permission)),
                Budget.state == "approved",
                Budget.origin_year < before,
                or_(base.balance > Money(0), free),
            )
            .options(joinedload(Budget.fund_source), joinedload(Budget.agency))
            .order_by(Budget.origin_year, Budget.id)
            .limit(100)
        )
    )


@dataclass(frozen=True, slots=True)
class YearTotal:
    """One source in one year: its budgets' figures, and how their money came in.

    new + carried_in + changed = figures.budgeted + carried_out.
    """

    budgets: int
    new: Money
    upper: Money
    carried_in: Money
    carried_out: Money
    changed: Money
    figures: Figures


def totals_by_source(user: Any) -> dict[FundSource, dict[int, YearTotal]]:
    """Every visible source with its totals by fiscal year: what came in, how, and what became of it."""
    budgets = db.session.scalars(
        visible_budgets(user).where(Budget.state == "approved").order_by(Budget.fiscal_year, Budget.id)
    ).all()
    figures = figures_of_budgets(budgets)
    onward: dict[int, Money] = {}
    for item in budgets:
        if item.carried_from_id is not None:
            onward[item.carried_from_id] = onward.get(item.carried_from_id, ZERO) + item.amount
    found: dict[FundSource, dict[int, list[Budget]]] = {}
    sources = db.session.scalars(
        visible_sources(user).order_by(FundSource.kind, FundSource.tier, FundSource.id)
    )
    for source in sources:
        found[source] = {}
    for item in budgets:
        found.setdefault(item.fund_source, {}).setdefault(item.fiscal_year, []).append(item)
    return {
        source: {year: _year_total(rows, figures, onward) for year, rows in sorted(years.items())}
        for source, years in found.items()
    }


def _year_total(budgets: list[Budget], figures: dict[int, Figures], onward: dict[int, Money]) -> YearTotal:
    together = sum((figures[item.id] for item in budgets), Figures())
    new = sum((item.amount for item in budgets if item.carried_from_id is None), ZERO)
    carried = sum((item.amount for item in budgets if item.carried_from_id is not None), ZERO)
    out = sum((onward.get(item.id, ZERO) for item in budgets), ZERO)
    return YearTotal(
        budgets=len(budgets),
        new=new,
        upper=sum((item.upper_amount for item in budgets), ZERO),
        carried_in=carried,
        carried_out=out,
        changed=together.budgeted + out - new - carried,
        figures=together,
    )


def kinds_by_year(user: Any) -> dict[str, dict[int, EarmarkFigures]]:
    """What is set aside as support, grant or reward, by fiscal year, and where it is now."""
    earmarks = db.session.scalars(visible_earmarks(user).order_by(Earmark.id)).all()
    figures = figures_of_earmarks(earmarks)
    found: dict[str, dict[int, EarmarkFigures]] = {}
    for item in earmarks:
        years = found.setdefault(item.grant_kind, {})
        year = item.budget.fiscal_year
        years[year] = years.get(year, EarmarkFigures()) + figures[item.id]
    return found


def budget_name(budget: Budget) -> str:
    """``福彩公益金 2026 示财社〔2026〕7号``"""
    return " ".join(filter(None, (budget.fund_source.name, str(budget.fiscal_year), budget.document_number)))


name_owners("fund_source", "funds.source", FundSource.id, [FundSource.name], {"source_id": FundSource.id})
name_owners(
    "budget",
    "funds.budget",
    Budget.id,
    [FundSource.name, Budget.fiscal_year, Budget.document_number],
    {"budget_id": Budget.id},
    join(Budget, FundSource, FundSource.id == Budget.fund_source_id),
)
name_owners("earmark", "funds.earmark", Earmark.id, [Earmark.title], {"earmark_id": Earmark.id})
