"""R30: how much of newly added public service purchasing goes to social organizations.

“政府新增公共服务支出通过政府购买服务安排部分，向社会组织购买的比例原则上不低于30%” (DOMAIN 3.1). Pure
functions over purchase rows; every amount is an exact number of fen, every ratio an exact fraction.

A service is what one purchaser of one division buys under one key. ``added`` is what it costs more
than last year, never below zero. The share of a service that goes to social organizations is taken
from this year's rows, weighted by net amount. ``ratio = N / D`` over the services of a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from core.money import Money
from core.text import N_
from finance.contracts.rules import (
    BASES,
    DEFAULT_PARAMETERS,
    NANO,
    Basis,
    Fact,
    Joins,
    PurchaseRow,
    R30Parameters,
    RulesAt,
    ServiceKey,
    quarter_of,
    reason_outside,
    weighed,
    weight_of,
)
from registry.agencies.rules import normalise_division, tree_prefix

Status = Literal["met", "below", "not_applicable"]


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service of the figure. ``so_share`` of 0..1, ``so_added`` in fen, exact.

    ``rows`` are this year's rows in scope; ``joined_to`` the other identities that a confirmed
    continuation joins to this one.
    """

    service: ServiceKey
    name: str
    total: Money
    previous_total: Money
    added: Money
    so_share: Fraction
    so_added: Fraction
    so_total: Fraction
    previous_so_total: Fraction
    rows: tuple[PurchaseRow, ...] = ()
    joined_to: tuple[ServiceKey, ...] = ()

    @property
    def division(self) -> str:
        return self.service[0]

    @property
    def purchaser(self) -> str:
        return self.service[1]


@dataclass(frozen=True, slots=True)
class RatioFigure:
    """The figure of one level and year. Totals are whole fen, ``added_so_fen`` and ``gap_fen`` exact fractions of a fen.

    ``so_fen`` is what went to social organizations this year, ``sources`` this year's total by fund source,
    ``row_count`` the rows of this year in scope.
    """

    year: int
    division: str
    rollup: bool
    include_venture: bool
    through_quarter: int
    threshold: Fraction
    added_total_fen: int
    added_so_fen: Fraction
    ratio: Fraction | None
    status: Status
    gap_fen: Fraction
    total_fen: int
    previous_total_fen: int
    basis: Basis = "contract"
    so_fen: Fraction = Fraction(0)
    previous_so_fen: Fraction = Fraction(0)
    service_count: int = 0
    row_count: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    # How many billionths of a fen the numerator may be short of, none when computed from rows.
    rounded: int = field(default=0, compare=False)
    services: tuple[ServiceLine, ...] = field(default=(), repr=False, compare=False)

    def to_dict(self) -> dict[str, str | None]:
        """Exact text of each number: ``"7/13"``, ``"0"``; ``ratio`` is ``None`` where it does not apply."""
        return {
            "added_total_fen": exact_text(Fraction(self.added_total_fen)),
            "added_so_fen": exact_text(self.added_so_fen),
            "ratio": None if self.ratio is None else exact_text(self.ratio),
            "status": self.status,
            "gap_fen": exact_text(self.gap_fen),
            "total_fen": exact_text(Fraction(self.total_fen)),
            "previous_total_fen": exact_text(Fraction(self.previous_total_fen)),
        }


@dataclass(frozen=True, slots=True)
class YearOnYear:
    """Cross-check shown beside the ratio: ΔSO / ΔTotal; ``ratio`` is ``None`` when ΔTotal ≤ 0 (DOMAIN 3.1)."""

    delta_total_fen: int
    delta_so_fen: Fraction
    ratio: Fraction | None


def exact_text(number: Fraction) -> str:
    """``41999999/100000000``, ``0``. Sums over thousands of shared services outgrow ``str(int)``; Decimal does not."""
    numerator = format(Decimal(number.numerator), "f")
    return numerator if number.denominator == 1 else f"{numerator}/{format(Decimal(number.denominator), 'f')}"


