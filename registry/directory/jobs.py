"""Verifying many entries in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.db import transaction
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, queue
from core.text import N_, Message
from registry.directory.services import verify_entries


def verify(task: Task) -> None:
    ids = task.payload["ids"]
    # Until here it can be cancelled; from here on all entries are verified or none.
    task.step(0, len(ids))
    with transaction():
        verify_entries(ids, evidence=task.payload["evidence"], by=task.actor)


add_kind("verify entries", verify)


def ask_to_verify(ids: Sequence[int], *, evidence: str, by: Any) -> Job:
    title = Message(N_("Verifying %(count)s entries of the register"), {"count": len(ids)})
    return queue("verify entries", {"ids": list(ids), "evidence": evidence}, by=by, title=title)
