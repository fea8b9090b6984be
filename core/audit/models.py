"""Who did what to what, when; written once, in the same transaction, never changed.

Each object (table name and id) has its own chain of entries numbered from 1; the key is the
object and the number, so that every column is under the hash.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import db, instant_column


class AuditEntry(db.Model):  # type: ignore[name-defined,misc]
    object_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = instant_column()
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(120))
    event: Mapped[str] = mapped_column(String(64))
    # Canonical JSON as text: a JSON column may come back rewritten and break the hash.
    details: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(72))
    hash: Mapped[str] = mapped_column(String(72))

    __table_args__ = (
        Index(None, "at", "object_type", "object_id", "seq"),
        Index(None, "actor_id", "at"),
    )

    def content(self) -> dict:
        """What the hash covers: every column but the hash."""
        return {
            "object_type": self.object_type,
            "object_id": self.object_id,
            "seq": self.seq,
            "at": self.at,
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "event": self.event,
            "details": self.details,
            "prev_hash": self.prev_hash,
        }
