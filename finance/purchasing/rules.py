"""R30: how much of newly added public service purchasing goes to social organizations.

“政府新增公共服务支出通过政府购买服务安排部分，向社会组织购买的比例原则上不低于30%” (DOMAIN 3.1). Pure
functions over purchase rows; every amount is an exact number of fen, every ratio an exact fraction.

A service is what one purchaser of one division buys under one key. ``added`` is what it costs more
than last year, never below zero. The share of a service that goes to social organizations is taken
from this year's rows, weighted by net amount. ``ratio = N / D`` over the services of a level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Self

from core.money import Money
from core.text import N_, Message
from registry.agencies.rules import normalise_division, tree_prefix
from registry.organizations.rules import credit_code_or_none

CONSORTIUM = "联合体"
FILED_BODY = "备案社区社会组织"

Status = Literal["met", "below", "not_applicable"]
ServiceKey = tuple[str, str, tuple[str, str]]
"""(division, purchaser, ("key", service_key) or ("name", service_name))."""


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One contract in one fiscal year, as in the import table. ``so_share`` is ``None`` where blank.

    ``row`` is the line of the spreadsheet it came from (header = 1), 0 if it came from elsewhere.
    """

    contract_no: str
    fiscal_year: int
    division_code: str
    purchaser: str
    service_key: str
    service_name: str
    catalogue_code: str
    public_service: bool
    contractor: str
    contractor_code: str
    contractor_kind: str
    host_code: str
    so_share: Fraction | None
    amount: Money
    cancelled_amount: Money
    fund_source: str
    method: str
    signed_on: date | None
    is_venture: bool
    row: int = 0

    @property
    def net(self) -> Money:
        return self.amount - self.cancelled_amount

    @property
    def service(self) -> ServiceKey:
        key = ("key", self.service_key) if self.service_key else ("name", self.service_name)
        return (normalise_division(self.division_code), self.purchaser, key)


R30_SOURCES: dict[str, str] = {
    "threshold": "财政部综合司《政府购买服务知识问答》Q93：向社会组织购买的比例原则上不低于30%",
    "organization_prefixes": "政府购买服务管理办法（财政部令第102号）第六条：社会组织（不含由财政拨款保障的群团组织）",
    "scope": "政府购买服务管理办法（财政部令第102号）第九条：公共服务",
    "fiscal_year": "预算法第十八条：预算年度自公历1月1日起，至12月31日止",
}


