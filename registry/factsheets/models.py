"""Fact sheets: tables of facts about organizations that stand on the register already.

Offices keep the results of the annual inspections, the employees, the party members and what a filed
organization is asked for (S3-20) in tables of their own. Such a table is read in one go: each row names an
organization by its credit code or its full name and says what is known of it; an empty cell changes nothing.
What would change is shown first, then all rows are taken or none; the history of each entry names the table.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.agencies.models import Agency

# state: read (may be taken), wrong (nothing to take), taken


class FactSheet(Model):
    """One table."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="read")
    header: Mapped[list] = mapped_column(JSON, default=list)
    # Columns of the table by place, and the headings that nobody knows.
    columns: Mapped[dict] = mapped_column(JSON, default=dict)
    unknown: Mapped[list] = mapped_column(JSON, default=list)
    # Why the table as a whole cannot be taken, as messages.
    refusals: Mapped[list] = mapped_column(JSON, default=list)
    changed_rows: Mapped[int] = mapped_column(default=0)
    same_rows: Mapped[int] = mapped_column(default=0)
    refused_rows: Mapped[int] = mapped_column(default=0)
    # The work on it; finished work is forgotten after a while.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_by: Mapped[int | None] = fk("user_account.id", index=False)
    opened_at: Mapped[datetime] = instant_column()
    taken_by: Mapped[int | None] = fk("user_account.id", index=False)
    taken_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('read', 'wrong', 'taken')", name="known_state"),
        CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="taken_has_moment"),
        Index(None, "agency_id", "id"),
    )


class FactRow(Model):
    """A row of a table: what it says and what it would change."""

    sheet_id: Mapped[int] = fk("fact_sheet.id", index=False)
    number: Mapped[int]
    action: Mapped[str] = mapped_column(String(8))
    organization_id: Mapped[int | None] = mapped_column(BigInteger)
    # Cells, values, reasons and changes (registry.rosters.rules.Draft).
    told: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("sheet_id", "number"),
        CheckConstraint("action IN ('changed', 'same', 'refused')", name="known_action"),
        Index(None, "sheet_id", "action", "number"),
    )
