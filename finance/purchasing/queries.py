"""Reading purchases and the 30% figures.

What other rooms may lean on (names stay):

- ``figures(division, year, basis=None, on=None)`` → :class:`Figures`: the figures ``own``,
  ``own_with_venture``, ``rollup``, ``rollup_with_venture`` of a level and year, read from the kept sums
  (``kept``) or, where the rules asked for (``on``: a day, else the last day of the year) are others than
  those the sums were made by, computed from the rows. ``bases(division, year)`` → the same on each basis.
- ``Reading(division, years)`` → the same of several years and bases, over one reading of rules and sums.
- ``levels(found, basis, venture)`` → the own figure of each level at and under the division.
- ``lines(found, name, limit, after)`` → the services of a figure, largest addition first, by pages;
  ``line_rows(found, line)`` → this year's and last year's rows of a service, each with the reason why it
  counts or not; ``rows_behind(found, name, limit, after)`` → every row of this year with its reason, also
  those out of scope; ``judging(division, year, on)`` is enough for that.
- ``ratio(division, year)`` → the same figures computed anew from every row: slow, for proof.
- ``rules_of_year(year)`` and ``Rules(on)`` → the rules of any level; ``continuations()`` → confirmed links.

A figure is a :class:`~finance.purchasing.rules.RatioFigure`, exact: where more than ``EXACT_LINES`` services
divide their addition between contractors, its numerator is short of at most ``rounded`` billionths of a fen,
and only where no shown digit, no fen and no verdict hangs on them (``exact=True`` never rounds).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, false, func, or_, select, tuple_

from core.access.policy import Refusal
from core.db import db
from core.money import Money, percent_against
from core.rules.queries import Parameters, readers
from core.text import N_, Message
from finance.purchasing.models import (
    ContinuationDismissal,
    ContractorOverride,
    LevelFigure,
    Purchase,
    PurchaseHeading,
    PurchaseImport,
    ServiceContinuation,
    ServiceYear,
)
from finance.purchasing.rules import (
    BASES,
    DEFAULT_PARAMETERS,
    NANO,
    Basis,
    Fact,
    Joins,
    Override,
    PurchaseRow,
    R30Parameters,
    RatioFigure,
    RowVerdict,
    ServiceKey,
    ServiceLine,
    compute_ratio,
    exact_sum,
    figure_of,
    judge_row,
    likeness,
    name_parts,
)
from registry.agencies.models import Agency
from registry.agencies.rules import division_name, normalise_division, tree_prefix

FIGURES = ("own", "own_with_venture", "rollup", "rollup_with_venture")
EXACT_LINES = 100


class RuleBook:
    """The R30 rules of every day and level, over one reading of rule sets and overrides."""

    def __init__(self) -> None:
        self.on_day = readers("R30", DEFAULT_PARAMETERS.to_dict())
        self.overrides = db.session.scalars(select(ContractorOverride).order_by(ContractorOverride.id)).all()
        # Most levels and years follow the same rules: what those say is worked out once.
        self.known: dict[tuple[str, tuple[Override, ...]], tuple[R30Parameters, str]] = {}


class Rules:
    """The R30 rules in force on a day, of any level, over one reading of rule sets and overrides."""

    def __init__(self, on: date, book: RuleBook | None = None) -> None:
        self._book = book or RuleBook()
        self._read = self._book.on_day(on)
        self._overrides: dict[str, list[Override]] = {}
        for item in self._book.overrides:
            if item.decided_on <= on:
                self._overrides.setdefault(item.division_code, []).append(
                    Override(item.contractor_code, item.counts, item.reason)
                )
        self._known: dict[str, tuple[R30Parameters, Parameters, str]] = {}

    def _get(self, division: str) -> tuple[R30Parameters, Parameters, str]:
        known = self._known.get(division)
        if known is None:
            found = self._read(division)
            decided = tuple(
                item
                for code in sorted(self._overrides, key=lambda code: len(tree_prefix(code)))
                if division.startswith(tree_prefix(code))
                for item in self._overrides[code]
            )
            own = self._book.known.get((found.label, decided))
            if own is None:
                rules = R30Parameters.from_dict(dict(found))
                if decided:
                    # What stands nearer to the level wins, and a decision about a contractor over a rule set.
                    chosen = {item.code: item for item in (*rules.overrides, *decided)}
                    rules = replace(rules, overrides=tuple(sorted(chosen.values())))
                own = self._book.known[found.label, decided] = (rules, rules.digest())
            known = self._known[division] = (own[0], found, own[1])
        return known

    def at(self, division: str) -> R30Parameters:
        """The parameters of a level (a normalised code)."""
        return self._get(division)[0]

    def found(self, division: str) -> Parameters:
        """The rule sets that they come from."""
        return self._get(division)[1]

    def digest(self, division: str) -> str:
        return self._get(division)[2]


def rules_of_year(year: int) -> Rules:
    """The rules by which a year is judged: those in force on its last day."""
    return Rules(date(year, 12, 31))


def ratio_parameters(division: str, on: date) -> tuple[R30Parameters, Parameters]:
    """The R30 parameters in force for a division on a day, with the rule sets they come from."""
    rules, code = Rules(on), normalise_division(division)
    return rules.at(code), rules.found(code)


# Rows

_ROW_COLUMNS = (
    Purchase.contract_no, Purchase.fiscal_year, Purchase.division_code, Purchase.purchaser, Purchase.service_key,
    Purchase.service_name, Purchase.catalogue_code, Purchase.public_service, Purchase.contractor,
    Purchase.contractor_code, Purchase.contractor_kind, Purchase.host_code, Purchase.so_share, Purchase.amount,
    Purchase.cancelled_amount, Purchase.fund_source, Purchase.method, Purchase.signed_on, Purchase.is_venture,
    Purchase.id, Purchase.budget_amount, Purchase.paid_amount,
)  # fmt: skip
_SHARE = 12


def _as_rows(statement: Select[Any]) -> list[PurchaseRow]:
    rows = []
    for found in db.session.execute(statement.with_only_columns(*_ROW_COLUMNS)):
        values: list[Any] = list(found)
        if values[_SHARE] is not None:
            values[_SHARE] = Fraction(values[_SHARE])
        rows.append(PurchaseRow(*values))
    return rows


def purchase_rows(division: str, year: int) -> list[PurchaseRow]:
    """The rows of ``year`` and the year before of a division and everything under it, plus those of
    services that a confirmed continuation joins to it.
    """
    return _as_rows(_rows_of(division, year))


def under(column: Any, division: str) -> ColumnElement[bool]:
    """At or under a division. A range is what both databases' indexes understand; "~" sorts after every digit."""
    prefix = tree_prefix(division)
    return (column >= prefix) & (column < prefix + "~")


