"""Interests: what ties a person to an organization.

Employment, governance (director, supervisor, legal representative), kinship with its leader, or a
declared interest, each with dates. Recusal asks for the three years before (政府采购法实施条例 Art. 9).

Employers that are not on the register stand in a person's working life by name; one that is, counts
like employment. Kinship ties two persons and is written once, read from both sides; through it a
person is tied to what the relative leads.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
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

# What a relative is to the person, and what the person is to the relative.
RELATIONS = {
    "spouse": N_("spouse"),
    "parent": N_("parent"),
    "child": N_("child"),
    "sibling": N_("brother or sister"),
    "grandparent": N_("grandparent"),
    "grandchild": N_("grandchild"),
    "collateral": N_("uncle, aunt, nephew, niece or cousin"),
    "affinity": N_("relative by marriage"),
}
# A marriage and what follows from it may end.
ENDS = ("spouse", "affinity")
INVERSE = {"parent": "child", "child": "parent", "grandparent": "grandchild", "grandchild": "grandparent"}


class Interest(Model):
    person_id: Mapped[int] = fk("person.id", index=False)
    organization_id: Mapped[int] = fk("organization.id")
    kind: Mapped[str] = mapped_column(String(16))
    since: Mapped[date]
    until: Mapped[date | None]
    position: Mapped[str] = mapped_column(String(60), default="", server_default="")
    note: Mapped[str] = mapped_column(String(200), default="")

    person: Mapped[Person] = relationship()
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        Index(None, "person_id", "organization_id"),
    )


class Employment(Model):
    """A stretch of a person's working life, from a day to a day; ``until`` empty: still."""

    person_id: Mapped[int] = fk("person.id", index=False)
    employer: Mapped[str] = mapped_column(String(120))
    organization_id: Mapped[int | None] = fk("organization.id")
    agency_id: Mapped[int | None] = fk("agency.id")
    position: Mapped[str] = mapped_column(String(60), default="")
    since: Mapped[date]
    until: Mapped[date | None]

    person: Mapped[Person] = relationship()

    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        CheckConstraint("organization_id IS NULL OR agency_id IS NULL", name="one_employer"),
        Index(None, "person_id", "since"),
        Index(None, "employer"),
    )


class Kinship(Model):
    """``relative`` is the ``relation`` of ``person``: the spouse, the parent, … (政府采购法实施条例 Art. 9 no. 3)."""

    person_id: Mapped[int] = fk("person.id", index=False)
    relative_id: Mapped[int] = fk("person.id")
    relation: Mapped[str] = mapped_column(String(16))
    # A marriage or what follows from it may end; blood does not.
    until: Mapped[date | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    relative: Mapped[Person] = relationship(foreign_keys=[relative_id])

    __table_args__ = (
        CheckConstraint("person_id <> relative_id", name="two_people"),
        UniqueConstraint("person_id", "relative_id"),
    )
