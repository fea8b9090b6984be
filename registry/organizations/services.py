"""Writing the register of organizations."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, or_, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.services import Actor, record
from core.db import db
from core.money import Money
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division
from registry.organizations import policy
from registry.organizations.models import (
    COMMUNITY_TYPES,
    DIRECT_CLASSES,
    INSPECTION_RESULTS,
    KINDS,
    PARTY_ORGANIZATIONS,
    REGISTER_CLASSES,
    SOURCES,
    STATUSES,
    FormerIdentity,
    Grade,
    Inspection,
    Organization,
    OrganizationChange,
    PartyFacts,
)
from registry.organizations.rules import (
    FILED,
    check_credit_code,
    name_keys,
)
from registry.persons.models import Person
from registry.persons.rules import sort_key
from registry.persons.services import before_erasing

ENDING = frozenset({"liquidating", "deregistered", "revoked"})

# Rooms above that look at a name when it is new (double entries).
_named: list[Callable[[Organization], None]] = []


def when_named(look: Callable[[Organization], None]) -> None:
    """Have ``look`` called with each organization that got a name, in the same transaction."""
    _named.append(look)


def _tell_name(organization: Organization) -> None:
    for look in _named:
        look(organization)


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
    direct_class: str = "",
    community_type: str = "",
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
        direct_class=direct_class,
        community_type=community_type,
    )
    number = _unused_number()
    if number is not None:
        organization.id = number
    db.session.add(organization)
    db.session.flush()
    record(
        organization,
        "registered",
        by=by,
        details={"name": organization.name, "credit_code": organization.credit_code},
    )
    _tell_name(organization)
    return organization


def _unused_number() -> int | None:
    """A number for the new row where the database would give that of a joined entry again; else ``None``.

    SQLite takes the highest number and one; the highest row may have been joined into another.
    """
    if db.engine.dialect.name != "sqlite":
        return None
    gone = db.session.scalar(
        select(func.max(cast(FormerIdentity.value, BigInteger))).where(FormerIdentity.kind == "number")
    )
    highest = db.session.scalar(select(func.max(Organization.id))) or 0
    return gone + 1 if gone is not None and gone > highest else None


def edit_organization(
    organization: Organization, *, by: Actor, evidence: str = "", source: str = "edit", **facts: Any
) -> dict[str, list[Any]]:
    """Change the entry (arguments of :func:`register_organization`). It has to be verified anew.

    Returns the changed fields as {field: [old, new]}.
    """
    before = {key: plain(getattr(organization, key)) for key in _AUDITED}
    leader, host = organization.legal_representative, organization.host
    kept = {key: getattr(organization, key) for key in ("direct_class", "community_type")}
    _fill(organization, **(kept | facts))
    after = {key: plain(getattr(organization, key)) for key in _AUDITED}
    changed = {key: [before[key], after[key]] for key in _AUDITED if before[key] != after[key]}
    if not changed:
        return {}
    organization.verified_by = None
    organization.recorded_by = by.actor_id
    db.session.flush()
    _keep_identity(organization, changed)
    words = dict(changed)
    if "legal_representative_id" in words:
        now = facts.get("legal_representative")
        words["legal_representative_id"] = [named(leader), named(now)]
    if "host_id" in words:
        now = facts.get("host")
        words["host_id"] = [host.name if host else None, now.name if now else None]
    keep_changes(organization, words, source=source, evidence=evidence, by=by)
    record(organization, "edited", by=by, details={"changed": changed, **noted(evidence)})
    if "name" in changed:
        _tell_name(organization)
    return changed


_AUDITED = (
    "kind", "register_class", "name", "credit_code", "division_code", "registered_on", "legal_representative_id",
    "host_id", "business_scope", "fields", "address", "phone", "direct_class", "community_type",
)  # fmt: skip


def noted(evidence: str) -> dict[str, str]:
    """The evidence as the note of an audit entry."""
    return {"note": evidence.strip()} if evidence.strip() else {}


def _keep_identity(organization: Organization, changed: dict[str, list[Any]]) -> None:
    for field, kind in (("name", "name"), ("credit_code", "code")):
        if field in changed and changed[field][0]:
            keep_former(organization, kind, changed[field][0])


def keep_former(organization: Organization, kind: str, value: str) -> None:
    """A name or code it no longer has; old papers still find it by it."""
    db.session.add(
        FormerIdentity(organization_id=organization.id, kind=kind, value=value, until=clock.today())
    )


def named(person: Person | None) -> dict[str, int] | None:
    """A person in the history by field: the number; the name is read from the person's row, as long as it has one."""
    return {"person": person.id} if person is not None else None


def _names_to_numbers(person: Person) -> None:
    """Older rows of the history wrote the name: let them name the number of the row that is erased.

    Only where the trail of the organization says that it was this person, and no namesake.
    """
    written = [json.dumps(person.name), json.dumps(person.name, ensure_ascii=False)]
    told = [cast(side, Text).in_(written) for side in (OrganizationChange.old, OrganizationChange.new)]
    rows = db.session.scalars(
        select(OrganizationChange).where(
            or_(
                OrganizationChange.field == "legal_representative_id",
                OrganizationChange.field.startswith("post_"),
            ),
            or_(*told),
        )
    ).all()
    known = {number: _tied(number, person) for number in {row.organization_id for row in rows}}
    for row in rows:
        if known[row.organization_id]:
            row.old = named(person) if row.old == person.name else row.old
            row.new = named(person) if row.new == person.name else row.new


def _tied(organization_id: int, person: Person) -> bool:
    """Whether the trail of the organization names this person as an officer or its legal representative."""
    for text in db.session.scalars(
        select(AuditEntry.details).where(
            AuditEntry.object_type == Organization.__tablename__, AuditEntry.object_id == organization_id
        )
    ):
        details = json.loads(text)
        if person.id in (
            details.get("person"),
            *details.get("changed", {}).get("legal_representative_id", ()),
        ):
            return True
    return False


