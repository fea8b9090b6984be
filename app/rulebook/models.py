"""The rule book: how the parameters of a family of rules come into force.

A change is drafted with its legal source, looked at by a second person and put in force by a third; only
then it becomes a rule set (``core.rules``), which nobody changes any more. What is in force is mended by
the next version.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.rules.models import RuleSet
from registry.accounts.models import User
from registry.agencies.models import Agency


class RuleDraft(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    family: Mapped[str] = mapped_column(String(8))
    jurisdiction: Mapped[str] = mapped_column(String(12))
    programme: Mapped[str] = mapped_column(String(32), default="")
    valid_from: Mapped[date]
    parameters: Mapped[dict] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default="draft")
    drafted_by: Mapped[int] = fk("user_account.id")
    drafted_at: Mapped[datetime] = instant_column()
    reviewed_by: Mapped[int | None] = fk("user_account.id")
    approved_by: Mapped[int | None] = fk("user_account.id")
    rule_set_id: Mapped[int | None] = fk("rule_set.id")

    agency: Mapped[Agency] = relationship()
    rule_set: Mapped[RuleSet | None] = relationship()
    drafter: Mapped[User] = relationship(foreign_keys=[drafted_by])
    reviewer: Mapped[User | None] = relationship(foreign_keys=[reviewed_by])
    approver: Mapped[User | None] = relationship(foreign_keys=[approved_by])

    __table_args__ = (
        CheckConstraint("state IN ('draft', 'reviewed', 'in_force', 'withdrawn')", name="known_state"),
        CheckConstraint("reviewed_by <> drafted_by", name="reviewer_not_drafter"),
        CheckConstraint("approved_by <> drafted_by AND approved_by <> reviewed_by", name="approver_is_third"),
        CheckConstraint("state <> 'in_force' OR rule_set_id IS NOT NULL", name="in_force_has_rule_set"),
        Index(None, "agency_id", "state", "id"),
    )
