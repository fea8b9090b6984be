"""What whoever owns the database can do: take its guards away and write past the application."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def drop_triggers(session: Session) -> int:
    """Drop every trigger of the present database; how many there were."""
    if session.get_bind().dialect.name == "postgresql":
        query = (
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE NOT tgisinternal"
        )
        found = [f'"{name}" ON "{table}"' for name, table in session.execute(text(query))]
    else:
        found = list(session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
    for trigger in found:
        session.execute(text(f"DROP TRIGGER {trigger}"))
    return len(found)
