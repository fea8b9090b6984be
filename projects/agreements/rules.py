"""What a contract may be: ways of buying, official words, tranches, budget by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from core.money import Money
from core.text import N_
from finance.funds.models import Earmark
from finance.funds.rules import FUND_KINDS
from registry.agencies.models import Agency


@dataclass(frozen=True, slots=True)
class Method:
    """A way of buying (DOMAIN 2.2). ``official`` is the value that public tables carry."""

    code: str
    label: str
    official: str


METHODS: dict[str, Method] = {
    method.code: method
    for method in (
        Method("open_tender", N_("open tender"), "公开招标"),
        Method("invited_tender", N_("invited tender"), "邀请招标"),
        Method("negotiation", N_("competitive negotiation"), "竞争性谈判"),
        Method("consultation", N_("competitive consultation"), "竞争性磋商"),
        Method("single_source", N_("single source"), "单一来源"),
        Method("framework", N_("framework agreement"), "框架协议"),
        Method("below_limit_select", N_("selection below the purchase limit"), "限额以下比选"),
        # Money that is no budget money is spent outside the procurement rules (政府采购法 Art. 2).
        Method("outside", N_("outside the procurement rules: no public money"), "非财政性资金采购"),
    )
}
VENTURE_METHOD = "公益创投征集"

# Fund kinds as public tables write them (DOMAIN 1.3).
FUND_TERMS = {kind.code: kind.official for kind in FUND_KINDS.values()}

# 102号令 Art. 24: a contract runs one year, at most three when the service is stable and recurring.
LONGEST_CONTRACT_YEARS = 3

# Verdicts of an evaluation, best first.
GRADES = {
    "excellent": N_("Excellent"),
    "good": N_("Good"),
    "pass": N_("Satisfactory"),
    "fail": N_("Unsatisfactory"),
}

# When a tranche is paid, as agreements say it.
CONDITIONS = {
    "signed": N_("after both sides have signed"),
    "midterm_passed": N_("after the mid-term evaluation is passed"),
    "final_passed": N_("after the final evaluation or acceptance is passed"),
}

# What purchased services may be paid by: on acceptance, or part on signing.
PURCHASE_PLANS: dict[str, list[int]] = {
    "100": [100],
    "30-70": [30, 70],
    "50-50": [50, 50],
    "70-30": [70, 30],
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one source gives: money set aside, or a unit that has still to name its money."""

    agency: Agency
    earmark: Earmark | None
    amount: Money

    @property
    def public(self) -> bool:
        """Budget money; a part that is still to be named counts as such."""
        return self.earmark is None or FUND_KINDS[self.earmark.budget.fund_source.kind].public


def public_part(parts: Iterable[Part]) -> Money:
    """How much of the parts is budget money."""
    return sum((part.amount for part in parts if part.public), Money(0))


def main_fund_term(parts: Iterable[Part]) -> str:
    """The official term of the source that gives most, public money before any other."""
    named = [part for part in parts if part.earmark is not None]
    most = max(named, key=lambda part: (part.public, part.amount))
    assert most.earmark is not None
    return FUND_TERMS[most.earmark.budget.fund_source.kind]


def tranche_plan(track: str, weights: list[int]) -> list[tuple[int, str, str]]:
    """(weight, title, condition) of each tranche.

    A grant's first tranche follows the signature, its last the final evaluation, those between
    the mid-term (滨海 2014: 50/40/10). A bought service is paid on acceptance, a first part on
    signing. Raises ``ValueError`` for weights that give no plan.
    """
    if not weights or any(type(weight) is not int or weight <= 0 for weight in weights):
        raise ValueError("weights are whole numbers above zero")
    last = len(weights) - 1
    plan = []
    for index, weight in enumerate(weights):
        if last == 0:
            purchase = track == "service_purchase"
            step = ("验收款", "final_passed") if purchase else ("一次性拨付", "signed")
        elif index == 0:
            step = ("预付款" if track == "service_purchase" else "首期款", "signed")
        elif index == last:
            step = ("验收款" if track == "service_purchase" else "尾款", "final_passed")
        else:
            step = (f"第{index + 1}期款" if last > 2 else "中期款", "midterm_passed")
        plan.append((weight, *step))
    return plan


def budget_by_line(granted: Money, lines: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    """The granted amount by budget line, exact in fen.

    Where less is granted than was asked for, every line shrinks alike; the sum is always what was
    granted. Lines without grant money have none.
    """
    asked: dict[str, Money] = {}
    for code, amount in lines:
        if amount:
            asked[code] = asked.get(code, Money(0)) + amount
    if not asked:
        return {}
    return dict(zip(asked, granted.split([amount.fen for amount in asked.values()]), strict=True))


def too_long(starts_on: date, ends_on: date) -> bool:
    """Whether a service contract runs longer than three years."""
    try:
        limit = starts_on.replace(year=starts_on.year + LONGEST_CONTRACT_YEARS)
    except ValueError:  # 29 February
        limit = starts_on.replace(year=starts_on.year + LONGEST_CONTRACT_YEARS, day=28)
    return ends_on >= limit
