"""Credit: what stands against an organization, with the days it holds.

The abnormal list and the serious-dishonesty list with in and out dates, penalties, and the bars
that follow from failed projects. Every final grade is recorded here from above, so that
eligibility reads it without looking up (社会组织信用信息管理办法).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, fk
from core.text import N_

KINDS = {
    "abnormal_list": N_("list of abnormal activity"),
    "dishonesty_list": N_("list of serious violation and dishonesty"),
    "major_violation": N_("major violation"),
    "project_failed": N_("project failed"),
    "project_grade": N_("final grade of a project"),
    "commitment_breach": N_("broken commitment"),
}


class CreditEntry(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(24))
    entered_on: Mapped[date]
    removed_on: Mapped[date | None]
    grounds: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200), default="")
    grade: Mapped[str] = mapped_column(String(16), default="")
    recorded_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (
        CheckConstraint("removed_on IS NULL OR removed_on >= entered_on", name="dates_order"),
        Index(None, "organization_id", "kind", "entered_on"),
    )
