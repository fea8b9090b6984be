"""Supervision: who accompanies a project, and what must be put right.

Supervisor and evaluator of a project are appointments in one table, so that nobody is both.
A rectification is opened with items and a due day; while it is open the commitment is on hold.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from projects.agreements.models import Project


class Appointment(Model):
    """``role``: supervisor or evaluator. One person has at most one of them in a project."""

    project_id: Mapped[int] = fk("project.id", index=False)
    person_id: Mapped[int] = fk("person.id", index=False)
    user_id: Mapped[int] = fk("user_account.id")
    role: Mapped[str] = mapped_column(String(16))
    appointed_on: Mapped[date]
    appointed_by: Mapped[int] = fk("user_account.id", index=False)

    project: Mapped[Project] = relationship()

    __table_args__ = (UniqueConstraint("project_id", "person_id"),)


class Rectification(Model):
    """``state``: open, answered, closed, failed."""

    project_id: Mapped[int] = fk("project.id", index=False)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    hold_id: Mapped[int] = fk("hold.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="open")
    items: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    opened_by: Mapped[int] = fk("user_account.id", index=False)
    opened_at: Mapped[datetime] = instant_column()
    answered_by: Mapped[int | None] = fk("user_account.id", index=False)
    closed_by: Mapped[int | None] = fk("user_account.id", index=False)

    project: Mapped[Project] = relationship()

    __table_args__ = (
        CheckConstraint("items <> ''", name="says_what"),
        Index(None, "project_id", "state"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "organization_id", "state", "id"),
    )