def _rows_of(division: str, year: int) -> Select[Any]:
    prefix = tree_prefix(division)
    joined = {
        code
        for pair in db.session.execute(
            select(ServiceContinuation.earlier_division, ServiceContinuation.later_division)
        )
        for code in pair
        if not code.startswith(prefix)
    }
    inside = under(Purchase.division_code, division)
    return (
        select(Purchase)
        .where(
            Purchase.fiscal_year.in_((year, year - 1)),
            or_(inside, Purchase.division_code.in_(joined)) if joined else inside,
        )
        .order_by(Purchase.id)
    )


def as_row(item: Purchase) -> PurchaseRow:
    """A stored purchase as the engine takes it."""
    return PurchaseRow(
        contract_no=item.contract_no,
        fiscal_year=item.fiscal_year,
        division_code=item.division_code,
        purchaser=item.purchaser,
        service_key=item.service_key,
        service_name=item.service_name,
        catalogue_code=item.catalogue_code,
        public_service=item.public_service,
        contractor=item.contractor,
        contractor_code=item.contractor_code,
        contractor_kind=item.contractor_kind,
        host_code=item.host_code,
        so_share=Fraction(item.so_share) if item.so_share is not None else None,
        amount=item.amount,
        cancelled_amount=item.cancelled_amount,
        fund_source=item.fund_source,
        method=item.method,
        signed_on=item.signed_on,
        is_venture=item.is_venture,
        row=item.id,
        budget_amount=item.budget_amount,
        paid_amount=item.paid_amount,
    )


