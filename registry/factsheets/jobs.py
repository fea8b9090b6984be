"""Taking tables of facts in the background."""

from __future__ import annotations

from typing import Any

from core.db import db
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, queue
from core.text import N_, Message
from registry.factsheets.models import FactSheet
from registry.factsheets.services import take_facts


def take(task: Task) -> None:
    sheet = db.session.get_one(FactSheet, task.payload["sheet"])
    # Until here it can be cancelled; from here on all rows are taken or none.
    task.step(0, max(sheet.changed_rows, 1))
    take_facts(sheet.id, by=task.actor)


add_kind("facts take", take)


def ask_to_take(sheet: FactSheet, *, by: Any) -> Job:
    title = Message(N_("Taking %(file)s"), {"file": sheet.file_name})
    job = queue("facts take", {"sheet": sheet.id}, by=by, title=title)
    sheet.job_id = job.id
    return job
