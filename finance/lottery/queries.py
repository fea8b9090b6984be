"""Reading plans and what was set aside within them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import Parameters, parameters
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.queries import figures_of_earmarks
from finance.funds.rules import LOTTERY
from finance.lottery import rules
from finance.lottery.models import LotteryPlan, LotteryYear

ZERO = Money(0)


def lottery_rules(division: str, on: date) -> Parameters:
    """The parameters of RLF for a division on a day."""
    return parameters("RLF", rules.defaults_of(division), on=on, jurisdiction=division)


def rules_of(source: FundSource, on: date | None = None) -> Parameters:
    return lottery_rules(source.agency.division_code, on or clock.today())


# Sources and plans ------------------------------------------------------------------------------


def lottery_sources(user: Any, permission: str = "fund.read") -> list[FundSource]:
    """The lottery funds in scope, each tier on its own."""
    return list(
        db.session.scalars(
            select(FundSource)
            .where(FundSource.kind == LOTTERY, FundSource.agency_id.in_(user.agency_ids(permission)))
            .options(joinedload(FundSource.agency))
            .order_by(FundSource.agency_id, FundSource.tier, FundSource.id)
        )
    )


def visible_plans(user: Any) -> Select[LotteryPlan]:
    return (
        select(LotteryPlan)
        .where(LotteryPlan.agency_id.in_(user.agency_ids("fund.read")))
        .options(
            joinedload(LotteryPlan.fund_source).joinedload(FundSource.agency), selectinload(LotteryPlan.lines)
        )
    )


def plan_in_scope(user: Any, plan_id: int) -> LotteryPlan | None:
    return db.session.scalar(visible_plans(user).where(LotteryPlan.id == plan_id))


def classes_of(source_id: int, fiscal_year: int) -> dict[str, str]:
    """The class of each purpose: what the law names, then what the plan in force says."""
    plan = plan_in_force(source_id, fiscal_year)
    told = {line.purpose: line.category for line in plan.lines} if plan is not None else {}
    return {**told, **rules.CLASS_OF}


def plan_in_force(source_id: int, fiscal_year: int, *, lock: bool = False) -> LotteryPlan | None:
    query = select(LotteryPlan).where(
        LotteryPlan.fund_source_id == source_id,
        LotteryPlan.fiscal_year == fiscal_year,
        LotteryPlan.state == "approved",
    )
    return db.session.scalar(query.with_for_update() if lock else query)


def open_plan(source_id: int, fiscal_year: int) -> LotteryPlan | None:
    """The plan of this year that is being prepared."""
    return db.session.scalar(
        select(LotteryPlan).where(
            LotteryPlan.fund_source_id == source_id,
            LotteryPlan.fiscal_year == fiscal_year,
            LotteryPlan.state.in_(("draft", "reviewed")),
        )
    )


# Money set aside, by purpose --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """What became of the planned money of one purpose; all of it is part of ``earmarked``."""

    earmarked: Money = ZERO
    committed: Money = ZERO
    paid: Money = ZERO

    def __add__(self, other: Use) -> Use:
        return Use(self.earmarked + other.earmarked, self.committed + other.committed, self.paid + other.paid)


@dataclass(frozen=True, slots=True)
class EarmarkUse:
    earmark: Earmark
    use: Use


def earmarks_of_plan(source_id: int, fiscal_year: int, purpose: str | None = None) -> list[EarmarkUse]:
    """The earmarks of a source's budgets of a year with what became of their money.

    ``earmarked`` is what is set aside and not released; ``committed`` what is owed or was paid;
    ``paid`` is net of what came back.
    """
    query = (
        select(Earmark)
        .join(Budget, Budget.id == Earmark.budget_id)
        .where(Budget.fund_source_id == source_id, Budget.fiscal_year == fiscal_year)
        .options(joinedload(Earmark.budget))
        .order_by(Earmark.id)
    )
    if purpose is not None:
        query = query.where(Earmark.purpose == purpose)
    rows = list(db.session.scalars(query))
    figures = figures_of_earmarks(rows)
    return [
        EarmarkUse(
            row,
            Use(
                earmarked=figure.available
                + figure.reserved
                + figure.committed
                + figure.payable
                + figure.paid,
                committed=figure.committed + figure.payable + figure.paid,
                paid=figure.paid,
            ),
        )
        for row in rows
        for figure in (figures[row.id],)
    ]


def use_by_purpose(source_id: int, fiscal_year: int) -> dict[str, Use]:
    sums: dict[str, Use] = {}
    for item in earmarks_of_plan(source_id, fiscal_year):
        sums[item.earmark.purpose] = sums.get(item.earmark.purpose, Use()) + item.use
    return sums


def set_aside_by_purpose(source_id: int, fiscal_year: int) -> dict[str, Money]:
    found = use_by_purpose(source_id, fiscal_year)
    return {purpose: use.earmarked for purpose, use in found.items() if use.earmarked}


# Tier-year accounts -----------------------------------------------------------------------------


def accounts_by_year(source_id: int) -> dict[int, LotteryYear]:
    return {
        row.fiscal_year: row
        for row in db.session.scalars(select(LotteryYear).where(LotteryYear.fund_source_id == source_id))
    }


def years_of(sources: Iterable[FundSource]) -> list[int]:
    """Years with a budget, a plan or an account of these sources, newest first."""
    ids = [source.id for source in sources]
    found: set[int] = {clock.today().year}
    for column, owner in (
        (Budget.fiscal_year, Budget.fund_source_id),
        (LotteryPlan.fiscal_year, LotteryPlan.fund_source_id),
        (LotteryYear.fiscal_year, LotteryYear.fund_source_id),
    ):
        found.update(db.session.scalars(select(column).where(owner.in_(ids)).distinct()))
    return sorted(found, reverse=True)


def source_in_scope(user: Any, source_id: int) -> FundSource | None:
    return db.session.scalar(
        select(FundSource)
        .where(
            FundSource.id == source_id,
            FundSource.kind == LOTTERY,
            FundSource.agency_id.in_(user.agency_ids("fund.read")),
        )
        .options(joinedload(FundSource.agency))
    )


def plans_waiting(user: Any) -> list[LotteryPlan]:
    """Plans whose next step is this person's."""
    steps = (("draft", "lottery.review"), ("reviewed", "lottery.approve"))
    return list(
        db.session.scalars(
            select(LotteryPlan)
            .where(
                or_(
                    *(
                        and_(LotteryPlan.state == state, LotteryPlan.agency_id.in_(user.agency_ids(need)))
                        for state, need in steps
                    )
                ),
                LotteryPlan.drafted_by != user.id,
                or_(LotteryPlan.reviewed_by.is_(None), LotteryPlan.reviewed_by != user.id),
                LotteryPlan.lines.any(),
            )
            .options(joinedload(LotteryPlan.fund_source), selectinload(LotteryPlan.lines))
            .order_by(LotteryPlan.id)
        )
    )
