"""Writing the party file of an organization; what eligibility reads is written down with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.party.models import (
    ACTIVITY_KINDS,
    MEMBER_KINDS,
    POSTS,
    ROUTES,
    STEPS,
    WORKER_SOURCES,
    MemberSurvey,
    PartyActivity,
    PartyActivityFile,
    PartyFile,
    PartyMember,
    PartyPost,
    PartyStep,
    PartyWorker,
)
from registry.party.rules import SOURCES
from registry.party_orgs.services import end_row, note_facts, past
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, joined, within
from registry.persons.services import nobody


def _file(organization: Organization) -> PartyFile:
    row = db.session.scalar(select(PartyFile).where(PartyFile.organization_id == organization.id))
    if row is None:
        row = PartyFile(organization_id=organization.id)
        db.session.add(row)
    return row


def set_route(
    organization: Organization,
    route: str,
    *,
    responsible: Agency | None = None,
    responsible_name: str = "",
    since: date,
    grid_code: str = "",
    by: Actor,
) -> PartyFile:
    """Name the route of supervision and the responsible unit: one of the tree, or another by name."""
    if route not in ROUTES:
        raise ValueError(f"unknown route {route}")
    if (responsible is None) == (not responsible_name.strip()):
        raise Refusal(
            Message(N_("Name the responsible unit: choose one of the units, or write another's name."))
        )
    past(since)
    row = _file(organization)
    row.route, row.since = route, since
    row.responsible_agency_id = responsible.id if responsible else None
    row.responsible_name, row.grid_code = responsible_name.strip(), grid_code.strip()
    db.session.flush()
    record(
        organization,
        "party_route_set",
        by=by,
        details={
            "route": route,
            "unit": responsible.name if responsible else responsible_name.strip(),
            "since": since.isoformat(),
            "grid": grid_code.strip(),
        },
    )
    return row


def set_charter(
    organization: Organization,
    *,
    leadership: bool,
    values: bool,
    community: bool,
    charter_on: date | None,
    by: Actor,
) -> PartyFile:
    """Note which of the three clauses the charter has, and the charter's day."""
    if (leadership or values or community) and charter_on is None:
        raise Refusal(Message(N_("Give the day of the charter that has these clauses.")))
    if charter_on is not None:
        past(charter_on)
    row = _file(organization)
    row.leadership_in_charter, row.values_in_charter, row.community_in_charter = leadership, values, community
    row.charter_on = charter_on
    db.session.flush()
    details = {"leadership": leadership, "values": values, "community": community}
    record(organization, "party_charter_noted", by=by, details=details)
    note_facts(organization, party_in_charter=row.charter_complete, by=by)
    return row


def record_step(
    organization: Organization,
    scheme: str,
    step: str,
    *,
    done_on: date,
    officer: str,
    year: int = 0,
    note: str = "",
    file: StoredFile | None = None,
    by: Actor,
) -> PartyStep:
    """Note one step with its day, officer and document; noting it again corrects it.

    ``year`` belongs to what is done every year, the annual report.
    """
    if step not in STEPS.get(scheme, {}):
        raise ValueError(f"unknown step {scheme} {step}")
    if (step == "annual_report") != bool(year):
        raise Refusal(Message(N_("The annual report has its year; the other steps are done once.")))
    if not officer.strip():
        raise Refusal(Message(N_("Say who did the step.")))
    past(done_on)
    row = db.session.scalar(
        select(PartyStep).where(
            PartyStep.organization_id == organization.id,
            PartyStep.scheme == scheme,
            PartyStep.step == step,
            PartyStep.year == year,
        )
    )
    if row is None:
        row = PartyStep(organization_id=organization.id, scheme=scheme, step=step, year=year)
    row.done_on, row.officer, row.note = done_on, officer.strip(), note.strip()
    if file is not None:
        row.file_id = file.id
    db.session.add(row)
    db.session.flush()
    db.session.expire(row, ["file"])
    record(
        organization,
        "party_step_done",
        by=by,
        details={"step": step, "done_on": done_on.isoformat(), **({"year": year} if year else {})},
    )
    if step == "commitment":
        note_facts(organization, commitment_on=done_on, by=by)
    return row


