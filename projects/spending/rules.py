"""Does spending keep to the budget lines? (RBL, DOMAIN 3.4)"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

# A line may be exceeded by a tenth with the supervisor's word; more needs an approved change.
LINE_TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class Line:
    code: str
    budget: Money
    spent: Money

    @property
    def left(self) -> Money:
        return self.budget - self.spent


def lines(budget: dict[str, Money], spent: dict[str, Money]) -> list[Line]:
    """Every budget line with what was spent on it, in the order of the budget."""
    codes = [*budget, *(code for code in sorted(spent) if code not in budget)]
    return [Line(code, budget.get(code, Money(0)), spent.get(code, Money(0))) for code in codes]


def line_finding(line: Line, *, label: Message) -> Finding | None:
    """A warning for a line that is over its budget; ``None`` while it is not.

    Up to a tenth over needs a person's word, more (or a line never budgeted) fails.
    """
    if line.spent <= line.budget:
        return None
    within = bool(line.budget) and line.spent <= line.budget + line.budget.share(LINE_TOLERANCE)
    return Finding(
        rule="RBL-LINE",
        verdict=Verdict.MANUAL if within else Verdict.FAIL,
        title=Message(N_("“%(line)s” is over its budget"), {"line": label}),
        sentence=Message(
            N_("More than a tenth over a line needs an approved change before the money is spent.")
            if not within
            else N_("Up to a tenth over a line is for the supervisor of delivery to confirm.")
        ),
        numbers=Message(
            N_("spent %(spent)s, budget %(budget)s, over by %(over)s yuan"),
            {"spent": line.spent, "budget": line.budget, "over": line.spent - line.budget},
        ),
        source="专项资金使用管理：预算科目调剂超过10%须事前报批",
    )
