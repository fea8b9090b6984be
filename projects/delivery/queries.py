"""Reading service records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from core.db import db
from projects.agreements.models import Project
from projects.agreements.queries import visible_projects
from projects.delivery.models import ServiceRecord


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


def records_of(project: Project) -> Select[ServiceRecord]:
    return select(ServiceRecord).where(ServiceRecord.project_id == project.id)


def record_in_scope(user: Any, record_id: int) -> ServiceRecord | None:
    projects = visible_projects(user).with_only_columns(Project.id)
    return db.session.scalar(
        select(ServiceRecord).where(ServiceRecord.id == record_id, ServiceRecord.project_id.in_(projects))
    )
