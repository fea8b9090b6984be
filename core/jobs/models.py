"""Jobs: long or regular work beside the pages.

The row is written in the business transaction; the queue only wakes a worker. A row that was
running when its worker died is put back by the sweep.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, instant_column

# state: queued, running, done, failed


class Job(Model):
    kind: Mapped[str] = mapped_column(String(48))
    payload: Mapped[dict] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    queued_by: Mapped[int | None] = mapped_column(BigInteger)
    queued_at: Mapped[datetime] = instant_column()
    touched_at: Mapped[datetime] = instant_column()

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="known_state"),
        Index(None, "state", "id"),
    )