@dataclass(frozen=True, slots=True)
class R30Parameters:
    """What a jurisdiction may set. Defaults are the national wording (:data:`R30_SOURCES`)."""

    threshold: Fraction = Fraction(3, 10)
    count_venture: bool = False
    organization_prefixes: frozenset[str] = frozenset({"51", "52", "53"})
    excluded_sources: frozenset[str] = frozenset(
        {
            "社会捐赠",
            "社会捐赠资金",
            "捐赠",
            "捐赠资金",
            "众筹",
            "众筹资金",
            "基金会配资",
            "自筹",
            "自筹资金",
        }
    )
    count_hosted: bool = True
    split_consortium: bool = True

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From stored JSON: the threshold as text (``"0.30"`` or ``"3/10"``), sets as lists. ``TypeError`` for a float."""
        values = dict(data)
        if "threshold" in values:
            if isinstance(values["threshold"], float):
                raise TypeError("the threshold is written as text, never as a float")
            values["threshold"] = Fraction(values["threshold"])
        for name in ("organization_prefixes", "excluded_sources"):
            if name in values:
                values[name] = frozenset(values[name])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return {
            "threshold": str(self.threshold),
            "count_venture": self.count_venture,
            "organization_prefixes": sorted(self.organization_prefixes),
            "excluded_sources": sorted(self.excluded_sources),
            "count_hosted": self.count_hosted,
            "split_consortium": self.split_consortium,
        }


DEFAULT_PARAMETERS = R30Parameters()


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """How one row enters the figure. ``weight`` is the part of its net amount that goes to social organizations."""

    row: PurchaseRow
    in_scope: bool
    weight: Fraction
    message: Message

    @property
    def verdict(self) -> Literal["counts", "partly", "does_not_count", "out_of_scope"]:
        if not self.in_scope:
            return "out_of_scope"
        if self.weight == 1:
            return "counts"
        return "partly" if self.weight else "does_not_count"


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
    """The figure of one level and year. Totals are whole fen, ``added_so_fen`` and ``gap_fen`` exact fractions of a fen."""

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
    services: tuple[ServiceLine, ...] = field(default=(), repr=False)

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


def judge_row(
    row: PurchaseRow,
    parameters: R30Parameters = DEFAULT_PARAMETERS,
    *,
    include_venture: bool | None = None,
) -> RowVerdict:
    """Whether a row is in scope and which part of it goes to social organizations, with the reason."""
    outside = _outside(
        row, parameters, parameters.count_venture if include_venture is None else include_venture
    )
    if outside is not None:
        return RowVerdict(row, False, Fraction(0), outside)
    weight, message = _weight(row, parameters)
    return RowVerdict(row, True, weight, message)


def _outside(row: PurchaseRow, parameters: R30Parameters, include_venture: bool) -> Message | None:
    if not row.public_service:
        return Message(N_("Not counted: the row is marked as no public service."))
    if row.fund_source in parameters.excluded_sources:
        return Message(
            N_("Not counted: “%(fund_source)s” is not public money."), {"fund_source": row.fund_source}
        )
    if row.is_venture and not include_venture:
        return Message(
            N_("Not counted here: a venture grant, which enters only the figure including venture grants.")
        )
    return None


def _weight(row: PurchaseRow, parameters: R30Parameters) -> tuple[Fraction, Message]:
    # A consortium and a filed body have no code of their own that counts, whatever the column holds.
    if row.contractor_kind == CONSORTIUM and parameters.split_consortium:
        share = row.so_share or Fraction(0)
        if share == 0:
            return share, Message(
                N_(
                    "In the total, not counted for social organizations: the consortium states no share of a social organization."
                )
            )
        if share == 1:
            return share, Message(
                N_("Counted in full: all of the consortium's work is a social organization's share.")
            )
        return share, Message(
            N_("Counted in part: %(share)s of the consortium's work is a social organization's share."),
            {"share": share},
        )
    if row.contractor_kind == FILED_BODY:
        if not parameters.count_hosted:
            return Fraction(0), Message(
                N_(
                    "In the total, not counted for social organizations: bodies paid through a host are not counted here."
                )
            )
        if _is_social(row.host_code, parameters):
            return Fraction(1), Message(
                N_("Counted in full: a filed community body paid through the registered host %(host)s."),
                {"host": row.host_code},
            )
        return Fraction(0), Message(
            N_(
                "In the total, not counted for social organizations: the filed community body names no registered social organization as its host."
            )
        )
    if _is_social(row.contractor_code, parameters):
        return Fraction(1), Message(
            N_("Counted in full: the contractor %(code)s is a registered social organization."),
            {"code": row.contractor_code},
        )
    return Fraction(0), Message(
        N_(
            "In the total, not counted for social organizations: the contractor's code is not of a registered social organization (51, 52 or 53)."
        )
    )


def _is_social(code: str, parameters: R30Parameters) -> bool:
    checked = credit_code_or_none(code)
    return checked is not None and checked.kind in parameters.organization_prefixes


def quarter_of(row: PurchaseRow) -> int:
    """Quarter 1–4 in which a row enters the year-to-date figure.

    By ``signed_on`` within its fiscal year; a contract signed before the year runs from the first
    quarter, one signed after it or without a date enters with the fourth.
    """
    if row.signed_on is None or row.signed_on.year > row.fiscal_year:
        return 4
    if row.signed_on.year < row.fiscal_year:
        return 1
    return (row.signed_on.month + 2) // 3


@dataclass(slots=True)
class _Tally:
    """Running sums of one service in one year; whole weights stay integers."""

    total: int = 0
    so_whole: int = 0
    so_parts: Fraction = Fraction(0)
    rows: list[PurchaseRow] = field(default_factory=list)

    def add(self, row: PurchaseRow, weight: Fraction) -> None:
        net = row.amount.fen - row.cancelled_amount.fen
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
    include_venture: bool,
    rollup: bool,
    parameters: R30Parameters = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    through_quarter: int = 4,
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
    joins = _Joins(continues)
    tallies: dict[ServiceKey, dict[int, _Tally]] = {}
    # Few payees in many rows: what the weight depends on, judged once.
    weights: dict[tuple[str, str, str, Fraction | None], Fraction] = {}
    for row in rows:
        if row.fiscal_year not in (year, year - 1):
            continue
        if through_quarter < 4 and quarter_of(row) > through_quarter:
            continue
        service = row.service
        if not joins.concerns(service) and not _at(service[0], level, prefix, rollup):
            continue
        if _outside(row, parameters, include_venture) is not None:
            continue
        payee = (row.contractor_kind, row.contractor_code, row.host_code, row.so_share)
        weight = weights.get(payee)
        if weight is None:
            weight = weights[payee] = _weight(row, parameters)[0]
        years = tallies.setdefault(service, {})
        years.setdefault(row.fiscal_year, _Tally()).add(row, weight)

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
        name=named.rows[0].service_name,
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
    parameters: R30Parameters = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    *,
    through_quarter: int = 4,
) -> RatioFigure:
    """The R30 figure of a division in a fiscal year, with its service lines.

    ``include_venture=None`` takes the jurisdiction's ``count_venture``. Raises ``DivisionError`` for a
    malformed division and ``ValueError`` for a quarter outside 1–4.
    """
    venture = parameters.count_venture if include_venture is None else include_venture
    lines = service_lines(
        rows,
        year,
        division,
        include_venture=venture,
        rollup=rollup,
        parameters=parameters,
        continues=continues,
        through_quarter=through_quarter,
    )
    added_total = sum(line.added.fen for line in lines)
    added_so = exact_sum(line.so_added for line in lines)
    ratio = added_so / added_total if added_total else None
    status: Status
    if ratio is None:
        status = "not_applicable"
    else:
        status = "met" if ratio >= parameters.threshold else "below"
    return RatioFigure(
        year=year,
        division=normalise_division(division),
        rollup=rollup,
        include_venture=venture,
        through_quarter=through_quarter,
        threshold=parameters.threshold,
        added_total_fen=added_total,
        added_so_fen=added_so,
        ratio=ratio,
        status=status,
        gap_fen=max(Fraction(0), parameters.threshold * added_total - added_so),
        total_fen=sum(line.total.fen for line in lines),
        previous_total_fen=sum(line.previous_total.fen for line in lines),
        services=lines,
    )


def year_on_year(
    rows: Iterable[PurchaseRow],
    year: int,
    division: str,
    include_venture: bool | None = None,
    rollup: bool = False,
    parameters: R30Parameters = DEFAULT_PARAMETERS,
    continues: Iterable[tuple[ServiceKey, ServiceKey]] = (),
    *,
    through_quarter: int = 4,
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
        )
    )


def year_on_year_of(figure: RatioFigure) -> YearOnYear:
    """The increment method from a computed figure, without reading the rows again."""
    delta_total = figure.total_fen - figure.previous_total_fen
    delta_so = exact_sum(line.so_total for line in figure.services) - exact_sum(
        line.previous_so_total for line in figure.services
    )
    return YearOnYear(delta_total, delta_so, delta_so / delta_total if delta_total > 0 else None)


def total_by_source(figure: RatioFigure) -> dict[str, Money]:
    """This year's net amount in scope by fund source, as shown beside the figure."""
    sums: dict[str, int] = {}
    for line in figure.services:
        for row in line.rows:
            sums[row.fund_source] = sums.get(row.fund_source, 0) + row.net.fen
    return {source: Money(fen) for source, fen in sums.items()}


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


