"""Queuing and running jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core import clock
from core.audit.services import Actor
from core.db import db, transaction
from core.jobs.models import Job

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
STALE_AFTER = timedelta(minutes=10)

_kinds: dict[str, Callable[[dict[str, Any]], None]] = {}
_regular: dict[str, tuple[timedelta, Callable[[], None]]] = {}


def add_kind(kind: str, work: Callable[[dict[str, Any]], None]) -> None:
    """``work(payload)`` runs inside one writing transaction."""
    _kinds[kind] = work


def add_regular(name: str, every: timedelta, work: Callable[[], None]) -> None:
    """``work()`` runs in the worker every so often and opens its own transactions."""
    _regular[name] = (every, work)


def regular_work() -> dict[str, tuple[timedelta, Callable[[], None]]]:
    return dict(_regular)


def queue(kind: str, payload: dict[str, Any], *, by: Actor) -> Job:
    """Ask for work; it starts after the present transaction is committed."""
    if kind not in _kinds:
        raise ValueError(f"unknown kind of job {kind}")
    job = Job(
        kind=kind, payload=payload, queued_by=by.actor_id, queued_at=clock.now(), touched_at=clock.now()
    )
    db.session.add(job)
    db.session.flush()
    return job


def sweep() -> int:
    """Put jobs of dead workers back; how many."""
    with transaction() as session:
        result = session.execute(
            update(Job)
            .where(Job.state == "running", Job.touched_at < clock.now() - STALE_AFTER)
            .values(state="queued", touched_at=clock.now())
        )
        return result.rowcount  # type: ignore[attr-defined, no-any-return]


def run_next() -> bool:
    """Take the oldest queued job and do it; whether there was one."""
    with transaction() as session:
        number = session.scalar(select(Job.id).where(Job.state == "queued").order_by(Job.id).limit(1))
        if number is None:
            return False
        taken = session.execute(
            update(Job)
            .where(Job.id == number, Job.state == "queued")
            .values(state="running", attempts=Job.attempts + 1, touched_at=clock.now())
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return True
    job = db.session.get_one(Job, number)
    kind, payload = job.kind, dict(job.payload)
    try:
        with transaction():
            _kinds[kind](payload)
            _finish(number, "done")
    except Exception as error:
        log.exception("job %s (%s) failed", number, kind)
        with transaction():
            attempts = db.session.get_one(Job, number).attempts
            _finish(number, "failed" if attempts >= MAX_ATTEMPTS else "queued", repr(error)[:2000])
    return True


def _finish(number: int, state: str, error: str = "") -> None:
    job = db.session.get_one(Job, number)
    job.state, job.error, job.touched_at = state, error, clock.now()
