"""The tables of the register, and the words of its fields."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core import clock
from core.rules.queries import parameters
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.organizations.models import (
    COMMUNITY_TYPES,
    DETACHMENTS,
    DIRECT_CLASSES,
    FIELDS,
    FOUNDINGS,
    KINDS,
    REGISTER_CLASSES,
    STATUSES,
    Organization,
)
from registry.organizations.queries import stale_before, stale_organizations
from registry.organizations.rules import ROR_DEFAULTS

# Names of the fields in the history, and the words of those whose values are ids.
FIELD_WORDS = {
    "name": N_("Full name"), "kind": N_("Kind"), "register_class": N_("Registration"),
    "credit_code": N_("Unified social credit code"), "division_code": N_("Division of the registry"),
    "registered_on": N_("Day of registration"), "legal_representative_id": N_("Legal representative"),
    "host_id": N_("Registered host"), "business_scope": N_("Business scope"), "fields": N_("Fields of work"),
    "address": N_("Address"), "phone": N_("Telephone"), "direct_class": N_("Class of direct registration"),
    "community_type": N_("Kind of activity in the community"), "status": N_("Standing"),
    "under_investigation": N_("Under investigation"), "verified_on": N_("Last verified on"),
    "capital": N_("Registration capital"), "certificate_from": N_("Certificate valid from"),
    "certificate_to": N_("Certificate valid to"), "charter_on": N_("Charter approved on"),
    "supervising_unit": N_("Supervising unit"), "filed_on": N_("Filed on"),
    "filing_number": N_("Number of the filing"), "activity_area": N_("Area of activity"),
    "member_count": N_("Members"), "grade": N_("Assessment grade"), "leader": N_("Legal representative"),
    "founding": N_("How it was founded"), "fundraising": N_("Fundraising plan"), "community_fund": N_("Community charity fund"), "home_authority": N_("Registry at home"),
    "active_since": N_("At work here since"), "local_contact": N_("Contact at this place"),
    "local_phone": N_("Telephone of the contact"), "detachment": N_("Detachment from government"),
    "former_unit": N_("Unit it was tied to"), "detachment_began_on": N_("Detachment began on"),
    "detached_on": N_("Detached on"), "detachment_document": N_("Document of the detachment"),
    "tag_hub": N_("hub organization"), "tag_support": N_("support organization"),
    "tag_federation": N_("federation of community organizations"), "tag_charity": N_("recognized charity"),
    "tax_exemption": N_("tax-exempt status of a non-profit organization"),
    "donation_deduction": N_("pre-tax deduction of public-benefit donations"),
    "public_fundraising": N_("qualification for raising funds in public"),
    "department_registration": N_("registration authority"), "department_supervising": N_("supervising unit"),
    "department_industry": N_("industry regulator"), "department_party": N_("party department"),
    "department_finance": N_("finance and tax"), "department_township": N_("township or subdistrict"),
    "full_time": N_("Full-time employees"), "part_time": N_("Part-time employees"),
    "social_workers": N_("of these certified social workers"), "volunteers": N_("Registered volunteers"),
    "new_jobs": N_("Jobs newly offered"), "merged": N_("Double entry joined"),
    "post_chair": N_("chair"), "post_vice_chair": N_("vice chair"),
    "post_secretary_general": N_("secretary-general"), "post_director": N_("council member"),
    "post_chief_supervisor": N_("chief supervisor"), "post_supervisor": N_("supervisor"),
    "post_finance_head": N_("head of finance"),
}  # fmt: skip
VALUE_WORDS = {
    "kind": KINDS, "register_class": REGISTER_CLASSES, "status": STATUSES, "direct_class": DIRECT_CLASSES,
    "community_type": COMMUNITY_TYPES, "detachment": DETACHMENTS, "fields": FIELDS, "founding": FOUNDINGS,
}  # fmt: skip


def stale_rows(user: Any, args: Arguments) -> Select[Any]:
    return stale_organizations(user, stale_before(parameters("ROR", ROR_DEFAULTS, on=clock.today())))


STALE = Listing(
    name="organizations.stale",
    title=N_("Entries not verified for long"),
    permissions=("organization.read",),
    rows=stale_rows,
    orders={"verified": ((Organization.verified_on, False), (Organization.id, False))},
    joins=lambda query: query.join(Organization.agency),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Last verified on"), Organization.verified_on, "day"),
        Column(N_("Standing"), Organization.status, words=STATUSES),
        Column(N_("Telephone"), Organization.phone),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
