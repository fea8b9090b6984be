"""Reading frozen and published years, what was corrected since, and what is due."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.files.services import read
from core.rules.queries import parameters
from core.text import N_
from finance.contracts.models import Purchase
from finance.contracts.queries import continuations, purchase_rows, visible_divisions
from finance.contracts.rules import R30_SOURCES, Joins, PurchaseRow
from finance.figures.queries import Figures, bases, levels
from finance.figures.rules import exact_text, year_on_year_of
from finance.snapshots.models import REASONS, RatioSnapshot
from finance.snapshots.rules import CALENDAR_DEFAULTS, HEADINGS, due_on
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division, tree_prefix

COMPARED_ROWS = 20_000

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

    ``present`` are today's rows as the frozen table writes them, by purchaser, year and number. A column
    that was not there yet when the year was frozen was empty.
    """
    text = frozen_rows(snapshot).decode("utf-8-sig")
    before = {
        identity_of(row): dict.fromkeys(HEADINGS, "") | row for row in csv.DictReader(io.StringIO(text))
    }
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
