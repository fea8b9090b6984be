"""Interests: what ties a person to an organization.

Employment, governance (director, supervisor, legal representative), kinship with its leader, or a
declared interest, each with dates. Recusal asks for the three years before (政府采购法实施条例 Art. 9).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.organizations.models import Organization
from registry.persons.models import Person

KINDS = {
    "employment": N_("employment"),
    "governance": N_("governance or control"),
    "kinship": N_("kinship with its leader"),
    "advice": N_("advice given"),
    "declared": N_("other declared interest"),
}


class Interest(Model):
    person_id: Mapped[int] = fk("person.id", index=False)
    organization_id: Mapped[int] = fk("organization.id")
    kind: Mapped[str] = mapped_column(String(16))
    since: Mapped[date]
    until: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(200), default="")

    person: Mapped[Person] = relationship()
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        Index(None, "person_id", "organization_id"),
    )
