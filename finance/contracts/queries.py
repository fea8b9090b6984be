"""Reading purchases: the rules of any level and day, the rows of a level, and the links between services.

``rules_of_year(year)`` and ``Rules(on)`` → the rules of any level; ``continuations()`` → confirmed links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, false, func, or_, select

from core.db import db
from core.money import Money
from core.rules.queries import Parameters, readers
from finance.contracts.models import ContractorOverride, Purchase, ServiceContinuation
from finance.contracts.rules import (
    DEFAULT_PARAMETERS,
    Fact,
    Joins,
    Override,
    PurchaseRow,
    R30Parameters,
    RowVerdict,
    ServiceKey,
    judge_row,
)
from registry.agencies.models import Agency
from registry.agencies.rules import division_name, normalise_division, tree_prefix


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


_ROW_COLUMNS = (
    Purchase.contract_no, Purchase.fiscal_year, Purchase.division_code, Purchase.purchaser, Purchase.service_key,
    Purchase.service_name, Purchase.catalogue_code, Purchase.public_service, Purchase.contractor,
    Purchase.contractor_code, Purchase.contractor_kind, Purchase.host_code, Purchase.so_share, Purchase.amount,
    Purchase.cancelled_amount, Purchase.fund_source, Purchase.method, Purchase.signed_on, Purchase.is_venture,
    Purchase.id, Purchase.budget_amount, Purchase.paid_amount, Purchase.subcontract_so_share,
)  # fmt: skip

_SHARES = (12, 22)


def rows_from(statement: Select[Any]) -> list[PurchaseRow]:
    rows = []
    for found in db.session.execute(statement.with_only_columns(*_ROW_COLUMNS)):
        values: list[Any] = list(found)
        for place in _SHARES:
            if values[place] is not None:
                values[place] = Fraction(values[place])
        rows.append(PurchaseRow(*values))
    return rows


def purchase_rows(division: str, year: int) -> list[PurchaseRow]:
    """The rows of ``year`` and the year before of a division and everything under it, plus those of
    services that a confirmed continuation joins to it.
    """
    return rows_from(_rows_of(division, year))


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
        subcontract_so_share=Fraction(item.subcontract_so_share)
        if item.subcontract_so_share is not None
        else None,
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
        service_identity(link.earlier_division, link.earlier_purchaser, link.earlier_key),
        service_identity(link.later_division, link.later_purchaser, link.later_key),
    )


def service_identity(division: str, purchaser: str, key: str) -> ServiceKey:
    kind, _, name = key.partition(":")
    return (normalise_division(division), purchaser, (kind, name))


def key_text(service: ServiceKey) -> str:
    """The key of a service as kept lines and links write it: ``key:A-001``, ``name:…``."""
    return ":".join(service[2])


_FACT_COLUMNS: tuple[Any, ...] = (
    Purchase.division_code, Purchase.purchaser, Purchase.service_key, Purchase.service_name, Purchase.fiscal_year,
    Purchase.public_service, Purchase.catalogue_code, Purchase.fund_source, Purchase.is_venture,
    Purchase.contractor_kind, Purchase.contractor_code, Purchase.host_code, Purchase.so_share,
    Purchase.subcontract_so_share,
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
    # Plain rows: there are as many as contracts, and none is an object that the session would know. So the session
    # does not see the question either, and is asked to write what waits in it.
    db.session.flush()
    return (Fact._make(row) for row in db.session.connection().execute(statement))


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


def verdicts(rows: Iterable[PurchaseRow], rules: R30Parameters, *, include_venture: bool) -> list[RowVerdict]:
    return [judge_row(row, rules, include_venture=include_venture) for row in rows]


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


def importable_divisions(user: Any) -> list[str]:
    """The divisions for whose levels a person may import."""
    ids = user.agency_ids("purchase.import")
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return sorted({normalise_division(code) for code in codes})


def visible_divisions(user: Any) -> list[str]:
    """The division codes whose figures the user may open: those of the agencies in reach."""
    ids = user.agency_ids("purchase.read")
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return sorted({normalise_division(code) for code in codes})


def lies_in(division: str, codes: Iterable[str]) -> bool:
    """Whether a division lies at or under one of these."""
    return any(division.startswith(tree_prefix(code)) for code in codes)


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
