"""Experts: who may be drawn to judge.

An expert is a person kept in the pool of one agency, with fields of knowledge and an employer. One
person proposes, another admits, until a day; then the admission is renewed or ends. Drawn is who is
admitted, not resting, free on those days, serves the region and has judged less often than the limit.
Whether the expert may judge a given organization is asked of interests at the draw.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.persons.models import Person

CONDUCT = {
    "praise": N_("praised"),
    "late": N_("sheets came late"),
    "absent": N_("did not come"),
    "breach": N_("breach of discipline"),
}


class Expert(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)  # whose pool
    person_id: Mapped[int] = fk("person.id")
    state: Mapped[str] = mapped_column(String(16), default="proposed")  # proposed, admitted, refused
    fields: Mapped[list] = mapped_column(
        JSON, default=list
    )  # elderly, children, disability, community, social_work, finance, party
    professional_title: Mapped[str] = mapped_column(String(60), default="", server_default="")
    employer: Mapped[str] = mapped_column(String(120), default="")
    employer_organization_id: Mapped[int | None] = fk("organization.id")
    employed_by_agency_id: Mapped[int | None] = fk("agency.id")
    # Division codes served; none: everywhere the pool is drawn from.
    regions: Mapped[list] = mapped_column(JSON, default=list)
    # Panels in a calendar year; empty: the rule's own limit.
    most_panels: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    proposed_by: Mapped[int | None] = fk("user_account.id", index=False)
    admitted_by: Mapped[int | None] = fk("user_account.id", index=False)
    admitted_on: Mapped[date | None]
    valid_to: Mapped[date | None]

    person: Mapped[Person] = relationship()
    absences: Mapped[list[ExpertAbsence]] = relationship(
        back_populates="expert", order_by="ExpertAbsence.starts_on"
    )

    __table_args__ = (
        UniqueConstraint("agency_id", "person_id"),
        CheckConstraint("admitted_by <> proposed_by", name="two_people"),
        CheckConstraint("most_panels > 0", name="most_panels_positive"),
        Index(None, "agency_id", "active", "id"),
        Index(None, "agency_id", "state", "id"),
    )


class ExpertAbsence(Model):
    """Days, both included, on which the expert cannot judge."""

    expert_id: Mapped[int] = fk("expert.id")
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(120), default="")

    expert: Mapped[Expert] = relationship(back_populates="absences")

    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="dates_order"),)


class ExpertConduct(Model):
    """How the expert behaved, noted by the unit whose pool it is."""

    expert_id: Mapped[int] = fk("expert.id")
    noted_on: Mapped[date]
    kind: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(200))
    noted_by: Mapped[int] = fk("user_account.id", index=False)

    expert: Mapped[Expert] = relationship()
