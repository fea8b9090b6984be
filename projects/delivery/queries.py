"""Reading service records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select

from core import clock
from core.db import db
from finance.announcements.queries import lottery_share_of
from finance.lottery.queries import lottery_rules
from projects.agreements.models import Project
from projects.agreements.queries import visible_projects
from projects.delivery.models import ServiceRecord
from registry.agencies.models import Agency


@dataclass(frozen=True, slots=True)
class Totals:
    """Persons and person-times are two figures and never added to each other (S1-23)."""

    records: int
    persons: int
    person_times: int
    volunteers: int


def totals(project: Project) -> Totals:
    row = db.session.execute(
        select(
            func.count(ServiceRecord.id),
            func.coalesce(func.sum(ServiceRecord.persons), 0),
            func.coalesce(func.sum(ServiceRecord.person_times), 0),
            func.coalesce(func.sum(ServiceRecord.volunteers), 0),
        ).where(ServiceRecord.project_id == project.id)
    ).one()
    return Totals(*(int(value) for value in row))


def sign_of(project: Project) -> str:
    """The sign that a project with lottery money shows where it works; empty for any other."""
    commitment = project.agreement.commitment
    if commitment is None or not lottery_share_of(commitment.id):
        return ""
    division = db.session.scalar(select(Agency.division_code).where(Agency.id == project.agency_id)) or ""
    rules = lottery_rules(division, clock.today())
    return "、".join(rules["sign_text"]) if rules["sign_required"] else ""


def records_with_sign(project: Project, *, since: date | None = None) -> list[ServiceRecord]:
    """Records whose photo shows the sign of the lottery, from a day on."""
    query = select(ServiceRecord).where(ServiceRecord.project_id == project.id, ServiceRecord.shows_sign)
    if since is not None:
        query = query.where(ServiceRecord.held_on >= since)
    return list(db.session.scalars(query.order_by(ServiceRecord.held_on.desc(), ServiceRecord.id.desc())))


def records_of(project: Project) -> Select[ServiceRecord]:
    return select(ServiceRecord).where(ServiceRecord.project_id == project.id)


def record_in_scope(user: Any, record_id: int) -> ServiceRecord | None:
    projects = visible_projects(user).with_only_columns(Project.id)
    return db.session.scalar(
        select(ServiceRecord).where(ServiceRecord.id == record_id, ServiceRecord.project_id.in_(projects))
    )
