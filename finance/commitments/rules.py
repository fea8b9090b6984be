"""How a payment is split over the sources of a commitment."""

from __future__ import annotations

from collections.abc import Sequence

from core.money import Money


def apportion(amount: Money, left: Sequence[Money]) -> list[Money]:
    """Split ``amount`` in proportion to what each source has left, exact in fen.

    Each part lies within one fen of its proportion and never above what that source has left, as
    long as all of them together have ``amount``: so the last payment takes from each source exactly
    its rest. Fen that do not divide go to the largest fractions, the first source first.
    """
    whole = sum(left, Money(0)).fen
    if whole <= 0:
        return [amount, *(Money(0) for _ in left[1:])]
    products = [amount.fen * item.fen for item in left]
    parts = [product // whole for product in products]
    order = sorted(range(len(left)), key=lambda place: (-(products[place] % whole), place))
    for place in order[: amount.fen - sum(parts)]:
        parts[place] += 1
    return [Money(part) for part in parts]
