"""Budget and spending side by side; whether they fit is said by finance.lines (RBL, DOMAIN 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from core.money import Money


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
