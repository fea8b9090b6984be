"""Accounts: how a person signs in, and the roles held at units.

A user is one person. A role is held at one agency or one organization, from a day to a day. The
password is an argon2id hash. Failed sign-ins are counted per login and per address.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person


class User(Model):
    __tablename__ = "user_account"

    person_id: Mapped[int] = fk("person.id", index=False, unique=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    password_changed_at: Mapped[datetime] = instant_column()

    person: Mapped[Person] = relationship(lazy="joined")
    roles: Mapped[list[RoleAssignment]] = relationship(back_populates="user", order_by="RoleAssignment.id")


class RoleAssignment(Model):
    user_id: Mapped[int] = fk("user_account.id")
    role: Mapped[str] = mapped_column(String(32))
    agency_id: Mapped[int | None] = fk("agency.id")
    organization_id: Mapped[int | None] = fk("organization.id")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    user: Mapped[User] = relationship(back_populates="roles")
    agency: Mapped[Agency | None] = relationship()
    organization: Mapped[Organization | None] = relationship()

    __table_args__ = (
        CheckConstraint("(agency_id IS NULL) <> (organization_id IS NULL)", name="held_at_one_unit"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates_order"),
    )


class SignInAttempt(Model):
    login: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(45))
    succeeded: Mapped[bool]
    at: Mapped[datetime] = instant_column()

    __table_args__ = (Index(None, "login", "at"), Index(None, "address", "at"))
