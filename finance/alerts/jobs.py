"""The daily look at the money."""

from __future__ import annotations

from datetime import timedelta

from core.db import transaction
from core.jobs.services import add_regular
from finance.alerts.services import find_alerts


def look_at_money() -> int:
    """Open a case for everything the rooms find; how many."""
    with transaction():
        return find_alerts()


add_regular("find fund alerts", timedelta(days=1), look_at_money)
