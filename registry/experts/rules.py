"""Whether an expert may be drawn on these days, for this place, this often (REX, DOMAIN 3.9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from core.text import N_
from registry.agencies.rules import is_under

SOURCE = "政府采购评审专家管理办法（财库〔2016〕198号）"
# How long an admission lasts, in months, when no other day is given.
ADMISSION_MONTHS = 36
# Why an expert is not drawn; the draw's record keeps the sentence.
OBSTACLES = {
    "away": N_("away during the days of scoring"),
    "region": N_("does not serve this region"),
    "workload": N_("has sat on as many panels this year as allowed"),
}


def obstacle(
    *,
    absences: Iterable[tuple[date, date]],
    regions: Iterable[str],
    panels: int,
    most_panels: int,
    division: str,
    first: date,
    last: date,
) -> str:
    """Why an expert is not drawn for a call of ``division`` scored from ``first`` to ``last`` (a key of
    ``OBSTACLES``), or nothing. ``panels`` is how many were sat on this year.
    """
    if any(begins <= last and ends >= first for begins, ends in absences):
        return "away"
    served = list(regions)
    if served and not any(is_under(division, region) for region in served):
        return "region"
    return "workload" if panels >= most_panels else ""


def obstacle_of(expert: Any, *, panels: int, most_panels: int, division: str, first: date, last: date) -> str:
    """:func:`obstacle` of a row of the pool; its own limit wins over the rule's."""
    return obstacle(
        absences=[(item.starts_on, item.ends_on) for item in expert.absences],
        regions=expert.regions,
        panels=panels,
        most_panels=expert.most_panels or most_panels,
        division=division,
        first=first,
        last=last,
    )
