"""Closure: the last account, the surplus back, the sealed archive.

Eligible cost is what the audit accepts. What was paid and not used as approved goes back. The
archive is one zip with a manifest of SHA-256 (DOMAIN 3.13); it is kept for at least fifteen years.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from projects.agreements.models import Project

# state: reported, returned, checked, settled


class Closure(Model):
    project_id: Mapped[int] = fk("project.id", index=False, unique=True)
    agency_id: Mapped[int] = fk("agency.id")
    organization_id: Mapped[int] = fk("organization.id")
    state: Mapped[str] = mapped_column(String(32), default="reported")
    summary: Mapped[str] = mapped_column(Text)
    eligible_cost: Mapped[Money] = money_column()
    surplus: Mapped[Money] = money_column(default=Money(0))
    surplus_returned_on: Mapped[date | None]
    surplus_voucher: Mapped[str] = mapped_column(String(60), default="")
    audit_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    archive_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    archived_at: Mapped[datetime | None] = instant_column()
    reported_by: Mapped[int] = fk("user_account.id", index=False)
    checked_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    return_reason: Mapped[str] = mapped_column(Text, default="")

    project: Mapped[Project] = relationship()

    __table_args__ = (
        CheckConstraint("eligible_cost >= 0 AND surplus >= 0", name="money_not_negative"),
        CheckConstraint("approved_by IS NULL OR approved_by <> checked_by", name="two_people"),
    )
