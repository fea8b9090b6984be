"""Custody: which department is responsible for an organization.

Each organization has exactly one responsible department at any time: its row names it. It changes by
a transfer that the department proposes and another accepts, from a day on; the transfers are the
history, and who was responsible on a day is read from them.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.agencies.models import Agency
from registry.organizations.models import Organization


class CustodyTransfer(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    agency_id: Mapped[int] = fk("agency.id", index=False)  # who hands over
    to_agency_id: Mapped[int] = fk("agency.id", index=False)
    state: Mapped[str] = mapped_column(
        String(16), default="proposed"
    )  # proposed, accepted, declined, withdrawn
    reason: Mapped[str] = mapped_column(String(300))
    document: Mapped[str] = mapped_column(String(120), default="")
    proposed_at: Mapped[datetime] = instant_column()
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    decided_by: Mapped[int | None] = fk("user_account.id", index=False)
    # From this day on the other department is responsible.
    effective_on: Mapped[date | None]

    organization: Mapped[Organization] = relationship()
    agency: Mapped[Agency] = relationship(foreign_keys=[agency_id])
    to_agency: Mapped[Agency] = relationship(foreign_keys=[to_agency_id])

    __table_args__ = (
        CheckConstraint("agency_id <> to_agency_id", name="two_departments"),
        CheckConstraint("decided_by <> proposed_by OR state = 'withdrawn'", name="two_people"),
        CheckConstraint("effective_on IS NULL OR state = 'accepted'", name="only_accepted_holds"),
        Index(None, "organization_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "to_agency_id", "state", "id"),
    )
