"""Similar names in the background: entries that came in bulk are compared with all others."""

from __future__ import annotations

from core.db import db, transaction
from registry.duplicates import queries, services


def compare_names() -> int:
    """Compare every entry that has no bare name yet, in short transactions; how many sounds were looked at."""
    done = 0
    while queries.any_uncompared():
        with transaction():
            done += services.compare_new()
    db.session.rollback()
    return done
