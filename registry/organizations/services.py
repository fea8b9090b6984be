"""Writing the register of organizations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division
from registry.organizations import policy
from registry.organizations.models import (
    INSPECTION_RESULTS,
    KINDS,
    PARTY_ORGANIZATIONS,
    REGISTER_CLASSES,
    STATUSES,
    Grade,
    Inspection,
    Organization,
    PartyFacts,
)
from registry.organizations.rules import check_credit_code
from registry.persons.models import Person
from registry.persons.rules import sort_key


def register_organization(
    *,
    agency: Agency,
    kind: str,
    name: str,
    credit_code: str | None,
    division_code: str,
    registered_on: date | None,
    by: Actor,
    register_class: str = "registered",
    host: Organization | None = None,
    legal_representative: Person | None = None,
    business_scope: str = "",
    fields: Sequence[str] = (),
    address: str = "",
    phone: str = "",
) -> Organization:
    """Enter an organization. Raises :class:`Refusal` with the sentence of the first wrong fact."""
    organization = Organization(agency_id=agency.id, recorded_by=by.actor_id)
    _fill(
        organization,
        kind=kind,
        name=name,
        credit_code=credit_code,
        division_code=division_code,
        registered_on=registered_on,
        register_class=register_class,
        host=host,
        legal_representative=legal_representative,
        business_scope=business_scope,
        fields=fields,
        address=address,
        phone=phone,
    )
    db.session.add(organization)
    db.session.flush()
    record(
        organization,
        "registered",
        by=by,
        details={"name": organization.name, "credit_code": organization.credit_code},
    )
    return organization


def edit_organization(organization: Organization, *, by: Actor, **facts: Any) -> None:
    """Change the entry (arguments of :func:`register_organization`). It has to be verified anew."""
    before = {key: _plain(getattr(organization, key)) for key in _AUDITED}
    _fill(organization, **facts)
    after = {key: _plain(getattr(organization, key)) for key in _AUDITED}
    changed = {key: [before[key], after[key]] for key in _AUDITED if before[key] != after[key]}
    if not changed:
        return
    organization.verified_by = None
    organization.recorded_by = by.actor_id
    db.session.flush()
    record(organization, "edited", by=by, details={"changed": changed})


_AUDITED = (
    "kind", "register_class", "name", "credit_code", "division_code", "registered_on", "legal_representative_id",
    "host_id", "business_scope", "fields", "address", "phone",
)  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _fill(
    organization: Organization,
    *,
    kind: str,
    name: str,
    credit_code: str | None,
    division_code: str,
    registered_on: date | None,
    register_class: str,
    host: Organization | None,
    legal_representative: Person | None,
    business_scope: str,
    fields: Sequence[str],
    address: str,
    phone: str,
) -> None:
    if kind not in KINDS or register_class not in REGISTER_CLASSES:
        raise ValueError(f"unknown kind {kind} or class {register_class}")
    code = credit_code or ""
    known = organization if organization.id is not None else None
    problem = (
        (None if name.strip() else Message(N_("An organization needs a name.")))
        or policy.kind_problem(kind, register_class)
        or policy.code_problem(code, kind=kind, register_class=register_class, but=known)
        or policy.division_problem(division_code)
        or policy.registered_on_problem(registered_on, register_class)
    )
    if problem is not None:
        raise Refusal(problem)
    if host is not None and (host.register_class == "filed" or host.id == organization.id):
        raise Refusal(Message(N_("The host must be another organization that is itself registered.")))
    organization.kind, organization.register_class = kind, register_class
    organization.name, organization.sort_key = name.strip(), sort_key(name)
    organization.credit_code = None if register_class == "filed" else check_credit_code(code).code
    organization.division_code = normalise_division(division_code)
    organization.registered_on = registered_on
    organization.host_id = host.id if host else None
    organization.legal_representative_id = legal_representative.id if legal_representative else None
    organization.business_scope, organization.fields = business_scope.strip(), list(fields)
    organization.address, organization.phone = address.strip(), phone.strip()


def verify_organization(organization: Organization, *, by: Actor) -> None:
    """A second person has compared the entry with the certificate."""
    db.session.flush()
    db.session.refresh(organization, ["verified_by", "recorded_by"])
    policy.require_verifiable(organization, by=by)
    changed = db.session.execute(
        update(Organization)
        .where(
            Organization.id == organization.id,
            Organization.verified_by.is_(None),
            Organization.recorded_by.is_not_distinct_from(organization.recorded_by),
        )
        .values(verified_by=by.actor_id)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Refusal(
            Message(N_("Somebody changed this entry a moment before you. Reload and compare again.")),
            status=409,
        )
    db.session.refresh(organization, ["verified_by"])
    record(organization, "verified", by=by)


def set_status(
    organization: Organization, status: str, *, under_investigation: bool, reason: str, by: Actor
) -> None:
    """Note a change of standing, with why."""
    if status not in STATUSES:
        raise ValueError(f"unknown status {status}")
    if not reason.strip():
        raise Refusal(Message(N_("Say why the standing changes: the timeline keeps it.")))
    before = {"status": organization.status, "under_investigation": organization.under_investigation}
    organization.status, organization.under_investigation = status, under_investigation
    db.session.flush()
    record(
        organization,
        "status_changed",
        by=by,
        details={
            "from": before,
            "to": {"status": status, "under_investigation": under_investigation},
            "note": reason.strip(),
        },
    )


def set_contact(organization: Organization, *, address: str, phone: str, by: Actor) -> None:
    """The organization's own address and telephone; nothing that a verification compares."""
    if (organization.address, organization.phone) == (address.strip(), phone.strip()):
        return
    organization.address, organization.phone = address.strip(), phone.strip()
    db.session.flush()
    record(
        organization, "contact_changed", by=by, details={"address": address.strip(), "phone": phone.strip()}
    )


