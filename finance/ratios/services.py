"""The look at each quarter."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core import clock
from core.db import db
from core.money import percent_against
from finance.figures.queries import Reading
from finance.ratios.models import RatioWatch
from finance.ratios.queries import figures_as_of, levels_to_watch, planned_purchases
from finance.ratios.rules import projected, quarter_on


def look_at_level(division: str, on: date) -> RatioWatch:
    """Note where a level stands in the quarter of ``on``: met, below, or heading below (``foreseen``)."""
    quarter = quarter_on(on)
    found = figures_as_of(Reading(division, [on.year]), on.year, on=None, quarter=quarter)
    figure = found.figures["own"]
    status = str(figure.status)
    if status != "below":
        planned = sum(item.free.fen for item in planned_purchases(division, on.year, rollup=False))
        foreseen = projected(figure.added_total_fen, figure.added_so_fen, planned)
        if planned and foreseen is not None and foreseen < figure.threshold:
            status = "foreseen"
    row = db.session.scalar(
        select(RatioWatch).where(
            RatioWatch.division_code == division,
            RatioWatch.fiscal_year == on.year,
            RatioWatch.quarter == quarter,
        )
    )
    if row is None:
        row = RatioWatch(division_code=division, fiscal_year=on.year, quarter=quarter)
        db.session.add(row)
    row.status, row.shown = status, percent_against(figure.ratio, figure.threshold)
    row.gap_fen, row.looked_at = figure.gap_fen.__ceil__(), clock.now()
    db.session.flush()
    return row


def look_at_quarter(on: date | None = None) -> int:
    """Look at every level that has a unit here and purchases; how many."""
    day = on or clock.today()
    divisions = levels_to_watch(day.year)
    for division in divisions:
        look_at_level(division, day)
    return len(divisions)
