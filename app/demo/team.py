"""Scenes of the workforce at work: a project's team from the register, training plans, stars by hours."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from core.db import db
from projects.agreements.models import Project
from projects.team.queries import free_volunteers, free_workers
from projects.team.services import give_hours, pick, release
from registry.persons.services import record_person
from registry.workforce.models import SocialWorker, Volunteer
from registry.workforce.services import add_volunteer, add_worker, note_consent, note_hours, record_plan

WORDS = TEXTS["team"]


def tell_team(stage: Stage) -> None:
    """Three volunteers and a social worker of another organization, hours, one who left; the year's plans."""
    today, clerk = clock.today(), stage.people["clerk"]
    with on(today - timedelta(days=60)):
        for kind, trainings, hours, persons in WORDS["plans"]:
            record_plan(
                stage.agencies["city"], clock.today().year, kind, trainings=trainings, hours=hours,
                persons=persons, document=WORDS["plan"], by=clerk,
            )  # fmt: skip
        worker = db.session.scalars(select(SocialWorker).order_by(SocialWorker.id)).first()
        _stars(stage)
        if worker is not None:
            note_consent(worker, clock.today(), form=WORDS["consent"], by=clerk)
    project = db.session.scalar(
        select(Project)
        .where(Project.organization_id == stage.organizations[0].id, Project.state == "running")
        .order_by(Project.id)
    )
    if project is None:
        raise RuntimeError("the first organization has a running project")
    operator = stage.operators[project.organization_id]
    members = []
    with on(today - timedelta(days=30)):
        people = db.session.scalars(free_volunteers(project).order_by(Volunteer.id).limit(3)).all()
        for person, task in zip(people, WORDS["tasks"], strict=True):
            members.append(pick(project, person, task=task, since=clock.today(), by=operator))
        worker = db.session.scalars(free_workers(project).order_by(SocialWorker.id)).first()
        if worker is not None:
            members.append(pick(project, worker, task=WORDS["worker"], since=clock.today(), by=operator))
    for days, minutes in ((21, 120), (14, 150), (7, 90)):
        with on(today - timedelta(days=days)):
            give_hours(project, members[:2], clock.today(), minutes, WORDS["visits"], by=operator)
    with on(today - timedelta(days=6)):
        give_hours(project, members[3:], clock.today(), 240, WORDS["cases"], by=operator)
    with on(today - timedelta(days=5)):
        release(members[2], clock.today(), by=operator)


def tell_ended_team(stage: Stage, project: Project, start: date) -> None:
    """A volunteer and a social worker in a project that has ended since, and the team with it."""
    clerk, operator = stage.people["clerk"], stage.operators[project.organization_id]
    with on(start):
        volunteer = add_volunteer(
            stage.agencies["city"],
            record_person(WORDS["early_volunteer"], phone="13600000099", by=clerk),
            skills=["arts"], consented_on=clock.today(), consent_form=WORDS["early_consent"], by=clerk,
        )  # fmt: skip
        worker = add_worker(
            stage.agencies["city"],
            record_person(WORDS["early_worker"], phone="13700000099", by=clerk),
            since=clock.today(), organization=project.organization, by=clerk,
        )  # fmt: skip
        members = [
            pick(project, volunteer, task=WORDS["early_task"], since=clock.today(), by=operator),
            pick(project, worker, task=WORDS["worker"], since=clock.today(), by=operator),
        ]
    for days in (30, 60, 90):
        with on(start + timedelta(days=days)):
            give_hours(project, members, clock.today(), 150, WORDS["early_visits"], by=operator)


def _stars(stage: Stage) -> None:
    """One volunteer with more than a hundred hours: the first star."""
    volunteer = db.session.scalar(
        select(Volunteer).where(Volunteer.consented_on.is_not(None)).order_by(Volunteer.id).limit(1)
    )
    if volunteer is None:
        raise RuntimeError("the workforce has a volunteer")
    for days in range(14):
        note_hours(
            volunteer,
            clock.today() - timedelta(days=days * 7),
            450,
            WORDS["patrol"],
            by=stage.people["clerk"],
        )