@dataclass(slots=True)
class _Tally:
    """Running sums of one service in one year; whole weights stay integers."""

    total: int = 0
    so_whole: int = 0
    so_parts: Fraction = Fraction(0)
    rows: list[PurchaseRow] = field(default_factory=list)

    def add(self, row: PurchaseRow, net: int, weight: Fraction) -> None:
        self.total += net
        if weight == 1:
            self.so_whole += net
        elif weight:
            self.so_parts += weight * net
        self.rows.append(row)

    @property
    def so(self) -> Fraction:
        return self.so_parts + self.so_whole


def service_lines(
    rows: Iterable[PurchaseRow],
    year: int,
    division: str,
    *,
    include_venture: bool | None,
    rollup: bool,
    parameters: R30Parameters | RulesAt = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    through_quarter: int = 4,
    basis: Basis = "contract",
) -> tuple[ServiceLine, ...]:
    """The services of a level (or of everything under it) in a year, one pass over the rows.

    ``continues`` holds confirmed links ``(earlier identity, later identity)``. Joined identities are
    one service in both years. It belongs to the division of its latest identity with rows this year
    (else last year), so that each service is counted at exactly one level.
    """
    if not 1 <= through_quarter <= 4:
        raise ValueError("through_quarter is 1, 2, 3 or 4")
    level = normalise_division(division)
    prefix = tree_prefix(level)
    joins = Joins(continues)
    rules_at = _rules_at(parameters)
    tallies: dict[ServiceKey, dict[int, _Tally]] = {}
    # Few payees in many rows: what the weight depends on, judged once.
    weights: dict[tuple[str, str, str, str, Fraction | None, Fraction | None], Fraction] = {}
    for row in rows:
        if row.fiscal_year not in (year, year - 1):
            continue
        if through_quarter < 4 and quarter_of(row) > through_quarter:
            continue
        service = row.service
        if not joins.concerns(service) and not _at(service[0], level, prefix, rollup):
            continue
        rules = rules_at(service[0])
        venture = rules.count_venture if include_venture is None else include_venture
        net = row.fen_on(basis)
        if net is None or reason_outside(row, rules, venture, basis) is not None:
            continue
        payee = (
            service[0], row.contractor_kind, row.contractor_code, row.host_code, row.so_share,
            row.subcontract_so_share,
        )  # fmt: skip
        weight = weights.get(payee)
        if weight is None:
            weight = weights[payee] = weight_of(row, rules)[0]
        years = tallies.setdefault(service, {})
        years.setdefault(row.fiscal_year, _Tally()).add(row, net, weight)

    groups: dict[ServiceKey, list[ServiceKey]] = {}
    for service in tallies:
        groups.setdefault(joins.root(service), []).append(service)
    lines = []
    for members in groups.values():
        current = [service for service in members if year in tallies[service]]
        home = max(current or members, key=joins.age)
        if _at(home[0], level, prefix, rollup):
            lines.append(_line(home, members, tallies, year))
    return tuple(lines)


def _rules_at(parameters: R30Parameters | RulesAt) -> RulesAt:
    return (lambda _division: parameters) if isinstance(parameters, R30Parameters) else parameters


def _at(code: str, level: str, prefix: str, rollup: bool) -> bool:
    return code.startswith(prefix) if rollup else code == level


