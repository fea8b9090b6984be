"""Closure: the last account, the surplus back, the sealed archive.

Eligible cost is what the audit accepts. What was paid and not used as approved goes back. The
archive is one zip with a manifest of SHA-256 (DOMAIN 3.13); it is kept for at least fifteen years.
A project that cannot go on is ended early by four people: proposed, looked at by legal and by
finance, decided by the leader. What was paid and not properly used is then recovered.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.recoveries.models import Recovery
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


# termination state: proposed, legal_reviewed, money_reviewed, decided, dropped


class Termination(Model):
    project_id: Mapped[int] = fk("project.id", index=False)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    state: Mapped[str] = mapped_column(String(24), default="proposed")
    reason: Mapped[str] = mapped_column(Text)
    # What was properly spent until now; the rest of what was paid comes back.
    accepted_cost: Mapped[Money] = money_column()
    due_on: Mapped[date]
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    proposed_at: Mapped[datetime] = instant_column()
    legal_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    money_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_on: Mapped[date | None]
    # The minutes of the meeting, or the instruction, that the decision rests on.
    basis: Mapped[str] = mapped_column(String(120), default="")
    drop_reason: Mapped[str] = mapped_column(Text, default="")
    recovery_id: Mapped[int | None] = fk("recovery.id", index=False)
    # The sealed archive of a project that ended early.
    archive_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    archived_at: Mapped[datetime | None] = instant_column()

    project: Mapped[Project] = relationship()
    recovery: Mapped[Recovery | None] = relationship()

    __table_args__ = (
        CheckConstraint("accepted_cost >= 0", name="cost_not_negative"),
        CheckConstraint(
            "legal_reviewed_by IS NULL OR legal_reviewed_by <> proposed_by", name="legal_differs"
        ),
        CheckConstraint(
            "money_reviewed_by IS NULL OR (money_reviewed_by <> proposed_by "
            "AND money_reviewed_by <> legal_reviewed_by)",
            name="finance_differs",
        ),
        CheckConstraint(
            "decided_by IS NULL OR (decided_by <> proposed_by AND decided_by <> legal_reviewed_by "
            "AND decided_by <> money_reviewed_by)",
            name="decider_differs",
        ),
        Index(
            "uq_termination_living",
            "project_id",
            unique=True,
            sqlite_where=text("state <> 'dropped'"),
            postgresql_where=text("state <> 'dropped'"),
        ),
        Index(None, "agency_id", "state", "id"),
    )
