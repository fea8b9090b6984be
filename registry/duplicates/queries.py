"""Pairs and joins in scope, and every place that names an organization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Select, Table, UniqueConstraint, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import joinedload

from core.db import db
from core.text import N_
from core.web.tables import CAP, Count
from registry.duplicates.models import OrganizationMerge, SimilarPair
from registry.organizations.models import Organization
from registry.proof.queries import add_check

# Found anew after a join, so not moved.
DERIVED = frozenset({"similar_pair", "directory_entry", "directory_backlog"})


@dataclass(frozen=True, slots=True)
class Link:
    """A column of some table that names an organization."""

    table: Table
    column: Column[Any]

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"


def links_to(target: Table) -> Iterator[Link]:
    """Every foreign key of the whole house that points to ``target``'s key, from the metadata."""
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column is target.c.id for key in column.foreign_keys):
                yield Link(table, column)


def organization_links() -> list[Link]:
    """Every place that names an organization, but for what is only derived."""
    return [link for link in links_to(db.metadata.tables["organization"]) if link.table.name not in DERIVED]


def counts_of(organization_id: int) -> dict[str, int]:
    """How many rows of each table name an organization, in one query; tables without one are left out."""
    parts = [
        select(literal(link.table.name).label("name"), func.count().label("n"))
        .select_from(link.table)
        .where(link.column == organization_id)
        for link in organization_links()
    ]
    found: dict[str, int] = {}
    for name, number in db.session.execute(union_all(*parts)).all():
        if number:
            found[name] = found.get(name, 0) + number
    return found


def unique_sets(link: Link) -> list[tuple[list[Column[Any]], Any]]:
    """The columns that, with an organization, may stand only once; and among which rows (``None``: all)."""
    sets: list[tuple[list[Column[Any]], Any]] = [
        (list(item.columns), None) for item in link.table.constraints if isinstance(item, UniqueConstraint)
    ]
    sets += [
        (list(item.columns), item.dialect_options["sqlite"].get("where"))
        for item in link.table.indexes
        if item.unique
    ]
    return [(columns, where) for columns, where in sets if link.column in columns]


def twins(link: Link, kept_id: int, gone_id: int) -> list[tuple[int, int]]:
    """Rows of the entry to go that the other has already, as (its row, the twin's row)."""
    found: dict[int, int] = {}
    mine, other = link.table.alias("mine"), link.table.alias("other")
    for columns, where in unique_sets(link):
        # A column that is unique by itself has nothing else to compare.
        same: list[Any] = [mine.c.id != other.c.id]
        same += [
            mine.c[column.name] == other.c[column.name] for column in columns if column is not link.column
        ]
        among = []
        if where is not None:
            counted = select(link.table.c.id).where(where)
            among = [mine.c.id.in_(counted), other.c.id.in_(counted)]
        rows = db.session.execute(
            select(mine.c.id, other.c.id)
            .where(mine.c[link.column.name] == gone_id, other.c[link.column.name] == kept_id, *same, *among)
            .order_by(mine.c.id)
        )
        for one, twin in rows.all():
            found.setdefault(one, twin)
    return sorted(found.items())


def tied(kept_id: int, gone_id: int) -> list[str]:
    """The tables in which one row names both entries: a body is not tied to itself."""
    by_table: dict[Table, list[Column[Any]]] = {}
    for link in organization_links():
        by_table.setdefault(link.table, []).append(link.column)
    found = []
    for table, columns in by_table.items():
        own = [table.c.id] if table.name == "organization" else []
        both = [
            and_(one == kept_id, two == gone_id)
            for one in (*columns, *own)
            for two in (*columns, *own)
            if one is not two
        ]
        if both and db.session.scalar(select(table.c.id).where(or_(*both)).limit(1)) is not None:
            found.append(table.name)
    return found


# Pairs and joins ------------------------------------------------------------------------------------


def visible_pairs(user: Any, *, dismissed: bool = False) -> Select[Any]:
    """Pairs of which the person sees both entries."""
    units = user.agency_ids("organization.read")
    return (
        select(SimilarPair)
        .where(
            SimilarPair.agency_id.in_(units),
            SimilarPair.other_agency_id.in_(units),
            SimilarPair.dismissed_at.is_not(None) if dismissed else SimilarPair.dismissed_at.is_(None),
        )
        .options(joinedload(SimilarPair.first), joinedload(SimilarPair.second))
    )


