"""Snapshots: a year's 30% figure frozen, reviewed and published.

A level's figure of a year is frozen by a finance clerk, reviewed by the finance head and published by
the leader: three people. Below the threshold it carries a reason that is approved with it; nothing else
happens, since “原则上” never blocks a contract. A frozen figure and its rows are never changed, says the
database: what is corrected later stands beside it and may be frozen as the next version.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.files.models import StoredFile
from core.text import N_
from registry.accounts.models import User
from registry.agencies.models import Agency

REASONS = {
    "no_capacity": N_("no social organization can take it on"),
    "specialised": N_("the need is highly specialised"),
    "urgent": N_("urgency"),
    "base": N_("effect of a small or shrinking base"),
    "other": N_("another reason"),
}


class RatioSnapshot(Model):
    """The figure of a level and year as it is frozen and published: prepared, reviewed and approved by three people.

    Figures, rules, rows and their digests are kept as they were; later corrections stand beside it.
    """

    agency_id: Mapped[int] = fk("agency.id")
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="prepared")
    # Canonical JSON: figures, rules with their label and source, continuations, digest of the rows.
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    rows_file_id: Mapped[int] = fk("stored_file.id", index=False)
    below: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(16), default="")
    reason_text: Mapped[str] = mapped_column(Text, default="")
    reason_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    prepared_by: Mapped[int | None] = fk("user_account.id")
    prepared_at: Mapped[datetime] = instant_column()
    reviewed_by: Mapped[int | None] = fk("user_account.id")
    approved_by: Mapped[int | None] = fk("user_account.id")
    published_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    rows_file: Mapped[StoredFile] = relationship(foreign_keys=[rows_file_id])
    reason_file: Mapped[StoredFile | None] = relationship(foreign_keys=[reason_file_id])
    preparer: Mapped[User | None] = relationship(foreign_keys=[prepared_by])
    reviewer: Mapped[User | None] = relationship(foreign_keys=[reviewed_by])
    approver: Mapped[User | None] = relationship(foreign_keys=[approved_by])

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "version"),
        CheckConstraint(
            "state IN ('prepared', 'reviewed', 'published', 'withdrawn', 'replaced')", name="known_state"
        ),
        CheckConstraint("reviewed_by <> prepared_by", name="reviewer_not_preparer"),
        CheckConstraint(
            "approved_by <> prepared_by AND approved_by <> reviewed_by", name="approver_is_third"
        ),
        # Below the threshold nothing is published without a reason that was approved with it.
        CheckConstraint(
            "state <> 'published' OR NOT below OR (reason <> '' AND reason_text <> '')",
            name="miss_has_reason",
        ),
    )
