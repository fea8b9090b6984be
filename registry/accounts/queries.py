"""Who somebody is, what they may do, and whom an administrator looks after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from registry.accounts.models import RoleAssignment, SignInAttempt, User
from registry.accounts.rules import FAILURES_PER_ADDRESS, FAILURES_PER_LOGIN, locked_until
from registry.agencies.models import Agency
from registry.agencies.queries import administered_agencies, visible_agencies
from registry.organizations.models import Organization


def user_of_session(token: str) -> User | None:
    """The user of a session cookie; ``None`` once the password changed or the account was closed
    or locked."""
    number, _, stamp = token.partition(".")
    if not number.isdecimal() or len(number) > 18:
        return None
    user = db.session.scalar(
        select(User)
        .where(User.id == int(number))
        .options(
            joinedload(User.roles).joinedload(RoleAssignment.agency),
            joinedload(User.roles).joinedload(RoleAssignment.organization),
        )
        .execution_options(populate_existing=True)
    )
    return user if user is not None and user.is_active and user.session_stamp == stamp else None


def user_by_login(login: str) -> User | None:
    return db.session.scalar(select(User).where(User.login == login.strip().lower()))


def sign_in_locked_until(login: str, address: str) -> datetime | None:
    """Until when this login or this address may not try again; ``None``: it may."""
    last_success = (
        select(func.max(SignInAttempt.id))
        .where(SignInAttempt.login == login, SignInAttempt.succeeded)
        .scalar_subquery()
    )
    unlocked_at = db.session.scalar(select(User.unlocked_at).where(User.login == login))
    of_login = _failures(
        SignInAttempt.login == login,
        SignInAttempt.id > func.coalesce(last_success, 0),
        *([SignInAttempt.at > unlocked_at] if unlocked_at is not None else []),
        limit=FAILURES_PER_LOGIN,
    )
    of_address = _failures(SignInAttempt.address == address, limit=FAILURES_PER_ADDRESS)
    now = clock.now()
    locks = [
        locked_until(of_login, limit=FAILURES_PER_LOGIN, now=now),
        locked_until(of_address, limit=FAILURES_PER_ADDRESS, now=now),
    ]
    return max((lock for lock in locks if lock is not None), default=None)


def _failures(*conditions: Any, limit: int) -> list[datetime]:
    return list(
        db.session.scalars(
            select(SignInAttempt.at)
            .where(*conditions, SignInAttempt.succeeded.is_(False))
            .order_by(SignInAttempt.at.desc(), SignInAttempt.id.desc())
            .limit(limit)
        )
    )


def _alive() -> list[Any]:
    today = clock.today()
    return [
        RoleAssignment.revoked_at.is_(None),
        RoleAssignment.valid_from <= today,
        or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
    ]


def held_within_reach(user: User) -> Any:
    """The condition for roles held today where ``user`` may look for people: at the units seen, those above
    them, and the organizations that any of these keep.
    """
    units = set(user.agency_ids("agency.read"))
    for item in user.held("agency.read"):
        if item.agency is not None:
            units.update(int(part) for part in item.agency.path.split("/") if part)
    bodies = select(Organization.id).where(Organization.agency_id.in_(units))
    return and_(
        *_alive(), or_(RoleAssignment.agency_id.in_(units), RoleAssignment.organization_id.in_(bodies))
    )


def personas(*, limit: int = 60) -> list[RoleAssignment]:
    """One alive role of each active user, by unit, for the demonstration's sign-in page."""
    first = select(func.min(RoleAssignment.id)).where(*_alive()).group_by(RoleAssignment.user_id)
    return list(
        db.session.scalars(
            select(RoleAssignment)
            .join(User, User.id == RoleAssignment.user_id)
            .outerjoin(Agency, Agency.id == RoleAssignment.agency_id)
            .outerjoin(Organization, Organization.id == RoleAssignment.organization_id)
            .where(RoleAssignment.id.in_(first), User.active)
            .options(
                joinedload(RoleAssignment.user),
                joinedload(RoleAssignment.agency),
                joinedload(RoleAssignment.organization),
            )
            .order_by(
                RoleAssignment.agency_id.is_(None), Agency.path, Organization.sort_key, RoleAssignment.id
            )
            .limit(limit)
        )
    )


def managed_agencies(user: User) -> list[Agency]:
    """Where an administrator may give roles, in the tree's order."""
    return list(db.session.scalars(administered_agencies(user)))


def managed_organizations(user: User) -> Select[Organization]:
    """The organizations of those units: their people have accounts here too."""
    units = administered_agencies(user).with_only_columns(Agency.id).order_by(None)
    return select(Organization).where(Organization.agency_id.in_(units))


def managed_users(user: User) -> Select[User]:
    """Everybody whose account is kept at a unit this administrator looks after, or who holds, or held,
    a role there.
    """
    units = administered_agencies(user).with_only_columns(Agency.id).order_by(None)
    bodies = managed_organizations(user).with_only_columns(Organization.id)
    held = select(RoleAssignment.user_id).where(
        or_(RoleAssignment.agency_id.in_(units), RoleAssignment.organization_id.in_(bodies))
    )
    return select(User).where(or_(User.agency_id.in_(units), User.id.in_(held)))


def in_state(state: str) -> Any:
    """Accounts that are ``open``, ``locked``, ``closed``, or ``new``: open without any role."""
    if state == "closed":
        return User.active.is_(False)
    if state == "locked":
        return and_(User.active, User.locked_at.is_not(None))
    if state == "new":
        return and_(User.active, ~User.roles.any(and_(*_alive())))
    return and_(User.active, User.locked_at.is_(None))


def managed_user(administrator: User, user_id: int) -> User | None:
    return db.session.scalar(managed_users(administrator).where(User.id == user_id))


def managed_assignment(administrator: User, assignment_id: int) -> RoleAssignment | None:
    """A role held at a unit this administrator looks after."""
    units = administered_agencies(administrator).with_only_columns(Agency.id).order_by(None)
    bodies = managed_organizations(administrator).with_only_columns(Organization.id)
    return db.session.scalar(
        select(RoleAssignment).where(
            RoleAssignment.id == assignment_id,
            or_(RoleAssignment.agency_id.in_(units), RoleAssignment.organization_id.in_(bodies)),
        )
    )


def with_roles(query: Select[Any]) -> Select[Any]:
    """Load each user's roles with their units in a fixed number of queries."""
    return query.options(
        selectinload(User.roles).joinedload(RoleAssignment.agency),
        selectinload(User.roles).joinedload(RoleAssignment.organization),
    )


def units_with_people(user: User) -> list[tuple[Agency, list[RoleAssignment]]]:
    """The units a person sees, in the tree's order, each with the roles held there today."""
    agencies = list(db.session.scalars(visible_agencies(user)))
    held: dict[int, list[RoleAssignment]] = {}
    for item in db.session.scalars(
        select(RoleAssignment)
        .join(User, User.id == RoleAssignment.user_id)
        .where(RoleAssignment.agency_id.in_([agency.id for agency in agencies]), User.active, *_alive())
        .options(joinedload(RoleAssignment.user))
        .order_by(RoleAssignment.role, RoleAssignment.id)
    ):
        held.setdefault(item.agency_id or 0, []).append(item)
    return [(agency, held.get(agency.id, [])) for agency in agencies]


def people_of(organization_id: int) -> list[User]:
    """The open accounts that act for an organization today."""
    held = select(RoleAssignment.user_id).where(RoleAssignment.organization_id == organization_id, *_alive())
    return list(db.session.scalars(select(User).where(User.id.in_(held), User.active).order_by(User.id)))
