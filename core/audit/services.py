"""Writing audit entries."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

from sqlalchemy import select, text

from core import clock
from core.audit.chains import GENESIS, canonical, chain_hash, seal_head
from core.audit.models import AuditEntry
from core.db import db


class Actor(Protocol):
    """Whoever acts: a user, or the system for a timer."""

    @property
    def actor_id(self) -> int | None: ...

    @property
    def actor_name(self) -> str: ...


class _System:
    actor_id = None
    actor_name = "system"


SYSTEM: Actor = _System()


def record(thing: Any, event: str, *, by: Actor, details: dict[str, Any] | None = None) -> AuditEntry:
    """Append an entry to the chain of ``thing`` (any model row with an id).

    ``event`` is a past-tense verb; ``details`` takes JSON values, Money and instants as text.
    """
    if thing.id is None:
        db.session.flush()
    return append(thing.__tablename__, thing.id, event, by=by, details=details)


def append(
    object_type: str, object_id: int, event: str, *, by: Actor, details: dict[str, Any] | None = None
) -> AuditEntry:
    """Like :func:`record` for an object given by table name and id."""
    _lock(object_type, object_id)
    last = db.session.execute(
        select(AuditEntry.seq, AuditEntry.hash)
        .where(AuditEntry.object_type == object_type, AuditEntry.object_id == object_id)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    ).first()
    entry = AuditEntry(
        object_type=object_type,
        object_id=object_id,
        seq=(last.seq if last else 0) + 1,
        at=clock.now(),
        actor_id=by.actor_id,
        actor_name=by.actor_name,
        event=event,
        details=canonical(details or {}),
        prev_hash=last.hash if last else GENESIS,
    )
    entry.hash = chain_hash(entry.content(), entry.prev_hash)
    db.session.add(entry)
    db.session.flush()
    seal_head("audit_entry", f"{object_type}/{object_id}", entry.seq, entry.hash)
    return entry


def _lock(object_type: str, object_id: int) -> None:
    """Keep two transactions from taking the same number; SQLite's write lock already does."""
    if db.session.get_bind().dialect.name == "postgresql":
        digest = hashlib.sha256(f"{object_type}/{object_id}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
