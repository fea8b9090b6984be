"""People of a story whom the common world does not have, and second roles for those it has.

Written straight to the tables, like the world itself: how accounts are opened and roles granted is
told by the tests of the register.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import inspect, select

from core import clock
from core.db import transaction
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person
from tests import world
from tests.story.desk import Desk


def arrives(desk: Desk, login: str, name: str, role: str, unit: str) -> None:
    """Somebody new with a role at a unit; the password is everybody's, :data:`world.PASSWORD`."""
    with desk.app.app_context(), transaction() as session:
        person = Person(name=name, phone="13900000000")
        session.add(person)
        session.flush()
        session.add(_like(world.user("clerk"), person_id=person.id, login=login))
    is_given(desk, login, role, unit)


def is_given(desk: Desk, login: str, role: str, unit: str) -> None:
    """A role more, from yesterday on."""
    with desk.app.app_context(), transaction() as session:
        agency = session.scalar(select(Agency).where(Agency.name == unit))
        organization = session.scalar(select(Organization).where(Organization.name == unit))
        pattern = session.scalars(
            select(RoleAssignment).where(RoleAssignment.user_id == world.user("clerk").id)
        ).first()
        session.add(
            _like(
                pattern,
                user_id=world.user(login).id,
                role=role,
                agency_id=agency.id if agency else None,
                organization_id=organization.id if organization else None,
                valid_from=clock.today() - timedelta(days=1),
            )
        )


def loses(desk: Desk, login: str, role: str) -> None:
    """The role is gone, as if it had never been."""
    with desk.app.app_context(), transaction() as session:
        for held in session.scalars(
            select(RoleAssignment).where(
                RoleAssignment.user_id == world.user(login).id, RoleAssignment.role == role
            )
        ):
            session.delete(held)


def _like(pattern: User | RoleAssignment | None, **own: Any) -> Any:
    """A row with the columns of ``pattern`` except its key and what is its own."""
    assert pattern is not None
    columns = [item.key for item in inspect(type(pattern)).column_attrs if item.key != "id"]
    return type(pattern)(**{**{name: getattr(pattern, name) for name in columns}, **own})
