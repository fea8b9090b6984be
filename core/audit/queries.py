"""Reading and verifying the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.audit.chains import Break, verify_chain
from core.audit.models import AuditEntry
from core.db import db


def entries_of(thing: Any, *, newest_first: bool = True) -> list[AuditEntry]:
    """The entries of one object."""
    order = AuditEntry.seq.desc() if newest_first else AuditEntry.seq
    return list(
        db.session.scalars(
            select(AuditEntry)
            .where(AuditEntry.object_type == thing.__tablename__, AuditEntry.object_id == thing.id)
            .order_by(order)
        )
    )


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline: who did what, when, and the note given with it."""

    at: datetime
    actor: str
    event: str
    note: str


def history_of(thing: Any, *, limit: int = 50) -> list[Event]:
    """The latest entries of one object for its timeline, newest first."""
    rows = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_type == thing.__tablename__, AuditEntry.object_id == thing.id)
        .order_by(AuditEntry.seq.desc())
        .limit(limit)
    )
    return [Event(row.at, row.actor_name, row.event, json.loads(row.details).get("note", "")) for row in rows]


def verify() -> list[Break]:
    """Every place where the audit chains do not hold; empty when all is well."""
    return verify_chain("audit_entry", _rows())


def _rows() -> Iterator[tuple[str, int, dict[str, Any], str]]:
    query = (
        select(AuditEntry)
        .order_by(AuditEntry.object_type, AuditEntry.object_id, AuditEntry.seq)
        .execution_options(yield_per=2000)
    )
    for entry in db.session.scalars(query):
        yield f"{entry.object_type}/{entry.object_id}", entry.seq, entry.content(), entry.hash
        db.session.expunge(entry)
