"""Batches whose payments were ended one by one are answered too."""

from __future__ import annotations

from datetime import timedelta

from core.audit.services import SYSTEM
from core.db import transaction
from core.jobs.services import add_regular
from finance.batches.services import close_ended


def sweep() -> int:
    with transaction():
        return close_ended(by=SYSTEM)


add_regular("answered-batches", timedelta(hours=1), sweep)
