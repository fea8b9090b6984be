"""Who may not judge, approve or pay for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from core.db import db
from core.text import N_, Message
from registry.interests.models import INVERSE, Employment, Interest, Kinship
from registry.interests.rules import window
from registry.organizations.models import Organization
from registry.persons.models import Person

REASONS = {
    "employment": N_("works or worked there (%(since)s to %(until)s)"),
    "governance": N_("leads or led it: legal representative, director, supervisor or in control (%(since)s to %(until)s)"),
    "kinship": N_("is kin of who leads it: %(note)s (%(since)s to %(until)s)"),
    "advice": N_("gave it advice (%(since)s to %(until)s)"),
    "declared": N_("declared an interest (%(since)s to %(until)s): %(note)s"),
}  # fmt: skip


def conflict(person_id: int, organization_id: int, *, on: date) -> Interest | None:
    """An interest alive within the three years before ``on``, or ``None``; ``reason_of`` says it in words."""
    return conflicts([person_id], [organization_id], on=on).get((person_id, organization_id))


def conflicts(
    person_ids: Iterable[int], organization_ids: Iterable[int], *, on: date
) -> dict[tuple[int, int], Interest]:
    """For each pair in conflict one interest, of several the youngest noted one.

    Besides what was noted, these count without having been declared: being legal representative, a
    stretch of working life at the organization, and kinship with who leads it. Such an interest is no
    stored row (it has no id).
    """
    people, bodies = set(person_ids), set(organization_ids)
    if not people or not bodies:
        return {}
    first, last = window(on)
    kin = _kin(people, on)
    everybody = people | {relative for found in kin.values() for relative in found}
    led = _leaders(everybody, bodies, first, last)
    found: dict[tuple[int, int], Interest] = {}
    for person_id, relatives in kin.items():
        for relative, name in relatives.items():
            for body in bodies:
                tie = led.get((relative, body))
                if tie is not None:
                    found[(person_id, body)] = Interest(
                        person_id=person_id, organization_id=body, kind="kinship",
                        since=tie[0], until=tie[1], note=name,
                    )  # fmt: skip
    for (person_id, body), (since, until) in led.items():
        if person_id in people:
            found[(person_id, body)] = Interest(
                person_id=person_id, organization_id=body, kind="governance", since=since, until=until
            )
    for worked in _worked(people, bodies, first, last):
        found[(worked.person_id, worked.organization_id)] = worked
    stored = (
        select(Interest)
        .where(
            Interest.person_id.in_(people),
            Interest.organization_id.in_(bodies),
            Interest.since <= last,
            or_(Interest.until.is_(None), Interest.until >= first),
        )
        .order_by(Interest.since, Interest.id)
    )
    for interest in db.session.scalars(stored):
        found[(interest.person_id, interest.organization_id)] = interest
    return found


def reason_of(interest: Interest) -> Message:
    """Why somebody must stand back, in words: what ties them, and from when to when."""
    words = REASONS[interest.kind]
    until: Any = interest.until or Message(N_("today"))
    return Message(words, {"since": interest.since, "until": until, "note": Message(interest.note)})


def _leaders(
    people: set[int], bodies: set[int], first: date, last: date
) -> dict[tuple[int, int], tuple[date, date | None]]:
    """Who leads which organization: its legal representative, and those noted with governance or control."""
    led: dict[tuple[int, int], tuple[date, date | None]] = {}
    for person_id, body, since, until in db.session.execute(
        select(Interest.person_id, Interest.organization_id, Interest.since, Interest.until).where(
            Interest.person_id.in_(people),
            Interest.organization_id.in_(bodies),
            Interest.kind == "governance",
            Interest.since <= last,
            or_(Interest.until.is_(None), Interest.until >= first),
        )
    ):
        led[(person_id, body)] = since, until
    heads = select(Organization.id, Organization.legal_representative_id, Organization.registered_on).where(
        Organization.id.in_(bodies), Organization.legal_representative_id.in_(people)
    )
    for body, head, registered_on in db.session.execute(heads):
        led[head or 0, body] = min(registered_on or first, last), None
    return led


def _worked(people: set[int], bodies: set[int], first: date, last: date) -> list[Interest]:
    """Stretches of working life at these organizations, by their row or by exactly their name."""
    rows = db.session.execute(
        select(Employment.person_id, Organization.id, Employment.since, Employment.until, Employment.position)
        .join(
            Organization,
            or_(
                Organization.id == Employment.organization_id,
                and_(
                    Employment.organization_id.is_(None),
                    Employment.agency_id.is_(None),
                    Organization.name == Employment.employer,
                ),
            ),
        )
        .where(
            Employment.person_id.in_(people),
            Organization.id.in_(bodies),
            Employment.since <= last,
            or_(Employment.until.is_(None), Employment.until >= first),
        )
        .order_by(Employment.since, Employment.id)
    )
    return [
        Interest(
            person_id=person_id, organization_id=body, kind="employment", since=since, until=until, position=position
        )
        for person_id, body, since, until, position in rows
    ]  # fmt: skip


def _kin(people: set[int], on: date) -> dict[int, dict[int, str]]:
    """Person -> relative -> the relative's name, from both sides."""
    found: dict[int, dict[int, str]] = {}
    person, relative = aliased(Person), aliased(Person)
    for one, one_name, other, other_name in db.session.execute(
        select(person.id, person.name, relative.id, relative.name)
        .select_from(Kinship)
        .join(person, person.id == Kinship.person_id)
        .join(relative, relative.id == Kinship.relative_id)
        .where(
            or_(Kinship.person_id.in_(people), Kinship.relative_id.in_(people)),
            or_(Kinship.until.is_(None), Kinship.until >= on),
        )
    ):
        for who, kin, name in ((one, other, other_name), (other, one, one_name)):
            if who in people:
                found.setdefault(who, {})[kin] = name
    return found


