"""Books: a unit's months and years are closed, and its running affairs are brought in at the start.

One person closes a month, when it is over, every payment sent to the bank has its answer and the
ledger verifies; months before it close with it. To open one again one person asks, with a reason, and
another agrees. A year closes when its twelve months are closed; its figures are kept with it.

What a unit did before it worked here comes in by a table: read and checked by one person, brought in
by another, whole or not at all, and only before the unit's own first movement.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.agencies.models import Agency

# state of a year: open, closed, reopening
# state of an opening import: read, taken, dropped


class BookYear(Model):
    """A closed year of one unit's books; ``figures`` are its sums at that moment, by account kind, in fen."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    year: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="open")
    figures: Mapped[dict] = mapped_column(JSON, default=dict)
    closed_by: Mapped[int | None] = fk("user_account.id", index=False)
    closed_at: Mapped[datetime | None] = instant_column()
    asked_by: Mapped[int | None] = fk("user_account.id", index=False)
    reason: Mapped[str] = mapped_column(String(400), default="")
    reopened_by: Mapped[int | None] = fk("user_account.id", index=False)

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        UniqueConstraint("agency_id", "year"),
        CheckConstraint("reopened_by IS NULL OR reopened_by <> asked_by", name="two_people"),
    )


class OpeningImport(Model):
    """A table of opening balances: its rows as read, and what the verifiers said after it was brought in."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="read")
    rows: Mapped[list] = mapped_column(JSON)
    breaks: Mapped[list] = mapped_column(JSON, default=list)
    read_by: Mapped[int] = fk("user_account.id", index=False)
    read_at: Mapped[datetime] = instant_column()
    taken_by: Mapped[int | None] = fk("user_account.id", index=False)
    taken_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        CheckConstraint("taken_by IS NULL OR taken_by <> read_by", name="two_people"),
        Index(
            "uq_opening_import_living",
            "agency_id",
            "sha256",
            unique=True,
            sqlite_where=text("state <> 'dropped'"),
            postgresql_where=text("state <> 'dropped'"),
        ),
        Index(None, "agency_id", "id"),
    )
