"""Who may be picked, who works in a project, and the hours they gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.text import N_
from projects.agreements.models import Project
from projects.team.models import HAS_TEAM, TeamHours, TeamMember, TeamWork
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.proof.queries import add_check
from registry.workforce.models import (
    LEVELS,
    SKILLS,
    SocialWorker,
    Volunteer,
    VolunteerCover,
    VolunteerHours,
    WorkerHours,
)
from registry.workforce.rules import ADULT_AT

# Each membership's hours lie in the table of its kind.
_LINKS: tuple[tuple[Any, Any], ...] = ((TeamHours, VolunteerHours), (TeamWork, WorkerHours))


def _line(project: Project) -> Select[Any]:
    """The units whose register serves a project: its own, those over it and those under it."""
    own = db.session.get_one(Agency, project.agency_id)
    over = [int(part) for part in own.path.split("/") if part]
    return select(Agency.id).where(or_(Agency.id.in_(over), Agency.path.startswith(own.path)))


def _free(model: Any, project: Project) -> ColumnElement[bool]:
    """Not in this project's team already."""
    column = TeamMember.volunteer_id if model is Volunteer else TeamMember.worker_id
    taken = select(column).where(
        TeamMember.project_id == project.id, column.is_not(None), TeamMember.until.is_(None)
    )
    return model.id.not_in(taken)


def _consented(on: date) -> ColumnElement[bool]:
    """Consent of the volunteer, and of a guardian besides for a minor (RWF-1)."""
    grown_up = clock.add_months(on, -12 * ADULT_AT)
    return and_(
        Volunteer.consented_on <= on,
        or_(
            Person.born_on.is_(None), Person.born_on <= grown_up, Volunteer.guardian_consented_on.is_not(None)
        ),
    )


def free_volunteers(project: Project, *, words: str = "", skill: str = "") -> Select[Volunteer]:
    """Volunteers with consent who stand in a list that serves the project and are not in its team."""
    query = (
        select(Volunteer)
        .join(Person, Person.id == Volunteer.person_id)
        .where(
            Volunteer.agency_id.in_(_line(project)),
            Volunteer.left_on.is_(None),
            _consented(clock.today()),
            _free(Volunteer, project),
        )
        .options(joinedload(Volunteer.person), joinedload(Volunteer.organization))
    )
    if skill in SKILLS:
        # A list of short words as JSON text: each stands between quotation marks.
        query = query.where(cast(Volunteer.skills, String).contains(f'"{skill}"'))
    return query.where(*_named(Volunteer, words))


def free_workers(project: Project, *, words: str = "", level: str = "") -> Select[SocialWorker]:
    """Social workers who may be picked: of the project's own organization, or with consent."""
    query = (
        select(SocialWorker)
        .join(Person, Person.id == SocialWorker.person_id)
        .where(
            SocialWorker.agency_id.in_(_line(project)),
            or_(SocialWorker.until.is_(None), SocialWorker.until >= clock.today()),
            or_(
                SocialWorker.organization_id == project.organization_id,
                SocialWorker.consented_on <= clock.today(),
            ),
            _free(SocialWorker, project),
        )
        .options(joinedload(SocialWorker.person), joinedload(SocialWorker.organization))
    )
    if level in LEVELS:
        query = query.where(SocialWorker.level == level)
    return query.where(*_named(SocialWorker, words))


def _named(model: Any, words: str) -> list[ColumnElement[bool]]:
    words = words.strip()
    if not words:
        return []
    bodies = select(Organization.id).where(Organization.name.contains(words, autoescape=True))
    return [or_(Person.name.contains(words, autoescape=True), model.organization_id.in_(bodies))]


def candidate(project: Project, kind: str, row_id: int) -> Any:
    """The one that may be picked, or ``None``."""
    query: Any = free_volunteers(project) if kind == "volunteers" else free_workers(project)
    model = Volunteer if kind == "volunteers" else SocialWorker
    return db.session.scalar(query.where(model.id == row_id))


