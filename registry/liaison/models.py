"""Liaison: who answers for a place or an organization, and whether word reached them.

A department appoints liaison officers (联络员), each for one unit or one organization, from a day to a
day; terms of one person for one place do not overlap. A notice goes to the officers of its day; a
receipt for each says when it was read, on screen or by being told, and how often they were reminded.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from registry.accounts.models import User
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person


class LiaisonOfficer(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)  # the department that appoints
    person_id: Mapped[int] = fk("person.id")
    unit_id: Mapped[int | None] = fk("agency.id")
    organization_id: Mapped[int | None] = fk("organization.id")
    since: Mapped[date]
    until: Mapped[date | None]

    person: Mapped[Person] = relationship()
    agency: Mapped[Agency] = relationship(foreign_keys=[agency_id])
    unit: Mapped[Agency | None] = relationship(foreign_keys=[unit_id])
    organization: Mapped[Organization | None] = relationship()

    __table_args__ = (
        CheckConstraint("(unit_id IS NULL) <> (organization_id IS NULL)", name="for_one_place"),
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        Index(None, "agency_id", "id"),
    )

    @property
    def place_name(self) -> str:
        place = self.unit or self.organization
        return place.name if place is not None else ""


class LiaisonNotice(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime] = instant_column()
    published_by: Mapped[int] = fk("user_account.id", index=False)
    due_on: Mapped[date | None]  # to be read until

    agency: Mapped[Agency] = relationship()
    publisher: Mapped[User] = relationship()

    __table_args__ = (Index(None, "agency_id", "id"),)


class LiaisonReceipt(Model):
    notice_id: Mapped[int] = fk("liaison_notice.id", index=False)
    officer_id: Mapped[int] = fk("liaison_officer.id")
    person_id: Mapped[int] = fk("person.id")
    read_at: Mapped[datetime | None] = instant_column()
    # Who told the officer, and how, when it was not read on screen.
    told_by: Mapped[int | None] = fk("user_account.id", index=False)
    told_how: Mapped[str] = mapped_column(String(120), default="")
    reminders: Mapped[int] = mapped_column(default=0)
    reminded_at: Mapped[datetime | None] = instant_column()

    notice: Mapped[LiaisonNotice] = relationship()
    officer: Mapped[LiaisonOfficer] = relationship()
    person: Mapped[Person] = relationship()

    __table_args__ = (
        UniqueConstraint("notice_id", "officer_id"),
        CheckConstraint("told_by IS NULL OR read_at IS NOT NULL", name="told_is_read"),
        CheckConstraint("reminders >= 0", name="reminders_not_negative"),
    )
