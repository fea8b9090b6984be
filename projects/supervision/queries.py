"""Reading appointments and rectifications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from projects.agreements.models import Project
from projects.agreements.queries import visible_projects
from projects.supervision.models import Appointment, Rectification
from registry.accounts.models import RoleAssignment, User
from registry.accounts.queries import held_within_reach

# Roles that can be appointed: who may hold them and under which role of the product.
CANDIDATE_ROLES = {"supervisor": ("organizer", "supervisor"), "evaluator": ("evaluator",)}


def appointments_of(project: Project) -> list[tuple[Appointment, User]]:
    rows = db.session.execute(
        select(Appointment, User)
        .join(User, User.id == Appointment.user_id)
        .where(Appointment.project_id == project.id)
        .order_by(Appointment.id)
    )
    return [(appointment, user) for appointment, user in rows.unique()]


def appointed(project: Project, person_id: int) -> Appointment | None:
    return db.session.scalar(
        select(Appointment).where(Appointment.project_id == project.id, Appointment.person_id == person_id)
    )


def candidates(role: str, *, by: User) -> list[User]:
    """Active people within the reach of ``by`` who hold a role that can be appointed."""
    return list(
        db.session.scalars(
            select(User)
            .join(RoleAssignment, RoleAssignment.user_id == User.id)
            .where(User.active, RoleAssignment.role.in_(CANDIDATE_ROLES[role]), held_within_reach(by))
            .options(
                selectinload(User.roles).joinedload(RoleAssignment.agency),
                selectinload(User.roles).joinedload(RoleAssignment.organization),
            )
            .order_by(User.id)
        ).unique()
    )


def rectifications_of(project: Project) -> list[Rectification]:
    return list(
        db.session.scalars(
            select(Rectification).where(Rectification.project_id == project.id).order_by(Rectification.id)
        )
    )


def unfinished(project: Project) -> list[Rectification]:
    """Rectifications that stand in the way of a payment: open, answered but not checked, or failed."""
    return [row for row in rectifications_of(project) if row.state != "closed"]


def rectification_in_scope(user: Any, rectification_id: int) -> Rectification | None:
    projects = visible_projects(user).with_only_columns(Project.id)
    return db.session.scalar(
        select(Rectification)
        .where(Rectification.id == rectification_id, Rectification.project_id.in_(projects))
        .options(joinedload(Rectification.project))
    )
