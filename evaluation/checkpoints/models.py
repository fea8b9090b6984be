"""Checkpoints: mid-term and final evaluation of a project.

The organization reports on itself, an appointed outside evaluator scores by the published rubric,
the grade follows from the score. The verdict is written downwards: to the agreement, which frees or
withholds the next tranche, and a final grade to the credit file.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from grants.rubrics.models import Criterion, Rubric
from projects.agreements.models import Project

# state: planned, self_reported, under_review, graded, rectifying, rechecked, final
# grade: excellent, good, pass, fail


class Checkpoint(Model):
    project_id: Mapped[int] = fk("project.id", index=False)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))  # midterm, final
    rubric_id: Mapped[int] = fk("rubric.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="planned")
    due_on: Mapped[date]
    report: Mapped[str] = mapped_column(Text, default="")
    reported_by: Mapped[int | None] = fk("user_account.id", index=False)
    reported_at: Mapped[datetime | None] = instant_column()
    evaluator_id: Mapped[int | None] = fk("user_account.id")
    total: Mapped[int | None]  # hundredths
    grade: Mapped[str] = mapped_column(String(16), default="")
    opinion: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict] = mapped_column(JSON, default=dict)
    graded_at: Mapped[datetime | None] = instant_column()

    project: Mapped[Project] = relationship()
    rubric: Mapped[Rubric] = relationship()
    scores: Mapped[list[CheckpointScore]] = relationship(
        back_populates="checkpoint", order_by="CheckpointScore.criterion_id"
    )

    __table_args__ = (
        UniqueConstraint("project_id", "kind"),
        CheckConstraint(
            "evaluator_id IS NULL OR reported_by IS NULL OR evaluator_id <> reported_by", name="outside_eyes"
        ),
        Index(None, "agency_id", "kind", "state", "id"),
        Index(None, "agency_id", "due_on", "id"),
        Index(None, "organization_id", "id"),
    )


class CheckpointEvidence(Model):
    """A photo handed in with a self report. ``kind``: lottery_sign."""

    checkpoint_id: Mapped[int] = fk("checkpoint.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))
    file_id: Mapped[int] = fk("stored_file.id", index=False)
    handed_by: Mapped[int] = fk("user_account.id", index=False)
    handed_at: Mapped[datetime] = instant_column()

    checkpoint: Mapped[Checkpoint] = relationship()

    __table_args__ = (Index(None, "checkpoint_id", "id"),)


class CheckpointScore(Model):
    checkpoint_id: Mapped[int] = fk("checkpoint.id", index=False)
    criterion_id: Mapped[int] = fk("criterion.id", index=False)
    points: Mapped[int | None]  # hundredths; open in a draft
    reason: Mapped[str] = mapped_column(String(400), default="")

    checkpoint: Mapped[Checkpoint] = relationship(back_populates="scores")
    criterion: Mapped[Criterion] = relationship()

    __table_args__ = (
        UniqueConstraint("checkpoint_id", "criterion_id"),
        CheckConstraint("points >= 0", name="points_not_negative"),
    )
