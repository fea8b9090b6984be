"""Rubrics: how something will be judged.

A rubric's points sum to 100. It is frozen when a call that uses it is published: no criterion may
be added, dropped or reweighed after applicants have read it (政府采购法实施条例 Art. 34). The rubric
belongs to grants because a call publishes how it will be judged.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column


class Rubric(Model):
    agency_id: Mapped[int] = fk("agency.id")
    family: Mapped[str] = mapped_column(String(16))  # selection, midterm, final
    name: Mapped[str] = mapped_column(String(120))
    pass_score: Mapped[int] = mapped_column(default=60)
    frozen_at: Mapped[datetime | None] = instant_column()

    criteria: Mapped[list[Criterion]] = relationship(back_populates="rubric", order_by="Criterion.position")

    __table_args__ = (
        CheckConstraint("pass_score BETWEEN 1 AND 100", name="pass_score_range"),
        UniqueConstraint("agency_id", "name"),
    )


class Criterion(Model):
    rubric_id: Mapped[int] = fk("rubric.id", index=False)
    position: Mapped[int]
    l1: Mapped[str] = mapped_column(String(60))
    l2: Mapped[str] = mapped_column(String(120))
    points: Mapped[int]
    standard: Mapped[str] = mapped_column(Text, default="")

    rubric: Mapped[Rubric] = relationship(back_populates="criteria")

    __table_args__ = (
        UniqueConstraint("rubric_id", "position"),
        CheckConstraint("points BETWEEN 1 AND 100", name="points_range"),
    )
