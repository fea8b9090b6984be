"""R30, of one row: whether a purchase counts, and which part of it goes to social organizations (DOMAIN 3.1).

A row is judged by the rules of its own level. The amount that counts is the contract's, the budget
quota's or the payment's of the year (the basis); a row that does not tell it has no part in the figure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Literal, NamedTuple, Self

from core.money import Money
from core.text import N_, Message
from registry.agencies.rules import normalise_division
from registry.organizations.rules import credit_code_or_none

CONSORTIUM = "联合体"

FILED_BODY = "备案社区社会组织"

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
    ``subcontract_so_share`` (0..1) is the part of the work that a signing party which does not count itself
    passes on to social organizations; ``None`` where blank.
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
    subcontract_so_share: Fraction | None = None

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
    count_subcontracts: bool = False
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
            "count_subcontracts": self.count_subcontracts,
            "basis": self.basis,
            "excluded_catalogue": sorted(self.excluded_catalogue),
            "overrides": {
                item.code: {"counts": item.counts, "reason": item.reason} for item in self.overrides
            },
        }

    def override(self, code: str) -> Override | None:
        return next((item for item in self.overrides if item.code == code), None) if code else None

    def digest(self) -> str:
        """What tells two sets of rules apart that give other sums; threshold and basis change none.

        Subcontracts that do not count give the sums of rules that know none: those stay as they were kept.
        """
        values = self.to_dict()
        del values["threshold"], values["basis"]
        if not self.count_subcontracts:
            del values["count_subcontracts"]
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
    "subcontract-off": N_(
        "In the total, not counted for social organizations: the contract counts at the signing party only; the share of %(share)s subcontracted to social organizations is not counted under the rule in force."
    ),
    "subcontract-whole": N_(
        "Counted in full: under the rule in force subcontracts count, and all of the work is subcontracted to social organizations."
    ),
    "subcontract-part": N_(
        "Counted in part: under the rule in force subcontracts count, and %(share)s of the work is subcontracted to social organizations."
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
    outside = reason_outside(
        row, parameters, parameters.count_venture if include_venture is None else include_venture, basis
    )
    if outside is not None:
        return RowVerdict(row, False, Fraction(0), outside)
    weight, message = weight_of(row, parameters)
    return RowVerdict(row, True, weight, message)


def reason_outside(
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


def weight_of(row: PurchaseRow, parameters: R30Parameters) -> tuple[Fraction, Message]:
    return weighed(
        row.contractor_kind, row.contractor_code, row.host_code, row.so_share, row.subcontract_so_share, parameters
    )  # fmt: skip


def weighed(
    kind: str,
    code: str,
    host: str,
    so_share: Fraction | None,
    subcontracted: Fraction | None,
    parameters: R30Parameters,
) -> tuple[Fraction, Message]:
    """The part of a row that goes to social organizations, and why.

    A decision about the signing party, and a signing party that counts, go before what is subcontracted.
    """
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
            return _elsewhere("hosting-off", subcontracted, parameters)
        if (decided := parameters.override(host)) is not None:
            return _overridden(decided)
        if _is_social(host, parameters):
            return Fraction(1), _said(
                "hosted",
                {"host": host},
            )
        return _elsewhere("no-host", subcontracted, parameters)
    if (decided := parameters.override(code)) is not None:
        return _overridden(decided)
    if _is_social(code, parameters):
        return Fraction(1), _said(
            "social",
            {"code": code},
        )
    return _elsewhere("other", None if kind == CONSORTIUM else subcontracted, parameters)


def _elsewhere(
    reason: str, subcontracted: Fraction | None, parameters: R30Parameters
) -> tuple[Fraction, Message]:
    """The signing party does not count: what it subcontracts does where the level's rules say so."""
    if not subcontracted:
        return Fraction(0), _said(reason)
    if not parameters.count_subcontracts:
        return Fraction(0), _said("subcontract-off", {"share": subcontracted})
    if subcontracted == 1:
        return subcontracted, _said("subcontract-whole")
    return subcontracted, _said("subcontract-part", {"share": subcontracted})


def counts_by_itself(kind: str, code: str, host: str) -> bool:
    """Whether a signing party, or the host of a filed body, counts in full by the national wording."""
    return kind != CONSORTIUM and _is_social(host if kind == FILED_BODY else code, DEFAULT_PARAMETERS)


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
    subcontract_so_share: str | None
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


def with_correction(row: PurchaseRow, cancelled: Money) -> PurchaseRow:
    """The row after a later cancellation: it reduces its own contract's row (DOMAIN 3.1)."""
    if cancelled < Money.zero() or cancelled > row.amount:
        raise ValueError("a cancellation lies between zero and the amount")
    return replace(row, cancelled_amount=cancelled)
