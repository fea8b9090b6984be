"""Jobs: long or regular work beside the pages.

The row is written in the business transaction and is the queue: a worker looks for it, takes it by
compare-and-swap and writes how far it is. A row that was running when its worker died is put back by
the sweep. Whoever asked may cancel; the work looks at the wish between its steps and stops there. A
result is a stored file that its owner alone may fetch.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.files.models import StoredFile

# state: queued, running, done, failed, cancelled


class Job(Model):
    kind: Mapped[str] = mapped_column(String(48))
    # What the owner calls it: a message as stored by core.text.Message.to_dict().
    title: Mapped[dict] = mapped_column(JSON, default=dict)
    payload: Mapped[dict] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    cancel_wanted: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    result_id: Mapped[int | None] = fk("stored_file.id", index=False)
    queued_by: Mapped[int | None] = mapped_column(BigInteger)
    queued_at: Mapped[datetime] = instant_column()
    touched_at: Mapped[datetime] = instant_column()

    result: Mapped[StoredFile | None] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="known_state"),
        CheckConstraint("done >= 0 AND total >= 0 AND attempts >= 0", name="counts_not_negative"),
        Index(None, "state", "id"),
        Index(None, "queued_by", "id"),
    )
