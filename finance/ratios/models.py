"""The 30% figure as people see it: opened to its rows, frozen, reviewed, published, watched.

A level's figure of a year is frozen by a finance clerk, reviewed by the finance head and published by
the leader: three people. Below the threshold it carries a reason that is approved with it; nothing else
happens, since “原则上” never blocks a contract. A frozen figure and its rows are never changed, says the
database: what is corrected later stands beside it and may be frozen as the next version.

That a contractor counts, or does not count, as a social organization against its code is proposed by one
person and confirmed by another, with the reason (DOMAIN 3.1).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, count_column, fk, instant_column
from core.files.models import StoredFile
from core.text import N_
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


class RatioWatch(Model):
    """Kept: where a level stands at the end of each quarter that has begun, for the early warning."""

    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    quarter: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    shown: Mapped[str] = mapped_column(String(24))
    gap_fen: Mapped[int] = count_column()
    looked_at: Mapped[datetime] = instant_column()

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "quarter"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="known_quarter"),
    )


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