before_erasing(_names_to_numbers)


def keep_changes(
    organization: Organization,
    changed: dict[str, list[Any]],
    *,
    source: str,
    evidence: str = "",
    by: Actor,
) -> None:
    """Write the history by field: {field: [old, new]}, as plain values."""
    if source not in SOURCES:
        raise ValueError(f"unknown source {source}")
    for field, (old, new) in changed.items():
        db.session.add(
            OrganizationChange(
                organization_id=organization.id,
                field=field,
                old=old,
                new=new,
                source=source,
                evidence=evidence.strip()[:200],
                changed_at=clock.now(),
                changed_by=by.actor_id,
            )
        )
    db.session.flush()


def plain(value: Any) -> Any:
    """A value of a column as the history keeps it."""
    if isinstance(value, Money):
        return value.plain()
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
    direct_class: str,
    community_type: str,
) -> None:
    if direct_class not in ("", *DIRECT_CLASSES) or community_type not in ("", *COMMUNITY_TYPES):
        raise ValueError(f"unknown class {direct_class} or kind of activity {community_type}")
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
    organization.name_key, organization.sound_key = name_keys(name.strip())
    organization.direct_class, organization.community_type = direct_class, community_type
    organization.credit_code = None if register_class == "filed" else check_credit_code(code).code
    organization.division_code = normalise_division(division_code)
    organization.registered_on = registered_on
    organization.host_id = host.id if host else None
    organization.legal_representative_id = legal_representative.id if legal_representative else None
    organization.business_scope, organization.fields = business_scope.strip(), list(fields)
    organization.address, organization.phone = address.strip(), phone.strip()


def verify_organization(organization: Organization, *, by: Actor, evidence: str = "") -> None:
    """A second person has compared the entry with the certificate, or with what ``evidence`` names."""
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
        .values(verified_by=by.actor_id, verified_on=clock.today())
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Refusal(
            Message(N_("Somebody changed this entry a moment before you. Reload and compare again.")),
            status=409,
        )
    db.session.refresh(organization, ["verified_by", "verified_on"])
    record(organization, "verified", by=by, details=noted(evidence))


def confirm_unchanged(organization: Organization, *, by: Actor, evidence: str = "") -> None:
    """The entry was compared with the certificate again and is still right; the year runs anew."""
    if organization.verified_by is None:
        raise Refusal(Message(N_("This entry was never verified: compare and verify it first.")), status=409)
    if organization.recorded_by is not None and organization.recorded_by == by.actor_id:
        raise Refusal(
            Message(N_("You made the latest change to this entry: a colleague compares it.")),
            rule="RAP-2",
            source=policy.CONTROL,
            status=403,
        )
    before = organization.verified_on
    organization.verified_by, organization.verified_on = by.actor_id, clock.today()
    db.session.flush()
    keep_changes(
        organization,
        {"verified_on": [plain(before), plain(organization.verified_on)]},
        source="edit",
        evidence=evidence,
        by=by,
    )
    record(organization, "confirmed", by=by, details=noted(evidence))


def upgrade_filed(
    organization: Organization,
    *,
    kind: str,
    name: str,
    credit_code: str,
    registered_on: date,
    division_code: str,
    evidence: str,
    by: Actor,
) -> None:
    """A filed organization has registered: the same row, with its history, links and projects (S3-06).

    It has a code from now on and needs no host; projects that run under the host go on as agreed.
    """
    if organization.register_class != "filed":
        raise Refusal(
            Message(N_("Only a filed organization can become a registered one.")),
            rule="ROR-41",
            source=FILED,
            status=409,
        )
    if not evidence.strip():
        raise Refusal(Message(N_("Name the registration certificate or the decision it was registered by.")))
    edit_organization(
        organization,
        by=by,
        evidence=evidence,
        source="upgrade",
        kind=kind,
        name=name,
        credit_code=credit_code,
        division_code=division_code,
        registered_on=registered_on,
        register_class="registered",
        host=None,
        legal_representative=organization.legal_representative,
        business_scope=organization.business_scope,
        fields=organization.fields,
        address=organization.address,
        phone=organization.phone,
    )
    record(organization, "upgraded", by=by, details=noted(evidence))


def set_status(
    organization: Organization,
    status: str,
    *,
    under_investigation: bool,
    reason: str,
    source: str = "edit",
    by: Actor,
) -> None:
    """Note a change of standing, with why."""
    if status not in STATUSES:
        raise ValueError(f"unknown status {status}")
    if not reason.strip():
        raise Refusal(Message(N_("Say why the standing changes: the timeline keeps it.")))
    if source == "edit" and ENDING & {status, organization.status}:
        raise Refusal(
            Message(
                N_(
                    "A body is wound up, closed or revoked by an outcome that three people decide, not by a note."
                )
            ),
            rule="ROR-43",
            source=policy.CONTROL,
            status=409,
        )
    before = {"status": organization.status, "under_investigation": organization.under_investigation}
    organization.status, organization.under_investigation = status, under_investigation
    db.session.flush()
    keep_changes(
        organization,
        {
            field: [old, getattr(organization, field)]
            for field, old in before.items()
            if old != getattr(organization, field)
        },
        source=source,
        evidence=reason,
        by=by,
    )
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
    changed = {
        field: [getattr(organization, field), value.strip()]
        for field, value in (("address", address), ("phone", phone))
        if getattr(organization, field) != value.strip()
    }
    organization.address, organization.phone = address.strip(), phone.strip()
    db.session.flush()
    keep_changes(organization, changed, source="self_service", by=by)
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
