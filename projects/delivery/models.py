"""Delivery: what was done, noted where it was done, with a photo.

Persons and person-times are two numbers and are kept apart (S1-23).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from projects.agreements.models import Project


class ServiceRecord(Model):
    project_id: Mapped[int] = fk("project.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    held_on: Mapped[date]
    title: Mapped[str] = mapped_column(String(120))
    place: Mapped[str] = mapped_column(String(160))
    persons: Mapped[int]
    person_times: Mapped[int]
    volunteers: Mapped[int] = mapped_column(default=0)
    account: Mapped[str] = mapped_column(Text, default="")
    photo_id: Mapped[int | None] = fk("stored_file.id", index=False)
    # The photo shows the sign of the lottery (彩票管理条例实施细则 Art. 60).
    shows_sign: Mapped[bool] = mapped_column(default=False)
    recorded_by: Mapped[int] = fk("user_account.id", index=False)
    recorded_at: Mapped[datetime] = instant_column()

    project: Mapped[Project] = relationship()

    __table_args__ = (
        CheckConstraint("photo_id IS NOT NULL OR NOT shows_sign", name="sign_in_photo"),
        CheckConstraint("persons >= 0 AND person_times >= persons AND volunteers >= 0", name="counts"),
        Index(None, "project_id", "held_on", "id"),
    )
