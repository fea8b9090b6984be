"""The points for awards, computed apart from the product: days counted on the calendar, no sorting."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any


def bonus_points(
    honours: Iterable[Any], worth: Mapping[str, int], *, kind: str, years: int, cap: int, on: date
) -> int:
    """Hundredths; ``worth`` in points by ``bonus_<level>``, ``years`` 0 for no limit."""
    total = 0
    for item in honours:
        ended = item.valid_to is not None and (on - item.valid_to).days > 0
        young = not years or (on - _years_after(item.given_on, years)).days <= 0
        given = (on - item.given_on).days >= 0
        if item.revoked_on is None and given and not ended and young and kind in ("any", item.kind):
            total += worth[f"bonus_{item.level}"]
    return (total if total < cap else cap) * 100


def _years_after(day: date, years: int) -> date:
    year = day.year + years
    if (day.month, day.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 2, 28)
    return date(year, day.month, day.day)
