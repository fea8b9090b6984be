"""One-time keys: each POST form carries one, and each is consumed at most once.

The row is written first in the form's own transaction and committed with it. A form sent twice
(a double click, a reload, two at once) finds the row and is given the first answer again; a form
that was refused for its content leaves no row, so that the person can correct and send it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, db, instant_column


class UsedKey(db.Model):  # type: ignore[name-defined,misc]
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    location: Mapped[str] = mapped_column(Text, default="")
    used_at: Mapped[datetime] = instant_column()

    __table_args__ = (Index(None, "used_at"),)


class SavedView(Model):
    """A list's filters and order under a name, for one person."""

    user_id: Mapped[int] = mapped_column(BigInteger)
    listing: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(500), default="")

    __table_args__ = (UniqueConstraint("user_id", "listing", "name"),)
