"""Fund alerts: money that went further, elsewhere or slower than it may, and the file of each case.

An alert is found by a rule of this room or of one above, once for each thing while its case is open.
Its case is assigned to a unit, answered there and closed by somebody else: both units see it
(综合监管、联合执法; seed S0-50). A closed case stays as it is; the same thing found again is a new case.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.agencies.models import Agency

# kind: overspend, off_purpose, late_report, unused
# state: opened, assigned, answered, closed

GOING_ON = "state <> 'closed'"


class FundAlert(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))
    subject_type: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int] = mapped_column(BigInteger)
    # What was found, as a stored message, with its legal source.
    finding: Mapped[dict] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(32), default="opened")
    found_on: Mapped[date]
    opened_by: Mapped[int | None] = fk("user_account.id", index=False)
    assigned_agency_id: Mapped[int | None] = fk("agency.id", index=False)
    assigned_by: Mapped[int | None] = fk("user_account.id", index=False)
    due_on: Mapped[date | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[int | None] = fk("user_account.id", index=False)
    answered_at: Mapped[datetime | None] = instant_column()
    outcome: Mapped[str] = mapped_column(Text, default="")
    closed_by: Mapped[int | None] = fk("user_account.id", index=False)
    closed_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship(foreign_keys=[agency_id])
    assigned_agency: Mapped[Agency | None] = relationship(foreign_keys=[assigned_agency_id])

    __table_args__ = (
        CheckConstraint(
            "closed_by IS NULL OR answered_by IS NULL OR closed_by <> answered_by", name="closer_differs"
        ),
        Index(
            "uq_fund_alert_going_on",
            "kind",
            "subject_type",
            "subject_id",
            unique=True,
            sqlite_where=text(GOING_ON),
            postgresql_where=text(GOING_ON),
        ),
        Index(None, "agency_id", "id"),
        Index(None, "assigned_agency_id", "id"),
    )