def _line(
    home: ServiceKey, members: list[ServiceKey], tallies: dict[ServiceKey, dict[int, _Tally]], year: int
) -> ServiceLine:
    this_year = [tallies[member][year] for member in members if year in tallies[member]]
    last_year = [tallies[member][year - 1] for member in members if year - 1 in tallies[member]]
    total = sum(tally.total for tally in this_year)
    previous = sum(tally.total for tally in last_year)
    so_total = sum((tally.so for tally in this_year), Fraction(0))
    added = max(0, total - previous)
    share = so_total / total if total else Fraction(0)
    named = tallies[home].get(year) or tallies[home][year - 1]
    return ServiceLine(
        service=home,
        # The first in the alphabet, so that it does not hang on the order of rows.
        name=min(row.service_name for row in named.rows),
        total=Money(total),
        previous_total=Money(previous),
        added=Money(added),
        so_share=share,
        so_added=added * share,
        so_total=so_total,
        previous_so_total=sum((tally.so for tally in last_year), Fraction(0)),
        rows=tuple(row for tally in this_year for row in tally.rows),
        joined_to=tuple(sorted(member for member in members if member != home)),
    )


def compute_ratio(
    rows: Iterable[PurchaseRow],
    year: int,
    division: str,
    include_venture: bool | None = None,
    rollup: bool = False,
    parameters: R30Parameters | RulesAt = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    *,
    through_quarter: int = 4,
    basis: Basis = "contract",
) -> RatioFigure:
    """The R30 figure of a division in a fiscal year, with its service lines.

    ``include_venture=None`` takes each level's ``count_venture``; the threshold is that of ``division``.
    Raises ``DivisionError`` for a malformed division and ``ValueError`` for a quarter outside 1–4.
    """
    own_rules = _rules_at(parameters)(normalise_division(division))
    lines = service_lines(
        rows,
        year,
        division,
        include_venture=include_venture,
        rollup=rollup,
        parameters=parameters,
        continues=continues,
        through_quarter=through_quarter,
        basis=basis,
    )
    added_total = sum(line.added.fen for line in lines)
    added_so = exact_sum(line.so_added for line in lines)
    sources: dict[str, int] = {}
    for line in lines:
        for row in line.rows:
            sources[row.fund_source] = sources.get(row.fund_source, 0) + (row.fen_on(basis) or 0)
    return figure_of(
        year=year,
        division=normalise_division(division),
        rollup=rollup,
        include_venture=own_rules.count_venture if include_venture is None else include_venture,
        through_quarter=through_quarter,
        threshold=own_rules.threshold,
        added_total_fen=added_total,
        added_so_fen=added_so,
        total_fen=sum(line.total.fen for line in lines),
        previous_total_fen=sum(line.previous_total.fen for line in lines),
        basis=basis,
        so_fen=exact_sum(line.so_total for line in lines),
        previous_so_fen=exact_sum(line.previous_so_total for line in lines),
        service_count=len(lines),
        row_count=sum(len(line.rows) for line in lines),
        sources={source: fen for source, fen in sources.items() if fen},
        services=lines,
    )


def figure_of(
    *, added_total_fen: int, added_so_fen: Fraction, threshold: Fraction, **values: Any
) -> RatioFigure:
    """The figure with what follows from its sums: ratio, status and gap (DOMAIN 3.1)."""
    ratio = added_so_fen / added_total_fen if added_total_fen else None
    status: Status = "not_applicable" if ratio is None else "met" if ratio >= threshold else "below"
    return RatioFigure(
        added_total_fen=added_total_fen,
        added_so_fen=added_so_fen,
        threshold=threshold,
        ratio=ratio,
        status=status,
        gap_fen=max(Fraction(0), threshold * added_total_fen - added_so_fen),
        **values,
    )


def year_on_year(
    rows: Iterable[PurchaseRow],
    year: int,
    division: str,
    include_venture: bool | None = None,
    rollup: bool = False,
    parameters: R30Parameters | RulesAt = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    *,
    through_quarter: int = 4,
    basis: Basis = "contract",
) -> YearOnYear:
    """The increment method over the same rows as :func:`compute_ratio`."""
    return year_on_year_of(
        compute_ratio(
            rows,
            year,
            division,
            include_venture,
            rollup,
            parameters,
            continues,
            through_quarter=through_quarter,
            basis=basis,
        )
    )


