"""Writing what an organization holds and does beside its entry."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.money import Money
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division
from registry.organizations.models import (
    DETACHMENTS,
    FOUNDINGS,
    TAGS,
    Organization,
    OrganizationProfile,
    OrganizationTag,
)
from registry.organizations.rules import FEDERATION, FILED, federation_finding
from registry.organizations.services import keep_changes, noted, plain
from registry.particulars import policy
from registry.particulars.models import (
    DEPARTMENT_ROLES,
    HONOURS,
    LEVELS,
    QUALIFICATIONS,
    CommunityFund,
    DepartmentRole,
    FundraisingFiling,
    Honour,
    Qualification,
    StaffCount,
)

# The columns of the profile that are written together, and their plain names in the history.
PROFILE = (
    "capital", "certificate_from", "certificate_to", "charter_on", "supervising_unit", "filed_on",
    "filing_number", "activity_area", "member_count", "founding", "home_authority", "active_since", "local_contact",
    "local_phone", "detachment", "former_unit", "detachment_began_on", "detached_on", "detachment_document",
)  # fmt: skip


def set_profile(
    organization: Organization, *, by: Actor, evidence: str = "", source: str = "edit", **facts: Any
) -> dict[str, list[Any]]:
    """Write columns of :class:`OrganizationProfile`; those not given stay. Returns what changed."""
    unknown = set(facts) - set(PROFILE)
    if unknown:
        raise ValueError(f"unknown columns {sorted(unknown)}")
    row = organization.profile
    if row is None:
        row = OrganizationProfile(organization=organization, detachment="none", supervising_unit="")
        for name in PROFILE:
            if getattr(row, name) is None and OrganizationProfile.__table__.c[name].type.python_type is str:
                setattr(row, name, "")
        row.detachment = "none"
        db.session.add(row)
    wanted = {name: value.strip() if isinstance(value, str) else value for name, value in facts.items()}
    _check_profile({name: wanted.get(name, getattr(row, name)) for name in PROFILE})
    changed = {
        name: [plain(getattr(row, name)), plain(value)]
        for name, value in wanted.items()
        if getattr(row, name) != value
    }
    for name, value in wanted.items():
        setattr(row, name, value)
    if changed:
        keep_changes(organization, changed, source=source, evidence=evidence, by=by)
        record(organization, "profile_changed", by=by, details={"changed": changed, **noted(evidence)})
    return changed


def _check_profile(row: dict[str, Any]) -> None:
    if row["detachment"] not in DETACHMENTS:
        raise ValueError(f"unknown detachment {row['detachment']}")
    if row["founding"] not in ("", None, *FOUNDINGS):
        raise ValueError(f"unknown way of founding {row['founding']}")
    sentences = (
        (row["certificate_from"] and row["certificate_to"] and row["certificate_to"] < row["certificate_from"],
         N_("The certificate ends before it begins: check both days.")),
        (row["member_count"] is not None and row["member_count"] < 0,
         N_("The number of members cannot be below zero.")),
        (row["capital"] is not None and row["capital"] < Money(0),
         N_("The registration capital cannot be below zero.")),
        (row["detachment"] == "done" and row["detached_on"] is None,
         N_("Give the day on which it was detached from government.")),
        (row["detachment"] != "done" and row["detached_on"] is not None,
         N_("A day of detachment belongs to an organization that is detached: choose “detached”, or leave the day empty.")),
        (row["detachment_began_on"] and row["detached_on"] and row["detached_on"] < row["detachment_began_on"],
         N_("The detachment ends before it begins: check both days.")),
        (row["detached_on"] is not None and row["detached_on"] > clock.today(),
         N_("The day of detachment lies in the future.")),
    )  # fmt: skip
    for wrong, sentence in sentences:
        if wrong:
            raise Refusal(Message(sentence))


def give_tag(
    organization: Organization, tag: str, *, since: date, document: str = "", by: Actor
) -> OrganizationTag:
    """Recognize an organization as hub, support organization, federation or charity."""
    if tag not in TAGS:
        raise ValueError(f"unknown tag {tag}")
    if since > clock.today():
        raise Refusal(Message(N_("The recognition begins today or earlier.")))
    if organization.register_class == "filed":
        raise Refusal(
            Message(
                N_(
                    "A filed organization has no legal person and cannot be recognized as this: it registers first."
                )
            ),
            rule="ROR-42",
            source=FILED,
        )
    if tag == "federation":
        finding = federation_finding(organization.kind, organization.credit_code)
        if finding.verdict == "fail":
            raise Refusal(finding.sentence, rule=finding.rule, source=FEDERATION)
    if any(item.tag == tag and item.until is None for item in organization.tags):
        raise Refusal(Message(N_("It is recognized as this already.")), status=409)
    row = OrganizationTag(organization_id=organization.id, tag=tag, since=since, document=document.strip())
    db.session.add(row)
    db.session.flush()
    db.session.expire(organization, ["tags"])
    keep_changes(
        organization, {f"tag_{tag}": [None, since.isoformat()]}, source="edit", evidence=document, by=by
    )
    record(organization, "tag_given", by=by, details={"tag": tag, "since": since.isoformat()})
    return row


def end_tag(row: OrganizationTag, *, until: date, by: Actor) -> None:
    """It is no longer recognized as this after ``until``."""
    if row.until is not None:
        raise Refusal(Message(N_("This recognition has ended already.")), status=409)
    if not row.since <= until <= clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    row.until = until
    db.session.flush()
    keep_changes(row.organization, {f"tag_{row.tag}": [row.since.isoformat(), None]}, source="edit", by=by)
    record(row.organization, "tag_ended", by=by, details={"tag": row.tag, "until": until.isoformat()})


def record_qualification(
    organization: Organization,
    kind: str,
    *,
    valid_from: date,
    valid_to: date | None,
    document: str = "",
    issued_by: str = "",
    by: Actor,
) -> Qualification:
    """Note tax-exempt or donation-deduction status, or the fundraising qualification, with its days."""
    if kind not in QUALIFICATIONS:
        raise ValueError(f"unknown qualification {kind}")
    _require(policy.qualification_problem(organization, kind))
    if valid_to is not None and valid_to < valid_from:
        raise Refusal(Message(N_("It ends before it begins: check both days.")))
    row = Qualification(
        organization_id=organization.id,
        kind=kind,
        valid_from=valid_from,
        valid_to=valid_to,
        document=document.strip(),
        issued_by=issued_by.strip(),
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    until = valid_to.isoformat() if valid_to else None
    keep_changes(
        organization, {kind: [None, [valid_from.isoformat(), until]]}, source="edit", evidence=document, by=by
    )
    record(
        organization,
        "qualification_recorded",
        by=by,
        details={"kind": kind, "until": until, **noted(document)},
    )
    return row


def _require(problem: Message | None, *, rule: str = "", source: str = "") -> None:
    if problem is not None:
        raise Refusal(problem, rule=rule, source=source)


def file_fundraising(
    organization: Organization,
    *,
    number: str,
    title: str,
    starts_on: date,
    ends_on: date,
    target: Money | None,
    by: Actor,
) -> FundraisingFiling:
    """File a plan of raising funds in public under its number (charity law Art. 23, 24)."""
    _require(
        policy.filing_problem(organization, number, on=starts_on), rule="ROR-51", source=policy.FUNDRAISING
    )
    if not title.strip():
        raise Refusal(Message(N_("Name the plan.")))
    if ends_on < starts_on:
        raise Refusal(Message(N_("It ends before it begins: check both days.")))
    if target is not None and target <= Money(0):
        raise Refusal(Message(N_("The target must be above zero, or empty.")))
    row = FundraisingFiling(
        organization_id=organization.id,
        number=policy.normal_number(number),
        title=title.strip(),
        starts_on=starts_on,
        ends_on=ends_on,
        target=target,
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(organization, "fundraising_filed", by=by, details={"number": row.number, "note": row.title})
    return row


def set_up_fund(
    host: Organization, *, name: str, division_code: str, purpose: str, set_up_on: date, by: Actor
) -> CommunityFund:
    """A fund for one community under a host that may raise funds in public (S4-17)."""
    _require(policy.fund_problem(host, name, division_code, on=set_up_on), rule="ROR-52", source=policy.FUND)
    row = CommunityFund(
        host_id=host.id,
        name=name.strip(),
        division_code=normalise_division(division_code),
        purpose=purpose.strip(),
        set_up_on=set_up_on,
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(host, "fund_set_up", by=by, details={"fund": row.id, "note": row.name})
    return row


def end_fund(fund: CommunityFund, *, ended_on: date, by: Actor) -> None:
    if fund.ended_on is not None:
        raise Refusal(Message(N_("This fund has ended already.")), status=409)
    if not fund.set_up_on <= ended_on <= clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    fund.ended_on = ended_on
    db.session.flush()
    record(fund.host, "fund_ended", by=by, details={"fund": fund.id, "note": fund.name})


def record_honour(
    organization: Organization,
    *,
    kind: str,
    title: str,
    level: str,
    given_by: str,
    given_on: date,
    valid_to: date | None = None,
    document: str = "",
    by: Actor,
) -> Honour:
    """Note a brand or an award."""
    if kind not in HONOURS or level not in LEVELS:
        raise ValueError(f"unknown honour {kind} or level {level}")
    if not title.strip() or not given_by.strip():
        raise Refusal(Message(N_("Say what was given and who gave it.")))
    if given_on > clock.today():
        raise Refusal(Message(N_("The day lies in the future.")))
    if valid_to is not None and valid_to < given_on:
        raise Refusal(Message(N_("It ends before it begins: check both days.")))
    row = Honour(
        organization_id=organization.id,
        kind=kind,
        title=title.strip(),
        level=level,
        given_by=given_by.strip(),
        given_on=given_on,
        valid_to=valid_to,
        document=document.strip(),
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(organization, "honour_recorded", by=by, details={"kind": kind, "note": row.title})
    return row


def revoke_honour(row: Honour, *, revoked_on: date, reason: str, by: Actor) -> None:
    """Note that a brand or an award was taken back: from now on it counts nowhere any more.

    What was decided while it stood keeps the award it was decided on.
    """
    if row.revoked_on is not None:
        raise Refusal(Message(N_("This was taken back already.")), status=409)
    if not reason.strip():
        raise Refusal(Message(N_("Say who took it back and why, with the document.")))
    if not row.given_on <= revoked_on <= clock.today():
        raise Refusal(Message(N_("The day lies between the day it was given and today.")))
    row.revoked_on, row.revocation, row.revoked_by = revoked_on, reason.strip(), by.actor_id
    db.session.flush()
    record(
        db.session.get_one(Organization, row.organization_id),
        "honour_revoked",
        by=by,
        details={"honour": row.id, "note": f"{row.title}: {row.revocation}"},
    )


COUNTS = ("full_time", "part_time", "social_workers", "volunteers", "new_jobs")


def record_staff(
    organization: Organization,
    year: int,
    *,
    by: Actor,
    source: str = "edit",
    evidence: str = "",
    **counts: int,
) -> StaffCount:
    """The people of one year (``COUNTS``); a corrected count replaces it, the history keeps both."""
    first = organization.registered_on.year if organization.registered_on else 1990
    if not first <= year <= clock.today().year:
        raise Refusal(
            Message(
                N_("The year lies between the registration (%(first)s) and this year (%(last)s)."),
                {"first": first, "last": clock.today().year},
            )
        )
    numbers = {name: int(counts.get(name, 0)) for name in COUNTS}
    if min(numbers.values()) < 0:
        raise Refusal(Message(N_("A number of people cannot be below zero.")))
    if numbers["social_workers"] > numbers["full_time"] + numbers["part_time"]:
        raise Refusal(
            Message(N_("There are more certified social workers than employees: check both numbers."))
        )
    row = db.session.scalar(
        select(StaffCount).where(StaffCount.organization_id == organization.id, StaffCount.year == year)
    )
    before = {name: getattr(row, name) for name in COUNTS} if row is not None else None
    if row is None:
        row = StaffCount(organization_id=organization.id, year=year, recorded_by=by.actor_id, **numbers)
        db.session.add(row)
    else:
        for name, value in numbers.items():
            setattr(row, name, value)
        row.recorded_by = by.actor_id
    db.session.flush()
    if before != numbers:
        keep_changes(
            organization, {f"staff_{year}": [before, numbers]}, source=source, evidence=evidence, by=by
        )
        record(organization, "staff_recorded", by=by, details={"year": year, **numbers})
    return row


def assign_department(
    organization: Organization,
    role: str,
    *,
    agency: Agency | None,
    unit_name: str = "",
    since: date,
    by: Actor,
) -> DepartmentRole:
    """Say which department does what for the organization; each role has one department at a time.

    A unit that is not in the tree goes by its name. The department before ends the day before.
    """
    if role not in DEPARTMENT_ROLES:
        raise ValueError(f"unknown role {role}")
    if agency is None and not unit_name.strip():
        raise Refusal(Message(N_("Choose a unit, or write its name.")))
    if since > clock.today():
        raise Refusal(Message(N_("The role begins today or earlier.")))
    current = db.session.scalar(
        select(DepartmentRole).where(
            DepartmentRole.organization_id == organization.id,
            DepartmentRole.role == role,
            DepartmentRole.until.is_(None),
        )
    )
    name = agency.name if agency else unit_name.strip()
    before = None
    if current is not None:
        if since < current.since:
            raise Refusal(
                Message(N_("The present department has this role since a later day: check the day."))
            )
        before = current.agency.name if current.agency else current.unit_name
        if before == name:
            raise Refusal(Message(N_("This department has the role already.")), status=409)
        current.until = since
    row = DepartmentRole(
        organization_id=organization.id,
        role=role,
        agency_id=agency.id if agency else None,
        unit_name="" if agency else unit_name.strip(),
        since=since,
    )
    db.session.add(row)
    db.session.flush()
    keep_changes(organization, {f"department_{role}": [before, name]}, source="edit", by=by)
    record(organization, "department_assigned", by=by, details={"role": role, "note": name})
    return row
