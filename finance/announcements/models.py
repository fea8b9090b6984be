"""Announcements: what the public is told of lottery money.

A disclosure says of one project in one year what it does and what came of it; its amounts are the ledger's.
A notice holds the lines the public reads; it is drafted, reviewed and approved by three people, and
what was published stays as it was, under a digest.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment
from registry.agencies.models import Agency


class ProjectDisclosure(Model):
    """What the public is told of one project with lottery money in one year; amounts are the ledger's."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    commitment_id: Mapped[int] = fk("commitment.id", index=False)
    fiscal_year: Mapped[int]
    content: Mapped[str] = mapped_column(Text, default="")
    leader: Mapped[str] = mapped_column(String(60), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    progress: Mapped[str] = mapped_column(Text, default="")
    effect: Mapped[str] = mapped_column(Text, default="")
    targets: Mapped[str] = mapped_column(Text, default="")
    problems: Mapped[str] = mapped_column(Text, default="")
    written_by: Mapped[int] = fk("user_account.id", index=False)
    written_at: Mapped[datetime] = instant_column()

    commitment: Mapped[Commitment] = relationship()

    __table_args__ = (
        UniqueConstraint("commitment_id", "fiscal_year"),
        Index(None, "agency_id", "fiscal_year", "id"),
    )


class LotteryNotice(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    fiscal_year: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    jurisdiction: Mapped[str] = mapped_column(String(60))
    origin: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(60), default="")
    opening_text: Mapped[str] = mapped_column(Text, default="")
    effect_text: Mapped[str] = mapped_column(Text, default="")
    # Why figures differ that do; a notice with an unexplained difference goes nowhere.
    explanation: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(32), default="draft")
    drafted_by: Mapped[int] = fk("user_account.id", index=False)
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    published_by: Mapped[int | None] = fk("user_account.id", index=False)
    published_at: Mapped[datetime | None] = instant_column()
    # What was published, as canonical JSON, and its SHA-256.
    frozen: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64), default="")

    agency: Mapped[Agency] = relationship()
    rows: Mapped[list[LotteryNoticeRow]] = relationship(
        back_populates="notice", order_by="LotteryNoticeRow.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        UniqueConstraint("agency_id", "fiscal_year", "title"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> drafted_by", name="reviewer_differs"),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> drafted_by AND approved_by <> reviewed_by)",
            name="approver_differs",
        ),
        CheckConstraint("state <> 'published' OR digest <> ''", name="published_is_frozen"),
        Index(None, "agency_id", "id"),
        Index(None, "state", "id"),
    )


class LotteryNoticeRow(Model):
    """A line of a notice, with its figures as they were written (万元)."""

    notice_id: Mapped[int] = fk("lottery_notice.id", index=False)
    position: Mapped[int]
    number: Mapped[int]
    fund_tier: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(60), default="")
    item: Mapped[str] = mapped_column(String(500))
    amount: Mapped[Money] = money_column()
    amount_text: Mapped[str] = mapped_column(String(24))
    project_count: Mapped[int | None]
    stated_percent: Mapped[str] = mapped_column(String(24), default="")
    is_subtotal: Mapped[bool] = mapped_column(default=False)
    is_partial: Mapped[bool] = mapped_column(default=False)
    source_kind: Mapped[str] = mapped_column(String(60), default="")
    source_url: Mapped[str] = mapped_column(String(500), default="")
    remark: Mapped[str] = mapped_column(Text, default="")
    commitment_id: Mapped[int | None] = fk("commitment.id", index=False)

    notice: Mapped[LotteryNotice] = relationship(back_populates="rows")

    __table_args__ = (UniqueConstraint("notice_id", "position"),)