def continuations() -> list[tuple[ServiceKey, ServiceKey]]:
    """The confirmed links (earlier, later)."""
    return [
        linked(link)
        for link in db.session.scalars(select(ServiceContinuation).order_by(ServiceContinuation.id))
    ]


def linked(link: ServiceContinuation) -> tuple[ServiceKey, ServiceKey]:
    """The two services of a link, (earlier, later)."""
    return (
        _identity(link.earlier_division, link.earlier_purchaser, link.earlier_key),
        _identity(link.later_division, link.later_purchaser, link.later_key),
    )


def _identity(division: str, purchaser: str, key: str) -> ServiceKey:
    kind, _, name = key.partition(":")
    return (normalise_division(division), purchaser, (kind, name))


def key_text(service: ServiceKey) -> str:
    """The key of a service as kept lines and links write it: ``key:A-001``, ``name:…``."""
    return ":".join(service[2])


_FACT_COLUMNS: tuple[Any, ...] = (
    Purchase.division_code, Purchase.purchaser, Purchase.service_key, Purchase.service_name, Purchase.fiscal_year,
    Purchase.public_service, Purchase.catalogue_code, Purchase.fund_source, Purchase.is_venture,
    Purchase.contractor_kind, Purchase.contractor_code, Purchase.host_code, Purchase.so_share,
)  # fmt: skip


def facts(years: Iterable[int], where: ColumnElement[bool]) -> Iterator[Fact]:
    """The rows in question, summed as far as they are judged alike; rows that are no public service stay away."""

    def fen(amount: Any) -> Any:
        return cast(func.sum(cast(amount, BigInteger)), BigInteger)

    statement = (
        select(
            *_FACT_COLUMNS,
            func.count(),
            fen(cast(Purchase.amount, BigInteger) - cast(Purchase.cancelled_amount, BigInteger)),
            func.count(Purchase.budget_amount),
            fen(Purchase.budget_amount),
            func.count(Purchase.paid_amount),
            fen(Purchase.paid_amount),
        )
        .where(Purchase.fiscal_year.in_(tuple(years)), Purchase.public_service, where)
        .group_by(*_FACT_COLUMNS)
    )
    return (Fact._make(row) for row in db.session.execute(statement))


def of_services(services: Iterable[ServiceKey]) -> ColumnElement[bool]:
    """The purchases of these services."""
    kinds: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for division, purchaser, (kind, name) in services:
        kinds.setdefault((division, purchaser), ([], []))[kind == "name"].append(name)
    # One branch for each kind of key: an OR inside of an OR is what SQLite finds no index for.
    branches = []
    for (division, purchaser), (keys, names) in kinds.items():
        own = (Purchase.purchaser == purchaser, Purchase.division_code == division)
        if keys:
            branches.append(and_(*own, Purchase.service_key.in_(keys)))
        if names:
            branches.append(and_(*own, Purchase.service_key == "", Purchase.service_name.in_(names)))
    return or_(*branches) if branches else false()


# Figures


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


def with_joined(service: ServiceKey) -> list[ServiceKey]:
    """A service, and those that confirmed continuations join to it."""
    joins = Joins(continuations())
    root = joins.root(service)
    return [
        service,
        *sorted(other for other in joins.members() if joins.root(other) == root and other != service),
    ]