def record_grade(
    organization: Organization, grade: int, valid_from: date, valid_to: date, *, by: Actor
) -> Grade:
    """Note an assessment grade (1 to 5 A) with the days it holds."""
    if not 1 <= grade <= 5:
        raise Refusal(Message(N_("A grade is 1A to 5A.")))
    if valid_to < valid_from:
        raise Refusal(Message(N_("The grade ends before it begins: check both days.")))
    row = Grade(organization_id=organization.id, grade=grade, valid_from=valid_from, valid_to=valid_to)
    db.session.add(row)
    db.session.flush()
    db.session.expire(organization, ["grades"])
    record(
        organization,
        "grade_recorded",
        by=by,
        details={"grade": grade, "valid_from": valid_from.isoformat(), "valid_to": valid_to.isoformat()},
    )
    return row


def record_inspection(organization: Organization, year: int, result: str, *, by: Actor) -> Inspection:
    """Note the result of one year's inspection; a corrected one replaces it, the timeline keeps both."""
    if result not in INSPECTION_RESULTS:
        raise ValueError(f"unknown result {result}")
    first = organization.registered_on.year if organization.registered_on else 1990
    if not first <= year <= clock.today().year:
        raise Refusal(
            Message(
                N_("The year lies between the registration (%(first)s) and this year (%(last)s)."),
                {"first": first, "last": clock.today().year},
            )
        )
    row = db.session.scalar(
        select(Inspection).where(Inspection.organization_id == organization.id, Inspection.year == year)
    )
    before = row.result if row is not None else None
    if row is None:
        row = Inspection(organization_id=organization.id, year=year, result=result)
        db.session.add(row)
    row.result = result
    db.session.flush()
    db.session.expire(organization, ["inspections"])
    record(
        organization,
        "inspection_recorded",
        by=by,
        details={"year": year, "result": result, **({"before": before} if before else {})},
    )
    return row


def record_party_facts(
    organization: Organization,
    *,
    full_members: int,
    party_org_kind: str,
    party_in_charter: bool,
    commitment_on: date | None,
    instructor: Person | None = None,
    by: Actor,
) -> PartyFacts:
    """Note the party-building facts that applications are judged by."""
    if party_org_kind not in PARTY_ORGANIZATIONS:
        raise ValueError(f"unknown party organization {party_org_kind}")
    if full_members < 0:
        raise Refusal(Message(N_("The number of party members cannot be below zero.")))
    if commitment_on is not None and commitment_on > clock.today():
        raise Refusal(Message(N_("The day of the commitment lies in the future.")))
    row = db.session.scalar(select(PartyFacts).where(PartyFacts.organization_id == organization.id))
    if row is None:
        row = PartyFacts(organization_id=organization.id)
        db.session.add(row)
    row.full_members, row.party_org_kind = full_members, party_org_kind
    row.party_in_charter, row.commitment_on = party_in_charter, commitment_on
    row.instructor_id = instructor.id if instructor else None
    db.session.flush()
    db.session.expire(organization, ["party"])
    record(
        organization,
        "party_facts_recorded",
        by=by,
        details={
            "full_members": full_members,
            "party_org_kind": party_org_kind,
            "party_in_charter": party_in_charter,
            "commitment_on": commitment_on.isoformat() if commitment_on else None,
        },
    )
    return row