def record_survey(
    organization: Organization,
    *,
    surveyed_on: date,
    employees: int,
    full_members: int,
    probationary_members: int = 0,
    relation_elsewhere: int = 0,
    file: StoredFile | None = None,
    by: Actor,
) -> MemberSurvey:
    """The counts of the survey form of one day; the latest day counts for eligibility."""
    past(surveyed_on)
    if min(employees, full_members, probationary_members, relation_elsewhere) < 0:
        raise Refusal(Message(N_("A count cannot be below zero.")))
    if relation_elsewhere > full_members + probationary_members:
        raise Refusal(Message(N_("Not more members with their membership elsewhere than there are members.")))
    row = db.session.scalar(
        select(MemberSurvey).where(
            MemberSurvey.organization_id == organization.id, MemberSurvey.surveyed_on == surveyed_on
        )
    )
    if row is None:
        row = MemberSurvey(organization_id=organization.id, surveyed_on=surveyed_on)
    row.employees, row.full_members = employees, full_members
    row.probationary_members, row.relation_elsewhere = probationary_members, relation_elsewhere
    row.recorded_by = by.actor_id  # type: ignore[assignment]
    if file is not None:
        row.file_id = file.id
    db.session.add(row)
    db.session.flush()
    db.session.expire(row, ["file"])
    record(
        organization,
        "party_members_surveyed",
        by=by,
        details={"surveyed_on": surveyed_on.isoformat(), "full_members": full_members},
    )
    latest = db.session.scalar(
        select(MemberSurvey)
        .where(MemberSurvey.organization_id == organization.id)
        .order_by(MemberSurvey.surveyed_on.desc())
        .limit(1)
    )
    if latest is not None:
        note_facts(organization, full_members=latest.full_members, by=by)
    return row


def add_member(
    organization: Organization,
    person: Person,
    *,
    kind: str,
    since: date,
    home_unit: str = "",
    grid_code: str = "",
    by: Actor,
) -> PartyMember:
    """A member is active here; ``home_unit`` names where the membership belongs when that is elsewhere."""
    if kind not in MEMBER_KINDS:
        raise ValueError(f"unknown kind of member {kind}")
    past(since)
    known = db.session.scalar(
        select(PartyMember.id).where(
            PartyMember.organization_id == organization.id,
            PartyMember.person_id == person.id,
            PartyMember.until.is_(None),
        )
    )
    if known is not None:
        raise Refusal(Message(N_("%(name)s is on the roster already."), {"name": person.name}), status=409)
    row = PartyMember(
        organization_id=organization.id,
        person_id=person.id,
        kind=kind,
        home_unit=home_unit.strip(),
        grid_code=grid_code.strip(),
        since=since,
    )
    db.session.add(row)
    db.session.flush()
    record(organization, "party_member_added", by=by, details={"person": person.id, "kind": kind})
    return row


def end_member(row: PartyMember, organization: Organization, *, on: date | None = None, by: Actor) -> None:
    """The member leaves the organization, today unless another day is told."""
    end_row(row, on)
    record(organization, "party_member_left", by=by, details={"person": row.person_id})


# The pool of party workers ----------------------------------------------------------------------


def add_worker(agency: Agency, person: Person, *, source: str, unit: str = "", since: date, by: Actor) -> PartyWorker:  # fmt: skip
    """Take somebody into the pool."""
    if source not in WORKER_SOURCES:
        raise ValueError(f"unknown source {source}")
    past(since)
    known = db.session.scalar(
        select(PartyWorker.id).where(
            PartyWorker.agency_id == agency.id,
            PartyWorker.person_id == person.id,
            PartyWorker.until.is_(None),
        )
    )
    if known is not None:
        raise Refusal(Message(N_("%(name)s is in the pool already."), {"name": person.name}), status=409)
    row = PartyWorker(agency_id=agency.id, person_id=person.id, source=source, unit=unit.strip(), since=since)
    db.session.add(row)
    db.session.flush()
    record(row, "added", by=by, details={"source": source})
    return row


def end_worker(row: PartyWorker, *, on: date | None = None, by: Actor) -> None:
    """Somebody leaves the pool: every post ends with it."""
    for post in row.posts:
        if post.until is None:
            end_post(post, on=on, by=by)
    end_row(row, on)
    record(row, "left", by=by)


def give_post(
    organization: Organization, worker: PartyWorker, post: str, *, since: date, by: Actor
) -> PartyPost:
    """A party worker looks after an organization; one worker may look after several."""
    if post not in POSTS:
        raise ValueError(f"unknown post {post}")
    past(since)
    if worker.until is not None:
        raise Refusal(Message(N_("This person has left the pool.")), status=409)
    if since < worker.since:
        raise Refusal(Message(N_("The post begins before the person came into the pool: check the day.")))
    if any(
        item.until is None and item.organization_id == organization.id and item.post == post
        for item in worker.posts
    ):
        raise Refusal(Message(N_("This person has this post already.")), status=409)
    row = PartyPost(worker_id=worker.id, organization_id=organization.id, post=post, since=since)
    db.session.add(row)
    db.session.flush()
    db.session.expire(worker, ["posts"])
    record(organization, "party_post_given", by=by, details={"worker": worker.id, "post": post})
    note_instructor(organization, by=by)
    return row


