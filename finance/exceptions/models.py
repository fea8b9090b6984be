"""Exceptions: a contractor that counts otherwise than its code says.

That a contractor counts, or does not count, as a social organization against its code is proposed by one
person and confirmed by another, with the reason (DOMAIN 3.1).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.accounts.models import User
from registry.agencies.models import Agency


class OverrideProposal(Model):
    """The wish to count a contractor otherwise than its code says; ``counts`` empty: the override ends."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    division_code: Mapped[str] = mapped_column(String(12))
    contractor_code: Mapped[str] = mapped_column(String(18))
    contractor: Mapped[str] = mapped_column(String(120))
    counts: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="proposed")
    proposed_by: Mapped[int] = fk("user_account.id")
    proposed_at: Mapped[datetime] = instant_column()
    decided_by: Mapped[int | None] = fk("user_account.id")
    decided_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    proposer: Mapped[User] = relationship(foreign_keys=[proposed_by])
    decider: Mapped[User | None] = relationship(foreign_keys=[decided_by])

    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'confirmed', 'refused')", name="known_state"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint("state = 'proposed' OR decided_by IS NOT NULL", name="decided_has_person"),
        CheckConstraint("reason <> ''", name="reason_given"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "division_code", "id"),
    )
