"""Reading the workforce, scope included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, extract, false, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from core import clock
from core.db import db
from core.rules.queries import Parameters, parameters
from core.rules.rules import Finding
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization, OrganizationTag
from registry.particulars.models import StaffCount
from registry.proof.queries import add_check
from registry.workforce import rules
from registry.workforce.models import (
    Certificate,
    SocialWorker,
    Training,
    TrainingAttendance,
    TrainingPlan,
    Volunteer,
    VolunteerCover,
    VolunteerHours,
    WorkerHours,
)


def workforce_rules(division_code: str, *, on: date | None = None) -> Parameters:
    """Parameters of RWF in force for a place."""
    return parameters("RWF", rules.DEFAULTS, on=on or clock.today(), jurisdiction=division_code)


def visible_workers(user: Any) -> Select[SocialWorker]:
    return (
        select(SocialWorker)
        .where(SocialWorker.agency_id.in_(user.agency_ids("workforce.read")))
        .options(
            joinedload(SocialWorker.person),
            joinedload(SocialWorker.organization),
            selectinload(SocialWorker.certificates),
        )
    )


def visible_volunteers(user: Any) -> Select[Volunteer]:
    return (
        select(Volunteer)
        .where(Volunteer.agency_id.in_(user.agency_ids("workforce.read")))
        .options(joinedload(Volunteer.person), joinedload(Volunteer.organization))
    )


def visible_trainings(user: Any) -> Select[Training]:
    return select(Training).where(Training.agency_id.in_(user.agency_ids("workforce.read")))


def in_scope(query: Select[Any], model: Any, row_id: int) -> Any:
    """The one row of a scoped query, or ``None``."""
    return db.session.scalar(query.where(model.id == row_id))


def editable(user: Any, model: Any, row_id: int) -> Any:
    """The row, when it is kept at a unit where the user keeps the workforce."""
    return db.session.scalar(
        select(model).where(model.id == row_id, model.agency_id.in_(user.agency_ids("workforce.edit")))
    )


def ending_certificates(user: Any, *, limit: int = 20) -> list[Certificate]:
    """Certificates at the user's unit that end within the days of the alert, or have ended."""
    last = clock.today() + timedelta(days=int(rules.DEFAULTS["alert_days"]))
    other = aliased(Certificate)
    later = select(other.id).where(other.worker_id == SocialWorker.id, other.valid_to > last)
    return list(
        db.session.scalars(
            select(Certificate)
            .join(Certificate.worker)
            .where(
                SocialWorker.agency_id.in_(user.agency_ids("workforce.edit")),
                SocialWorker.until.is_(None),
                Certificate.valid_to <= last,
                ~later.exists(),
            )
            .options(joinedload(Certificate.worker).joinedload(SocialWorker.person))
            .order_by(Certificate.valid_to, Certificate.id)
            .limit(limit)
        )
    )


def hours_learnt(person_id: int, first: date, last: date) -> int:
    """Hours of trainings in social work that a person came to, both days included."""
    return (
        db.session.scalar(
            select(func.sum(Training.hours))
            .join(TrainingAttendance, TrainingAttendance.training_id == Training.id)
            .where(
                TrainingAttendance.person_id == person_id,
                TrainingAttendance.state == "attended",
                Training.kind == "social_work",
                Training.held_on.between(first, last),
            )
        )
        or 0
    )


def learning_of(worker: SocialWorker) -> Finding | None:
    """Continuing education for the newest certificate; ``None`` without one."""
    newest = max(worker.certificates, key=lambda item: item.valid_to, default=None)
    if newest is None:
        return None
    values = workforce_rules(worker.agency.division_code)
    first = rules.registration_start(newest.valid_to, values["registration_months"])
    return rules.learning(
        level=newest.level,
        hours=hours_learnt(worker.person_id, first, newest.valid_to),
        needed=values[f"hours_{newest.level}"],
        valid_to=newest.valid_to,
        on=clock.today(),
    )


