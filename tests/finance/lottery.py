"""A lottery fund with its plan, for tests of what may be done with it."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.money import Money
from core.rules.services import add_rule_set
from finance.funds.models import Budget, FundSource
from finance.lottery.models import LotteryPlan
from finance.lottery.services import Line, approve_plan, draft_plan, review_plan
from tests import world
from tests.finance.money import make_budget


def strict(**parameters: Any) -> None:
    """The product's own rules, which the small world loosens for the tests of other rooms."""
    add_rule_set(
        "RLF",
        {"plan_required": True, "sign_required": True, **parameters},
        valid_from=date(2001, 1, 1),
        source="tests only",
        jurisdiction="150600",
    )


def line(
    amount: str, purpose: str = "elderly", category: str = "", title: str = "为老服务项目", **more: Any
) -> Line:
    """A line of so many 万元."""
    known = {"elderly": "elderly", "children": "children", "disability": "disability"}
    return Line(
        purpose=purpose,
        category=category or known.get(purpose, "welfare"),
        title=title,
        amount=Money.parse(amount, unit=1_000_000),
        **more,
    )


LINES = (
    line("60"),
    line("25", "children", title="儿童关爱项目"),
    line("15", "community", title="社区治理项目"),
)


def draft(source: FundSource, lines: Any = LINES, year: int | None = None) -> LotteryPlan:
    return draft_plan(source, year or clock.today().year, lines=list(lines), by=world.user("finance"))


def in_force(source: FundSource, lines: Any = LINES, year: int | None = None) -> LotteryPlan:
    plan = draft(source, lines, year)
    review_plan(plan, by=world.user("finreview"))
    approve_plan(plan, by=world.user("leader"))
    return plan


def planned_budget(lines: Any = LINES, amount: int = 1_000_000) -> Budget:
    """A budget of a million yuan under the strict rules, with its plan in force."""
    strict()
    budget = make_budget(amount)
    in_force(budget.fund_source, lines)
    return budget
