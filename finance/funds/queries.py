"""Reading funds: sources, budgets and earmarks in scope, and where their money is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import aliased, joinedload

from core.db import db
from core.money import Money
from finance.funds.models import Budget, Earmark, FundSource
from finance.ledger.models import Account, Posting
from finance.ledger.queries import Owner, balance, name_owners

ZERO = Money(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """Where the money of a budget (or a sum of budgets) is now.

    ``budgeted`` is what the source gave; ``earmarked`` what is set aside and not yet bound;
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
    """The figures of several budgets, in two queries."""
    rows = list(budgets)
    found = {budget.id: {"budgeted": _given(budget)} for budget in rows}
    base = aliased(Account)
    roots = {
        account.id: account.owner_id
        for account in db.session.scalars(
            select(base).where(base.owner_type == "budget", base.owner_id.in_(found))
        )
    }
    for root_id, column, amount in _below(roots):
        sums = found[roots[root_id]]
        sums[column] = sums.get(column, Money(0)) + amount
    return {budget_id: Figures(**sums) for budget_id, sums in found.items()}


def _given(budget: Budget) -> Money:
    return budget.amount if budget.state == "approved" else Money(0)


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
        (root_id, _COLUMN.get(kind, kind), amount if isinstance(amount, Money) else Money(int(amount or 0)))
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


def _source_names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.execute(select(FundSource.id, FundSource.name).where(FundSource.id.in_(ids)))
    return {row.id: Owner(row.name, "funds.source", {"source_id": row.id}) for row in rows}


def budget_name(budget: Budget) -> str:
    """``福彩公益金 2026 示财社〔2026〕7号``"""
    return " ".join(filter(None, (budget.fund_source.name, str(budget.fiscal_year), budget.document_number)))


def _budget_names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.scalars(
        select(Budget).where(Budget.id.in_(ids)).options(joinedload(Budget.fund_source))
    )
    return {row.id: Owner(budget_name(row), "funds.budget", {"budget_id": row.id}) for row in rows}


def _earmark_names(ids: set[int]) -> dict[int, Owner]:
    rows = db.session.execute(select(Earmark.id, Earmark.title).where(Earmark.id.in_(ids)))
    return {row.id: Owner(row.title, "funds.earmark", {"earmark_id": row.id}) for row in rows}


name_owners("fund_source", _source_names)
name_owners("budget", _budget_names)
name_owners("earmark", _earmark_names)
