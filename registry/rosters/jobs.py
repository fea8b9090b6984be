"""Taking lists of people in, in the background; what nobody takes in or throws away goes after fourteen days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core import clock
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, add_regular, queue
from core.text import N_, Message
from registry.rosters.models import Roster
from registry.rosters.services import discard_roster, take_roster

KEEP_ROWS = timedelta(days=14)


def take(task: Task) -> None:
    roster = db.session.get_one(Roster, task.payload["roster"])
    # Until here it can be cancelled; from here on all rows are taken or none.
    task.step(0, max(roster.new_rows + roster.changed_rows, 1))
    with transaction():
        take_roster(roster.id, by=task.actor)


def forget() -> None:
    """Lists that wait too long go with all their rows; who uploaded them may do it again."""
    late = db.session.scalars(
        select(Roster.id).where(Roster.state != "taken", Roster.opened_at < clock.now() - KEEP_ROWS)
    ).all()
    for number in late:
        with transaction() as session:
            discard_roster(session.get_one(Roster, number), by=SYSTEM)


add_kind("roster take", take)
add_regular("forget lists of people", timedelta(hours=6), forget)


def ask_to_take(roster: Roster, *, by: Any) -> Job:
    title = Message(N_("Taking %(file)s"), {"file": roster.file_name})
    job = queue("roster take", {"roster": roster.id}, by=by, title=title)
    roster.job_id = job.id
    return job
