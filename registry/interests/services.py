"""Declaring interests and ending them, working life and kinship; what of it is kept about a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, or_, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.interests.models import ENDS, INVERSE, KINDS, RELATIONS, Employment, Interest, Kinship
from registry.interests.queries import employments_of, interests_of_person, relatives_of
from registry.interests.rules import RULE, SOURCE, counts
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, within


def declare_interest(
    person: Person,
    organization: Organization,
    kind: str,
    since: date,
    *,
    until: date | None = None,
    position: str = "",
    note: str = "",
    by: Actor,
) -> Interest:
    """Note what ties a person to an organization, from a day to a day (``None``: still)."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of interest {kind}")
    if since > clock.today():
        raise Refusal(Message(N_("An interest begins today or earlier.")))
    if until is not None and until < since:
        raise Refusal(Message(N_("The interest ends before it begins: check both days.")))
    interest = Interest(
        person_id=person.id,
        organization_id=organization.id,
        kind=kind,
        since=since,
        until=until,
        position=position.strip(),
        note=note.strip(),
    )
    db.session.add(interest)
    db.session.flush()
    record(
        interest,
        "declared",
        by=by,
        details={
            "person": person.id,
            "organization": organization.id,
            "kind": kind,
            "since": since.isoformat(),
        },
    )
    return interest


def end_interest(interest: Interest, until: date, *, by: Actor) -> None:
    """Note the last day of an interest; recusal still asks for the three years after it."""
    if until < interest.since:
        raise Refusal(Message(N_("The interest ends before it begins: check both days.")))
    if until > clock.today():
        raise Refusal(Message(N_("The last day lies in the future: end it when it has ended.")))
    interest.until = until
    db.session.flush()
    record(interest, "ended", by=by, details={"until": until.isoformat()})


def record_employment(
    person: Person,
    employer: str,
    since: date,
    *,
    until: date | None = None,
    position: str = "",
    organization: Organization | None = None,
    agency: Agency | None = None,
    by: Actor,
) -> Employment:
    """A stretch of working life. An employer on the register (``organization``) counts for recusal."""
    employer = employer.strip() or (organization.name if organization else agency.name if agency else "")
    if not employer:
        raise Refusal(Message(N_("Name the employer.")))
    if since > clock.today():
        raise Refusal(Message(N_("The work began today or earlier.")))
    if until is not None and until < since:
        raise Refusal(Message(N_("The work ends before it begins: check both days.")))
    row = Employment(
        person_id=person.id,
        employer=employer,
        organization_id=organization.id if organization else None,
        agency_id=agency.id if agency else None,
        position=position.strip(),
        since=since,
        until=until,
    )
    db.session.add(row)
    db.session.flush()
    record(person, "employment_recorded", by=by, details={"employer": employer, "since": since.isoformat()})
    return row


def end_employment(row: Employment, until: date, *, by: Actor) -> None:
    """Note the last day of a stretch of working life."""
    if until < row.since:
        raise Refusal(Message(N_("The work ends before it begins: check both days.")))
    if until > clock.today():
        raise Refusal(Message(N_("The last day lies in the future: end it when it has ended.")))
    row.until = until
    db.session.flush()
    record(
        row.person, "employment_ended", by=by, details={"employer": row.employer, "until": until.isoformat()}
    )


def record_kinship(person: Person, relative: Person, relation: str, *, by: Actor) -> Kinship:
    """``relative`` is the ``relation`` of ``person``; written once, it counts from both sides."""
    if relation not in RELATIONS:
        raise ValueError(f"unknown relation {relation}")
    if person.id == relative.id:
        raise Refusal(Message(N_("Nobody is kin of themselves: this is the same person.")))
    known = db.session.scalar(
        select(Kinship).where(
            or_(
                (Kinship.person_id == person.id) & (Kinship.relative_id == relative.id),
                (Kinship.person_id == relative.id) & (Kinship.relative_id == person.id),
            )
        )
    )
    if known is not None:
        raise Refusal(
            Message(N_("The kinship of %(one)s and %(other)s is noted already."), {"one": person.name, "other": relative.name}),
            status=409,
        )  # fmt: skip
    row = Kinship(person_id=person.id, relative_id=relative.id, relation=relation)
    db.session.add(row)
    db.session.flush()
    record(person, "kinship_recorded", by=by, details={"relative": relative.id, "relation": relation})
    record(
        relative,
        "kinship_recorded",
        by=by,
        details={"relative": person.id, "relation": INVERSE.get(relation, relation)},
    )
    return row


