"""Stored files: content-addressed, once each, named by what their owner calls them.

The bytes lie under their SHA-256 in the instance folder. A row is one upload; who may read it is
asked of the thing it belongs to, never of the file. An upload is in quarantine (``uploaded``) until
its check has passed; one that failed is ``blocked`` for ever. Neither is handed out.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, instant_column


class StoredFile(Model):
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    stored_by: Mapped[int | None] = mapped_column(BigInteger)
    stored_at: Mapped[datetime] = instant_column()
    state: Mapped[str] = mapped_column(String(16), default="checked", server_default="checked")
    # Why it is blocked, in the words of the scanner.
    verdict: Mapped[str] = mapped_column(String(200), default="", server_default="")

    __table_args__ = (
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("state IN ('uploaded', 'checked', 'blocked')", name="known_state"),
        Index(None, "state", "id"),
    )
