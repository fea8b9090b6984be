"""One-time keys: each POST form carries one, and each is consumed at most once.

The row is written first in the form's own transaction and committed with it. A form sent twice
(a double click, a reload, two at once) finds the row and is given the first answer again; a form
that was refused for its content leaves no row, so that the person can correct and send it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import db, instant_column


class UsedKey(db.Model):  # type: ignore[name-defined,misc]
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    location: Mapped[str] = mapped_column(Text, default="")
    used_at: Mapped[datetime] = instant_column()

    __table_args__ = (Index(None, "used_at"),)
