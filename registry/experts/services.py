"""Keeping the pool of experts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import DivisionError, is_known_division, normalise_division
from registry.experts.models import CONDUCT, Expert, ExpertAbsence, ExpertConduct
from registry.experts.queries import of_person
from registry.experts.rules import ADMISSION_MONTHS
from registry.interests.queries import open_interest
from registry.interests.services import declare_interest
from registry.organizations.models import FIELDS, Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, within


def add_expert(
    agency: Agency,
    person: Person,
    *,
    fields: Sequence[str],
    employer: str,
    employer_organization: Organization | None = None,
    employed_by_agency: Agency | None = None,
    professional_title: str = "",
    regions: Sequence[str] = (),
    most_panels: int | None = None,
    by: Actor,
) -> Expert:
    """Propose a person for the pool of ``agency``; another person admits.

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
        professional_title=professional_title.strip(),
        regions=_regions(regions),
        most_panels=most_panels,
        proposed_by=by.actor_id,
    )
    db.session.add(expert)
    db.session.flush()
    record(expert, "added", by=by, details={"person": person.id, "fields": list(fields)})
    if employer_organization is not None and not open_interest(
        person.id, employer_organization.id, "employment"
    ):
        declare_interest(person, employer_organization, "employment", clock.today(), by=by)
    return expert


def _regions(codes: Sequence[str]) -> list[str]:
    found = []
    for code in codes:
        try:
            normal = normalise_division(code)
        except DivisionError as error:
            raise Refusal(error.message) from error
        if not is_known_division(normal):
            raise Refusal(
                Message(N_("“%(code)s” is no province, city, county or place below one."), {"code": normal})
            )
        found.append(normal)
    return sorted(set(found))


def edit_expert(
    expert: Expert,
    *,
    fields: Sequence[str],
    employer: str,
    professional_title: str,
    regions: Sequence[str],
    most_panels: int | None,
    by: Actor,
) -> None:
    """Change what the draw goes by. Raises :class:`Refusal` without a field or for an unknown region."""
    if not fields:
        raise Refusal(Message(N_("Choose at least one field of knowledge: the draw goes by it.")))
    told: dict[str, Any] = {
        "fields": list(fields),
        "employer": employer.strip(),
        "professional_title": professional_title.strip(),
        "regions": _regions(regions),
        "most_panels": most_panels,
    }
    changed = [key for key, value in told.items() if getattr(expert, key) != value]
    for key in changed:
        setattr(expert, key, told[key])
    db.session.flush()
    if changed:
        record(expert, "edited", by=by, details={"fields": changed})


def admit_expert(expert: Expert, valid_to: date | None = None, *, by: Actor) -> None:
    """The second person's yes, for three years unless another day is given."""
    fire(expert, "admit", by=by, valid_to=valid_to or clock.add_months(clock.today(), ADMISSION_MONTHS))


def refuse_expert(expert: Expert, *, reason: str, by: Actor) -> None:
    """The second person's no, with why."""
    fire(expert, "refuse", by=by, note=reason.strip(), reason=reason)


def propose_again(expert: Expert, *, by: Actor) -> None:
    """Ask for the admission anew, also to renew it before it ends; until then nobody draws the expert."""
    fire(expert, "propose", by=by)


def set_active(expert: Expert, active: bool, *, reason: str, by: Actor) -> None:
    """Take an expert out of the draw, or back in, with why."""
    if expert.active == active:
        return
    if not reason.strip():
        raise Refusal(Message(N_("Say why: the timeline keeps it.")))
    expert.active = active
    db.session.flush()
    record(expert, "activated" if active else "deactivated", by=by, details={"note": reason.strip()})


def note_absence(
    expert: Expert, starts_on: date, ends_on: date, *, reason: str = "", by: Actor
) -> ExpertAbsence:
    """Days, both included, on which the expert is not drawn."""
    if ends_on < starts_on:
        raise Refusal(Message(N_("The last day lies before the first: check both days.")))
    if ends_on < clock.today():
        raise Refusal(Message(N_("These days are over: only days to come keep from a draw.")))
    row = ExpertAbsence(expert_id=expert.id, starts_on=starts_on, ends_on=ends_on, reason=reason.strip())
    db.session.add(row)
    db.session.flush()
    record(
        expert,
        "absence_noted",
        by=by,
        details={"from": starts_on.isoformat(), "to": ends_on.isoformat(), "note": reason.strip()},
    )
    return row


def withdraw_absence(row: ExpertAbsence, *, by: Actor) -> None:
    """The expert is there after all; days that are over stay on the file."""
    if row.ends_on < clock.today():
        raise Refusal(Message(N_("These days are over and stay on the file.")), status=409)
    expert = row.expert
    db.session.delete(row)
    db.session.flush()
    db.session.expire(expert, ["absences"])
    record(
        expert,
        "absence_withdrawn",
        by=by,
        details={"from": row.starts_on.isoformat(), "to": row.ends_on.isoformat()},
    )


def note_conduct(expert: Expert, kind: str, note: str, *, by: Any) -> ExpertConduct:
    """How the expert behaved at a panel; a breach takes out of the draw at once (财库〔2016〕198号)."""
    if kind not in CONDUCT:
        raise ValueError(f"unknown conduct {kind}")
    if not note.strip():
        raise Refusal(Message(N_("Say what happened: the timeline keeps it.")))
    row = ExpertConduct(
        expert_id=expert.id, noted_on=clock.today(), kind=kind, note=note.strip(), noted_by=by.actor_id
    )
    db.session.add(row)
    db.session.flush()
    record(expert, "conduct_noted", by=by, details={"kind": kind, "note": note.strip()})
    if kind == "breach":
        set_active(expert, False, reason=note, by=by)
    return row


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            item.id,
            Message(N_("review expert, %(employer)s"), {"employer": item.employer or "—"}),
            item.admitted_on,
            item.valid_to,
            {N_("Professional title"): item.professional_title, N_("Regions"): ", ".join(item.regions)},
            Message(N_("Records of a selection are kept for fifteen years.")),
            source="政府采购法 第四十二条",
            link=("expert.read", item.agency_id, "experts.show", {"expert_id": item.id}),
        )
        for item in of_person(person_id)
        if agencies is None or item.agency_id in agencies
    ]


def _in_a_pool(agencies: set[int]) -> Any:
    return (
        select(Expert.id).where(Expert.person_id == Person.id, *within(Expert.agency_id, agencies)).exists()
    )


add_part(Part("expert", N_("Pool of experts"), "expert.read", _entries, _in_a_pool))
