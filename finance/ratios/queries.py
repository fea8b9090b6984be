"""Reading the figure as people see it: by level, year, quarter and day; its frozen years; its exceptions."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.files.services import read
from core.money import Money
from core.rules.queries import parameters
from core.text import N_
from finance.contracts.models import ContractorOverride, Purchase
from finance.contracts.queries import Rules, continuations, purchase_rows, under, visible_divisions
from finance.contracts.rules import R30_SOURCES, Joins, PurchaseRow, RowVerdict, ServiceKey, quarter_of
from finance.evidence.queries import judged, rows_behind
from finance.figures.models import LevelFigure
from finance.figures.queries import Figures, Reading, bases, levels, ratio
from finance.figures.rules import RatioFigure, ServiceLine, exact_text, year_on_year_of
from finance.funds.models import Budget, Earmark, FundSource
from finance.ledger.models import Account
from finance.ratios.models import REASONS, OverrideProposal, RatioSnapshot, RatioWatch
from finance.ratios.rules import CALENDAR_DEFAULTS, LIMIT_DEFAULTS, due_on, quarter_on
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division, tree_prefix

TREND_YEARS = 5
COMPARED_ROWS = 20_000
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
    division, public, fund_source, catalogue, venture, kind, code, host, share = facts
    return PurchaseRow(
        contract_no="", fiscal_year=found.year, division_code=division, purchaser="", service_key="",
        service_name="", catalogue_code=catalogue, public_service=public, contractor="", contractor_code=code,
        contractor_kind=kind, host_code=host, so_share=None if share is None else Fraction(share),
        amount=amount or Money(0), cancelled_amount=Money(0), fund_source=fund_source, method="", signed_on=None,
        is_venture=venture, budget_amount=amount, paid_amount=amount,
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


# Frozen years ----------------------------------------------------------------------------------

_PEOPLE = (
    joinedload(RatioSnapshot.agency),
    joinedload(RatioSnapshot.preparer),
    joinedload(RatioSnapshot.reviewer),
    joinedload(RatioSnapshot.approver),
    joinedload(RatioSnapshot.reason_file),
)


def own_divisions(user: Any, permission: str) -> set[str]:
    """The levels at whose units the person holds an acting permission."""
    ids = user.agency_ids(permission)
    if not ids:
        return set()
    codes = db.session.scalars(select(Agency.division_code).where(Agency.id.in_(ids)).distinct())
    return {normalise_division(code) for code in codes if code}


def agency_freezing(user: Any, division: str) -> Agency | None:
    """The unit for which the person may freeze the figure of a level, if there is one."""
    ids = user.agency_ids("ratio.prepare")
    if not ids:
        return None
    found: Agency | None = db.session.scalars(
        select(Agency).where(Agency.id.in_(ids), Agency.division_code == division).order_by(Agency.id)
    ).first()
    return found


def visible_snapshots(user: Any) -> Select[Any]:
    """Frozen figures of the levels in reach."""
    prefixes = sorted({tree_prefix(code) for code in visible_divisions(user)})
    reach = or_(*(RatioSnapshot.division_code.startswith(prefix) for prefix in prefixes))
    return select(RatioSnapshot).where(reach if prefixes else RatioSnapshot.id < 0)


def snapshots_of(division: str, *, year: int | None = None) -> list[RatioSnapshot]:
    """The frozen years of a level, newest first."""
    query = select(RatioSnapshot).where(RatioSnapshot.division_code == division).options(*_PEOPLE)
    if year is not None:
        query = query.where(RatioSnapshot.fiscal_year == year)
    return list(
        db.session.scalars(
            query.order_by(RatioSnapshot.fiscal_year.desc(), RatioSnapshot.version.desc()).limit(50)
        )
    )


def snapshot_in_scope(user: Any, number: int) -> RatioSnapshot | None:
    found: RatioSnapshot | None = db.session.scalars(
        visible_snapshots(user).where(RatioSnapshot.id == number).options(*_PEOPLE)
    ).first()
    return found


def published_snapshots() -> Select[Any]:
    """What the public may see: figures that were published, also those that a later version replaced."""
    return (
        select(RatioSnapshot)
        .where(RatioSnapshot.published_at.is_not(None), RatioSnapshot.state.in_(("published", "replaced")))
        .options(joinedload(RatioSnapshot.agency))
    )


def published_snapshot(number: int) -> RatioSnapshot | None:
    found: RatioSnapshot | None = db.session.scalars(
        published_snapshots().where(RatioSnapshot.id == number).options(*_PEOPLE)
    ).first()
    return found


def next_version(division: str, year: int) -> int:
    return 1 + (
        db.session.scalar(
            select(func.max(RatioSnapshot.version)).where(
                RatioSnapshot.division_code == division, RatioSnapshot.fiscal_year == year
            )
        )
        or 0
    )


def snapshots_waiting(user: Any) -> list[tuple[RatioSnapshot, str]]:
    """Frozen figures that wait for a step of this person, with the step."""
    found: list[tuple[RatioSnapshot, str]] = []
    for state, step, permission in (
        ("prepared", "review", "ratio.review"),
        ("reviewed", "publish", "ratio.publish"),
    ):
        ids = user.agency_ids(permission)
        if not ids:
            continue
        rows = db.session.scalars(
            select(RatioSnapshot)
            .where(
                RatioSnapshot.state == state,
                RatioSnapshot.agency_id.in_(ids),
                RatioSnapshot.prepared_by != user.id,
                or_(RatioSnapshot.reviewed_by.is_(None), RatioSnapshot.reviewed_by != user.id),
            )
            .order_by(RatioSnapshot.id)
        )
        found += [(row, step) for row in rows]
    return found


def years_due(user: Any) -> list[tuple[str, int, date]]:
    """Levels whose last closed year is not frozen yet, for those who freeze it, with the day it is due."""
    year = clock.today().year - 1
    found = []
    for division in sorted(own_divisions(user, "ratio.prepare")):
        # A level that bought nothing itself has nothing to freeze, whatever it bought the year before.
        bought = db.session.scalar(
            select(Purchase.id)
            .where(Purchase.division_code == division, Purchase.fiscal_year == year)
            .limit(1)
        )
        living = db.session.scalar(
            select(RatioSnapshot.id)
            .where(
                RatioSnapshot.division_code == division,
                RatioSnapshot.fiscal_year == year,
                RatioSnapshot.state != "withdrawn",
            )
            .limit(1)
        )
        if bought is not None and living is None:
            found.append((division, year, due_day(division, year)))
    return found


def due_day(division: str, year: int) -> date:
    """By when the figure of a year is published, under the rules of its level (RPC)."""
    values = parameters("RPC", CALENDAR_DEFAULTS, on=date(year, 12, 31), jurisdiction=division)
    return due_on(year, values["ratio_due"])


def accepted_reasons(division: str, year: int) -> dict[str, str]:
    """The reasons that a level accepts for a figure below the threshold, with their words (RPC)."""
    values = parameters("RPC", CALENDAR_DEFAULTS, on=date(year, 12, 31), jurisdiction=division)
    return {code: label for code, label in REASONS.items() if code in values["reasons"]}


def procurement_limit(division: str, on: date) -> tuple[Money, str]:
    """From which amount the procurement law holds at a level, and the rules that say so."""
    values = parameters("RPL", LIMIT_DEFAULTS, on=on, jurisdiction=normalise_division(division))
    return Money.yuan(values["limit_yuan"]), values.label


@dataclass(frozen=True, slots=True)
class Frozen:
    """The content of a snapshot, read back from its canonical JSON."""

    snapshot: RatioSnapshot
    content: dict[str, Any]

    @property
    def basis(self) -> str:
        return str(self.content["basis"])

    @property
    def threshold(self) -> Fraction:
        return Fraction(self.content["threshold"])

    def figure(self, name: str, basis: str = "") -> FrozenFigure:
        return FrozenFigure.of(self.content["bases"][basis or self.basis][name])

    @property
    def levels(self) -> list[tuple[str, FrozenFigure, Fraction]]:
        return [
            (item["division"], FrozenFigure.of(item["figure"]), Fraction(item["threshold"]))
            for item in self.content["levels"]
        ]


@dataclass(frozen=True, slots=True)
class FrozenFigure:
    """The exact numbers of a frozen figure, in fen."""

    added: Fraction
    added_so: Fraction
    ratio: Fraction | None
    status: str
    gap: Fraction
    total: Fraction
    before: Fraction

    @classmethod
    def of(cls, data: dict[str, str | None]) -> FrozenFigure:
        def number(name: str) -> Fraction:
            return Fraction(data[name] or 0)

        return cls(
            number("added_total_fen"),
            number("added_so_fen"),
            None if data["ratio"] is None else Fraction(data["ratio"]),
            str(data["status"]),
            number("gap_fen"),
            number("total_fen"),
            number("previous_total_fen"),
        )


def frozen(snapshot: RatioSnapshot) -> Frozen:
    return Frozen(snapshot, json.loads(snapshot.content))


def frozen_rows(snapshot: RatioSnapshot) -> bytes:
    """The rows behind a frozen figure as they were, the bytes of a CSV."""
    with zipfile.ZipFile(io.BytesIO(read(snapshot.rows_file))) as pack:
        return pack.read("rows.csv")


@dataclass(frozen=True, slots=True)
class RowChange:
    """A contract that reads otherwise now than when the year was frozen."""

    contract_no: str
    purchaser: str
    year: str
    kind: str
    # (column, text), of the columns that read otherwise.
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]


CHANGED = {"added": N_("came in later"), "removed": N_("taken out"), "changed": N_("corrected")}


def corrections(
    snapshot: RatioSnapshot, present: dict[tuple[str, str, str], dict[str, str]]
) -> list[RowChange]:
    """What became of the frozen rows since: contracts that came, went or were corrected.

    ``present`` are today's rows as the frozen table writes them, by purchaser, year and number.
    """
    text = frozen_rows(snapshot).decode("utf-8-sig")
    before = {identity_of(row): row for row in csv.DictReader(io.StringIO(text))}
    found = []
    for key in sorted(before.keys() | present.keys()):
        old, new = before.get(key), present.get(key)
        if old == new:
            continue
        kind = "added" if old is None else "removed" if new is None else "changed"
        names = [name for name in (old or new or {}) if (old or {}).get(name) != (new or {}).get(name)]
        if old is None or new is None:
            names = ["amount_yuan"]
        found.append(
            RowChange(
                key[2], key[0], key[1], kind,
                tuple((name, old[name]) for name in names) if old else (),
                tuple((name, new[name]) for name in names) if new else (),
            )
        )  # fmt: skip
    return found


def identity_of(row: dict[str, str]) -> tuple[str, str, str]:
    return row["purchaser"], row["fiscal_year"], row["contract_no"]


def rows_of_year(division: str, year: int) -> list[PurchaseRow]:
    """Every row that the figure of a year is computed from, both years, in a fixed order."""
    return sorted(
        purchase_rows(division, year),
        key=lambda row: (row.fiscal_year, row.division_code, row.purchaser, row.contract_no),
    )


def frozen_content(found: Figures, *, version: int, rows: bytes, row_count: int) -> dict[str, Any]:
    """What is frozen of a year, as plain JSON: anybody can compute the figures again from it and the rows.

    ``figures``, ``bases`` and ``levels`` are exact text (fen, fractions); ``rules`` holds the rules of each
    level that has rows, since a row is judged by those of its own level; ``continuations`` are pairs of
    services (division, purchaser, kind of key, key), earlier and later. The digest of a snapshot is the
    SHA-256 of this content as canonical JSON, that of the rows is taken over the bytes of the CSV.
    """
    every = bases(found.division, found.year, on=found.on, exact=True)
    cross = {name: year_on_year_of(figure) for name, figure in found.figures.items()}
    own_levels = levels(found)
    # Whole chains of continuations, and the rules of every level that a row of them lies at.
    links, prefix = continuations(), tree_prefix(found.division)
    joins = Joins(links)
    near = {joins.root(one) for pair in links for one in pair if one[0].startswith(prefix)}
    links = [pair for pair in links if joins.root(pair[0]) in near]
    codes = sorted(
        {
            found.division,
            *(figure.division for venture in (False, True) for figure in levels(found, venture=venture)),
            *(service[0] for pair in links for service in pair),
        }
    )
    return {
        "format": "shanzhi-r30/1",
        "division": found.division,
        "year": found.year,
        "version": version,
        "rules_on": found.on.isoformat(),
        "basis": found.basis,
        "threshold": str(found.rules.threshold),
        "bases": {basis: item.to_dict() for basis, item in every.items()},
        "cross_check": {
            name: {
                "delta_total_fen": str(item.delta_total_fen),
                "delta_so_fen": exact_text(item.delta_so_fen),
                "ratio": None if item.ratio is None else exact_text(item.ratio),
            }
            for name, item in cross.items()
        },
        "levels": [
            {"division": figure.division, "threshold": str(figure.threshold), "figure": figure.to_dict()}
            for figure in own_levels
        ],
        "rules": {
            code: {
                "label": found.book.found(code).label,
                "source": found.book.found(code).source or R30_SOURCES["threshold"],
                "parameters": found.book.at(code).to_dict(),
            }
            for code in codes
        },
        "continuations": [[[*service[:2], *service[2]] for service in pair] for pair in links],
        "rows": {"file": "rows.csv", "count": row_count, "sha256": sha256(rows).hexdigest()},
    }  # fmt: skip


# Exceptions ------------------------------------------------------------------------------------


def overrides_in_force(user: Any) -> list[ContractorOverride]:
    """Exceptions of the levels in reach and above them: they bear on the figures a person sees."""
    divisions = visible_divisions(user)
    codes = {code for division in divisions for code in _with_above(division)}
    below = [under(ContractorOverride.division_code, division) for division in divisions]
    return list(
        db.session.scalars(
            select(ContractorOverride)
            .where(or_(ContractorOverride.division_code.in_(codes), *below))
            .order_by(ContractorOverride.division_code, ContractorOverride.contractor_code)
            .limit(500)
        )
    )


def _with_above(division: str) -> set[str]:
    return {division[:length].ljust(6, "0") for length in (2, 4, 6)} | {division[:9], division}


def visible_proposals(user: Any) -> Select[Any]:
    return (
        select(OverrideProposal)
        .where(OverrideProposal.agency_id.in_(user.agency_ids("purchase.read")))
        .options(
            joinedload(OverrideProposal.agency),
            joinedload(OverrideProposal.proposer),
            joinedload(OverrideProposal.decider),
        )
    )


def proposals(user: Any, limit: int = 100) -> list[OverrideProposal]:
    return list(db.session.scalars(visible_proposals(user).order_by(OverrideProposal.id.desc()).limit(limit)))


def proposal_in_scope(user: Any, number: int) -> OverrideProposal | None:
    found: OverrideProposal | None = db.session.scalars(
        visible_proposals(user).where(OverrideProposal.id == number)
    ).first()
    return found


def proposals_waiting(user: Any) -> list[OverrideProposal]:
    ids = user.agency_ids("ratio.review")
    if not ids:
        return []
    return list(
        db.session.scalars(
            select(OverrideProposal)
            .where(
                OverrideProposal.agency_id.in_(ids),
                OverrideProposal.state == "proposed",
                OverrideProposal.proposed_by != user.id,
            )
            .order_by(OverrideProposal.id)
        )
    )


def override_of(division: str, code: str) -> ContractorOverride | None:
    found: ContractorOverride | None = db.session.scalars(
        select(ContractorOverride).where(
            ContractorOverride.division_code == division, ContractorOverride.contractor_code == code
        )
    ).first()
    return found
