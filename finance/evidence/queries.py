"""The rows behind a figure, each with the reason why it counts or not.

- ``line_rows(found, line)`` → this year's and last year's rows of a service.
- ``rows_behind(found, name, limit, after)`` → every row of this year, also those out of scope, by pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from sqlalchemy import func, select

from core.db import db
from finance.contracts.models import Purchase
from finance.contracts.queries import of_services, rows_from, under
from finance.contracts.rules import PurchaseRow, RowVerdict, ServiceKey, judge_row
from finance.figures.queries import Figures
from finance.figures.rules import ServiceLine
from registry.agencies.rules import normalise_division, tree_prefix


def line_rows(
    found: Figures, line: ServiceLine, name: str, *, limit: int = 500
) -> tuple[list[RowVerdict], list[RowVerdict]]:
    """This year's rows and last year's rows of a service, also those out of scope, with the reason of each."""
    every = rows_of_services(found, [line.service, *line.joined_to], name, limit=limit)
    return (
        [item for item in every if item.row.fiscal_year == found.year],
        [item for item in every if item.row.fiscal_year != found.year],
    )


def rows_of_services(
    found: Figures,
    services: Iterable[ServiceKey],
    name: str,
    *,
    years: Sequence[int] | None = None,
    limit: int = 500,
) -> list[RowVerdict]:
    """The rows of some services with their reasons, of both years unless told, at most so many."""
    services = list(services)
    if not services:
        return []
    statement = (
        select(Purchase)
        .where(Purchase.fiscal_year.in_(years or (found.year, found.year - 1)), of_services(services))
        # Not the bare key: SQLite would walk all rows in its order rather than look for these.
        .order_by(Purchase.id + 0)
        .limit(limit)
    )
    return [judged(found, row, name) for row in rows_from(statement)]


SCANNED, LEVELS_SCANNED = 2_000, 50

"""How many rows and levels are looked at for one page of rows."""


def rows_behind(
    found: Figures,
    name: str,
    *,
    limit: int = 100,
    after: str = "",
    wanted: Callable[[RowVerdict], bool] | None = None,
    services: Collection[ServiceKey] = (),
) -> tuple[list[RowVerdict], str | None]:
    """This year's rows at the level (or under it), level after level in the order they came, with the reason
    of each; and what to ask for the next page (``None`` at the end). ``services``: the rows of these alone.

    ``wanted`` chooses among at most ``SCANNED`` rows: a page may hold fewer than ``limit`` and yet lead on.
    """
    taken: list[RowVerdict] = []
    looked = levels_looked = 0
    step = limit + 1 if wanted is None else 400
    for rows, here in _in_steps(found, name, services, _row_place(after), step):
        for row in rows:
            item = judged(found, row, name)
            if wanted is None or wanted(item):
                taken.append(item)
                if len(taken) > limit:
                    return taken[:limit], _row_key(taken[limit - 1].row)
        looked, levels_looked = looked + len(rows), levels_looked + (len(rows) < step)
        if looked >= SCANNED or levels_looked >= LEVELS_SCANNED:
            return taken, _row_key(rows[-1]) if rows else f"{here}.0"
    return taken, None


def _in_steps(
    found: Figures,
    name: str,
    services: Collection[ServiceKey],
    place: tuple[str, int] | None,
    step: int,
) -> Iterator[tuple[list[PurchaseRow], str]]:
    """This year's rows after a place, so many at a time, each step by index; with the level they lie at."""
    division, last = place or ("", 0)
    if division and not division.startswith(tree_prefix(found.division)) and not services:
        return
    if services:
        while True:
            rows = rows_from(
                select(Purchase)
                # Neither the bare year nor the bare number: SQLite would walk the level's rows, or all of them,
                # in their order rather than look for these.
                .where(Purchase.fiscal_year + 0 == found.year, of_services(services), Purchase.id + 0 > last)
                .order_by(Purchase.id + 0)
                .limit(step)
            )
            yield rows, division
            if len(rows) < step:
                return
            last = rows[-1].row
    rollup = name.startswith("rollup")
    if not rollup and division not in ("", found.division):
        return
    level: str | None = division or (_level_after(found.division, "") if rollup else found.division)
    while level is not None:
        rows = rows_from(
            select(Purchase)
            .where(
                Purchase.division_code == level,
                Purchase.fiscal_year == found.year,
                Purchase.id > last,
            )
            .order_by(Purchase.id)
            .limit(step)
        )
        yield rows, level
        if len(rows) < step:
            level, last = _level_after(found.division, level) if rollup else None, 0
        else:
            last = rows[-1].row


def _level_after(division: str, last: str) -> str | None:
    """The next level at or under a division that has rows, of any year."""
    found: str | None = db.session.scalar(
        select(func.min(Purchase.division_code)).where(
            under(Purchase.division_code, division), Purchase.division_code > last
        )
    )
    return found


def _row_key(row: PurchaseRow) -> str:
    return f"{row.division_code}.{row.row}"


def _row_place(after: str) -> tuple[str, int] | None:
    division, _, number = after.partition(".")
    if not (division.isdecimal() and number.isdecimal() and after.isascii() and len(after) < 32):
        return None
    return division, int(number)


def judged(found: Figures, row: PurchaseRow, name: str) -> RowVerdict:
    """How a row enters the figure of this name, by the rules of its own level."""
    return judge_row(
        row,
        found.book.at(normalise_division(row.division_code)),
        include_venture=True if "venture" in name else None,
        basis=found.basis,
    )
