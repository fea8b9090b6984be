"""The tables of social workers, volunteers and trainings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select

from core import clock
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.workforce.models import (
    LEVELS,
    SKILLS,
    TRAINING_KINDS,
    Certificate,
    SocialWorker,
    Training,
    TrainingPlan,
    Volunteer,
    WorkerHours,
)
from registry.workforce.queries import (
    given_minutes,
    visible_plans,
    visible_trainings,
    visible_volunteers,
    visible_workers,
    with_stars,
)
from registry.workforce.rules import DEFAULTS, STARS


def _named(query: Select[Any], model: Any, args: Arguments) -> Select[Any]:
    words = args.get("q", "").strip()
    if words:
        people = select(Person.id).where(Person.name.contains(words, autoescape=True))
        bodies = select(Organization.id).where(Organization.name.contains(words, autoescape=True))
        query = query.where(or_(model.person_id.in_(people), model.organization_id.in_(bodies)))
    return query


def worker_rows(user: Any, args: Arguments) -> Select[Any]:
    query = _named(visible_workers(user), SocialWorker, args)
    level, today = args.get("level", ""), clock.today()
    if level in LEVELS or level == "none":
        query = query.where(SocialWorker.level == ("" if level == "none" else level))
    if args.get("organization", "").isdecimal():
        query = query.where(SocialWorker.organization_id == int(args["organization"]))
    newest = (
        select(func.max(Certificate.valid_to))
        .where(Certificate.worker_id == SocialWorker.id)
        .scalar_subquery()
    )
    if args.get("state") == "ended":
        query = query.where(newest < today)
    if args.get("state") == "ending":
        query = query.where(newest.between(today, today + timedelta(days=int(DEFAULTS["alert_days"]))))
    return query


def volunteer_rows(user: Any, args: Arguments) -> Select[Any]:
    query = _named(visible_volunteers(user), Volunteer, args)
    if args.get("skill") in SKILLS:
        # A list of short words as JSON text: each stands between quotation marks.
        query = query.where(cast(Volunteer.skills, String).contains(f'"{args["skill"]}"'))
    state = args.get("state")
    if state == "active":
        query = query.where(Volunteer.left_on.is_(None), Volunteer.consented_on.is_not(None))
    if state == "waiting":
        query = query.where(Volunteer.left_on.is_(None), Volunteer.consented_on.is_(None))
    if state == "left":
        query = query.where(Volunteer.left_on.is_not(None))
    if args.get("stars") in {str(count) for count in range(STARS + 1)}:
        query = query.where(with_stars(user, int(args["stars"])))
    return query


def training_rows(user: Any, args: Arguments) -> Select[Any]:
    query, year = visible_trainings(user), args.get("year", "")
    if args.get("kind") in TRAINING_KINDS:
        query = query.where(Training.kind == args["kind"])
    if year.isdecimal() and len(year) == 4 and int(year) > 0:
        query = query.where(Training.held_on.between(date(int(year), 1, 1), date(int(year), 12, 31)))
    return query


def _skills(names: list[str]) -> str:
    return "、".join(say(SKILLS.get(name, name)) for name in names)


WORKERS = Listing(
    name="workforce.workers",
    title=N_("Social workers"),
    permissions=("workforce.read",),
    rows=worker_rows,
    filters=("q", "level", "state", "organization"),
    orders={"first": ((SocialWorker.id, False),)},
    joins=lambda query: (
        query.join(Person, Person.id == SocialWorker.person_id)
        .join(Agency, Agency.id == SocialWorker.agency_id)
        .outerjoin(Organization, Organization.id == SocialWorker.organization_id)
    ),
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Level"), SocialWorker.level, words={**LEVELS, "": N_("no certificate")}),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Post"), SocialWorker.post),
        Column(N_("Full time"), SocialWorker.full_time, words={True: N_("yes"), False: N_("no")}),
        Column(N_("Since"), SocialWorker.since, "day"),
        Column(N_("Until"), SocialWorker.until, "day"),
        Column(
            N_("Hours in projects"),
            select(func.coalesce(func.sum(WorkerHours.minutes), 0))
            .where(WorkerHours.worker_id == SocialWorker.id)
            .scalar_subquery(),
            write=lambda minutes: f"{minutes / 60:.1f}",
        ),
        Column(N_("Identity number"), Person.identity_masked),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
VOLUNTEERS = Listing(
    name="workforce.volunteers",
    title=N_("Volunteers"),
    permissions=("workforce.read",),
    rows=volunteer_rows,
    filters=("q", "skill", "state", "stars"),
    orders={"first": ((Volunteer.id, False),)},
    joins=lambda query: (
        query.join(Person, Person.id == Volunteer.person_id)
        .join(Agency, Agency.id == Volunteer.agency_id)
        .outerjoin(Organization, Organization.id == Volunteer.organization_id)
    ),
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Skills"), Volunteer.skills, write=_skills, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("In the list since"), Volunteer.registered_on, "day"),
        Column(N_("Consent given on"), Volunteer.consented_on, "day"),
        Column(N_("Left on"), Volunteer.left_on, "day"),
        Column(
            N_("Hours given"),
            given_minutes(),
            write=lambda minutes: f"{minutes / 60:.1f}",
        ),
        Column(N_("Identity number"), Person.identity_masked),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
TRAININGS = Listing(
    name="workforce.trainings",
    title=N_("Trainings"),
    permissions=("workforce.read",),
    rows=training_rows,
    filters=("year", "kind"),
    orders={"newest": ((Training.held_on, True), (Training.id, True))},
    joins=lambda query: query.join(Agency, Agency.id == Training.agency_id),
    columns=(
        Column(N_("Training"), Training.title, width=36),
        Column(N_("Kind of training"), Training.kind, words=TRAINING_KINDS, width=28),
        Column(N_("Day"), Training.held_on, "day"),
        Column(N_("Hours"), Training.hours, "number"),
        Column(N_("Place"), Training.place, width=28),
        Column(N_("Held by"), Agency.name, width=28),
    ),
)
PLANS = Listing(
    name="workforce.plans",
    title=N_("Training plan"),
    permissions=("workforce.read",),
    rows=lambda user, args: visible_plans(user),
    orders={"newest": ((TrainingPlan.year, True), (TrainingPlan.id, True))},
    joins=lambda query: query.join(Agency, Agency.id == TrainingPlan.agency_id),
    columns=(
        Column(N_("Year"), TrainingPlan.year, "number"),
        Column(N_("Held by"), Agency.name, width=28),
        Column(N_("Kind of training"), TrainingPlan.kind, words=TRAINING_KINDS, width=28),
        Column(N_("Trainings"), TrainingPlan.trainings, "number"),
        Column(N_("Hours in all"), TrainingPlan.hours, "number"),
        Column(N_("Persons to be reached"), TrainingPlan.persons, "number"),
        Column(N_("Document that holds the plan"), TrainingPlan.document, width=36),
    ),
)
