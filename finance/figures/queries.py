"""Reading the 30% figures.

What other rooms may lean on (names stay):

- ``figures(division, year, basis=None, on=None)`` → :class:`Figures`: the figures ``own``,
  ``own_with_venture``, ``rollup``, ``rollup_with_venture`` of a level and year, read from the kept sums
  (``kept``) or, where the rules asked for (``on``: a day, else the last day of the year) are others than
  those the sums were made by, computed from the rows. ``bases(division, year)`` → the same on each basis.
- ``Reading(division, years)`` → the same of several years and bases, over one reading of rules and sums.
- ``levels(found, basis, venture)`` → the own figure of each level at and under the division.
- ``lines(found, name, limit, after)`` → the services of a figure, largest addition first, by pages;
  ``judging(division, year, on)`` is enough to open the rows behind it (the room ``evidence``).
- ``ratio(division, year)`` → the same figures computed anew from every row: slow, for proof.

A figure is a :class:`~finance.figures.rules.RatioFigure`, exact: where more than ``EXACT_LINES`` services
divide their addition between contractors, its numerator is short of at most ``rounded`` billionths of a fen,
and only where no shown digit, no fen and no verdict hangs on them (``exact=True`` never rounds).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_

from core.db import db
from core.money import Money, percent_against
from core.rules.queries import Parameters
from finance.contracts.models import Purchase, ServiceContinuation
from finance.contracts.queries import (
    RuleBook,
    Rules,
    continuations,
    purchase_rows,
    rules_of_year,
    service_identity,
    under,
)
from finance.contracts.rules import BASES, NANO, Basis, Joins, PurchaseRow, R30Parameters
from finance.figures.models import LevelFigure, ServiceYear
from finance.figures.rules import RatioFigure, ServiceLine, compute_ratio, exact_sum, figure_of
from registry.agencies.rules import normalise_division, tree_prefix

FIGURES = ("own", "own_with_venture", "rollup", "rollup_with_venture")

EXACT_LINES = 100


@dataclass(frozen=True, slots=True)
class Ratio:
    """The four figures of a division and year, computed over one reading of the rows."""

    division: str
    year: int
    figures: dict[str, RatioFigure]
    rule_set: Parameters
    rules: R30Parameters
    rows: list[PurchaseRow]

    def to_dict(self) -> dict[str, dict[str, str | None]]:
        return {name: figure.to_dict() for name, figure in self.figures.items()}


def ratio(
    division: str,
    year: int,
    *,
    through_quarter: int = 4,
    basis: Basis | None = None,
    on: date | None = None,
) -> Ratio:
    """The 30% figures of a level, alone and rolled up, without and with venture grants (DOMAIN 3.1),
    computed from every row; :func:`figures` has them at hand.

    Raises ``DivisionError`` for a malformed division code.
    """
    code = normalise_division(division)
    rules = Rules(on or date(year, 12, 31))
    rows = purchase_rows(code, year)
    links = continuations()
    computed = {
        name: compute_ratio(
            rows,
            year,
            code,
            include_venture=True if "venture" in name else None,
            rollup=name.startswith("rollup"),
            parameters=rules.at,
            continues=links,
            through_quarter=through_quarter,
            basis=basis or rules.at(code).basis,
        )
        for name in FIGURES
    }
    return Ratio(code, year, computed, rules.found(code), rules.at(code), rows)


@dataclass(frozen=True, slots=True)
class Figures:
    """The four figures of a level and year on one basis, with the rules they follow.

    ``kept``: read from the kept sums; else computed from the rows, because other rules were asked for or
    came into force since.
    """

    division: str
    year: int
    basis: Basis
    on: date
    figures: dict[str, RatioFigure]
    rules: R30Parameters
    rule_set: Parameters
    kept: bool
    book: Rules = field(repr=False, compare=False)
    # Kept sums as they lie in the table, with the attributes of LevelFigure.
    level_rows: Sequence[Any] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, dict[str, str | None]]:
        return {name: figure.to_dict() for name, figure in self.figures.items()}

    @property
    def empty(self) -> bool:
        """Whether nothing in scope was bought this year or the year before, at the level or under it."""
        return not self.figures["rollup_with_venture"].service_count


_LEVEL_COLUMNS = [getattr(LevelFigure, column.key) for column in LevelFigure.__table__.columns]


class Reading:
    """What the figures of a level need, of several years at once: rules, kept sums of every level under it,
    and which other levels services come from or went to. However many years, four queries.

    Raises ``DivisionError`` for a malformed division code.
    """

    def __init__(self, division: str, years: Iterable[int]) -> None:
        self.division = normalise_division(division)
        self._book = RuleBook()
        links = db.session.execute(
            select(ServiceContinuation.earlier_division, ServiceContinuation.later_division)
            .where(ServiceContinuation.earlier_division != ServiceContinuation.later_division)
            .distinct()
        )
        prefix = tree_prefix(self.division)
        linked = {code for pair in links for code in pair if not code.startswith(prefix)}
        inside = under(LevelFigure.division_code, self.division)
        self._inside: dict[int, list[Any]] = {}
        self._beside: dict[int, list[Any]] = {}
        for level in db.session.execute(
            select(*_LEVEL_COLUMNS)
            .where(
                LevelFigure.fiscal_year.in_(set(years)),
                or_(inside, LevelFigure.division_code.in_(linked)) if linked else inside,
            )
            .order_by(LevelFigure.division_code, LevelFigure.id)
        ):
            own = self._inside if level.division_code.startswith(prefix) else self._beside
            own.setdefault(level.fiscal_year, []).append(level)

    def figures(
        self, year: int, basis: Basis | None = None, *, on: date | None = None, exact: bool = False
    ) -> Figures:
        """As the function of this name."""
        return self._several(year, [basis], on, exact)[0]

    def bases(self, year: int, *, on: date | None = None, exact: bool = False) -> dict[Basis, Figures]:
        """As the function of this name."""
        return {found.basis: found for found in self._several(year, BASES, on, exact)}

    def _several(
        self, year: int, wanted: Iterable[Basis | None], on: date | None, exact: bool
    ) -> list[Figures]:
        code, day = self.division, on or date(year, 12, 31)
        book = Rules(day, self._book)
        found = self._inside.get(year, [])
        # Kept sums are taken where they, and those that services come from or went to, follow these rules.
        kept = all(
            book.digest(level.division_code) == level.rules_digest
            for level in (*found, *self._beside.get(year, ()))
        )
        rules = book.at(code)
        answers = []
        for asked in wanted:
            basis = asked or rules.basis
            if kept:
                four = {name: _kept_figure(found, code, year, basis, name, rules, exact) for name in FIGURES}
            else:
                four = ratio(code, year, basis=basis, on=day).figures
            answers.append(Figures(code, year, basis, day, four, rules, book.found(code), kept, book, found))
        return answers


def figures(
    division: str, year: int, basis: Basis | None = None, *, on: date | None = None, exact: bool = False
) -> Figures:
    """The figures of a level and year; ``basis=None`` takes the one that the level's rules name.

    Raises ``DivisionError`` for a malformed division code.
    """
    return Reading(division, [year]).figures(year, basis, on=on, exact=exact)


def bases(division: str, year: int, *, on: date | None = None, exact: bool = False) -> dict[Basis, Figures]:
    """The figures on each basis, to stand side by side."""
    return Reading(division, [year]).bases(year, on=on, exact=exact)


def _kept_figure(
    found: Iterable[Any],
    division: str,
    year: int,
    basis: Basis,
    name: str,
    rules: R30Parameters,
    exact: bool,
) -> RatioFigure:
    rollup, venture = name.startswith("rollup"), "venture" in name
    parts = [
        level
        for level in found
        if level.basis == basis and level.venture == venture and (rollup or level.division_code == division)
    ]
    figure = _summed(parts, division, year, basis, venture or rules.count_venture, rollup, rules.threshold)
    if figure.rounded and (exact or figure.rounded <= EXACT_LINES or _hangs_on_rounding(figure)):
        return _with_numerator(figure, figure.added_so_fen + _left_out(figure, venture))
    return figure


def _summed(
    parts: Iterable[Any],
    division: str,
    year: int,
    basis: Basis,
    include_venture: bool,
    rollup: bool,
    threshold: Fraction,
) -> RatioFigure:
    parts = list(parts)
    sources: dict[str, int] = {}
    for level in parts:
        for source, fen in json.loads(level.sources).items():
            sources[source] = sources.get(source, 0) + fen

    def exactly(whole: str, rest: str) -> Fraction:
        return Fraction(
            sum(getattr(level, whole) for level in parts) * NANO
            + sum(getattr(level, rest) for level in parts),
            NANO,
        )

    return figure_of(
        year=year,
        division=division,
        rollup=rollup,
        include_venture=include_venture,
        through_quarter=4,
        threshold=threshold,
        added_total_fen=sum(level.added_fen for level in parts),
        added_so_fen=exactly("added_so_fen", "added_so_rest"),
        total_fen=sum(level.total_fen for level in parts),
        previous_total_fen=sum(level.before_fen for level in parts),
        basis=basis,
        so_fen=exactly("so_fen", "so_rest"),
        previous_so_fen=exactly("before_so_fen", "before_so_rest"),
        service_count=sum(level.services for level in parts),
        row_count=sum(level.row_count for level in parts),
        sources={source: fen for source, fen in sources.items() if fen},
        rounded=sum(level.rounded for level in parts),
    )


def _hangs_on_rounding(figure: RatioFigure) -> bool:
    """Whether the billionths that are left out could change a shown digit, a fen or the verdict."""
    most = _with_numerator(figure, figure.added_so_fen + Fraction(figure.rounded, NANO))
    return (
        figure.status != most.status
        or percent_against(figure.ratio, figure.threshold) != percent_against(most.ratio, most.threshold)
        or figure.added_so_fen.__floor__() != most.added_so_fen.__floor__()
        or figure.gap_fen.__ceil__() != most.gap_fen.__ceil__()
    )


def _with_numerator(figure: RatioFigure, added_so: Fraction) -> RatioFigure:
    names = (
        "year", "division", "rollup", "include_venture", "through_quarter", "threshold", "added_total_fen",
        "total_fen", "previous_total_fen", "basis", "so_fen", "previous_so_fen", "service_count", "row_count",
        "sources",
    )  # fmt: skip
    return figure_of(added_so_fen=added_so, **{name: getattr(figure, name) for name in names})


def _left_out(figure: RatioFigure, venture: bool) -> Fraction:
    """What rounding down has left out of the numerator, exactly."""
    rows = db.session.execute(
        select(ServiceYear.added_fen, ServiceYear.so_fen, ServiceYear.so_rest, ServiceYear.total_fen).where(
            ServiceYear.fiscal_year == figure.year,
            ServiceYear.rounded,
            _at(ServiceYear.division_code, figure),
            ServiceYear.basis == figure.basis,
            or_(*(and_(*part) for part in _parts(venture))),
        )
    )
    return exact_sum(
        Fraction(added * (so * NANO + rest) % total, total * NANO) for added, so, rest, total in rows
    )


def _at(column: Any, figure: RatioFigure) -> ColumnElement[bool]:
    return under(column, figure.division) if figure.rollup else column == figure.division


def _parts(venture: bool) -> tuple[tuple[ColumnElement[bool], ...], ...]:
    """The lines of a figure: with venture grants, those that have some are read from lines of their own."""
    plain = (ServiceYear.venture.is_(False), ServiceYear.apart.is_(False))
    if venture:
        return (plain, (ServiceYear.venture.is_(True), ServiceYear.apart.is_(False)))
    return (plain, (ServiceYear.venture.is_(False), ServiceYear.apart.is_(True)))


def levels(found: Figures, *, venture: bool = False) -> list[RatioFigure]:
    """The own figure of each level at and under the division that has rows, in the order of codes."""
    if not found.kept:
        rows = purchase_rows(found.division, found.year)
        links = continuations()
        prefix = tree_prefix(found.division)
        codes = {code for row in rows if (code := normalise_division(row.division_code)).startswith(prefix)}
        return [
            compute_ratio(
                rows,
                found.year,
                code,
                True if venture else None,
                parameters=found.book.at,
                continues=links,
                basis=found.basis,
            )
            for code in sorted(codes)
        ]
    return [
        _kept_figure(
            [level],
            level.division_code,
            found.year,
            found.basis,
            "own_with_venture" if venture else "own",
            found.book.at(level.division_code),
            False,
        )
        for level in found.level_rows
        if level.basis == found.basis and level.venture == venture
    ]


def judging(division: str, year: int, *, on: date | None = None) -> Figures:
    """The rules and the basis that the rows of a level and year are judged by, without working out a figure."""
    code, day = normalise_division(division), on or date(year, 12, 31)
    book = Rules(day)
    rules = book.at(code)
    return Figures(code, year, rules.basis, day, {}, rules, book.found(code), False, book, ())


@dataclass(frozen=True, slots=True)
class Lines:
    """One page of services, and what to ask for the next one (``None`` at the end)."""

    lines: list[ServiceLine]
    after: str | None


def lines(found: Figures, name: str, *, limit: int = 50, after: str = "") -> Lines:
    """The services of a figure, largest addition first. Lines have no rows: see :func:`line_rows`."""
    figure = found.figures[name]
    if not found.kept:
        ordered = sorted(figure.services, key=lambda line: (-line.added.fen, line.service))
        start = int(after) if after.isdecimal() and after.isascii() and len(after) < 10 else 0
        rest = start + limit < len(ordered)
        return Lines(ordered[start : start + limit], str(start + limit) if rest else None)
    place = _place(after)
    rows: list[ServiceYear] = []
    for part in _parts("venture" in name):
        statement = select(ServiceYear).where(
            ServiceYear.fiscal_year == found.year,
            ServiceYear.basis == found.basis,
            _at(ServiceYear.division_code, figure),
            *part,
        )
        if place is not None:
            statement = statement.where(tuple_(ServiceYear.added_fen, ServiceYear.id) < place)
        rows += db.session.scalars(
            statement.order_by(ServiceYear.added_fen.desc(), ServiceYear.id.desc()).limit(limit + 1)
        )
    rows.sort(key=lambda row: (-row.added_fen, -row.id))
    shown = rows[:limit]
    joins = Joins(continuations()) if any(row.joined for row in shown) else Joins(())
    return Lines(
        [_as_line(row, joins) for row in shown],
        f"{shown[-1].added_fen}.{shown[-1].id}" if len(rows) > limit else None,
    )


def _place(after: str) -> tuple[int, int] | None:
    added, _, number = after.partition(".")
    if not (added.isdecimal() and number.isdecimal() and after.isascii() and len(after) < 40):
        return None
    return int(added), int(number)


def _as_line(row: ServiceYear, joins: Joins) -> ServiceLine:
    service = service_identity(row.division_code, row.purchaser, row.key)
    so_total = Fraction(row.so_fen * NANO + row.so_rest, NANO)
    share = so_total / row.total_fen if row.total_fen else Fraction(0)
    root = joins.root(service)
    return ServiceLine(
        service=service,
        name=row.name,
        total=Money(row.total_fen),
        previous_total=Money(row.before_fen),
        added=Money(row.added_fen),
        so_share=share,
        so_added=row.added_fen * share,
        so_total=so_total,
        previous_so_total=Fraction(row.before_so_fen * NANO + row.before_so_rest, NANO),
        joined_to=tuple(
            sorted(other for other in joins.members() if joins.root(other) == root and other != service)
        )
        if row.joined
        else (),
    )


def levels_below(result: Ratio) -> list[RatioFigure]:
    """The own figure of each level that has rows: the division itself first, then those under it."""
    codes = sorted(
        {normalise_division(row.division_code) for row in result.rows if row.fiscal_year == result.year}
    )
    prefix = tree_prefix(result.division)
    links = continuations()
    return [
        compute_ratio(result.rows, result.year, code, None, False, result.rules, links)
        for code in codes
        if code.startswith(prefix)
    ]


def differences(division: str, year: int) -> Iterator[str]:
    """Where the kept figure of a level is not what its rows give; nothing where all is well."""
    book = rules_of_year(year)
    rows = purchase_rows(division, year)
    links = continuations()
    kept = db.session.scalars(
        select(LevelFigure).where(LevelFigure.fiscal_year == year, LevelFigure.division_code == division)
    ).all()
    if any(level.rules_digest != book.digest(division) for level in kept):
        yield "was kept by other rules than those in force"
        return
    for basis in BASES:
        for name in ("own", "own_with_venture"):
            figure = _kept_figure(kept, division, year, basis, name, book.at(division), True)
            full = compute_ratio(
                rows, year, division, True if "venture" in name else None, parameters=book.at,
                continues=links, basis=basis,
            )  # fmt: skip
            if figure != full:
                yield f"{basis} {name}: kept {figure.to_dict()}, computed {full.to_dict()}"


def stale_levels(last_year: int) -> list[tuple[str, int]]:
    """Levels and years whose figures were kept by other rules than those in force at the year's end."""
    books: dict[int, Rules] = {}
    found = []
    for division, year, digest in db.session.execute(
        select(LevelFigure.division_code, LevelFigure.fiscal_year, LevelFigure.rules_digest)
        .where(LevelFigure.fiscal_year <= last_year + 1)
        .distinct()
        .order_by(LevelFigure.fiscal_year, LevelFigure.division_code)
    ):
        book = books.get(year) or books.setdefault(year, rules_of_year(year))
        if book.digest(division) != digest:
            found.append((division, year))
    return found


def levels_with_rows() -> list[tuple[str, int]]:
    """Levels and years that have a figure, kept or owed: a row is in its year's and in the next one's."""
    owed = {
        (normalise_division(code), later)
        for code, year in db.session.execute(
            select(Purchase.division_code, Purchase.fiscal_year)
            .where(Purchase.public_service)
            .group_by(Purchase.division_code, Purchase.fiscal_year)
        )
        for later in (year, year + 1)
    }
    kept = db.session.execute(select(LevelFigure.division_code, LevelFigure.fiscal_year).distinct())
    return sorted(owed | {(row.division_code, row.fiscal_year) for row in kept})


def years_with_rows(division: str) -> list[int]:
    """Fiscal years in which something in scope was bought at or under a division, newest first."""
    return sorted(
        db.session.scalars(
            select(LevelFigure.fiscal_year)
            .where(under(LevelFigure.division_code, division), LevelFigure.row_count > 0)
            .distinct()
        ),
        reverse=True,
    )