def insured(volunteer_ids: list[int], on: date) -> set[int]:
    """Those of the volunteers whose accident insurance is in force on the day."""
    return set(
        db.session.scalars(
            select(VolunteerCover.volunteer_id).where(
                VolunteerCover.volunteer_id.in_(volunteer_ids),
                VolunteerCover.valid_from <= on,
                VolunteerCover.valid_to >= on,
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Member:
    """One member as a page shows it. ``standing``: active, released, gone (left the register), ended."""

    row: TeamMember
    standing: str
    minutes: int


def _standing(row: TeamMember, state: str, on: date) -> str:
    if row.until is not None:
        return "released"
    entry = row.entry
    last = entry.left_on if isinstance(entry, Volunteer) else entry.until
    if (last is not None and last < on) or (isinstance(entry, Volunteer) and entry.consented_on is None):
        return "gone"
    return "active" if state in HAS_TEAM else "ended"


def members(project: Project) -> list[Member]:
    """Everybody who works or worked in the project, in the order they came, with the minutes they gave."""
    rows = db.session.scalars(
        select(TeamMember)
        .where(TeamMember.project_id == project.id)
        .options(
            joinedload(TeamMember.volunteer).joinedload(Volunteer.person),
            joinedload(TeamMember.volunteer).joinedload(Volunteer.organization),
            joinedload(TeamMember.worker).joinedload(SocialWorker.person),
            joinedload(TeamMember.worker).joinedload(SocialWorker.organization),
        )
        .order_by(TeamMember.id)
    ).all()
    given = minutes_of([row.id for row in rows])
    today = clock.today()
    return [Member(row, _standing(row, project.state, today), given.get(row.id, 0)) for row in rows]


def minutes_of(member_ids: Sequence[int]) -> dict[int, int]:
    """Member id -> minutes in the project, given by a volunteer or worked by a social worker."""
    found: dict[int, int] = {}
    for link, hours in _LINKS:
        found |= dict(
            db.session.execute(
                select(link.member_id, func.sum(hours.minutes))
                .join(hours, hours.id == link.hours_id)
                .where(link.member_id.in_(member_ids))
                .group_by(link.member_id)
            ).all()
        )
    return found


def last_day(member: TeamMember) -> date | None:
    """The last day on which hours of a member are noted."""
    days = [
        db.session.scalar(
            select(func.max(_day(hours)))
            .join(link, link.hours_id == hours.id)
            .where(link.member_id == member.id)
        )
        for link, hours in _LINKS
    ]
    return max((day for day in days if day is not None), default=None)


def _day(hours: Any) -> Any:
    return hours.served_on if hours is VolunteerHours else hours.worked_on


def hours_in(project: Project) -> Select[TeamHours]:
    """The hours behind the project's figure."""
    return (
        select(TeamHours)
        .join(VolunteerHours, VolunteerHours.id == TeamHours.hours_id)
        .join(TeamMember, TeamMember.id == TeamHours.member_id)
        .where(TeamMember.project_id == project.id)
        .options(
            joinedload(TeamHours.hours),
            joinedload(TeamHours.member).joinedload(TeamMember.volunteer).joinedload(Volunteer.person),
        )
    )


def work_in(project: Project) -> Select[TeamWork]:
    """The time of social workers behind the project's figure."""
    return (
        select(TeamWork)
        .join(WorkerHours, WorkerHours.id == TeamWork.hours_id)
        .join(TeamMember, TeamMember.id == TeamWork.member_id)
        .where(TeamMember.project_id == project.id)
        .options(
            joinedload(TeamWork.hours),
            joinedload(TeamWork.member).joinedload(TeamMember.worker).joinedload(SocialWorker.person),
        )
    )


def member_of(project: Project, member_id: int) -> TeamMember | None:
    return db.session.scalar(
        select(TeamMember).where(
            TeamMember.id == member_id, TeamMember.project_id == project.id, TeamMember.until.is_(None)
        )
    )


def teams_of(person_id: int, agencies: set[int] | None) -> list[TeamMember]:
    """Memberships of one person, in projects of these units; ``None``: of all."""
    volunteers = select(Volunteer.id).where(Volunteer.person_id == person_id)
    workers = select(SocialWorker.id).where(SocialWorker.person_id == person_id)
    return list(
        db.session.scalars(
            select(TeamMember)
            .join(Project, Project.id == TeamMember.project_id)
            .where(
                or_(TeamMember.volunteer_id.in_(volunteers), TeamMember.worker_id.in_(workers)),
                Project.agency_id.in_(agencies) if agencies is not None else ~false(),
            )
            .options(joinedload(TeamMember.project))
            .order_by(TeamMember.id)
        )
    )


def _outside(link: Any, hours: Any, own: Any, entry: Any) -> Any:
    """Hours on days outside the membership, or of somebody else."""
    return (
        select(TeamMember.id.label("id"), _day(hours).label("day"))
        .join(link, link.member_id == TeamMember.id)
        .join(hours, hours.id == link.hours_id)
        .where(
            or_(
                _day(hours) < TeamMember.since,
                _day(hours) > TeamMember.until,
                own != entry,
                entry.is_(None),
            )
        )
    )


def _outside_membership() -> Any:
    return _outside(TeamHours, VolunteerHours, VolunteerHours.volunteer_id, TeamMember.volunteer_id)


def _work_outside_membership() -> Any:
    return _outside(TeamWork, WorkerHours, WorkerHours.worker_id, TeamMember.worker_id)


add_check(
    "team-work-outside-membership",
    N_("Member no. %(id)s of a project team has hours of %(day)s that lie outside the membership."),
    _work_outside_membership,
)
add_check(
    "team-hours-outside-membership",
    N_("Member no. %(id)s of a project team has hours of %(day)s that lie outside the membership."),
    _outside_membership,
)
