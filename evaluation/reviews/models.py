"""Reviews: one expert's blind score sheet for one application.

A low score needs a reason (or the sheet one overall). Nobody sees another sheet before all are in.
Points are kept in hundredths, so that half points stay exact.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from evaluation.panels.models import Panel
from grants.applications.models import Application
from grants.rubrics.models import Criterion

# state: open, submitted


class Review(Model):
    panel_id: Mapped[int] = fk("panel.id", index=False)
    application_id: Mapped[int] = fk("application.id", index=False)
    person_id: Mapped[int] = fk("person.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="open")
    comment: Mapped[str] = mapped_column(Text, default="")
    total: Mapped[int] = mapped_column(default=0)  # hundredths
    submitted_at: Mapped[datetime | None] = instant_column()
    # Written after all sheets are in; silence counts as agreement (政府采购法实施条例 Art. 41).
    dissent: Mapped[str] = mapped_column(Text, default="")

    panel: Mapped[Panel] = relationship()
    application: Mapped[Application] = relationship()
    scores: Mapped[list[ReviewScore]] = relationship(
        back_populates="review", order_by="ReviewScore.criterion_id"
    )

    __table_args__ = (
        UniqueConstraint("application_id", "person_id"),
        CheckConstraint("total BETWEEN 0 AND 10500", name="total_range"),
        Index(None, "person_id", "state", "id"),
        Index(None, "panel_id", "application_id"),
    )


class ReviewScore(Model):
    review_id: Mapped[int] = fk("review.id", index=False)
    criterion_id: Mapped[int] = fk("criterion.id", index=False)
    points: Mapped[int | None]  # hundredths; open in a draft
    reason: Mapped[str] = mapped_column(String(400), default="")

    review: Mapped[Review] = relationship(back_populates="scores")
    criterion: Mapped[Criterion] = relationship()

    __table_args__ = (
        UniqueConstraint("review_id", "criterion_id"),
        CheckConstraint("points >= 0", name="points_not_negative"),
    )
