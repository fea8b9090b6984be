"""Open work of a person who leaves, handed to a colleague.

Who prepared a thing stays on the thing: that is a fact, and it keeps the same person from approving
it later. A handover says who carries it on: a colleague with the same role at the same unit, who
finds it on the worklist until it is done.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.accounts.models import User


class Handover(Model):
    user_id: Mapped[int] = fk("user_account.id")
    successor_id: Mapped[int] = fk("user_account.id", index=False)
    object_type: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[int] = mapped_column(BigInteger)
    handed_at: Mapped[datetime] = instant_column()
    handed_by: Mapped[int | None] = fk("user_account.id", index=False)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    successor: Mapped[User] = relationship(foreign_keys=[successor_id])

    __table_args__ = (
        CheckConstraint("user_id <> successor_id", name="to_another"),
        Index(None, "object_type", "object_id", "id"),
        Index(None, "successor_id", "id"),
    )