def year_on_year_of(figure: RatioFigure) -> YearOnYear:
    """The increment method from a computed figure, without reading the rows again."""
    delta_total = figure.total_fen - figure.previous_total_fen
    delta_so = figure.so_fen - figure.previous_so_fen
    return YearOnYear(delta_total, delta_so, delta_so / delta_total if delta_total > 0 else None)


def total_by_source(figure: RatioFigure) -> dict[str, Money]:
    """This year's amount in scope by fund source, largest first."""
    ordered = sorted(figure.sources.items(), key=lambda item: (-item[1], item[0]))
    return {source: Money(fen) for source, fen in ordered}


def exact_sum(numbers: Iterable[Fraction]) -> Fraction:
    """Σ of many fractions: equal denominators first, then in pairs, reduced once at the end."""
    by_denominator: dict[int, int] = {}
    for number in numbers:
        by_denominator[number.denominator] = by_denominator.get(number.denominator, 0) + number.numerator
    level = [(numerator, denominator) for denominator, numerator in by_denominator.items()]
    while len(level) > 1:
        pairs = [
            (left[0] * right[1] + right[0] * left[1], left[1] * right[1])
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return Fraction(*level[0]) if level else Fraction(0)


@dataclass(slots=True)
class KeptLine:
    """A service's line of a year's figure in whole numbers; money for social organizations in billionths of a fen.

    ``apart``: with venture grants the service reads otherwise, which another line says.
    """

    basis: Basis
    venture: bool
    service: ServiceKey
    year: int
    name: str
    apart: bool
    joined: bool
    row_count: int
    total: int
    before: int
    so: int
    before_so: int
    sources: dict[str, int]

    @property
    def added(self) -> int:
        return max(0, self.total - self.before)

    def added_so(self) -> tuple[int, bool]:
        """Billionths of a fen, rounded down, and whether something was left out."""
        if not self.total:
            return 0, False
        whole, rest = divmod(self.added * self.so, self.total)
        return whole, rest != 0


@dataclass(slots=True)
class _Sums:
    """One identity's sums on one basis, this year [0] and the year before [1]."""

    row_count: list[int] = field(default_factory=lambda: [0, 0])
    fen: list[int] = field(default_factory=lambda: [0, 0])
    so: list[int] = field(default_factory=lambda: [0, 0])
    names: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    sources: dict[str, int] = field(default_factory=dict)


def kept_lines(facts: Iterable[Fact], year: int, joins: Joins, rules_at: RulesAt) -> list[KeptLine]:
    """The lines of a year's figure on every basis, without and with venture grants.

    ``facts`` hold all rows of ``year`` and the year before of whole groups of joined services.
    """
    # (basis, only venture) -> identity -> sums
    plain: dict[Basis, dict[ServiceKey, _Sums]] = {basis: {} for basis in BASES}
    grants: dict[Basis, dict[ServiceKey, _Sums]] = {basis: {} for basis in BASES}
    weights: dict[tuple[str, str, str, str, str | None, str | None], int] = {}
    rules: dict[str, R30Parameters] = {}
    outside: dict[tuple[str, str, str], bool] = {}
    for fact in facts:
        if not fact.public_service or not -1 <= fact.fiscal_year - year <= 0:
            continue
        service = fact.service
        division = service[0]
        own = rules.get(division)
        if own is None:
            own = rules[division] = rules_at(division)
        scope = (division, fact.fund_source, fact.catalogue_code)
        left_out = outside.get(scope)
        if left_out is None:
            left_out = outside[scope] = fact.fund_source in own.excluded_sources or (
                fact.catalogue_code.startswith(tuple(own.excluded_catalogue))
            )
        if left_out:
            continue
        payee = (
            division, fact.contractor_kind, fact.contractor_code, fact.host_code, fact.so_share,
            fact.subcontract_so_share,
        )  # fmt: skip
        weight = weights.get(payee)
        if weight is None:
            weight = weights[payee] = _nano_weight(fact, own)
        kept = grants if fact.is_venture and not own.count_venture else plain
        place = year - fact.fiscal_year
        for basis, count, fen in (
            ("contract", fact.row_count, fact.contract_fen),
            ("budget", fact.budget_rows, fact.budget_fen),
            ("payment", fact.paid_rows, fact.paid_fen),
        ):
            if not count:
                continue
            sums = kept[basis].get(service)  # type: ignore[index]
            if sums is None:
                sums = kept[basis][service] = _Sums()  # type: ignore[index]
            fen = int(fen or 0)
            sums.row_count[place] += count
            sums.fen[place] += fen
            sums.so[place] += fen * weight
            sums.names[place].add(fact.service_name)
            if place == 0 and fen:
                sums.sources[fact.fund_source] = sums.sources.get(fact.fund_source, 0) + fen
    lines: list[KeptLine] = []
    for basis in BASES:
        with_grants = {joins.root(service) for service in grants[basis]}
        groups = _grouped(joins, plain[basis])
        for root, members in groups.items():
            lines.append(_kept_line(basis, False, members, year, joins, apart=root in with_grants))
        if with_grants:
            both = _grouped(joins, plain[basis], grants[basis])
            for root in with_grants:
                lines.append(_kept_line(basis, True, both[root], year, joins, apart=False))
    return lines


def _nano_weight(fact: Fact, rules: R30Parameters) -> int:
    share, subcontracted = (
        Fraction(text) if text is not None else None for text in (fact.so_share, fact.subcontract_so_share)
    )
    weight, _reason = weighed(
        fact.contractor_kind, fact.contractor_code, fact.host_code, share, subcontracted, rules
    )
    nano = weight * NANO
    if nano.denominator != 1:
        raise ValueError("a share has at most nine decimals")
    return int(nano)


_Members = list[tuple[ServiceKey, list[_Sums]]]


def _grouped(joins: Joins, *tallies: dict[ServiceKey, _Sums]) -> dict[ServiceKey, _Members]:
    found: dict[ServiceKey, list[_Sums]] = {}
    for tally in tallies:
        for service, sums in tally.items():
            found.setdefault(service, []).append(sums)
    groups: dict[ServiceKey, _Members] = {}
    for service, parts in found.items():
        groups.setdefault(joins.root(service), []).append((service, parts))
    return groups


def _kept_line(
    basis: Basis, venture: bool, members: _Members, year: int, joins: Joins, *, apart: bool
) -> KeptLine:
    if len(members) == 1:
        home, home_parts = members[0]
    else:
        current = [member for member in members if any(part.row_count[0] for part in member[1])]
        home, home_parts = max(current or members, key=lambda member: joins.age(member[0]))
    names = {name for part in home_parts for name in part.names[0]} or {
        name for part in home_parts for name in part.names[1]
    }
    parts = home_parts if len(members) == 1 else [part for member in members for part in member[1]]
    if len(parts) == 1:
        sources = parts[0].sources
    else:
        sources = {}
        for part in parts:
            for source, fen in part.sources.items():
                sources[source] = sources.get(source, 0) + fen
    return KeptLine(
        basis=basis,
        venture=venture,
        service=home,
        year=year,
        name=min(names),
        apart=apart,
        joined=len(members) > 1,
        row_count=sum(part.row_count[0] for part in parts),
        total=sum(part.fen[0] for part in parts),
        before=sum(part.fen[1] for part in parts),
        so=sum(part.so[0] for part in parts),
        before_so=sum(part.so[1] for part in parts),
        sources=sources,
    )


LABELS = {
    "own": N_("Own level"),
    "own_with_venture": N_("Own level with venture grants"),
    "rollup": N_("Rolled up"),
    "rollup_with_venture": N_("Rolled up with venture grants"),
}

BASIS_WORDS = {
    "contract": N_("Signed contracts"),
    "budget": N_("Budget quotas"),
    "payment": N_("Payments of the year"),
}
