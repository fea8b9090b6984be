"""R30: how much of newly added public service purchasing goes to social organizations.

“政府新增公共服务支出通过政府购买服务安排部分，向社会组织购买的比例原则上不低于30%” (DOMAIN 3.1). Pure
functions over purchase rows; every amount is an exact number of fen, every ratio an exact fraction.

A service is what one purchaser of one division buys under one key. ``added`` is what it costs more
than last year, never below zero. The share of a service that goes to social organizations is taken
from this year's rows, weighted by net amount. ``ratio = N / D`` over the services of a level.

A row is judged by the rules of its own level. The amount that counts is the contract's, the budget
quota's or the payment's of the year (the basis); a row that does not tell it has no part in the figure.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, Self

from core.money import Money
from core.text import N_, Message
from registry.agencies.rules import normalise_division, tree_prefix
from registry.organizations.rules import credit_code_or_none

CONSORTIUM = "联合体"
FILED_BODY = "备案社区社会组织"

Status = Literal["met", "below", "not_applicable"]
Basis = Literal["contract", "budget", "payment"]
BASES: tuple[Basis, ...] = ("contract", "budget", "payment")
NANO = 10**9
"""Parts of a fen in which kept sums are whole: a share has at most nine decimals."""
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
    budget_amount: Money | None = None
    paid_amount: Money | None = None

    def fen_on(self, basis: Basis) -> int | None:
        """What counts on a basis, in fen; ``None`` where the row does not tell it."""
        if basis == "contract":
            return self.amount.fen - self.cancelled_amount.fen
        amount = self.budget_amount if basis == "budget" else self.paid_amount
        return None if amount is None else amount.fen

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


@dataclass(frozen=True, slots=True, order=True)
class Override:
    """A contractor that a jurisdiction counts as a social organization, or not, whatever its code says."""

    code: str
    counts: bool
    reason: str


@dataclass(frozen=True, slots=True)
class R30Parameters:
    """What a jurisdiction may set. Defaults are the national wording (:data:`R30_SOURCES`).

    ``basis`` is the amount that the published figure rests on. ``excluded_catalogue`` are beginnings of
    catalogue codes that are out of scope though a row is flagged as a public service (B: auxiliary
    services to government).
    """

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
    basis: Basis = "contract"
    excluded_catalogue: frozenset[str] = frozenset()
    overrides: tuple[Override, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError("the threshold lies between 0 and 1")
        if self.basis not in BASES:
            raise ValueError(f"the basis is one of {', '.join(BASES)}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From stored JSON: the threshold as text (``"0.30"`` or ``"3/10"``), sets as lists, overrides as
        ``{code: {"counts": true, "reason": "…"}}``. ``TypeError`` for a float or an unknown name,
        ``ValueError`` for a value outside its range.
        """
        values = dict(data)
        if "threshold" in values:
            if isinstance(values["threshold"], float):
                raise TypeError("the threshold is written as text, never as a float")
            values["threshold"] = Fraction(values["threshold"])
        for name in ("organization_prefixes", "excluded_sources", "excluded_catalogue"):
            if name in values:
                values[name] = frozenset(values[name])
        if "overrides" in values:
            values["overrides"] = tuple(
                sorted(
                    Override(code, bool(item["counts"]), str(item["reason"]))
                    for code, item in dict(values["overrides"]).items()
                )
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return {
            "threshold": str(self.threshold),
            "count_venture": self.count_venture,
            "organization_prefixes": sorted(self.organization_prefixes),
            "excluded_sources": sorted(self.excluded_sources),
            "count_hosted": self.count_hosted,
            "split_consortium": self.split_consortium,
            "basis": self.basis,
            "excluded_catalogue": sorted(self.excluded_catalogue),
            "overrides": {
                item.code: {"counts": item.counts, "reason": item.reason} for item in self.overrides
            },
        }

    def override(self, code: str) -> Override | None:
        return next((item for item in self.overrides if item.code == code), None) if code else None

    def digest(self) -> str:
        """What tells two sets of rules apart that give other sums; threshold and basis change none."""
        values = self.to_dict()
        del values["threshold"], values["basis"]
        text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


DEFAULT_PARAMETERS = R30Parameters()
RulesAt = Callable[[str], R30Parameters]
"""The rules of a level, by its normalised division code."""


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

    @property
    def reason(self) -> str:
        """Which of :data:`REASONS` it is."""
        return _REASON_OF[self.message.id]


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


REASONS: dict[str, str] = {
    "no-service": N_("Not counted: the row is marked as no public service."),
    "source": N_("Not counted: “%(fund_source)s” is not public money."),
    "branch": N_("Not counted: catalogue branch %(code)s is out of scope here."),
    "venture": N_(
        "Not counted here: a venture grant, which enters only the figure including venture grants."
    ),
    "no-quota": N_("Not counted on this basis: the table gives no budget quota for it."),
    "not-paid": N_("Not counted on this basis: the table does not say what was paid this year."),
    "consortium-none": N_(
        "In the total, not counted for social organizations: the consortium states no share of a social organization."
    ),
    "consortium-whole": N_("Counted in full: all of the consortium's work is a social organization's share."),
    "consortium-part": N_(
        "Counted in part: %(share)s of the consortium's work is a social organization's share."
    ),
    "hosting-off": N_(
        "In the total, not counted for social organizations: bodies paid through a host are not counted here."
    ),
    "hosted": N_("Counted in full: a filed community body paid through the registered host %(host)s."),
    "no-host": N_(
        "In the total, not counted for social organizations: the filed community body names no registered social organization as its host."
    ),
    "social": N_("Counted in full: the contractor %(code)s is a registered social organization."),
    "other": N_(
        "In the total, not counted for social organizations: the contractor's code is not of a registered social organization (51, 52 or 53)."
    ),
    "decided-in": N_("Counted in full: %(code)s is a social organization here by decision: %(reason)s"),
    "decided-out": N_(
        "In the total, not counted for social organizations: %(code)s is none here by decision: %(reason)s"
    ),
}
"""Why a row is out of scope, counts or does not: the sentence of each reason."""
_REASON_OF = {sentence: name for name, sentence in REASONS.items()}


def _said(reason: str, values: dict[str, Any] | None = None) -> Message:
    return Message(REASONS[reason], values or {})


def judge_row(
    row: PurchaseRow,
    parameters: R30Parameters = DEFAULT_PARAMETERS,
    *,
    include_venture: bool | None = None,
    basis: Basis = "contract",
) -> RowVerdict:
    """Whether a row is in scope and which part of it goes to social organizations, with the reason."""
    outside = _outside(
        row, parameters, parameters.count_venture if include_venture is None else include_venture, basis
    )
    if outside is not None:
        return RowVerdict(row, False, Fraction(0), outside)
    weight, message = _weight(row, parameters)
    return RowVerdict(row, True, weight, message)


def _outside(
    row: PurchaseRow, parameters: R30Parameters, include_venture: bool, basis: Basis
) -> Message | None:
    if not row.public_service:
        return _said("no-service")
    if row.fund_source in parameters.excluded_sources:
        return _said("source", {"fund_source": row.fund_source})
    if row.catalogue_code and row.catalogue_code.startswith(tuple(parameters.excluded_catalogue)):
        return _said("branch", {"code": row.catalogue_code})
    if row.is_venture and not include_venture:
        return _said("venture")
    if row.fen_on(basis) is None:
        if basis == "budget":
            return _said("no-quota")
        return _said("not-paid")
    return None


def _weight(row: PurchaseRow, parameters: R30Parameters) -> tuple[Fraction, Message]:
    return _weighed(row.contractor_kind, row.contractor_code, row.host_code, row.so_share, parameters)


def _weighed(
    kind: str, code: str, host: str, so_share: Fraction | None, parameters: R30Parameters
) -> tuple[Fraction, Message]:
    # A consortium and a filed body have no code of their own that counts, whatever the column holds.
    if kind == CONSORTIUM and parameters.split_consortium:
        share = so_share or Fraction(0)
        if share == 0:
            return share, _said("consortium-none")
        if share == 1:
            return share, _said("consortium-whole")
        return share, _said(
            "consortium-part",
            {"share": share},
        )
    if kind == FILED_BODY:
        if not parameters.count_hosted:
            return Fraction(0), _said("hosting-off")
        if (decided := parameters.override(host)) is not None:
            return _overridden(decided)
        if _is_social(host, parameters):
            return Fraction(1), _said(
                "hosted",
                {"host": host},
            )
        return Fraction(0), _said("no-host")
    if (decided := parameters.override(code)) is not None:
        return _overridden(decided)
    if _is_social(code, parameters):
        return Fraction(1), _said(
            "social",
            {"code": code},
        )
    return Fraction(0), _said("other")


def _overridden(decided: Override) -> tuple[Fraction, Message]:
    values = {"code": decided.code, "reason": decided.reason}
    if decided.counts:
        return Fraction(1), _said("decided-in", values)
    return Fraction(0), _said(
        "decided-out",
        values,
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
    weights: dict[tuple[str, str, str, str, Fraction | None], Fraction] = {}
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
        if net is None or _outside(row, rules, venture, basis) is not None:
            continue
        payee = (service[0], row.contractor_kind, row.contractor_code, row.host_code, row.so_share)
        weight = weights.get(payee)
        if weight is None:
            weight = weights[payee] = _weight(row, rules)[0]
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


class Joins:
    """Identities of services joined by confirmed continuations (union-find), and which is the latest.

    Among the latest identities of a group, the one that comes last in the alphabet carries it.
    """

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

    def members(self) -> frozenset[ServiceKey]:
        """Every identity that a link names."""
        return frozenset(self._members)

    def age(self, service: ServiceKey) -> tuple[int, ServiceKey]:
        return (self._depth.get(service, 0), service)


def _normal_key(service: ServiceKey) -> ServiceKey:
    return (normalise_division(service[0]), service[1], service[2])


class Fact(NamedTuple):
    """Rows of one service, year and payee that are judged alike, summed: what kept lines are made of. Fen."""

    division_code: str
    purchaser: str
    service_key: str
    service_name: str
    fiscal_year: int
    public_service: bool
    catalogue_code: str
    fund_source: str
    is_venture: bool
    contractor_kind: str
    contractor_code: str
    host_code: str
    so_share: str | None
    row_count: int
    contract_fen: int
    budget_rows: int
    budget_fen: int | None
    paid_rows: int
    paid_fen: int | None

    @property
    def service(self) -> ServiceKey:
        key = ("key", self.service_key) if self.service_key else ("name", self.service_name)
        return (normalise_division(self.division_code), self.purchaser, key)


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
    weights: dict[tuple[str, str, str, str, str | None], int] = {}
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
        payee = (division, fact.contractor_kind, fact.contractor_code, fact.host_code, fact.so_share)
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
    share = Fraction(fact.so_share) if fact.so_share is not None else None
    weight, _reason = _weighed(fact.contractor_kind, fact.contractor_code, fact.host_code, share, rules)
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


def name_parts(name: str) -> frozenset[str]:
    """Pairs of neighbouring characters of a name, by which two names are compared."""
    plain = "".join(char for char in unicodedata.normalize("NFKC", name).lower() if char.isalnum())
    return frozenset(plain[place : place + 2] for place in range(max(1, len(plain) - 1)))


def likeness(
    later: frozenset[str], earlier: frozenset[str], old_buyer: str, new_buyer: str, before: int, now: int
) -> float:
    """How much two services look like one, from 0 to 1: mostly the name, then the department, then the money.

    A hint for a person only, never a figure.
    """
    names = 2 * len(later & earlier) / (len(later) + len(earlier))
    old, new = name_parts(old_buyer), name_parts(new_buyer)
    buyers = 2 * len(old & new) / (len(old) + len(new))
    money = min(before, now) / max(before, now, 1)
    return 0.65 * names + 0.2 * buyers + 0.15 * money


def with_correction(row: PurchaseRow, cancelled: Money) -> PurchaseRow:
    """The row after a later cancellation: it reduces its own contract's row (DOMAIN 3.1)."""
    if cancelled < Money.zero() or cancelled > row.amount:
        raise ValueError("a cancellation lies between zero and the amount")
    return replace(row, cancelled_amount=cancelled)