def service_named(division: str, purchaser: str, text: str) -> ServiceKey | None:
    """The service of a division and purchaser whose key reads so (:func:`key_text`)."""
    kind, _, name = text.partition(":")
    if kind not in ("key", "name") or not name:
        return None
    return (normalise_division(division), purchaser, (kind, name))


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
    service = _identity(row.division_code, row.purchaser, row.key)
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
    return [judged(found, row, name) for row in _as_rows(statement)]


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
            rows = _as_rows(
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
        rows = _as_rows(
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


def verdicts(rows: Iterable[PurchaseRow], rules: R30Parameters, *, include_venture: bool) -> list[RowVerdict]:
    return [judge_row(row, rules, include_venture=include_venture) for row in rows]


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


_paid: list[Callable[[Iterable[int]], dict[int, dict[int, Money]]]] = []


def tell_paid(source: Callable[[Iterable[int]], dict[int, dict[int, Money]]]) -> None:
    """Let the room above say what was paid on commitments (by id), by year of the books."""
    _paid[:] = [source]


def paid_by_row(purchases: Sequence[Purchase]) -> dict[tuple[int, int], Money]:
    """What the ledger says was paid on contracts concluded here: (commitment id, fiscal year) → amount.

    One entry for each row, and for each later year that has no row yet. What was paid before the
    contract's first row belongs to that row.
    """
    rows: dict[int, list[int]] = {}
    for item in purchases:
        assert item.commitment_id is not None
        rows.setdefault(item.commitment_id, []).append(item.fiscal_year)
    told = _paid[0](rows) if _paid and rows else {}
    found: dict[tuple[int, int], Money] = {}
    for commitment_id, years in rows.items():
        found.update(((commitment_id, year), Money(0)) for year in years)
        for year, amount in told.get(commitment_id, {}).items():
            key = (commitment_id, max(year, min(years)))
            if amount or key in found:
                found[key] = found.get(key, Money(0)) + amount
    return found


def concluded(commitment_ids: Iterable[int] | None = None) -> list[Purchase]:
    """The rows of contracts concluded here, all or of these commitments, oldest first."""
    chosen = select(Purchase).where(Purchase.commitment_id.is_not(None)).order_by(Purchase.id)
    if commitment_ids is not None:
        chosen = chosen.where(Purchase.commitment_id.in_(set(commitment_ids)))
    return list(db.session.scalars(chosen))


def paid_differences() -> Iterator[tuple[Purchase, int, Money | None, Money]]:
    """Contracts whose paid amount is not what the ledger says: a row of it, year, kept, and as posted."""
    purchases = concluded()
    kept = {(item.commitment_id, item.fiscal_year): item for item in purchases}
    first = {item.commitment_id: item for item in reversed(purchases)}
    for (commitment_id, year), amount in sorted(paid_by_row(purchases).items()):
        row = kept.get((commitment_id, year))
        if row is None or row.paid_amount != amount:
            yield first[commitment_id], year, row.paid_amount if row is not None else None, amount


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


# Imports

Identity = tuple[str, int, str]


def identity_of(row: PurchaseRow) -> Identity:
    """What tells a contract: purchaser, fiscal year, number."""
    return (row.purchaser, row.fiscal_year, row.contract_no)


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking a table would do: the rows that stand under its numbers now, those that would go, and
    why it cannot be taken.
    """

    before: dict[Identity, PurchaseRow]
    gone: list[PurchaseRow]
    refusals: list[Refusal]


def planned(rows: list[PurchaseRow], replaces_id: int | None, within: list[str] | None) -> Plan:
    """Compare a checked table with what is there. ``within``: the divisions a person may import for."""
    before: dict[Identity, PurchaseRow] = {}
    concluded: list[str] = []
    wanted = {identity_of(row) for row in rows}
    years: dict[int, set[str]] = {}
    for purchaser, year, _number in wanted:
        years.setdefault(year, set()).add(purchaser)
    for year, purchasers in sorted(years.items()):
        named = sorted(purchasers)
        for start in range(0, len(named), 200):
            found = select(Purchase).where(
                Purchase.purchaser.in_(named[start : start + 200]), Purchase.fiscal_year == year
            )
            if len(wanted) < 200:
                found = found.where(Purchase.contract_no.in_({number for _p, _y, number in wanted}))
            here = {identity: row for row in _as_rows(found) if (identity := identity_of(row)) in wanted}
            before.update(here)
            own = db.session.execute(
                found.where(Purchase.commitment_id.is_not(None)).with_only_columns(
                    Purchase.purchaser, Purchase.fiscal_year, Purchase.contract_no
                )
            )
            concluded += [row.contract_no for row in own if tuple(row) in wanted]
    gone = []
    if replaces_id is not None:
        mine = select(Purchase).where(Purchase.import_id == replaces_id, Purchase.commitment_id.is_(None))
        gone = [row for row in _as_rows(mine) if identity_of(row) not in wanted]
    return Plan(before, gone, list(_refusals(rows, before, gone, concluded, within)))


def _refusals(
    rows: list[PurchaseRow],
    before: dict[Identity, PurchaseRow],
    gone: list[PurchaseRow],
    concluded: list[str],
    within: list[str] | None,
) -> Iterator[Refusal]:
    if within is not None:
        prefixes = tuple(tree_prefix(code) for code in within)
        touched = {row.division_code for row in (*rows, *before.values(), *gone)}
        strangers = sorted(code for code in touched if not code.startswith(prefixes))
        if strangers:
            yield Refusal(
                Message(
                    N_(
                        "The table has rows of divisions that are not yours: %(codes)s. Take them out and import again."
                    ),
                    {"codes": "、".join(strangers[:10])},
                ),
                status=403,
            )
    if concluded:
        yield Refusal(
            Message(
                N_("Contract %(number)s was concluded in this system; change it there, not by a table."),
                {"number": "、".join(sorted(concluded)[:10])},
            )
        )


def importable_divisions(user: Any) -> list[str]:
    """The divisions for whose levels a person may import."""
    ids = user.agency_ids("purchase.import")
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return sorted({normalise_division(code) for code in codes})


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


def visible_imports(user: Any) -> Select[Any]:
    """The imports of the units for which a person may import."""
    return select(PurchaseImport).where(PurchaseImport.agency_id.in_(user.agency_ids("purchase.import")))


# Continuations

MOST_SERVICES = 2_000
"""How many ended and begun services of a year are compared, the largest first."""
ALIKE = 0.45


@dataclass(frozen=True, slots=True)
class Proposal:
    """A service that ended and one that began and looks like it; ``alike`` from 0 to 1."""

    earlier: ServiceKey
    later: ServiceKey
    earlier_name: str
    later_name: str
    before: Money
    total: Money
    alike: float

    @property
    def token(self) -> str:
        """Names the pair in a form."""
        text = json.dumps([self.earlier, self.later], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @property
    def why(self) -> list[str]:
        """What changed between the two."""
        words = [
            (self.earlier[0] != self.later[0], N_("the division changed")),
            (self.earlier[1] != self.later[1], N_("the department changed")),
            (self.earlier_name != self.later_name, N_("the name changed")),
            (
                self.earlier[2] != self.later[2] and self.earlier_name == self.later_name,
                N_("the code changed"),
            ),
        ]
        return [word for holds, word in words if holds]


def proposals(division: str, year: int, *, limit: int = 50) -> list[Proposal]:
    """Services that ended with last year and services that began this year which look alike, at and under
    the division and beside it under the same city; nobody has confirmed or dismissed them yet.

    Work is bounded: the largest of either side are compared, and only those that share parts of a name.
    """
    code = normalise_division(division)
    around = code if len(tree_prefix(code)) < 4 else code[:4] + "00"
    ended = _turned(around, year, ServiceYear.total_fen == 0, ServiceYear.before_fen)
    begun = _turned(around, year, ServiceYear.before_fen == 0, ServiceYear.total_fen)
    prefix = tree_prefix(code)
    linked_services = {service for pair in continuations() for service in pair}
    dismissed = {
        (
            _identity(row.earlier_division, row.earlier_purchaser, row.earlier_key),
            _identity(row.later_division, row.later_purchaser, row.later_key),
        )
        for row in db.session.scalars(
            select(ContinuationDismissal).where(ContinuationDismissal.fiscal_year == year)
        )
    }
    by_part: dict[str, list[int]] = {}
    services = [(_identity(row.division_code, row.purchaser, row.key), row) for row in ended]
    parts = [name_parts(row.name) for _service, row in services]
    for place, own in enumerate(parts):
        for part in own:
            by_part.setdefault(part, []).append(place)
    found = []
    for row in begun:
        later = _identity(row.division_code, row.purchaser, row.key)
        if later in linked_services or not later[0].startswith(prefix):
            continue
        mine = name_parts(row.name)
        # Rare parts first: a part that stands in very many names tells nothing.
        shared: dict[int, int] = {}
        for part in sorted(mine, key=lambda part: len(by_part.get(part, ())))[:8]:
            for place in by_part.get(part, ())[:200]:
                shared[place] = shared.get(place, 0) + 1
        for place in sorted(shared, key=lambda place: -shared[place])[:20]:
            earlier, old = services[place]
            if earlier in linked_services or (earlier, later) in dismissed:
                continue
            alike = likeness(mine, parts[place], old.purchaser, row.purchaser, old.before_fen, row.total_fen)
            if alike >= ALIKE:
                found.append(
                    Proposal(
                        earlier, later, old.name, row.name, Money(old.before_fen), Money(row.total_fen), alike
                    )
                )
    found.sort(key=lambda item: (-item.alike, item.earlier, item.later))
    # Each service once, with its best partner.
    taken: set[ServiceKey] = set()
    best = []
    for item in found:
        if item.earlier not in taken and item.later not in taken:
            best.append(item)
            taken |= {item.earlier, item.later}
    return best[:limit]


def _turned(division: str, year: int, which: Any, size: Any) -> Sequence[ServiceYear]:
    return db.session.scalars(
        select(ServiceYear)
        .where(
            ServiceYear.fiscal_year == year,
            ServiceYear.basis == "contract",
            ServiceYear.venture.is_(False),
            ServiceYear.joined.is_(False),
            under(ServiceYear.division_code, division),
            which,
            size > 0,
        )
        .order_by(size.desc(), ServiceYear.id)
        .limit(MOST_SERVICES)
    ).all()


def links_in_scope(user: Any) -> Select[Any]:
    """The confirmed links whose later service lies where the person may import."""
    codes = importable_divisions(user)
    return select(ServiceContinuation).where(
        or_(*(under(ServiceContinuation.later_division, code) for code in codes)) if codes else false()
    )


def continuations_of(user: Any, year: int) -> Sequence[ServiceContinuation]:
    """The links of a year in a person's reach."""
    return db.session.scalars(
        links_in_scope(user)
        .where(ServiceContinuation.fiscal_year == year)
        .order_by(ServiceContinuation.id.desc())
        .limit(200)
    ).all()


def headings_of_unit(agency_id: int | None) -> dict[str, str]:
    """The headings that a unit has explained: heading → column."""
    return {
        row.heading: row.column_name
        for row in db.session.scalars(select(PurchaseHeading).where(PurchaseHeading.agency_id == agency_id))
    }


def visible_divisions(user: Any) -> list[str]:
    """The division codes whose figures the user may open: those of the agencies in reach."""
    ids = user.agency_ids("purchase.read")
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return sorted({normalise_division(code) for code in codes})


def lies_in(division: str, codes: Iterable[str]) -> bool:
    """Whether a division lies at or under one of these."""
    return any(division.startswith(tree_prefix(code)) for code in codes)


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


def division_labels(codes: Iterable[str]) -> dict[str, str]:
    """What to call a level: its first unit in the tree, else the division's official name, else its code."""
    wanted = set(codes)
    labels = {code: division_name(code) or code for code in wanted}
    units = db.session.execute(
        select(Agency.division_code, Agency.name)
        .where(Agency.division_code.in_(wanted))
        .order_by(Agency.id.desc())
    )
    labels.update({row.division_code: row.name for row in units})
    return labels