def trainings_of(person_id: int) -> list[tuple[TrainingAttendance, Training]]:
    return [
        (attendance, training)
        for attendance, training in db.session.execute(
            select(TrainingAttendance, Training)
            .join(Training, Training.id == TrainingAttendance.training_id)
            .where(TrainingAttendance.person_id == person_id)
            .order_by(Training.held_on.desc(), Training.id.desc())
        )
    ]


def minutes_of(volunteer_ids: list[int]) -> dict[int, int]:
    """Volunteer id -> minutes given in all, those that a list brought along included."""
    return dict(
        db.session.execute(select(Volunteer.id, given_minutes()).where(Volunteer.id.in_(volunteer_ids))).all()  # type: ignore[arg-type]
    )


def given_minutes() -> Any:
    """What a volunteer gave in all, as a column of a query over volunteers."""
    noted = (
        select(func.coalesce(func.sum(VolunteerHours.minutes), 0))
        .where(VolunteerHours.volunteer_id == Volunteer.id)
        .correlate(Volunteer)
        .scalar_subquery()
    )
    return Volunteer.brought_minutes + noted


def minutes_worked_of(worker_ids: Sequence[int]) -> dict[int, int]:
    """Social worker id -> minutes in projects."""
    return dict(
        db.session.execute(
            select(WorkerHours.worker_id, func.sum(WorkerHours.minutes))
            .where(WorkerHours.worker_id.in_(worker_ids))
            .group_by(WorkerHours.worker_id)
        ).all()  # type: ignore[arg-type]
    )


def minutes_worked(worker: SocialWorker, on: date) -> int:
    """Minutes of one day that are noted of a social worker."""
    return db.session.scalar(
        select(func.coalesce(func.sum(WorkerHours.minutes), 0)).where(
            WorkerHours.worker_id == worker.id, WorkerHours.worked_on == on
        )
    ) or 0  # fmt: skip


def work_of(worker: SocialWorker, *, limit: int = 200) -> Sequence[WorkerHours]:
    return db.session.scalars(
        select(WorkerHours)
        .where(WorkerHours.worker_id == worker.id)
        .order_by(WorkerHours.worked_on.desc(), WorkerHours.id.desc())
        .limit(limit)
    ).all()


def hours_of(volunteer: Volunteer, *, limit: int = 200) -> list[VolunteerHours]:
    return list(
        db.session.scalars(
            select(VolunteerHours)
            .where(VolunteerHours.volunteer_id == volunteer.id)
            .order_by(VolunteerHours.served_on.desc(), VolunteerHours.id.desc())
            .limit(limit)
        )
    )


def covers_of(volunteer: Volunteer) -> list[VolunteerCover]:
    return list(
        db.session.scalars(
            select(VolunteerCover)
            .where(VolunteerCover.volunteer_id == volunteer.id)
            .order_by(VolunteerCover.valid_to.desc(), VolunteerCover.id.desc())
        )
    )


def is_covered(volunteer: Volunteer, on: date) -> bool:
    return any(item.valid_from <= on <= item.valid_to for item in covers_of(volunteer))


def consent_of(volunteer: Volunteer, on: date) -> Finding:
    return rules.consent(
        consented=volunteer.consented_on is not None and volunteer.consented_on <= on,
        born_on=volunteer.person.born_on,
        guardian_consented=volunteer.guardian_consented_on is not None,
        on=on,
    )


def stars_of(volunteer: Volunteer, minutes: int) -> Finding:
    """The stars that a volunteer's hours make where they are kept."""
    return rules.star_finding(minutes, rules.star_hours(workforce_rules(volunteer.agency.division_code)))


def _hours_of_stars(user: Any) -> dict[tuple[int, ...], set[int]]:
    """Hours of each star -> the units with volunteers where these hours are in force."""
    found: dict[tuple[int, ...], set[int]] = {}
    kept = select(Volunteer.id).where(Volunteer.agency_id == Agency.id).exists()
    for agency_id, division in db.session.execute(
        select(Agency.id, Agency.division_code).where(Agency.id.in_(user.agency_ids("workforce.read")), kept)
    ):
        found.setdefault(rules.star_hours(workforce_rules(division)), set()).add(agency_id)
    return found


