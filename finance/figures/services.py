"""Keeping the sums of purchases: made anew where rows, links or rules changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from core.bulk import write_rows
from core.db import db
from finance.contracts.models import Purchase
from finance.contracts.queries import Rules, continuations, facts, key_text, of_services, rules_of_year
from finance.contracts.rules import NANO, Basis, Joins, ServiceKey
from finance.figures.models import LevelFigure, ServiceYear
from finance.figures.rules import KeptLine, kept_lines

# Which lock of PostgreSQL the sums of a level are written under.
_LEVELS = 30

# Below this many services a level is never made anew for their sake.
_FEW = 200

_CHUNK = 500

Touched = dict[ServiceKey, set[int]]
"""Services whose rows changed, with the fiscal years of the rows."""


def refresh(touched: Touched) -> None:
    """Bring the kept figures in line with the rows of these services, in the same transaction.

    A row of one year is in the figure of its year and in the next one's comparison.
    """
    if not touched:
        return
    db.session.flush()
    joins = Joins(continuations())
    groups = groups_of(joins)
    work: dict[int, set[ServiceKey]] = {}
    for service, years in touched.items():
        whole = groups.get(joins.root(service), {service})
        for year in years | {year + 1 for year in years}:
            work.setdefault(year, set()).update(whole)
    clusters = _clusters(groups)
    _lock({division for services in work.values() for division, _purchaser, _key in services}, clusters)
    for year, services in sorted(work.items()):
        book = rules_of_year(year)
        by_cluster: dict[frozenset[str], set[ServiceKey]] = {}
        for service in services:
            cluster = clusters.get(service[0], frozenset({service[0]}))
            by_cluster.setdefault(cluster, set()).add(service)
        for cluster, some in by_cluster.items():
            if _wants_all(cluster, year, len(some), book):
                _recompute(cluster, year, joins, book)
            else:
                _recompute_some(some, year, joins, book)


def recompute(divisions: Iterable[str], year: int) -> None:
    """Make the kept figures of these levels and year anew from every row."""
    db.session.flush()
    joins = Joins(continuations())
    clusters = _clusters(groups_of(joins))
    _lock(set(divisions), clusters)
    book = rules_of_year(year)
    for cluster in {clusters.get(division, frozenset({division})) for division in divisions}:
        _recompute(cluster, year, joins, book)


def groups_of(joins: Joins) -> dict[ServiceKey, set[ServiceKey]]:
    """Every service that a continuation names, by the root of its group."""
    groups: dict[ServiceKey, set[ServiceKey]] = {}
    for service in joins.members():
        groups.setdefault(joins.root(service), set()).add(service)
    return groups


def _clusters(groups: dict[ServiceKey, set[ServiceKey]]) -> dict[str, frozenset[str]]:
    """Levels between which services moved, each with all that hang together with it."""
    clusters: dict[str, frozenset[str]] = {}
    for services in groups.values():
        whole = {division for division, _purchaser, _key in services}
        for division in list(whole):
            whole |= clusters.get(division, frozenset())
        for division in whole:
            clusters[division] = frozenset(whole)
    return clusters


def _lock(divisions: set[str], clusters: dict[str, frozenset[str]]) -> None:
    """One writer at a time for the sums of a level; SQLite has one writer anyway."""
    if db.engine.dialect.name == "sqlite":
        return
    wanted = {other for division in divisions for other in clusters.get(division, {division})}
    for division in sorted(wanted):
        db.session.execute(select(func.pg_advisory_xact_lock(_LEVELS, int(division[:9]))))


def _wants_all(cluster: frozenset[str], year: int, count: int, book: Rules) -> bool:
    """Whether a level is better made anew: its rules changed, or most of its services are touched."""
    rows = db.session.execute(
        select(LevelFigure.division_code, LevelFigure.rules_digest, func.max(LevelFigure.services))
        .where(LevelFigure.fiscal_year == year, LevelFigure.division_code.in_(cluster))
        .group_by(LevelFigure.division_code, LevelFigure.rules_digest)
    ).all()
    if any(book.digest(row.division_code) != row.rules_digest for row in rows):
        return True
    return count > _FEW and count * 3 > sum(row[2] for row in rows)


def _recompute(cluster: frozenset[str], year: int, joins: Joins, book: Rules) -> None:
    for sums in (ServiceYear, LevelFigure):
        db.session.execute(
            delete(sums)
            .where(sums.fiscal_year == year, sums.division_code.in_(cluster))
            .execution_options(synchronize_session=False)
        )
    found = facts((year - 1, year), Purchase.division_code.in_(cluster))
    _keep(kept_lines(found, year, joins, book.at), [], year, book)


def _recompute_some(services: set[ServiceKey], year: int, joins: Joins, book: Rules) -> None:
    ordered = sorted(services)
    root_of = joins.root
    # Groups stay whole: their lines are made together.
    batches: dict[ServiceKey, list[ServiceKey]] = {}
    for service in ordered:
        batches.setdefault(root_of(service), []).append(service)
    chunk: list[ServiceKey] = []
    for members in [*batches.values(), []]:
        chunk += members
        if chunk and (not members or len(chunk) >= _CHUNK):
            old = [
                line
                for part in _by_purchaser(chunk)
                for line in db.session.scalars(
                    select(ServiceYear).where(ServiceYear.fiscal_year == year, part)
                )
            ]
            if old:
                db.session.execute(
                    delete(ServiceYear)
                    .where(ServiceYear.id.in_([line.id for line in old]))
                    .execution_options(synchronize_session=False)
                )
                for line in old:
                    db.session.expunge(line)
            new = kept_lines(facts((year - 1, year), of_services(chunk)), year, joins, book.at)
            _keep(new, old, year, book)
            chunk = []


def _by_purchaser(services: list[ServiceKey]) -> Iterator[ColumnElement[bool]]:
    keys: dict[tuple[str, str], list[str]] = {}
    for service in services:
        keys.setdefault(service[:2], []).append(key_text(service))
    pairs = list(keys.items())
    for start in range(0, len(pairs), 50):
        yield or_(
            *(
                and_(
                    ServiceYear.division_code == division,
                    ServiceYear.purchaser == purchaser,
                    ServiceYear.key.in_(names),
                )
                for (division, purchaser), names in pairs[start : start + 50]
            )
        )


_LINE = (
    "basis", "venture", "division_code", "fiscal_year", "purchaser", "key", "name", "apart", "joined", "row_count",
    "total_fen", "before_fen", "added_fen", "so_fen", "so_rest", "before_so_fen", "before_so_rest", "added_so_fen",
    "added_so_rest", "rounded", "sources",
)  # fmt: skip


def _keep(new: list[KeptLine], old: list[ServiceYear], year: int, book: Rules) -> None:
    """Write lines and bring the sums of their levels along."""
    changes: dict[tuple[str, Basis, bool], _Change] = {}

    def change(division: str, basis: Basis, venture: bool) -> _Change:
        return changes.setdefault((division, basis, venture), _Change())

    for line in old:
        values = (
            line.row_count, line.total_fen, line.before_fen, line.added_fen, line.so_fen * NANO + line.so_rest,
            line.before_so_fen * NANO + line.before_so_rest, line.added_so_fen * NANO + line.added_so_rest,
            int(line.rounded),
        )  # fmt: skip
        sources = json.loads(line.sources)
        for venture in _readings(line.venture, line.apart):
            change(line.division_code, line.basis, venture).add(-1, values, sources)  # type: ignore[arg-type]
    rows = []
    for kept in new:
        added_so, rounded = kept.added_so()
        values = (
            kept.row_count, kept.total, kept.before, kept.added, kept.so, kept.before_so, added_so, int(rounded),
        )  # fmt: skip
        division = kept.service[0]
        for venture in _readings(kept.venture, kept.apart):
            change(division, kept.basis, venture).add(1, values, kept.sources)
        rows.append(
            (
                kept.basis, kept.venture, division, year, kept.service[1], key_text(kept.service), kept.name,
                kept.apart, kept.joined, kept.row_count, kept.total, kept.before, kept.added, *divmod(kept.so, NANO),
                *divmod(kept.before_so, NANO), *divmod(added_so, NANO), rounded, _as_json(kept.sources),
            )
        )  # fmt: skip
    write_rows("service_year", _LINE, rows)
    _change_levels(changes, year, book)


def _readings(venture: bool, apart: bool) -> tuple[bool, ...]:
    """Without venture grants, with them, or both: the figures that a line is in."""
    if venture:
        return (True,)
    return (False,) if apart else (False, True)


def _as_json(sources: dict[str, int]) -> str:
    parts = (f"{_quoted(source)}:{fen}" for source, fen in sorted(sources.items()) if fen)
    return f"{{{','.join(parts)}}}"


@cache
def _quoted(source: str) -> str:
    return json.dumps(source, ensure_ascii=False)


class _Change:
    """What is added to the sums of a level: services, and the eight numbers of its lines."""

    def __init__(self) -> None:
        self.services = 0
        self.values = [0] * 8
        self.sources: dict[str, int] = {}

    def add(self, sign: int, values: Sequence[int], sources: dict[str, int]) -> None:
        self.services += sign
        self.values = [old + sign * value for old, value in zip(self.values, values, strict=True)]
        for source, fen in sources.items():
            self.sources[source] = self.sources.get(source, 0) + sign * fen


def _change_levels(changes: dict[tuple[str, Basis, bool], _Change], year: int, book: Rules) -> None:
    divisions = sorted({division for division, _basis, _venture in changes})
    known = {
        (level.division_code, level.basis, level.venture): level
        for start in range(0, len(divisions), 500)
        for level in db.session.scalars(
            select(LevelFigure).where(
                LevelFigure.fiscal_year == year,
                LevelFigure.division_code.in_(divisions[start : start + 500]),
            )
        )
    }
    for (division, basis, venture), change in sorted(changes.items()):
        level = known.get((division, basis, venture))
        if level is None:
            level = LevelFigure(
                basis=basis, venture=venture, division_code=division, fiscal_year=year,
                rules_digest=book.digest(division), services=0, row_count=0, total_fen=0, before_fen=0,
                added_fen=0, so_fen=0, so_rest=0, before_so_fen=0, before_so_rest=0, added_so_fen=0,
                added_so_rest=0, rounded=0, sources="{}",
            )  # fmt: skip
            db.session.add(level)
        count, total, before, added, so, before_so, added_so, rounded = change.values
        level.services += change.services
        level.row_count += count
        level.total_fen += total
        level.before_fen += before
        level.added_fen += added
        level.so_fen, level.so_rest = divmod(level.so_fen * NANO + level.so_rest + so, NANO)
        level.before_so_fen, level.before_so_rest = divmod(
            level.before_so_fen * NANO + level.before_so_rest + before_so, NANO
        )
        level.added_so_fen, level.added_so_rest = divmod(
            level.added_so_fen * NANO + level.added_so_rest + added_so, NANO
        )
        level.rounded += rounded
        sources = json.loads(level.sources)
        for source, fen in change.sources.items():
            sources[source] = sources.get(source, 0) + fen
        level.sources = _as_json(sources)
    db.session.flush()
    for level in known.values():
        if level.services == 0:
            db.session.delete(level)
    db.session.flush()
