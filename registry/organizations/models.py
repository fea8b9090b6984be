"""Organizations: every contracting party.

A registered body has a checked credit code (GB 32100), held by one row only. A filed community
organization has none and takes part through a registered host; when it registers it stays the same
row, with its links and projects. What eligibility reads is kept with dates: grades with validity,
annual inspections by year, party facts, status. Each change of a field is a row that is never
changed: who, when, from what to what, on what evidence. An entry was last compared with the
certificate on ``verified_on``; after twelve months it is stale.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
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
    "liquidating": N_("in liquidation"),
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
# The four classes that register without a supervising unit (S3-05).
DIRECT_CLASSES = {
    "industry": N_("trade association or chamber of commerce"),
    "science": N_("science and technology"),
    "charity": N_("public benefit and charity"),
    "community": N_("urban and rural community service"),
}
# What a community organization does (S4-10); the first four are the ones to be developed first.
COMMUNITY_TYPES = {
    "mobilization": N_("mobilizing residents"),
    "consultation": N_("democratic consultation"),
    "mediation": N_("mediating conflicts"),
    "affairs": N_("particular community affairs"),
    "service": N_("community service"),
    "charity": N_("charity and mutual aid"),
    "culture": N_("culture and sport"),
    "other": N_("other activity"),
}
# How a filed organization came to be (S3-20).
FOUNDINGS = {
    "residents": N_("by residents themselves"),
    "community": N_("at the suggestion of the community or township"),
    "organization": N_("by a social organization or an incubation centre"),
    "unit": N_("by an enterprise or another unit"),
    "other": N_("in another way"),
}
TAGS = {
    "hub": N_("hub organization"),
    "support": N_("support organization"),
    "federation": N_("federation of community organizations"),
    "charity": N_("recognized charity"),
}
DETACHMENTS = {
    "none": N_("never tied to a government unit"),
    "pending": N_("to be detached"),
    "done": N_("detached from government"),
}
SOURCES = {
    "edit": N_("changed by the department"),
    "self_service": N_("reported by the organization"),
    "upgrade": N_("filed organization registered"),
    "outcome": N_("outcome decided"),
    "merge": N_("joined with a double entry"),
    "import": N_("imported"),
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
    direct_class: Mapped[str] = mapped_column(String(16), default="", server_default="")
    community_type: Mapped[str] = mapped_column(String(16), default="", server_default="")
    # The name without division and form, as written and as heard: what similar names share (S0-59).
    name_key: Mapped[str] = mapped_column(String(60), default="", server_default="")
    sound_key: Mapped[str] = mapped_column(String(120), default="", server_default="")
    # Checked by a second person against the registration certificate, last on that day.
    verified_on: Mapped[date | None]
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
    profile: Mapped[OrganizationProfile | None] = relationship(
        back_populates="organization", foreign_keys="OrganizationProfile.organization_id"
    )
    tags: Mapped[list[OrganizationTag]] = relationship(
        back_populates="organization", order_by="OrganizationTag.since"
    )

    __table_args__ = (
        CheckConstraint("host_id <> id", name="not_own_host"),
        CheckConstraint("register_class = 'filed' OR credit_code IS NOT NULL", name="registered_has_code"),
        CheckConstraint("verified_by <> recorded_by", name="two_people"),
        Index(None, "agency_id", "sort_key", "id"),
        Index(None, "agency_id", "kind", "sort_key", "id"),
        Index(None, "agency_id", "status", "sort_key", "id"),
        Index(None, "agency_id", "verified_by"),
        Index(None, "agency_id", "verified_on", "id"),
        Index(None, "sound_key", "agency_id"),
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

    __table_args__ = (
        CheckConstraint("full_members >= 0", name="members_not_negative"),
        # Those that have to form a party organization are few among very many.
        Index(
            "ix_party_facts_should_form",
            "organization_id",
            sqlite_where=text("full_members >= 3 AND party_org_kind = 'none'"),
            postgresql_where=text("full_members >= 3 AND party_org_kind = 'none'"),
        ),
    )


class OrganizationProfile(Model):
    """What the certificate, the filing or the home register says beyond the entry; one row, made when needed."""

    organization_id: Mapped[int] = fk("organization.id", index=False, unique=True)
    # Registered here.
    capital: Mapped[Money | None] = money_column()
    certificate_from: Mapped[date | None]
    certificate_to: Mapped[date | None]
    charter_on: Mapped[date | None]  # the charter was approved on
    supervising_unit: Mapped[str] = mapped_column(String(120), default="")
    # Filed with a township.
    filed_on: Mapped[date | None]
    filing_number: Mapped[str] = mapped_column(String(60), default="")
    activity_area: Mapped[str] = mapped_column(String(120), default="")
    member_count: Mapped[int | None]
    founding: Mapped[str] = mapped_column(String(16), default="", server_default="")
    # Registered elsewhere and at work here.
    home_authority: Mapped[str] = mapped_column(String(120), default="")
    active_since: Mapped[date | None]
    local_contact: Mapped[str] = mapped_column(String(60), default="")
    local_phone: Mapped[str] = mapped_column(String(20), default="")
    # Detached from government in people, money, bodies and duties (S3-07).
    detachment: Mapped[str] = mapped_column(String(16), default="none")
    former_unit: Mapped[str] = mapped_column(String(120), default="")
    detachment_began_on: Mapped[date | None]
    detached_on: Mapped[date | None]
    detachment_document: Mapped[str] = mapped_column(String(60), default="")

    organization: Mapped[Organization] = relationship(
        back_populates="profile", foreign_keys="OrganizationProfile.organization_id"
    )

    __table_args__ = (
        CheckConstraint("capital >= 0", name="capital_not_negative"),
        CheckConstraint("member_count >= 0", name="members_not_negative"),
        CheckConstraint("certificate_to >= certificate_from", name="certificate_order"),
        CheckConstraint("detached_on >= detachment_began_on", name="detachment_order"),
        CheckConstraint("detachment <> 'done' OR detached_on IS NOT NULL", name="detached_has_day"),
    )


class OrganizationTag(Model):
    """What an organization is recognized as, from a day to a day: hub, support, federation, charity."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    tag: Mapped[str] = mapped_column(String(16))
    since: Mapped[date]
    until: Mapped[date | None]
    document: Mapped[str] = mapped_column(String(120), default="")

    organization: Mapped[Organization] = relationship(back_populates="tags")

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        UniqueConstraint("organization_id", "tag", "since"),
        Index(None, "tag", "organization_id"),
    )


class FormerIdentity(Model):
    """A name or code the organization had before, so that old papers still find it (C02); or the number
    of an entry that was joined into it, so that old links do.
    """

    organization_id: Mapped[int] = fk("organization.id")
    kind: Mapped[str] = mapped_column(String(12))  # name, code, number
    value: Mapped[str] = mapped_column(String(120))
    until: Mapped[date]

    __table_args__ = (Index(None, "value"),)


class OrganizationChange(Model):
    """One field, changed once; written with the change and never altered."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    field: Mapped[str] = mapped_column(String(32))
    old: Mapped[Any] = mapped_column(JSON(none_as_null=False))
    new: Mapped[Any] = mapped_column(JSON(none_as_null=False))
    source: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[str] = mapped_column(String(200), default="")
    changed_at: Mapped[datetime] = instant_column()
    changed_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (Index(None, "organization_id", "id"),)