def with_stars(user: Any, stars: int) -> ColumnElement[bool]:
    """The volunteers whose hours make exactly so many stars, by the rules of the unit that keeps them."""
    given = given_minutes()
    parts = []
    for hours, agencies in _hours_of_stars(user).items():
        reached = and_(Volunteer.agency_id.in_(agencies), given >= (hours[stars - 1] * 60 if stars else 0))
        parts.append(and_(reached, given < hours[stars] * 60) if stars < len(hours) else reached)
    return or_(false(), *parts)


def star_counts(user: Any) -> dict[int, int]:
    """Stars -> volunteers in the lists who have them, five first; without any star: 0."""
    return {
        stars: db.session.scalar(
            select(func.count())
            .select_from(Volunteer)
            .where(
                Volunteer.agency_id.in_(user.agency_ids("workforce.read")),
                Volunteer.left_on.is_(None),
                with_stars(user, stars),
            )
        )
        or 0
        for stars in range(rules.STARS, -1, -1)
    }


def visible_plans(user: Any) -> Select[TrainingPlan]:
    return (
        select(TrainingPlan)
        .where(TrainingPlan.agency_id.in_(user.agency_ids("workforce.read")))
        .options(joinedload(TrainingPlan.agency))
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What was held of a plan: trainings, their hours, and the persons who came to any of them."""

    trainings: int
    hours: int
    persons: int


def held(plans: Sequence[TrainingPlan]) -> dict[int, Held]:
    """Plan id -> what was held until today by the unit in the year, of its kind."""
    if not plans:
        return {}
    year = extract("year", Training.held_on)
    of_plan = (Training.agency_id, year, Training.kind)
    until = (
        Training.agency_id.in_({plan.agency_id for plan in plans}),
        Training.held_on >= date(min(plan.year for plan in plans), 1, 1),
        Training.held_on <= clock.today(),
    )
    counts = {
        tuple(key): (count, hours)
        for *key, count, hours in db.session.execute(
            select(*of_plan, func.count(), func.sum(Training.hours)).where(*until).group_by(*of_plan)
        )
    }
    # Who was taken out at their wish still counts, each attendance as one person.
    who = func.coalesce(TrainingAttendance.person_id, -TrainingAttendance.id)
    persons = {
        tuple(key): count
        for *key, count in db.session.execute(
            select(*of_plan, func.count(who.distinct()))
            .join(Training, Training.id == TrainingAttendance.training_id)
            .where(*until, TrainingAttendance.state == "attended")
            .group_by(*of_plan)
        )
    }
    keys = {plan.id: (plan.agency_id, plan.year, plan.kind) for plan in plans}
    return {number: Held(*counts.get(key, (0, 0)), persons.get(key, 0)) for number, key in keys.items()}


@dataclass(frozen=True, slots=True)
class Staffing:
    """Social workers of one organization beside its reported people."""

    organization: Organization
    workers: int
    qualified: int
    people: int | None  # full and part time of the last year reported; None: nothing reported


def staffing(user: Any, *, federations: bool = False, limit: int = 200) -> list[Staffing]:
    """Organizations with social workers (or, asked so, every federation), by pinyin."""
    agencies = user.agency_ids("workforce.read")
    today = clock.today()
    at_work = and_(
        SocialWorker.organization_id == Organization.id,
        or_(SocialWorker.until.is_(None), SocialWorker.until >= today),
    )
    counts = (
        select(
            Organization,
            func.count(SocialWorker.id),
            func.sum(case((SocialWorker.level != "", 1), else_=0)),
        )
        .outerjoin(SocialWorker, at_work)
        .where(Organization.agency_id.in_(agencies))
        .group_by(Organization.id)
        .order_by(Organization.sort_key, Organization.id)
        .limit(limit)
    )
    if federations:
        tagged = select(OrganizationTag.organization_id).where(
            OrganizationTag.tag == "federation",
            OrganizationTag.since <= today,
            or_(OrganizationTag.until.is_(None), OrganizationTag.until >= today),
        )
        counts = counts.where(Organization.id.in_(tagged))
    else:
        counts = counts.having(func.count(SocialWorker.id) > 0)
    found = db.session.execute(counts).all()
    people = _people([row[0].id for row in found])
    return [
        Staffing(body, workers, qualified or 0, people.get(body.id)) for body, workers, qualified in found
    ]


def _people(organization_ids: list[int]) -> dict[int, int]:
    """Organization id -> people reported for its last year."""
    rows = db.session.execute(
        select(StaffCount.organization_id, StaffCount.full_time + StaffCount.part_time)
        .where(StaffCount.organization_id.in_(organization_ids))
        .order_by(StaffCount.year)
    )
    return dict(rows.all())  # type: ignore[arg-type]


def totals(user: Any) -> dict[str, int]:
    """How many social workers of each level, volunteers, and hours given, in the user's scope."""
    agencies = user.agency_ids("workforce.read")
    today = clock.today()
    found = {
        f"level_{level or 'none'}": count
        for level, count in db.session.execute(
            select(SocialWorker.level, func.count())
            .where(
                SocialWorker.agency_id.in_(agencies),
                or_(SocialWorker.until.is_(None), SocialWorker.until >= today),
            )
            .group_by(SocialWorker.level)
        )
    }
    found["volunteers"] = db.session.scalar(
        select(func.count()).where(Volunteer.agency_id.in_(agencies), Volunteer.left_on.is_(None))
    ) or 0  # fmt: skip
    found["minutes"] = db.session.scalar(
        select(func.sum(VolunteerHours.minutes))
        .join(Volunteer, Volunteer.id == VolunteerHours.volunteer_id)
        .where(Volunteer.agency_id.in_(agencies))
    ) or 0  # fmt: skip
    found["minutes"] += db.session.scalar(
        select(func.sum(Volunteer.brought_minutes)).where(Volunteer.agency_id.in_(agencies))
    ) or 0  # fmt: skip
    found["worked"] = db.session.scalar(
        select(func.sum(WorkerHours.minutes))
        .join(SocialWorker, SocialWorker.id == WorkerHours.worker_id)
        .where(SocialWorker.agency_id.in_(agencies))
    ) or 0  # fmt: skip
    return found


def _without_consent() -> Any:
    return (
        select(Volunteer.id.label("id"), VolunteerHours.served_on.label("day"))
        .join(VolunteerHours, VolunteerHours.volunteer_id == Volunteer.id)
        .where(
            # Who left took the consent along; the hours stay as numbers.
            Volunteer.left_on.is_(None),
            or_(Volunteer.consented_on.is_(None), Volunteer.consented_on > VolunteerHours.served_on),
        )
    )


def _uninsured_danger() -> Any:
    in_force = select(VolunteerCover.id).where(
        VolunteerCover.volunteer_id == Volunteer.id,
        VolunteerCover.valid_from <= VolunteerHours.served_on,
        VolunteerCover.valid_to >= VolunteerHours.served_on,
    )
    return (
        select(Volunteer.id.label("id"), VolunteerHours.served_on.label("day"))
        .join(VolunteerHours, VolunteerHours.volunteer_id == Volunteer.id)
        .where(VolunteerHours.dangerous, Volunteer.left_on.is_(None), ~in_force.exists())
    )


def _level_without_certificate() -> Any:
    held = select(Certificate.id).where(
        Certificate.worker_id == SocialWorker.id, Certificate.level == SocialWorker.level
    )
    return select(SocialWorker.id.label("id"), SocialWorker.level.label("level")).where(
        SocialWorker.level != "", ~held.exists()
    )


add_check(
    "hours-without-consent",
    N_("Volunteer no. %(id)s has hours of %(day)s and no consent that is older."),
    _without_consent,
)
add_check(
    "danger-without-insurance",
    N_("Volunteer no. %(id)s did dangerous work on %(day)s without an insurance in force."),
    _uninsured_danger,
)
add_check(
    "level-without-certificate",
    N_("Social worker no. %(id)s bears the level %(level)s without a certificate of it."),
    _level_without_certificate,
)