class _Joins:
    """Identities of services joined by confirmed continuations (union-find), and which is the latest."""

    def __init__(self, continues: Iterable[tuple[ServiceKey, ServiceKey]]) -> None:
        self._members: set[ServiceKey] = set()
        self._parent: dict[ServiceKey, ServiceKey] = {}
        self._depth: dict[ServiceKey, int] = {}
        later: dict[ServiceKey, set[ServiceKey]] = {}
        waiting: dict[ServiceKey, int] = {}
        for old, new in continues:
            old, new = _normal_key(old), _normal_key(new)
            if old == new or new in later.setdefault(old, set()):
                continue
            later[old].add(new)
            self._members |= {old, new}
            waiting[new] = waiting.get(new, 0) + 1
            waiting.setdefault(old, 0)
            self._parent[self.root(old)] = self.root(new)
        ready = [service for service, count in waiting.items() if count == 0]
        while ready:
            service = ready.pop()
            for successor in later.get(service, ()):
                self._depth[successor] = max(self._depth.get(successor, 0), self._depth.get(service, 0) + 1)
                waiting[successor] -= 1
                if waiting[successor] == 0:
                    ready.append(successor)

    def concerns(self, service: ServiceKey) -> bool:
        return service in self._members

    def root(self, service: ServiceKey) -> ServiceKey:
        path = []
        while (parent := self._parent.get(service, service)) != service:
            path.append(service)
            service = parent
        for passed in path:
            self._parent[passed] = service
        return service

    def age(self, service: ServiceKey) -> tuple[int, ServiceKey]:
        return (self._depth.get(service, 0), service)


def _normal_key(service: ServiceKey) -> ServiceKey:
    return (normalise_division(service[0]), service[1], service[2])


def with_correction(row: PurchaseRow, cancelled: Money) -> PurchaseRow:
    """The row after a later cancellation: it reduces its own contract's row (DOMAIN 3.1)."""
    if cancelled < Money.zero() or cancelled > row.amount:
        raise ValueError("a cancellation lies between zero and the amount")
    return replace(row, cancelled_amount=cancelled)
