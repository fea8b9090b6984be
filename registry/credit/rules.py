"""Which credit entries count on a day: in force then, or within the months before it."""

from __future__ import annotations

from datetime import date

from core import clock


def counts(entered_on: date, removed_on: date | None, *, on: date, months: int = 0) -> bool:
    """Whether an entry holds on ``on`` or held within the ``months`` before.

    It holds from the day of entry up to, not including, the day of removal; an entry removed on
    the day it was made never held.
    """
    if entered_on > on or removed_on == entered_on:
        return False
    return removed_on is None or removed_on > clock.add_months(on, -months)
