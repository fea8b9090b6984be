"""Decisions: who gets money, by people who did not score.

The ranking follows from the trimmed means; the proposal stays within the pot. It is prepared,
reviewed, checked for the budget and approved by four different people, none of whom scored.
Approval reserves the money.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from grants.applications.models import Application
from grants.calls.models import Call

# state: draft, reviewed, budget_reviewed, approved


class Decision(Model):
    call_id: Mapped[int] = fk("call.id", index=False, unique=True)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="draft")
    findings: Mapped[list] = mapped_column(JSON, default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    budget_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_at: Mapped[datetime | None] = instant_column()

    call: Mapped[Call] = relationship()
    items: Mapped[list[DecisionItem]] = relationship(back_populates="decision", order_by="DecisionItem.rank")

    __table_args__ = (
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> proposed_by", name="reviewer_differs"),
        CheckConstraint(
            "budget_reviewed_by IS NULL OR (budget_reviewed_by <> proposed_by AND budget_reviewed_by <> reviewed_by)",
            name="budget_reviewer_differs",
        ),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> proposed_by AND approved_by <> reviewed_by "
            "AND approved_by <> budget_reviewed_by)",
            name="approver_differs",
        ),
        Index(None, "agency_id", "id"),
    )


class DecisionItem(Model):
    """One ranked application; ``amount`` zero means not funded, with the reason."""

    decision_id: Mapped[int] = fk("decision.id", index=False)
    application_id: Mapped[int] = fk("application.id", index=False, unique=True)
    rank: Mapped[int]
    score: Mapped[int]  # trimmed mean and points for awards, hundredths
    award_bonus: Mapped[int] = mapped_column(default=0)  # what of it is for awards
    # The awards behind it as they stood: id, title, level, given_by, given_on, points (hundredths).
    awards: Mapped[list] = mapped_column(JSON, default=list)
    amount: Mapped[Money] = money_column()
    reason: Mapped[str] = mapped_column(String(200), default="")

    decision: Mapped[Decision] = relationship(back_populates="items")
    application: Mapped[Application] = relationship()

    @property
    def mean(self) -> int:
        """What the experts gave; the pass line is asked of it."""
        return self.score - self.award_bonus

    __table_args__ = (
        UniqueConstraint("decision_id", "rank"),
        CheckConstraint("award_bonus >= 0", name="bonus_not_negative"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )
