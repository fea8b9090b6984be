"""Long work on purchases: looking through a large table, taking it, making kept figures anew."""

from __future__ import annotations

import logging
from datetime import timedelta

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, add_regular, queue
from core.text import N_, Message
from finance.contracts.models import PurchaseImport
from finance.contracts.queries import importable_divisions
from finance.figures.queries import stale_levels
from finance.figures.services import recompute
from finance.purchasing.imports import look_through
from finance.purchasing.services import note_preview, take_import

log = logging.getLogger(__name__)

AT_ONCE = 200_000
"""Bytes of a table that is looked through and taken while the person waits."""


def look(task: Task) -> None:
    batch = _batch(task)
    rows, preview = look_through(batch, importable_divisions(task.actor), progress=task.step)
    with transaction() as session:
        note_preview(session.get_one(PurchaseImport, batch.id), rows, preview, by=task.actor)


def take(task: Task) -> None:
    batch = _batch(task)
    # Until here it can be cancelled; from here on all rows are taken or none.
    task.step(0, max(batch.rows, 1))
    with transaction() as session:
        take_import(
            session.get_one(PurchaseImport, batch.id), by=task.actor, within=importable_divisions(task.actor)
        )


def _batch(task: Task) -> PurchaseImport:
    batch = db.session.get(PurchaseImport, task.payload["import"])
    if batch is None:
        raise Refusal(Message(N_("This table was discarded.")), status=404)
    return batch


def renew_stale() -> None:
    """Levels whose rules changed since their figures were kept are made anew, one after the other."""
    for division, year in stale_levels(clock.today().year):
        with transaction():
            recompute([division], year)
        log.info("kept figures of %s %s made anew", division, year)


add_kind("purchase look", look)
add_kind("purchase take", take)
add_regular("renew kept figures", timedelta(minutes=5), renew_stale)


def look_or_queue(batch: PurchaseImport, *, by: object) -> Job | None:
    """Look through a small table now, a large one in the background; the job, if there is one."""
    if batch.file is not None and batch.file.size <= AT_ONCE:
        rows, preview = look_through(batch, importable_divisions(by))
        note_preview(batch, rows, preview, by=by)  # type: ignore[arg-type]
        return None
    job = queue(
        "purchase look",
        {"import": batch.id},
        by=by,  # type: ignore[arg-type]
        title=Message(N_("Looking through %(file)s"), {"file": batch.file_name}),
    )
    batch.job_id = job.id
    return job


def take_or_queue(batch: PurchaseImport, *, by: object) -> Job | None:
    """Take a small table now, a large one in the background; the job, if there is one."""
    if batch.checked_file is None or batch.checked_file.size <= AT_ONCE:
        take_import(batch, by=by, within=importable_divisions(by))  # type: ignore[arg-type]
        return None
    job = queue(
        "purchase take",
        {"import": batch.id},
        by=by,  # type: ignore[arg-type]
        title=Message(N_("Taking %(file)s"), {"file": batch.file_name}),
    )
    batch.job_id = job.id
    return job
