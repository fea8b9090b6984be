"""Search and sort keys in the background: what came in bulk, what a day changes, shelves put in order."""

from __future__ import annotations

from datetime import timedelta

from core.jobs.services import add_regular
from registry.keys.services import sort_in, tidy

add_regular("sort organizations in", timedelta(seconds=5), sort_in)
add_regular("tidy the register's shelves", timedelta(minutes=5), tidy)