def relatives_of(person_id: int) -> list[tuple[Kinship, Person, str]]:
    """Each kinship of a person with the relative and what the relative is to them."""
    rows = db.session.scalars(
        select(Kinship)
        .where(or_(Kinship.person_id == person_id, Kinship.relative_id == person_id))
        .options(joinedload(Kinship.person), joinedload(Kinship.relative))
        .order_by(Kinship.id)
    )
    return [
        (row, row.relative, row.relation)
        if row.person_id == person_id
        else (row, row.person, INVERSE.get(row.relation, row.relation))
        for row in rows
    ]


def employments_of(person_id: int) -> list[Employment]:
    """A person's working life, the latest first."""
    return list(
        db.session.scalars(
            select(Employment)
            .where(Employment.person_id == person_id)
            .order_by(Employment.since.desc(), Employment.id.desc())
        )
    )


def interests_of_person(person_id: int) -> list[Interest]:
    """All interests of a person with their organizations, the youngest first."""
    return _listed(Interest.person_id == person_id)


def interests_of_organization(organization_id: int) -> list[Interest]:
    """Everybody with an interest in an organization, the youngest first."""
    return _listed(Interest.organization_id == organization_id)


def _listed(condition: Any) -> list[Interest]:
    return list(
        db.session.scalars(
            select(Interest)
            .where(condition)
            .options(joinedload(Interest.person), joinedload(Interest.organization))
            .order_by(Interest.since.desc(), Interest.id.desc())
        )
    )


def open_interest(person_id: int, organization_id: int, kind: str) -> Interest | None:
    """An interest of this kind between the two that has no end yet."""
    return db.session.scalar(
        select(Interest)
        .where(
            Interest.person_id == person_id,
            Interest.organization_id == organization_id,
            Interest.kind == kind,
            Interest.until.is_(None),
        )
        .order_by(Interest.id)
        .limit(1)
    )
