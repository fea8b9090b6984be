"""The welfare lottery: what its money is planned for.

A plan belongs to one fund source (one tier) and one year; it is drafted, reviewed and approved by
three people, and a later revision replaces it. Money is set aside only within the plan in force.
Income, opening and closing of a tier's year are entered; spending is never entered, it is the
ledger's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.funds.models import FundSource
from registry.agencies.models import Agency

IN_FORCE = "state = 'approved'"


class LotteryPlan(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    fund_source_id: Mapped[int] = fk("fund_source.id", index=False)
    fiscal_year: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(32), default="draft")
    note: Mapped[str] = mapped_column(Text, default="")
    # What the rules said when it was approved, as JSON.
    findings: Mapped[str] = mapped_column(Text, default="[]")
    drafted_by: Mapped[int] = fk("user_account.id", index=False)
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    fund_source: Mapped[FundSource] = relationship()
    lines: Mapped[list[LotteryPlanLine]] = relationship(
        back_populates="plan", order_by="LotteryPlanLine.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        UniqueConstraint("fund_source_id", "fiscal_year", "revision"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> drafted_by", name="reviewer_differs"),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> drafted_by AND approved_by <> reviewed_by)",
            name="approver_differs",
        ),
        Index(
            "uq_lottery_plan_in_force",
            "fund_source_id",
            "fiscal_year",
            unique=True,
            sqlite_where=text(IN_FORCE),
            postgresql_where=text(IN_FORCE),
        ),
        Index(None, "agency_id", "id"),
    )

    @property
    def total(self) -> Money:
        return sum((line.amount for line in self.lines), Money(0))


class LotteryPlanLine(Model):
    plan_id: Mapped[int] = fk("lottery_plan.id", index=False)
    position: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(32))
    category: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(160))
    amount: Mapped[Money] = money_column()
    staff_of: Mapped[str] = mapped_column(String(16), default="")
    staff_amount: Mapped[Money] = money_column(default=Money(0))
    # Why, where the purpose is “other”.
    reason: Mapped[str] = mapped_column(Text, default="")

    plan: Mapped[LotteryPlan] = relationship(back_populates="lines")

    __table_args__ = (
        UniqueConstraint("plan_id", "position"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("staff_amount >= 0 AND staff_amount <= amount", name="staff_within_amount"),
    )


class LotteryYear(Model):
    """What a tier's year began with, raised and ended with; ``None`` where nobody entered it yet."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    fund_source_id: Mapped[int] = fk("fund_source.id", index=False)
    fiscal_year: Mapped[int]
    opening: Mapped[Money | None] = money_column()
    raised: Mapped[Money | None] = money_column()
    closing: Mapped[Money | None] = money_column()
    basis: Mapped[str] = mapped_column(String(200), default="")
    entered_by: Mapped[int] = fk("user_account.id", index=False)
    entered_at: Mapped[datetime] = instant_column()

    fund_source: Mapped[FundSource] = relationship()

    __table_args__ = (
        UniqueConstraint("fund_source_id", "fiscal_year"),
        CheckConstraint("opening >= 0 AND raised >= 0 AND closing >= 0", name="not_negative"),
        Index(None, "agency_id", "fiscal_year", "id"),
    )
