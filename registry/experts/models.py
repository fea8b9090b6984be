"""Experts: who may be drawn to judge.

An expert is a person kept in the pool of one agency, with fields of knowledge and an employer.
Whether the expert may judge a given organization is asked of interests at the draw.
"""

from __future__ import annotations

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from registry.persons.models import Person


class Expert(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)  # whose pool
    person_id: Mapped[int] = fk("person.id")
    fields: Mapped[list] = mapped_column(
        JSON, default=list
    )  # elderly, children, disability, community, social_work, finance, party
    employer: Mapped[str] = mapped_column(String(120), default="")
    employer_organization_id: Mapped[int | None] = fk("organization.id")
    employed_by_agency_id: Mapped[int | None] = fk("agency.id")
    active: Mapped[bool] = mapped_column(default=True)

    person: Mapped[Person] = relationship()

    __table_args__ = (UniqueConstraint("agency_id", "person_id"), Index(None, "agency_id", "active", "id"))