def end_post(row: PartyPost, *, on: date | None = None, by: Actor) -> None:
    """A post ends, today unless another day is told."""
    organization = row.organization
    end_row(row, on)
    record(organization, "party_post_ended", by=by, details={"worker": row.worker_id, "post": row.post})
    note_instructor(organization, by=by)


def note_instructor(organization: Organization, *, by: Actor) -> None:
    """The instructor that eligibility knows is the one in post since longest; a liaison officer counts (S2-05)."""
    found = db.session.scalar(
        select(Person)
        .join(PartyWorker, PartyWorker.person_id == Person.id)
        .join(PartyPost, PartyPost.worker_id == PartyWorker.id)
        .where(PartyPost.organization_id == organization.id, PartyPost.until.is_(None))
        .order_by(PartyPost.post, PartyPost.since, PartyPost.id)
        .limit(1)
    )
    note_facts(organization, instructor=found, by=by)


# Activities -------------------------------------------------------------------------------------


def record_activity(
    organization: Organization,
    *,
    kind: str,
    title: str,
    held_on: date,
    attended: int,
    place: str = "",
    account: str = "",
    files: Sequence[StoredFile] = (),
    by: Actor,
) -> PartyActivity:
    """What members did on a day, with photos or papers."""
    if kind not in ACTIVITY_KINDS:
        raise ValueError(f"unknown kind of activity {kind}")
    if not title.strip():
        raise Refusal(Message(N_("An activity needs a title.")))
    if attended < 1:
        raise Refusal(Message(N_("At least one person came.")))
    past(held_on)
    row = PartyActivity(
        organization_id=organization.id,
        kind=kind,
        title=title.strip(),
        held_on=held_on,
        place=place.strip(),
        attended=attended,
        account=account.strip(),
        recorded_by=by.actor_id,
        files=[PartyActivityFile(file_id=file.id) for file in files],
    )
    db.session.add(row)
    db.session.flush()
    record(row, "recorded", by=by, details={"kind": kind, "held_on": held_on.isoformat()})
    return row


# What is kept about a person ---------------------------------------------------------------------


def _member_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    rows = db.session.execute(
        select(PartyMember, Organization)
        .join(Organization, Organization.id == PartyMember.organization_id)
        .where(PartyMember.person_id == person_id, *within(Organization.agency_id, agencies))
        .order_by(PartyMember.id)
    )
    return [
        Entry(
            row.id,
            Message(N_("party member active in %(organization)s"), {"organization": organization.name}),
            row.since,
            row.until,
            {N_("Kind of member"): Message(MEMBER_KINDS[row.kind]), N_("Home unit"): row.home_unit},
            Message(
                N_("The list of members of an organization is kept as long as the member is active there.")
            )
            if row.until is None
            else None,
            source=SOURCES["P1"] if row.until is None else "",
            link=("party.read", organization.agency_id, "party.show", {"organization_id": organization.id}),
        )
        for row, organization in rows
    ]


def _erase_members(ids: Sequence[int]) -> None:
    db.session.execute(delete(PartyMember).where(PartyMember.id.in_(ids)))


def _worker_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            row.id,
            Message(N_("in the pool of party workers")),
            row.since,
            row.until,
            {
                N_("Unit"): row.unit,
                N_("Posts"): joined(
                    [
                        Message(
                            N_("%(post)s of %(organization)s"),
                            {"post": Message(POSTS[item.post]), "organization": item.organization.name},
                        )
                        for item in row.posts
                    ]
                ),
            },
            Message(N_("An organization without members has an instructor who is named."))
            if row.until is None
            else None,
            source=SOURCES["P8"] if row.until is None else "",
            link=("party.read", row.agency_id, "party.workers", {}),
        )
        for row in db.session.scalars(
            select(PartyWorker)
            .where(PartyWorker.person_id == person_id, *within(PartyWorker.agency_id, agencies))
            .order_by(PartyWorker.id)
        )
    ]


def _erase_workers(ids: Sequence[int]) -> None:
    """The posts stay in the files of the organizations, under nobody's name."""
    for number in ids:
        row = db.session.get_one(PartyWorker, number)
        row.person_id, row.unit = nobody().id, ""
    db.session.flush()


def _active(agencies: set[int]) -> Any:
    return (
        select(PartyMember.id)
        .join(Organization, Organization.id == PartyMember.organization_id)
        .where(PartyMember.person_id == Person.id, Organization.agency_id.in_(agencies))
        .exists()
    )


def _in_the_pool(agencies: set[int]) -> Any:
    return (
        select(PartyWorker.id)
        .where(PartyWorker.person_id == Person.id, PartyWorker.agency_id.in_(agencies))
        .exists()
    )


add_part(Part("party_member", N_("Party members"), "party.read", _member_entries, _active, _erase_members))
add_part(
    Part("party_worker", N_("Party workers"), "party.read", _worker_entries, _in_the_pool, _erase_workers)
)
