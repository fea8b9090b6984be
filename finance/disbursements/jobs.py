"""The sweep that finds payments without an answer of the bank."""

from __future__ import annotations

from datetime import timedelta

from core.db import transaction
from core.jobs.services import add_regular
from finance.disbursements.services import note_stuck


def sweep() -> int:
    """Note what is stuck; how many."""
    with transaction():
        return len(note_stuck())


add_regular("stuck-payments", timedelta(hours=6), sweep)
