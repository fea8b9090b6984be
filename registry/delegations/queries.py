"""Reading what is lent to whom."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.access.policy import ADMINISTRATORS, ROLES, STEPS_OF_PAYMENTS
from core.db import db
from registry.accounts.models import RoleAssignment, User


def lendable(user: User) -> list[RoleAssignment]:
    """The roles of a person that take steps of payments and are their own."""
    return [
        item
        for item in user.roles
        if item.delegated_by is None
        and item.agency_id is not None
        and item.alive(clock.today())
        and ROLES[item.role].permissions & STEPS_OF_PAYMENTS
    ]


def colleagues(assignment: RoleAssignment) -> list[User]:
    """Others with an open account and a role of their own at the unit, no administrators."""
    today = clock.today()
    held = select(RoleAssignment.user_id).where(
        RoleAssignment.agency_id == assignment.agency_id,
        RoleAssignment.delegated_by.is_(None),
        RoleAssignment.revoked_at.is_(None),
        RoleAssignment.valid_from <= today,
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
        RoleAssignment.role.not_in(ADMINISTRATORS),
    )
    return list(
        db.session.scalars(
            select(User)
            .where(User.id.in_(held), User.id != assignment.user_id, User.active, User.locked_at.is_(None))
            .order_by(User.id)
        )
    )


def lent_by(user: User, *, limit: int = 50) -> list[RoleAssignment]:
    """What the person lent, the newest first, ended ones too."""
    return _newest(RoleAssignment.delegated_by == user.id, limit)


def lent_to(user: User, *, limit: int = 50) -> list[RoleAssignment]:
    """What was lent to the person."""
    return _newest((RoleAssignment.user_id == user.id) & RoleAssignment.delegated_by.is_not(None), limit)


def _newest(condition: object, limit: int) -> list[RoleAssignment]:
    return list(
        db.session.scalars(
            select(RoleAssignment)
            .where(condition)  # type: ignore[arg-type]
            .options(joinedload(RoleAssignment.user), joinedload(RoleAssignment.agency))
            .order_by(RoleAssignment.id.desc())
            .limit(limit)
        )
    )


def lent_assignment(user: User, assignment_id: int) -> RoleAssignment | None:
    """One that this person lent."""
    return db.session.scalar(
        select(RoleAssignment).where(
            RoleAssignment.id == assignment_id, RoleAssignment.delegated_by == user.id
        )
    )


def names_of(user_ids: set[int]) -> dict[int, str]:
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(user_ids)))}