def end_kinship(row: Kinship, until: date, *, by: Actor) -> None:
    """A marriage, or what follows from it, has ended; kinship by blood does not end."""
    if row.relation not in ENDS:
        raise Refusal(
            Message(N_("Kinship by blood does not end. If it was noted by mistake, say so to your reviewing officer.")),
            rule=RULE,
            source=SOURCE,
        )  # fmt: skip
    if until > clock.today():
        raise Refusal(Message(N_("The last day lies in the future: end it when it has ended.")))
    row.until = until
    db.session.flush()
    record(
        row.person, "kinship_ended", by=by, details={"relative": row.relative_id, "until": until.isoformat()}
    )


# What is kept about a person ---------------------------------------------------------------------

_DUTY = N_("Recusal asks for ties of the last three years.")


def _duty(since: date, until: date | None) -> tuple[Message | None, str]:
    return (Message(_DUTY), SOURCE) if counts(since, until, on=clock.today()) else (None, "")


def _interest_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    found = []
    for item in interests_of_person(person_id):
        if agencies is not None and item.organization.agency_id not in agencies:
            continue
        duty, source = _duty(item.since, item.until)
        found.append(
            Entry(
                item.id,
                Message(
                    N_("%(kind)s: %(organization)s"),
                    {"kind": Message(KINDS[item.kind]), "organization": item.organization.name},
                ),
                item.since,
                item.until,
                {N_("Position"): item.position, N_("What exactly"): Message(item.note)},
                duty,
                source,
                (
                    "organization.read",
                    item.organization.agency_id,
                    "interests.list",
                    {"organization_id": item.organization_id},
                ),
            )
        )
    return found


def _employment_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    found = []
    for item in employments_of(person_id):
        duty, source = _duty(item.since, item.until)
        found.append(
            Entry(item.id, Message(N_("worked at %(employer)s"), {"employer": item.employer}), item.since, item.until,
                  {N_("Position"): item.position}, duty, source)
        )  # fmt: skip
    return found


def _kinship_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            row.id,
            Message(
                N_("%(name)s is the %(relation)s"),
                {"name": relative.name, "relation": Message(RELATIONS[relation])},
            ),
            until=row.until,
            duty=Message(N_("Recusal asks for kinship with who leads an organization.")),
            source=SOURCE,
        )
        for row, relative, relation in relatives_of(person_id)
    ]


def _take_out(model: type[Any]) -> Any:
    def erase(ids: Sequence[int]) -> None:
        db.session.execute(delete(model).where(model.id.in_(ids)))

    return erase


def _tied(agencies: set[int]) -> Any:
    return (
        select(Interest.id)
        .join(Organization, Organization.id == Interest.organization_id)
        .where(Interest.person_id == Person.id, Organization.agency_id.in_(agencies))
        .exists()
    )


add_part(
    Part(
        "interest", N_("Ties to organizations"), "organization.read", _interest_entries, _tied, _take_out(Interest)
    )
)  # fmt: skip
add_part(
    Part("employment", N_("Working life"), "person.read", _employment_entries, None, _take_out(Employment))
)
add_part(Part("kinship", N_("Kinship"), "person.read", _kinship_entries))


def _leader_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    rows = db.session.scalars(
        select(Organization)
        .where(Organization.legal_representative_id == person_id, *within(Organization.agency_id, agencies))
        .order_by(Organization.id)
    )
    return [
        Entry(
            row.id,
            Message(N_("legal representative of %(organization)s"), {"organization": row.name}),
            duty=Message(N_("The register of an organization names its legal representative.")),
            source="社会团体登记管理条例；民办非企业单位登记管理暂行条例；基金会管理条例",
            link=("organization.read", row.agency_id, "organizations.show", {"organization_id": row.id}),
        )
        for row in rows
    ]


def _leads(agencies: set[int]) -> Any:
    return (
        select(Organization.id)
        .where(Organization.legal_representative_id == Person.id, Organization.agency_id.in_(agencies))
        .exists()
    )


add_part(Part("organization", N_("Legal representative"), "organization.read", _leader_entries, _leads))
