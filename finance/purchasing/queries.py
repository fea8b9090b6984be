"""Reading purchases and the 30% figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Select, or_, select

from core.db import db
from core.rules.queries import Parameters, parameters
from finance.purchasing.models import Purchase, ServiceContinuation
from finance.purchasing.rules import (
    DEFAULT_PARAMETERS,
    PurchaseRow,
    R30Parameters,
    RatioFigure,
    RowVerdict,
    ServiceKey,
    compute_ratio,
    judge_row,
)
from registry.agencies.models import Agency
from registry.agencies.rules import division_name, normalise_division, tree_prefix

FIGURES = ("own", "own_with_venture", "rollup", "rollup_with_venture")


def ratio_parameters(division: str, on: date) -> tuple[R30Parameters, Parameters]:
    """The R30 parameters in force for a division on a day, with the rule sets they come from."""
    found = parameters("R30", DEFAULT_PARAMETERS.to_dict(), on=on, jurisdiction=normalise_division(division))
    return R30Parameters.from_dict(dict(found)), found


def purchase_rows(division: str, year: int) -> list[PurchaseRow]:
    """The rows of ``year`` and the year before of a division and everything under it, plus those of
    services that a confirmed continuation joins to it.
    """
    return [as_row(item) for item in db.session.scalars(_rows_of(division, year))]


def _rows_of(division: str, year: int) -> Select[Any]:
    prefix = tree_prefix(division)
    joined = [
        Purchase.division_code == code
        for pair in db.session.execute(
            select(ServiceContinuation.earlier_division, ServiceContinuation.later_division)
        )
        for code in pair
        if not code.startswith(prefix)
    ]
    # A range is what both databases' indexes understand; "~" sorts after every digit.
    under = (Purchase.division_code >= prefix) & (Purchase.division_code < prefix + "~")
    return (
        select(Purchase)
        .where(Purchase.fiscal_year.in_((year, year - 1)), or_(under, *joined))
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
    )


def continuations() -> list[tuple[ServiceKey, ServiceKey]]:
    """The confirmed links (earlier, later)."""
    return [
        (
            _identity(link.earlier_division, link.earlier_purchaser, link.earlier_key),
            _identity(link.later_division, link.later_purchaser, link.later_key),
        )
        for link in db.session.scalars(select(ServiceContinuation).order_by(ServiceContinuation.id))
    ]


def _identity(division: str, purchaser: str, key: str) -> ServiceKey:
    kind, _, name = key.partition(":")
    return (division, purchaser, (kind, name))


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


def ratio(division: str, year: int, *, through_quarter: int = 4) -> Ratio:
    """The 30% figures of a level, alone and rolled up, without and with venture grants (DOMAIN 3.1).

    Raises ``DivisionError`` for a malformed division code.
    """
    code = normalise_division(division)
    rows = purchase_rows(code, year)
    links = continuations()
    rules, found = ratio_parameters(code, date(year, 12, 31))
    figures = {
        name: compute_ratio(
            rows,
            year,
            code,
            include_venture="venture" in name or rules.count_venture,
            rollup=name.startswith("rollup"),
            parameters=rules,
            continues=links,
            through_quarter=through_quarter,
        )
        for name in FIGURES
    }
    return Ratio(code, year, figures, found, rules, rows)


def levels_below(result: Ratio) -> list[RatioFigure]:
    """The own figure of each level that has rows: the division itself first, then those under it."""
    codes = sorted(
        {normalise_division(row.division_code) for row in result.rows if row.fiscal_year == result.year}
    )
    prefix = tree_prefix(result.division)
    links = continuations()
    return [
        compute_ratio(result.rows, result.year, code, False, False, result.rules, links)
        for code in codes
        if code.startswith(prefix)
    ]


def verdicts(rows: Iterable[PurchaseRow], rules: R30Parameters, *, include_venture: bool) -> list[RowVerdict]:
    return [judge_row(row, rules, include_venture=include_venture) for row in rows]


def visible_divisions(user: Any) -> list[str]:
    """The division codes whose figures the user may open: those of the agencies in reach."""
    ids = user.agency_ids("purchase.read")
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return sorted({normalise_division(code) for code in codes})


def may_see(user: Any, division: str) -> bool:
    """Whether a division lies at or under one of the user's own."""
    return any(division.startswith(tree_prefix(code)) for code in visible_divisions(user))


def years_with_rows(division: str) -> list[int]:
    """Fiscal years that have purchases at or under a division, newest first."""
    prefix = tree_prefix(division)
    return sorted(
        db.session.scalars(
            select(Purchase.fiscal_year)
            .where(Purchase.division_code >= prefix, Purchase.division_code < prefix + "~")
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
