"""Search and sort keys in the background: what came in bulk, what a day changes, shelves put in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, func, select

from core import clock
from core.db import db, transaction
from core.jobs.services import add_regular
from registry.duplicates.jobs import compare_names
from registry.keys import services
from registry.keys.models import DirectoryBacklog, DirectoryEntry, DirectoryShelf


def sort_in(step: Callable[[int, int], None] | None = None) -> int:
    """Work the backlog off, in short transactions; how many entries were made or looked at."""
    done = 0
    while number := _take_from_backlog():
        done += number
        if step is not None:
            step(done, done + _behind())
    while _place_waiting():
        if step is not None:
            step(done, done + 1)
    return done


def follow_up() -> None:
    """What follows when organizations came in bulk: search and sort keys, then the pairs of similar names."""
    sort_in()
    compare_names()


def _behind() -> int:
    return db.session.scalar(select(func.count()).select_from(DirectoryBacklog)) or 0


def _take_from_backlog() -> int:
    rows = db.session.execute(
        select(DirectoryBacklog.id, DirectoryBacklog.organization_id)
        .order_by(DirectoryBacklog.id)
        .limit(services.CHUNK)
    ).all()
    if not rows:
        db.session.rollback()
        return 0
    with transaction() as session:
        services.enter(sorted({row.organization_id for row in rows}))
        session.execute(delete(DirectoryBacklog).where(DirectoryBacklog.id.in_([row.id for row in rows])))
    return len(rows)


def _place_waiting() -> bool:
    """Place what waits for one shelf; whether anything did."""
    first = db.session.execute(
        select(DirectoryEntry.sort_key, DirectoryEntry.organization_id)
        .where(DirectoryEntry.place.is_(None))
        .order_by(DirectoryEntry.sort_key, DirectoryEntry.organization_id)
        .limit(1)
    ).first()
    if first is None:
        db.session.rollback()
        return False
    with transaction():
        services.rebuild_for(first.sort_key, first.organization_id)
    return True


def tidy() -> None:
    """Put shelves in order on which much came later, and renew the entries whose day has come."""
    late = DirectoryShelf.used - DirectoryShelf.in_order
    shelves = db.session.scalars(
        select(DirectoryShelf.id).where(late >= services.MANY_LATE).order_by(DirectoryShelf.id)
    ).all()
    for shelf in shelves:
        with transaction():
            services.rebuild(shelf)
    while True:
        due = db.session.scalars(
            select(DirectoryEntry.organization_id)
            .where(DirectoryEntry.renew_on <= clock.today())
            .limit(services.AT_ONCE)
        ).all()
        if not due:
            db.session.rollback()
            return
        with transaction():
            services.renew(due)


def catch_up() -> int:
    """Note every organization that has no entry, however it came to be; how many."""
    with transaction():
        return services.note_missing()


add_regular("sort organizations in", timedelta(seconds=5), follow_up)
add_regular("tidy the register's shelves", timedelta(minutes=5), tidy)