def pair_in_scope(user: Any, pair_id: int) -> SimilarPair | None:
    units = user.agency_ids("organization.read")
    return db.session.scalar(
        select(SimilarPair)
        .where(
            SimilarPair.id == pair_id,
            SimilarPair.agency_id.in_(units),
            SimilarPair.other_agency_id.in_(units),
        )
        .options(joinedload(SimilarPair.first), joinedload(SimilarPair.second))
    )


def similar_to(user: Any, organization: Organization) -> list[SimilarPair]:
    """The pairs of one organization that nobody dismissed."""
    return list(
        db.session.scalars(
            visible_pairs(user)
            .where(or_(SimilarPair.first_id == organization.id, SimilarPair.second_id == organization.id))
            .order_by(SimilarPair.id)
            .limit(20)
        )
    )


def same_sound(organization: Organization, *, limit: int) -> Sequence[Organization]:
    """Other entries whose bare name sounds the same; found by the index."""
    if not organization.sound_key:
        return []
    return db.session.scalars(
        select(Organization)
        .where(Organization.sound_key == organization.sound_key, Organization.id != organization.id)
        .order_by(Organization.id)
        .limit(limit)
    ).all()


def visible_merges(user: Any) -> Select[Any]:
    """Joins in which one of the two entries belongs to a unit the person reads."""
    units = user.agency_ids("organization.read")
    return (
        select(OrganizationMerge)
        .join(OrganizationMerge.kept)
        .where(OrganizationMerge.agency_id.in_(units), Organization.agency_id.in_(units))
        .options(joinedload(OrganizationMerge.kept))
    )


def merge_in_scope(user: Any, merge_id: int) -> OrganizationMerge | None:
    return db.session.scalar(visible_merges(user).where(OrganizationMerge.id == merge_id))


def merges_of(organization: Organization) -> list[OrganizationMerge]:
    """The entries that were joined into this one."""
    return list(
        db.session.scalars(
            select(OrganizationMerge)
            .where(OrganizationMerge.kept_id == organization.id, OrganizationMerge.state == "confirmed")
            .order_by(OrganizationMerge.id)
        )
    )


def open_merge(first_id: int, second_id: int) -> OrganizationMerge | None:
    """A proposed join that one of the two entries is part of."""
    return db.session.scalar(
        select(OrganizationMerge)
        .where(
            OrganizationMerge.state == "proposed",
            or_(
                OrganizationMerge.kept_id.in_((first_id, second_id)),
                OrganizationMerge.gone_id.in_((first_id, second_id)),
            ),
        )
        .limit(1)
    )


def waiting_for(user: Any, *, limit: int = 20) -> list[OrganizationMerge]:
    """Joins that the person can confirm."""
    units = user.agency_ids("organization.verify")
    if not units:
        return []
    return list(
        db.session.scalars(
            visible_merges(user)
            .where(
                OrganizationMerge.state == "proposed",
                OrganizationMerge.agency_id.in_(units),
                OrganizationMerge.proposed_by.is_distinct_from(user.id),
            )
            .order_by(OrganizationMerge.id)
            .limit(limit)
        )
    )


# What must hold ------------------------------------------------------------------------------------


def _joined_and_still_there() -> Any:
    return (
        select(OrganizationMerge.gone_name.label("name"), Organization.name.label("now"))
        .join(Organization, Organization.id == OrganizationMerge.gone_id)
        .where(OrganizationMerge.state == "confirmed")
    )


add_check(
    "joined-entry", N_("“%(name)s” was joined into another entry, but its number stands again: %(now)s."),
    _joined_and_still_there,
)  # fmt: skip


def any_uncompared() -> bool:
    """Whether an entry that came in bulk waits to be compared."""
    return db.session.scalar(select(Organization.id).where(Organization.sound_key == "").limit(1)) is not None


def uncompared(user: Any) -> Count:
    """How many entries in reach of a person wait to be compared with all others by name, about."""
    found = (
        select(Organization.id)
        .where(Organization.sound_key == "", Organization.agency_id.in_(user.agency_ids("organization.read")))
        .limit(CAP + 1)
    )
    number = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    return Count(min(number, CAP), more=number > CAP)
