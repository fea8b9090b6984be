"""Mail: what is to be said to people, kept in an outbox.

A row is written in the business transaction, as the name of a template and its values; the worker
writes the text in the reader's language and sends it after the commit. Where no mail server is set,
the text is kept for the administrators. Whatever happens to a mail, the business stays as it is.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, instant_column

# state: queued, sent, kept (no mail server is set), failed


class Mail(Model):
    address: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(60), default="")
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    template: Mapped[str] = mapped_column(String(48))
    params: Mapped[dict] = mapped_column(JSON, default=dict)
    subject: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    # The unit whose administrators see it.
    agency_id: Mapped[int | None] = mapped_column(BigInteger)
    queued_at: Mapped[datetime] = instant_column()
    due_at: Mapped[datetime] = instant_column()
    sent_at: Mapped[datetime | None] = instant_column()

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'kept', 'failed')", name="known_state"),
        Index(None, "state", "due_at"),
        Index(None, "agency_id", "id"),
    )
