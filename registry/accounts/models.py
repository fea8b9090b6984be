"""Accounts: how a person signs in, and the roles held at units.

A user is one person. A role is held at one agency or one organization, from a day to a day. The
password is an argon2id hash; an account begins without one. Failed sign-ins are counted per login
and per address. An account is closed by who keeps accounts and locked by who keeps them safe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime

from flask_login import UserMixin
from sqlalchemy import BigInteger, CheckConstraint, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import clock
from core.access.policy import DELEGABLE, ROLES, reads
from core.db import Model, db, fk, instant_column
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person


class User(UserMixin, Model):
    __tablename__ = "user_account"

    person_id: Mapped[int] = fk("person.id", index=False, unique=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[str] = mapped_column(String(8), default="zh")
    password_changed_at: Mapped[datetime] = instant_column()
    # The unit that keeps the account, also before it holds any role.
    agency_id: Mapped[int | None] = fk("agency.id")
    locked_at: Mapped[datetime | None] = instant_column()
    # Failed sign-ins before this instant no longer count.
    unlocked_at: Mapped[datetime | None] = instant_column()
    # The second factor (RFC 6238): its sealed secret, since when it counts, the last step that was used.
    factor_sealed: Mapped[str | None] = mapped_column(String(300))
    factor_since: Mapped[datetime | None] = instant_column()
    factor_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    person: Mapped[Person] = relationship(lazy="joined")
    roles: Mapped[list[RoleAssignment]] = relationship(
        back_populates="user", order_by="RoleAssignment.id", foreign_keys="RoleAssignment.user_id"
    )

    def get_id(self) -> str:
        return f"{self.id}.{self.session_stamp}"

    @property
    def session_stamp(self) -> str:
        """Changes with the password, so that every other session of the account ends."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:16]

    @property
    def is_active(self) -> bool:
        """Whether the account may be used: neither closed nor locked."""
        return self.active and self.locked_at is None

    @property
    def name(self) -> str:
        return self.person.name

    @property
    def actor_id(self) -> int:
        return self.id

    @property
    def actor_name(self) -> str:
        return self.person.name

    def held(self, permission: str) -> Iterator[RoleAssignment]:
        """The assignments, valid today, whose role carries ``permission``; a delegated one carries less."""
        today = clock.today()
        for item in self.roles:
            withheld = item.delegated_by is not None and permission not in DELEGABLE
            if not withheld and item.alive(today) and permission in ROLES[item.role].permissions:
                yield item

    def in_place_of(self, permission: str, agency_id: int) -> int | None:
        """For whom (account id) the permission is used at this agency, when it was only delegated."""
        lent = [item.delegated_by for item in self.held(permission) if item.agency_id == agency_id]
        return lent[0] if lent and None not in lent else None

    def may_somewhere(self, permission: str) -> bool:
        return any(True for _ in self.held(permission))

    def may(
        self, permission: str, *, agency_id: int | None = None, organization_id: int | None = None
    ) -> bool:
        """Whether the permission is held at this unit; a reading one also from above it."""
        if organization_id is not None:
            return organization_id in self.organization_ids(permission)
        return agency_id is not None and agency_id in self.agency_ids(permission)

    def agency_ids(self, permission: str) -> set[int]:
        """The agencies this permission reaches: the unit, and its subtree when it only reads."""
        held = [item.agency for item in self.held(permission) if item.agency is not None]
        if not reads(permission):
            return {agency.id for agency in held}
        reach = self.__dict__.setdefault("_reach", {})
        key = tuple(sorted({agency.path for agency in held if agency.path}))
        if key not in reach:
            found: set[int] = set()
            for path in key:
                found.update(db.session.scalars(select(Agency.id).where(Agency.path.startswith(path))))
            reach[key] = found
        return reach[key]

    def organization_ids(self, permission: str) -> set[int]:
        """The organizations this permission is held at."""
        return {item.organization_id for item in self.held(permission) if item.organization_id is not None}

    @property
    def main_assignment(self) -> RoleAssignment | None:
        """The unit and role shown beside the name."""
        today = clock.today()
        return next((item for item in self.roles if item.alive(today)), None)


class RoleAssignment(Model):
    user_id: Mapped[int] = fk("user_account.id")
    role: Mapped[str] = mapped_column(String(32))
    agency_id: Mapped[int | None] = fk("agency.id")
    organization_id: Mapped[int | None] = fk("organization.id")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    revoked_at: Mapped[datetime | None] = instant_column()
    # Lent by a colleague who is away: good for the steps of payments alone.
    delegated_by: Mapped[int | None] = fk("user_account.id")

    user: Mapped[User] = relationship(back_populates="roles", foreign_keys="RoleAssignment.user_id")
    agency: Mapped[Agency | None] = relationship()
    organization: Mapped[Organization | None] = relationship()

    __table_args__ = (
        CheckConstraint("(agency_id IS NULL) <> (organization_id IS NULL)", name="held_at_one_unit"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates_order"),
        CheckConstraint("delegated_by IS NULL OR delegated_by <> user_id", name="lent_to_another"),
    )

    @property
    def unit_name(self) -> str:
        unit = self.agency or self.organization
        return unit.name if unit is not None else ""

    def alive(self, on: date) -> bool:
        """Whether the role is held on that day; a revoked one never is."""
        return (
            self.revoked_at is None
            and self.valid_from <= on
            and (self.valid_to is None or self.valid_to >= on)
        )


class SignInAttempt(Model):
    login: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(45))
    succeeded: Mapped[bool]
    at: Mapped[datetime] = instant_column()

    __table_args__ = (Index(None, "login", "at"), Index(None, "address", "at"))
