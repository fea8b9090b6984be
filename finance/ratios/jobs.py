"""The early warning: once a day every level is looked at, each in a transaction of its own."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.db import transaction
from core.jobs.services import add_regular
from finance.ratios.queries import levels_to_watch
from finance.ratios.services import look_at_level


def watch() -> int:
    """Look at each level; how many."""
    today = clock.today()
    with transaction():
        divisions = levels_to_watch(today.year)
    for division in divisions:
        with transaction():
            look_at_level(division, today)
    return len(divisions)


add_regular("ratio.watch", timedelta(days=1), watch)
