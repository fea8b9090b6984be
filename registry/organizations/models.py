"""Organizations: every contracting party.

A registered body has a checked credit code (GB 32100), held by one row only. A filed community
organization has none and takes part through a registered host. What eligibility reads is kept
with dates: grades with validity, annual inspections by year, party facts, status.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from registry.agencies.models import Agency
from registry.persons.models import Person

# kind: social_association (51), social_service_agency (52), foundation (53), filed_community_so,
# enterprise (91), public_institution (12), mass_organization (13), audit_firm, evaluator, other
# register_class: registered, filed, outside
# status: normal, abnormal, deregistered, revoked


class Organization(Model):
    agency_id: Mapped[int] = fk("agency.id")  # the responsible department
    kind: Mapped[str] = mapped_column(String(32))
    register_class: Mapped[str] = mapped_column(String(16), default="registered")
    name: Mapped[str] = mapped_column(String(120))
    sort_key: Mapped[str] = mapped_column(String(160), default="")
    credit_code: Mapped[str | None] = mapped_column(String(18), unique=True)
    division_code: Mapped[str] = mapped_column(String(12))
    registered_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(String(16), default="normal")
    under_investigation: Mapped[bool] = mapped_column(default=False)
    legal_representative_id: Mapped[int | None] = fk("person.id")
    host_id: Mapped[int | None] = fk("organization.id")
    business_scope: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[list] = mapped_column(JSON, default=list)
    address: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    # Checked by a second person against the registration certificate.
    verified_by: Mapped[int | None] = fk("user_account.id")
    recorded_by: Mapped[int | None] = fk("user_account.id")

    agency: Mapped[Agency] = relationship()
    legal_representative: Mapped[Person | None] = relationship()
    host: Mapped[Organization | None] = relationship(remote_side="Organization.id")
    grades: Mapped[list[Grade]] = relationship(back_populates="organization", order_by="Grade.valid_from")
    inspections: Mapped[list[Inspection]] = relationship(
        back_populates="organization", order_by="Inspection.year"
    )
    party: Mapped[PartyFacts | None] = relationship(back_populates="organization")

    __table_args__ = (
        CheckConstraint("host_id <> id", name="not_own_host"),
        CheckConstraint("register_class = 'filed' OR credit_code IS NOT NULL", name="registered_has_code"),
        Index(None, "agency_id", "sort_key", "id"),
        Index(None, "name"),
    )


class Grade(Model):
    """Assessment grade 1A to 5A with its validity (等级评估)."""

    organization_id: Mapped[int] = fk("organization.id")
    grade: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date]

    organization: Mapped[Organization] = relationship(back_populates="grades")

    __table_args__ = (
        CheckConstraint("grade BETWEEN 1 AND 5", name="grade_range"),
        CheckConstraint("valid_to >= valid_from", name="validity_order"),
    )


class Inspection(Model):
    """Annual inspection or report of one year: qualified, basic (基本合格), failed, missing."""

    organization_id: Mapped[int] = fk("organization.id")
    year: Mapped[int]
    result: Mapped[str] = mapped_column(String(16))

    organization: Mapped[Organization] = relationship(back_populates="inspections")

    __table_args__ = (UniqueConstraint("organization_id", "year"),)


class PartyFacts(Model):
    """Party-building facts an application is judged by (S0-13, S0-15, S2-04)."""

    organization_id: Mapped[int] = fk("organization.id", index=False, unique=True)
    full_members: Mapped[int] = mapped_column(default=0)
    party_org_kind: Mapped[str] = mapped_column(String(16), default="none")  # none, sole, joint, functional
    party_in_charter: Mapped[bool] = mapped_column(default=False)
    commitment_on: Mapped[date | None]
    instructor_id: Mapped[int | None] = fk("person.id")

    organization: Mapped[Organization] = relationship(back_populates="party")

    __table_args__ = (CheckConstraint("full_members >= 0", name="members_not_negative"),)
