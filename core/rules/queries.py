"""Which parameters hold for whom and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from core.db import db
from core.rules.models import CalendarDay, RuleSet


@dataclass(frozen=True, slots=True)
class Parameters(Mapping[str, Any]):
    """Parameters in force with the rule sets they come from, weakest first."""

    data: dict[str, Any]
    label: str
    source: str

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Any:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def parameters(
    family: str, defaults: Mapping[str, Any], *, on: date, jurisdiction: str = "", programme: str = ""
) -> Parameters:
    """``defaults`` overlaid by every rule set in force on ``on``: national, then the division's
    ancestors from the top down, then the division; programme-specific ones win over general ones.
    """
    codes = _jurisdictions(jurisdiction)
    rows = db.session.scalars(
        select(RuleSet).where(
            RuleSet.family == family,
            RuleSet.jurisdiction.in_(codes),
            RuleSet.programme.in_({"", programme}),
            RuleSet.valid_from <= on,
        )
    ).all()
    return _overlaid(family, defaults, rows)


Reader = Callable[[str], Parameters]


def readers(family: str, defaults: Mapping[str, Any]) -> Callable[[date], Reader]:
    """:func:`parameters` of any day and any number of jurisdictions, without programme, over one reading of
    the rule sets.
    """
    rows = db.session.scalars(select(RuleSet).where(RuleSet.family == family, RuleSet.programme == "")).all()

    def of_day(on: date) -> Reader:
        begun = [row for row in rows if row.valid_from <= on]

        def read(jurisdiction: str) -> Parameters:
            codes = _jurisdictions(jurisdiction)
            return _overlaid(family, defaults, [row for row in begun if row.jurisdiction in codes])

        return read

    return of_day


def _jurisdictions(code: str) -> set[str]:
    """The division with all above it, and everywhere."""
    if not code:
        return {""}
    townships = {code[:9]} if len(code) > 9 else set()
    return {""} | {code[:length].ljust(6, "0") for length in (2, 4, 6)} | townships | {code}


def _overlaid(family: str, defaults: Mapping[str, Any], rows: Iterable[RuleSet]) -> Parameters:
    ordered = sorted(
        rows,
        key=lambda row: (
            bool(row.programme),
            len(row.jurisdiction.rstrip("0")) if row.jurisdiction else -1,
            row.valid_from,
            row.version,
        ),
    )
    values = dict(defaults)
    for row in ordered:
        values.update(row.parameters)
    label = " + ".join(dict.fromkeys(row.label for row in ordered)) or f"{family} default"
    source = "; ".join(dict.fromkeys(row.source for row in ordered if row.source))
    return Parameters(values, label, source)


def calendar_overrides() -> dict[date, bool]:
    """The editable calendar, whole: day → working. A year holds some thirty such days."""
    return {row.day: row.working for row in db.session.execute(select(CalendarDay.day, CalendarDay.working))}
