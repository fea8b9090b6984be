"""Reading the figure as people see it: by level, year, quarter and day; its trend, its gap and its warnings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import parameters
from finance.contracts.models import Purchase
from finance.contracts.queries import Rules, under
from finance.contracts.rules import PurchaseRow, RowVerdict, ServiceKey, quarter_of
from finance.evidence.queries import judged, rows_behind
from finance.figures.models import LevelFigure
from finance.figures.queries import Figures, Reading, ratio
from finance.figures.rules import RatioFigure, ServiceLine
from finance.funds.models import Budget, Earmark, FundSource
from finance.ledger.models import Account
from finance.ratios.models import RatioWatch
from finance.ratios.rules import LIMIT_DEFAULTS, quarter_on
from finance.snapshots.queries import own_divisions
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division

TREND_YEARS = 5

# Money that no purchase counted here is made from (DOMAIN 3.1).
PRIVATE_KINDS = ("donation", "foundation_match", "crowdfunding", "self_raised")


# The figure ------------------------------------------------------------------------------------


def figures_as_of(reading: Reading, year: int, *, on: date | None, quarter: int) -> Figures:
    """The figures of a level and year by the rules in force on ``on``, up to the end of a quarter.

    A quarter is compared with the same quarters of the year before (DOMAIN 3.1).
    """
    if quarter == 4:
        return reading.figures(year, on=on)
    day = on or date(year, 12, 31)
    found = ratio(reading.division, year, through_quarter=quarter, on=day)
    return Figures(
        found.division, year, found.rules.basis, day, found.figures, found.rules, found.rule_set, False,
        Rules(day), (),
    )  # fmt: skip


def trend(reading: Reading, years: Iterable[int]) -> list[tuple[int, RatioFigure, RatioFigure]]:
    """Own level and roll-up of these years, oldest first."""
    found = []
    for year in sorted(years):
        four = reading.figures(year).figures
        found.append((year, four["own"], four["rollup"]))
    return found


def contracts(
    found: Figures,
    name: str,
    *,
    verdict: str = "",
    reason: str = "",
    services: Collection[ServiceKey] = (),
    quarter: int = 4,
    limit: int = 50,
    after: str = "",
) -> tuple[list[RowVerdict], str | None]:
    """This year's contracts behind a figure with the reason of each, and what to ask for the next page.

    ``verdict``: ``counts`` (wholly or in part), ``total`` (in the total, not or in part for social
    organizations) or ``outside``; ``reason``: one of :data:`finance.contracts.rules.REASONS`.
    """

    def wanted(item: RowVerdict) -> bool:
        return (
            (not verdict or VERDICTS[verdict](item))
            and (not reason or item.reason == reason)
            and quarter_of(item.row) <= quarter
        )

    chosen = wanted if verdict or reason or quarter < 4 else None
    return rows_behind(found, name, limit=limit, after=after, wanted=chosen, services=services)


VERDICTS: dict[str, Callable[[RowVerdict], bool]] = {
    "counts": lambda item: item.in_scope and item.weight > 0,
    "total": lambda item: item.in_scope and item.weight < 1,
    "outside": lambda item: not item.in_scope,
}


@dataclass(frozen=True, slots=True)
class ReasonSum:
    """The contracts of one reason: how many, what they sum to on the basis, and what of it counts, in fen."""

    reason: str
    in_scope: bool
    contracts: int
    fen: int
    so_fen: Fraction


# What decides how a row is judged.
_JUDGED_BY: tuple[Any, ...] = (
    Purchase.division_code, Purchase.public_service, Purchase.fund_source, Purchase.catalogue_code,
    Purchase.is_venture, Purchase.contractor_kind, Purchase.contractor_code, Purchase.host_code, Purchase.so_share,
    Purchase.subcontract_so_share,
)  # fmt: skip


def sums_by_reason(found: Figures, name: str, *, quarter: int = 4) -> list[ReasonSum]:
    """This year's contracts at the level (or under it) summed by the reason why they count or not.

    Rows that are judged alike are summed by the database; largest sums first, those out of scope last.
    """
    net = cast(Purchase.amount, BigInteger) - cast(Purchase.cancelled_amount, BigInteger)
    told = {"budget": Purchase.budget_amount, "payment": Purchase.paid_amount}.get(found.basis)
    known = (Purchase.amount if told is None else told).is_not(None).label("known")
    amount = cast(func.sum(net if told is None else cast(told, BigInteger)), BigInteger)
    rollup = name.startswith("rollup")
    query = (
        select(*_JUDGED_BY, known, func.count(), amount)
        .where(
            under(Purchase.division_code, found.division)
            if rollup
            else Purchase.division_code == found.division,
            Purchase.fiscal_year == found.year,
        )
        .group_by(*_JUDGED_BY, known)
    )
    if quarter < 4:
        query = query.where(Purchase.signed_on < date(found.year, 3 * quarter + 1, 1))
    sums: dict[tuple[str, bool], tuple[int, int, Fraction]] = {}
    for *facts, is_known, count, fen in db.session.execute(query):
        item = judged(found, _alike(found, facts, Money(int(fen or 0)) if is_known else None), name)
        key = (item.reason, item.in_scope)
        before = sums.get(key, (0, 0, Fraction(0)))
        fen = int(fen or 0)
        sums[key] = (before[0] + count, before[1] + fen, before[2] + item.weight * fen)
    return sorted(
        (ReasonSum(reason, in_scope, *values) for (reason, in_scope), values in sums.items()),
        key=lambda row: (not row.in_scope, -row.fen, row.reason),
    )


def _alike(found: Figures, facts: Sequence[Any], amount: Money | None) -> PurchaseRow:
    """Rows that are judged alike, as one row."""
    division, public, fund_source, catalogue, venture, kind, code, host, share, subcontracted = facts
    return PurchaseRow(
        contract_no="", fiscal_year=found.year, division_code=division, purchaser="", service_key="",
        service_name="", catalogue_code=catalogue, public_service=public, contractor="", contractor_code=code,
        contractor_kind=kind, host_code=host, so_share=None if share is None else Fraction(share),
        amount=amount or Money(0), cancelled_amount=Money(0), fund_source=fund_source, method="", signed_on=None,
        is_venture=venture, budget_amount=amount, paid_amount=amount,
        subcontract_so_share=None if subcontracted is None else Fraction(subcontracted),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lever:
    """A service whose addition went elsewhere: how much of it, and how much of the gap that would close."""

    line: ServiceLine
    elsewhere: Fraction
    covers: Fraction


@dataclass(frozen=True, slots=True)
class Planned:
    """Money set aside this year and not bound yet, that a purchase could still be made from."""

    earmark: Earmark
    free: Money


def levers(figure: RatioFigure, shown: Iterable[ServiceLine], limit: int = 5) -> list[Lever]:
    """The services whose addition went elsewhere, the largest first."""
    found = [(line, line.added.fen - line.so_added) for line in shown if line.added.fen > line.so_added]
    found.sort(key=lambda item: (-item[1], item[0].service))
    gap = figure.gap_fen
    return [
        Lever(line, elsewhere, min(Fraction(1), elsewhere / gap) if gap else Fraction(0))
        for line, elsewhere in found[:limit]
    ]


def planned_purchases(division: str, year: int, *, rollup: bool, limit: int = 50) -> list[Planned]:
    """Public money of the year that is set aside at a level (or under it) and not bound yet, largest first."""
    at = under(Agency.division_code, division) if rollup else Agency.division_code == division
    rows = db.session.execute(
        select(Earmark, Account.balance)
        .join(
            Account,
            (Account.owner_type == "earmark")
            & (Account.owner_id == Earmark.id)
            & (Account.kind == "earmark"),
        )
        .join(Budget, Budget.id == Earmark.budget_id)
        .join(FundSource, FundSource.id == Budget.fund_source_id)
        .join(Agency, Agency.id == Earmark.agency_id)
        .where(
            Budget.fiscal_year == year,
            Account.balance > Money(0),
            FundSource.kind.not_in(PRIVATE_KINDS),
            at,
        )
        .options(joinedload(Earmark.budget).joinedload(Budget.fund_source))
        .order_by(Account.balance.desc(), Earmark.id)
        .limit(limit)
    )
    return [Planned(earmark, free) for earmark, free in rows]


def needed_more(figure: RatioFigure) -> Fraction:
    """How much would have to be bought in addition from social organizations, in fen: it raises both sums."""
    return figure.gap_fen / (1 - figure.threshold) if figure.threshold < 1 else Fraction(0)


# Early warning ---------------------------------------------------------------------------------


def watched(division: str, year: int) -> list[RatioWatch]:
    """Where a level stood at the end of each quarter that was looked at."""
    return list(
        db.session.scalars(
            select(RatioWatch)
            .where(RatioWatch.division_code == division, RatioWatch.fiscal_year == year)
            .order_by(RatioWatch.quarter)
        )
    )


def levels_to_watch(year: int) -> list[str]:
    """Levels with a unit here that bought something this year or the year before."""
    codes = {
        normalise_division(code)
        for code in db.session.scalars(
            select(Agency.division_code).where(Agency.division_code != "").distinct()
        )
    }
    bought = db.session.scalars(
        select(LevelFigure.division_code).where(LevelFigure.fiscal_year.in_((year, year - 1))).distinct()
    )
    return sorted(codes & set(bought))


def warnings_for(user: Any) -> list[RatioWatch]:
    """Levels of the user's own units that the newest look found below, or heading below, the threshold."""
    divisions = own_divisions(user, "ratio.review")
    if not divisions:
        return []
    today = clock.today()
    return list(
        db.session.scalars(
            select(RatioWatch)
            .where(
                RatioWatch.division_code.in_(divisions),
                RatioWatch.fiscal_year == today.year,
                RatioWatch.quarter == quarter_on(today),
                RatioWatch.status.in_(("below", "foreseen")),
            )
            .order_by(RatioWatch.division_code)
        )
    )


def procurement_limit(division: str, on: date) -> tuple[Money, str]:
    """From which amount the procurement law holds at a level, and the rules that say so."""
    values = parameters("RPL", LIMIT_DEFAULTS, on=on, jurisdiction=normalise_division(division))
    return Money.yuan(values["limit_yuan"]), values.label
