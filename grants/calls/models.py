"""Calls: a unit of government asks for projects, by published rules.

A call is drafted, reviewed and approved by three people and then published with its calendar,
caps, eligibility rules and rubrics, which from then on nobody can change. Whether it is open or
closed follows from the clock and is no state. Its money is an earmark.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.funds.models import Earmark
from grants.rubrics.models import Rubric
from registry.agencies.models import Agency

# state: draft, reviewed, approved, published, judged, concluded, cancelled, failed


class Call(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    programme: Mapped[str] = mapped_column(String(32), default="venture_grant")
    title: Mapped[str] = mapped_column(String(160))
    year: Mapped[int]
    round_number: Mapped[int]
    document_number: Mapped[str] = mapped_column(String(60), default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[str] = mapped_column(String(32), default="draft")
    earmark_id: Mapped[int] = fk("earmark.id")
    project_cap: Mapped[Money] = money_column()
    # [{"code": "elderly", "name": "…"}]
    categories: Mapped[list] = mapped_column(JSON, default=list)
    max_applications: Mapped[int] = mapped_column(default=1)
    # Parameters of the REL and RBL rules as published; defaults of the jurisdiction where absent.
    rules: Mapped[dict] = mapped_column(JSON, default=dict)
    tranche_weights: Mapped[list] = mapped_column(JSON, default=lambda: [50, 40, 10])
    notice_days: Mapped[int] = mapped_column(default=5)
    count_start_day: Mapped[bool] = mapped_column(default=True)
    selection_rubric_id: Mapped[int] = fk("rubric.id", index=False)
    midterm_rubric_id: Mapped[int] = fk("rubric.id", index=False)
    final_rubric_id: Mapped[int] = fk("rubric.id", index=False)
    opens_at: Mapped[datetime] = instant_column()
    deadline_at: Mapped[datetime] = instant_column()
    drafted_by: Mapped[int] = fk("user_account.id", index=False)
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    published_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    earmark: Mapped[Earmark] = relationship()
    selection_rubric: Mapped[Rubric] = relationship(foreign_keys=[selection_rubric_id])
    midterm_rubric: Mapped[Rubric] = relationship(foreign_keys=[midterm_rubric_id])
    final_rubric: Mapped[Rubric] = relationship(foreign_keys=[final_rubric_id])

    __table_args__ = (
        UniqueConstraint("agency_id", "programme", "year", "round_number"),
        CheckConstraint("deadline_at > opens_at", name="calendar_order"),
        CheckConstraint("project_cap > 0", name="cap_positive"),
        CheckConstraint("max_applications > 0", name="max_positive"),
        CheckConstraint("notice_days > 0", name="notice_positive"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> drafted_by", name="reviewer_differs"),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> drafted_by AND approved_by <> reviewed_by)",
            name="approver_differs",
        ),
        # A document number is given once, also when two calls are published at the same moment.
        Index(
            "uq_call_agency_id_document_number",
            "agency_id",
            "document_number",
            unique=True,
            sqlite_where=text("document_number <> ''"),
            postgresql_where=text("document_number <> ''"),
        ),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "deadline_at", "id"),
    )
