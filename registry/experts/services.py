"""Keeping the pool of experts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.experts.models import Expert
from registry.interests.queries import open_interest
from registry.interests.services import declare_interest
from registry.organizations.models import FIELDS, Organization
from registry.persons.models import Person


def add_expert(
    agency: Agency,
    person: Person,
    *,
    fields: Sequence[str],
    employer: str,
    employer_organization: Organization | None = None,
    employed_by_agency: Agency | None = None,
    by: Actor,
) -> Expert:
    """Take a person into the pool of ``agency``.

    ``employer_organization`` is an employer on our register: it becomes an interest, so that the
    draw recuses the expert. ``employed_by_agency`` marks an insider (REX: two thirds from outside).
    """
    if unknown := set(fields) - FIELDS.keys():
        raise ValueError(f"unknown fields {sorted(unknown)}")
    if not fields:
        raise Refusal(Message(N_("Choose at least one field of knowledge: the draw goes by it.")))
    if db.session.scalar(
        select(Expert.id).where(Expert.agency_id == agency.id, Expert.person_id == person.id)
    ):
        raise Refusal(Message(N_("%(name)s is already in this pool."), {"name": person.name}), status=409)
    expert = Expert(
        agency_id=agency.id,
        person_id=person.id,
        fields=list(fields),
        employer=employer.strip(),
        employer_organization_id=employer_organization.id if employer_organization else None,
        employed_by_agency_id=employed_by_agency.id if employed_by_agency else None,
    )
    db.session.add(expert)
    db.session.flush()
    record(expert, "added", by=by, details={"person": person.id, "fields": list(fields)})
    if employer_organization is not None and not open_interest(
        person.id, employer_organization.id, "employment"
    ):
        declare_interest(person, employer_organization, "employment", clock.today(), by=by)
    return expert


def set_active(expert: Expert, active: bool, *, reason: str, by: Actor) -> None:
    """Take an expert out of the draw, or back in, with why."""
    if expert.active == active:
        return
    if not reason.strip():
        raise Refusal(Message(N_("Say why: the timeline keeps it.")))
    expert.active = active
    db.session.flush()
    record(expert, "activated" if active else "deactivated", by=by, details={"note": reason.strip()})
