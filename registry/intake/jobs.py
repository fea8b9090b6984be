"""Reading and taking tables in the background, with progress; a cancelled reading goes on where it stopped."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from core import clock
from core.db import db, transaction
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, add_regular, queue
from core.text import N_, Message
from registry.intake.imports import read_import
from registry.intake.models import ImportRow, RegisterImport
from registry.intake.services import CHUNK, take_import

KEEP_ROWS = timedelta(days=30)


def read(task: Task) -> None:
    read_import(task.payload["import"], step=task.step)


def take(task: Task) -> None:
    batch = db.session.get_one(RegisterImport, task.payload["import"])
    rows = batch.new_rows + batch.changed_rows
    # Until here it can be cancelled; from here on all rows are taken or none.
    task.step(0, max(rows, 1))
    with transaction():
        take_import(batch.id, by=task.actor)


def forget() -> None:
    """The rows of tables taken long ago go; the table itself and its digest stay."""
    old = db.session.scalars(
        select(RegisterImport.id).where(RegisterImport.taken_at < clock.now() - KEEP_ROWS)
    ).all()
    for number in old:
        while ids := db.session.scalars(
            select(ImportRow.id).where(ImportRow.import_id == number).limit(CHUNK)
        ).all():
            with transaction() as session:
                session.execute(delete(ImportRow).where(ImportRow.id.in_(ids)))


add_kind("register read", read)
add_kind("register take", take)
add_regular("forget rows of taken tables", timedelta(hours=6), forget)


def ask_to_read(batch: RegisterImport, *, by: object) -> Job:
    return _ask(batch, "register read", Message(N_("Reading %(file)s"), {"file": batch.file_name}), by)


def ask_to_take(batch: RegisterImport, *, by: object) -> Job:
    return _ask(batch, "register take", Message(N_("Taking %(file)s"), {"file": batch.file_name}), by)


def _ask(batch: RegisterImport, kind: str, title: Message, by: object) -> Job:
    job = queue(kind, {"import": batch.id}, by=by, title=title)  # type: ignore[arg-type]
    batch.job_id = job.id
    return job
