"""Reading and verifying the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from core.audit.chains import Break, Row, Seals, Unreadable, add_chain, exact_rows, verify_chain
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


# Details of older entries that named a person in clear: they stay under the hash and are shown nowhere.
_withheld: dict[tuple[str, str], frozenset[str]] = {}


def withhold(object_type: str, event: str, *names: str) -> None:
    """Show these details of this kind of entry no more; what is told of the person comes from the person's row."""
    _withheld[object_type, event] = frozenset(names)


def shown_details(entry: AuditEntry) -> dict[str, Any]:
    """The details of an entry as people may read them. Raises :class:`ValueError` for what is no JSON object."""
    found = json.loads(entry.details)
    if not isinstance(found, dict):
        raise ValueError("details are a JSON object")
    hidden = _withheld.get((entry.object_type, entry.event), frozenset())
    return {name: value for name, value in found.items() if name not in hidden}


# Details that are the name of a thing of a fixed list: what that thing is called (English ids).
_called: dict[tuple[str, str, str], Mapping[str, str]] = {}


def call(object_type: str, event: str, detail: str, words: Mapping[str, str]) -> None:
    """Show this detail of this kind of entry by its word, in timelines beside the event."""
    _called[object_type, event, detail] = words


def called(entry: AuditEntry, detail: str, value: Any) -> str:
    """The word (an English id) for a detail that is the name of a thing; empty for any other."""
    words = _called.get((entry.object_type, entry.event, detail), {})
    return words.get(value, "") if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline: who did what, when, and the note given with it; ``person`` is the number of the
    one it is about, where the entry names one; ``about`` the thing of a fixed list (an English id).
    """

    at: datetime
    actor: str
    event: str
    note: str
    person: int | None = None
    about: str = ""


def history_of(thing: Any, *, limit: int = 50) -> list[Event]:
    """The latest entries of one object for its timeline, newest first."""
    rows = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_type == thing.__tablename__, AuditEntry.object_id == thing.id)
        .order_by(AuditEntry.seq.desc())
        .limit(limit)
    )
    return [
        Event(
            row.at,
            row.actor_name,
            row.event,
            details.get("note", ""),
            details.get("person"),
            next((word for name, value in details.items() if (word := called(row, name, value))), ""),
        )
        for row in rows
        for details in [shown_details(row)]
    ]


def verify(seals: Seals | None = None) -> list[Break]:
    """Every place where the audit chains do not hold; empty when all is well."""
    return verify_chain("audit_entry", _rows(), seals)


COLUMNS = (
    AuditEntry.object_type, AuditEntry.object_id, AuditEntry.seq, AuditEntry.at, AuditEntry.actor_id,
    AuditEntry.actor_name, AuditEntry.event, AuditEntry.details, AuditEntry.prev_hash, AuditEntry.hash,
)  # fmt: skip


def _rows() -> Iterator[Row]:
    query = select(AuditEntry).order_by(AuditEntry.object_type, AuditEntry.object_id, AuditEntry.seq)
    names = [column.key for column in COLUMNS]
    for values in exact_rows(query, COLUMNS):
        content = dict(zip(names, values, strict=True))
        digest = content.pop("hash")
        readable = not any(isinstance(value, Unreadable) for value in values)
        seq = content["seq"] if isinstance(content["seq"], int) else 0
        key = f"{content['object_type']}/{content['object_id']}"
        yield key, seq, content if readable else None, str(digest)


def _heads() -> Iterator[tuple[str, int, str]]:
    newest = (
        select(AuditEntry.object_type, AuditEntry.object_id, func.max(AuditEntry.seq).label("seq"))
        .group_by(AuditEntry.object_type, AuditEntry.object_id)
        .subquery()
    )
    query = (
        select(AuditEntry.object_type, AuditEntry.object_id, AuditEntry.seq, AuditEntry.hash)
        .join(
            newest,
            and_(
                AuditEntry.object_type == newest.c.object_type,
                AuditEntry.object_id == newest.c.object_id,
                AuditEntry.seq == newest.c.seq,
            ),
        )
        .order_by(AuditEntry.object_type, AuditEntry.object_id)
    )
    for object_type, object_id, seq, digest in db.session.execute(query):
        yield f"{object_type}/{object_id}", seq, digest


add_chain("audit_entry", _heads)
