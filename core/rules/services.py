"""Writing policy data."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select

from core.db import db
from core.rules.models import CalendarDay, RuleSet


def add_rule_set(
    family: str,
    parameters: dict[str, Any],
    *,
    valid_from: date,
    source: str,
    jurisdiction: str = "",
    programme: str = "",
) -> RuleSet:
    """A new version of the parameters of ``family``; earlier versions stay as they were."""
    latest = db.session.scalar(
        select(func.max(RuleSet.version)).where(
            RuleSet.family == family,
            RuleSet.jurisdiction == jurisdiction,
            RuleSet.programme == programme,
        )
    )
    row = RuleSet(
        family=family,
        jurisdiction=jurisdiction,
        programme=programme,
        valid_from=valid_from,
        version=(latest or 0) + 1,
        parameters=parameters,
        source=source,
    )
    db.session.add(row)
    db.session.flush()
    return row


def set_calendar_day(day: date, *, working: bool, note: str = "") -> CalendarDay:
    """Say whether ``day`` is a working day, over the published arrangement."""
    row = db.session.scalar(select(CalendarDay).where(CalendarDay.day == day))
    if row is None:
        row = CalendarDay(day=day, working=working, note=note)
        db.session.add(row)
    row.working, row.note = working, note
    db.session.flush()
    return row
