"""Panels: who judges a call, drawn by lot on the record.

The pool is frozen (its list and digest are kept), then a seed is drawn, then the order follows from
the seed and the pool alone: anybody can draw again and get the same people. The organizer draws,
a supervisor witnesses. Those with an interest in an applicant are recused at the draw, with reason.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from grants.calls.models import Call
from registry.experts.models import Expert

# state: planned, drawn, scoring, closed


class Panel(Model):
    call_id: Mapped[int] = fk("call.id", index=False, unique=True)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="planned")
    size: Mapped[int] = mapped_column(default=5)
    finance_experts: Mapped[int] = mapped_column(default=1)
    # The frozen pool: [{"expert", "person", "name", "fields", "recused": reasons or "", "barred",
    # "conflicts": {application: reason}}], canonical JSON and digest.
    pool: Mapped[str] = mapped_column(Text, default="[]")
    pool_sha256: Mapped[str] = mapped_column(String(64), default="")
    seed: Mapped[str] = mapped_column(String(64), default="")
    planned_by: Mapped[int] = fk("user_account.id", index=False)
    drawn_by: Mapped[int | None] = fk("user_account.id", index=False)
    drawn_at: Mapped[datetime | None] = instant_column()
    witnessed_by: Mapped[int | None] = fk("user_account.id", index=False)
    due_on: Mapped[date | None]  # the day until which the sheets are to be in; set at the witnessing

    call: Mapped[Call] = relationship()
    members: Mapped[list[PanelMember]] = relationship(back_populates="panel", order_by="PanelMember.position")

    __table_args__ = (
        CheckConstraint("size >= 3 AND size % 2 = 1", name="size_odd"),
        CheckConstraint("witnessed_by IS NULL OR witnessed_by <> drawn_by", name="witness_differs"),
        Index(None, "agency_id", "id"),
    )


class PanelMember(Model):
    panel_id: Mapped[int] = fk("panel.id", index=False)
    expert_id: Mapped[int] = fk("expert.id")
    person_id: Mapped[int] = fk("person.id")
    position: Mapped[int]
    seat: Mapped[str] = mapped_column(String(16))  # subject, finance, substitute
    # A substitute scores one application alone, in the place of somebody recused later.
    application_id: Mapped[int | None] = fk("application.id", index=False)

    panel: Mapped[Panel] = relationship(back_populates="members")
    expert: Mapped[Expert] = relationship()

    __table_args__ = (UniqueConstraint("panel_id", "person_id"), UniqueConstraint("panel_id", "position"))


class Recusal(Model):
    """An interest a member has in one application: it is not scored by them, and why."""

    panel_id: Mapped[int] = fk("panel.id", index=False)
    person_id: Mapped[int] = fk("person.id", index=False)
    application_id: Mapped[int] = fk("application.id", index=False)
    reason: Mapped[str] = mapped_column(String(200))

    __table_args__ = (UniqueConstraint("panel_id", "person_id", "application_id"),)
