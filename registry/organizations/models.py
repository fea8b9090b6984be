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
from core.text import N_
from registry.agencies.models import Agency
from registry.persons.models import Person

KINDS = {
    "social_association": N_("social association"),
    "social_service_agency": N_("social service agency"),
    "foundation": N_("foundation"),
    "filed_community_so": N_("filed community organization"),
    "enterprise": N_("enterprise"),
    "public_institution": N_("public institution"),
    "mass_organization": N_("mass organization"),
    "audit_firm": N_("audit firm"),
    "evaluator": N_("evaluation body"),
    "other": N_("other body"),
}
# registered: here; outside: registered elsewhere; filed: no legal person, known to its township.
REGISTER_CLASSES = {
    "registered": N_("registered here"),
    "outside": N_("registered elsewhere"),
    "filed": N_("filed, no legal person"),
}
STATUSES = {
    "normal": N_("in normal standing"),
    "abnormal": N_("in abnormal standing"),
    "deregistered": N_("deregistered"),
    "revoked": N_("registration revoked"),
}
INSPECTION_RESULTS = {
    "qualified": N_("qualified"),
    "basic": N_("basically qualified"),
    "failed": N_("not qualified"),
    "missing": N_("took no part"),
}
PARTY_ORGANIZATIONS = {
    "none": N_("no party organization"),
    "sole": N_("own party organization"),
    "joint": N_("joint party organization"),
    "functional": N_("functional party organization"),
}
FIELDS = {
    "elderly": N_("elderly people"),
    "children": N_("children"),
    "disability": N_("people with disabilities"),
    "relief": N_("relief of hardship"),
    "community": N_("community life"),
    "social_work": N_("social work"),
    "finance": N_("finance and audit"),
    "party": N_("party building"),
}


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
        CheckConstraint("verified_by <> recorded_by", name="two_people"),
        Index(None, "agency_id", "sort_key", "id"),
        Index(None, "agency_id", "kind", "sort_key", "id"),
        Index(None, "agency_id", "status", "sort_key", "id"),
        Index(None, "agency_id", "verified_by"),
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
