"""When an interest stands in the way: the window of the three years before a day.

政府采购法实施条例 Art. 9: within three years before the procurement employed by, director or supervisor
of, or in control of the supplier; kinship with its head; any other tie that may impair fairness.
"""

from __future__ import annotations

from datetime import date

from core import clock

MONTHS = 36
RULE = "REX"
SOURCE = "政府采购法实施条例 第九条"


def window(on: date) -> tuple[date, date]:
    """First and last day that count for a judgement on ``on``, both included."""
    return clock.add_months(on, -MONTHS), on


def counts(since: date, until: date | None, *, on: date) -> bool:
    """Whether an interest from ``since`` to ``until`` (both included; ``None``: still) was alive in the window."""
    first, last = window(on)
    return since <= last and (until is None or until >= first)
