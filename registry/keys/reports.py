"""The proof of the keys: every entry is what the facts give today, every posting what the entries give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from core.db import db
from registry.keys.models import DirectoryBacklog, DirectoryEntry, DirectoryPosting, DirectoryShelf
from registry.keys.queries import keys_of
from registry.keys.rules import PLACES, terms_of, unpacked
from registry.organizations.models import Organization

_CHUNK = 2_000
_COLUMNS = ("sort_key", "name", "initials", "code", "marks", "renew_on")


def differing_entries() -> Iterator[dict[str, Any]]:
    """Organizations whose entry is missing or is not what their facts give, but for those that wait for the job."""
    waiting = set(db.session.scalars(select(DirectoryBacklog.organization_id)))
    last = 0
    while True:
        rows = db.session.execute(
            select(Organization.id, Organization.name)
            .where(Organization.id > last)
            .order_by(Organization.id)
            .limit(_CHUNK)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        ids = [row.id for row in rows]
        made = keys_of(ids)
        kept = {
            entry.organization_id: entry
            for entry in db.session.execute(
                select(DirectoryEntry.__table__).where(DirectoryEntry.organization_id.in_(ids))
            )
        }
        for row in rows:
            if row.id in waiting or row.id not in made:
                continue
            entry = kept.get(row.id)
            if entry is None:
                yield {"name": row.name, "what": "entry"}
                continue
            for column in _COLUMNS:
                if getattr(entry, column) != getattr(made[row.id], column):
                    yield {"name": row.name, "what": column}


def differing_postings() -> Iterator[dict[str, Any]]:
    """Terms of a shelf that name other places than the entries there have, one shelf in memory at a time."""
    for shelf in db.session.scalars(select(DirectoryShelf.id).order_by(DirectoryShelf.id)).all():
        wanted: dict[str, int] = {}
        rows: Any = db.session.execute(
            select(
                DirectoryEntry.place,
                DirectoryEntry.name,
                DirectoryEntry.initials,
                DirectoryEntry.code,
                DirectoryEntry.marks,
            ).where(DirectoryEntry.place.between(shelf * PLACES, (shelf + 1) * PLACES - 1))
        )
        for place, name, initials, code, marks in rows:
            for term in terms_of(name, initials, code, marks):
                wanted[term] = wanted.get(term, 0) | 1 << place % PLACES
        there = {
            term: unpacked(places)
            for term, places in db.session.execute(
                select(DirectoryPosting.term, DirectoryPosting.places).where(
                    DirectoryPosting.shelf_id == shelf
                )
            )
        }
        for term in sorted(wanted.keys() | there.keys()):
            if wanted.get(term, 0) != there.get(term, 0):
                yield {"shelf": shelf, "term": term}


def misplaced_entries() -> Iterator[dict[str, Any]]:
    """Entries that follow one another in the register's order and not on the shelves."""
    order = {
        number: place
        for place, number in enumerate(
            db.session.scalars(
                select(DirectoryShelf.id).order_by(DirectoryShelf.first_key, DirectoryShelf.first_id)
            )
        )
    }
    before = -1
    rows: Any = db.session.execute(
        select(DirectoryEntry.name, DirectoryEntry.place)
        .where(DirectoryEntry.place.is_not(None))
        .order_by(DirectoryEntry.sort_key, DirectoryEntry.organization_id)
        .execution_options(yield_per=_CHUNK)
    )
    for name, place in rows:
        here = order.get(place // PLACES, -1)
        if here < before:
            yield {"name": name.split("\n")[0]}
        before = max(before, here)
