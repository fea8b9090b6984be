"""Incubation: the places where organizations are brought on, who runs them, whom they host and help.

Places stand in four levels: city base, county park, township station, community point; one site may have
several uses (一址多用), the party-mass centre among them. An operator is a hub or a support organization,
from a day to a day. A hosted organization enters and leaves with an outcome; one place at a time. What was
done for whom stands in the service ledger, and a wrong line is struck out with its reason, never deleted.
Spaces are offered free or cheap and booked by the half day, once.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, money_column
from core.files.models import StoredFile
from core.money import Money
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization

LEVELS = {
    "base": N_("city incubation base"),
    "park": N_("county incubation park"),
    "station": N_("township incubation station"),
    "point": N_("community incubation point"),
}
# What a site is used for besides or instead (S4-26).
USES = {
    "incubation": N_("incubation of social organizations"),
    "party_training": N_("fostering of party building"),
    "party_centre": N_("party-mass service centre"),
    "social_work": N_("social-work station"),
    "volunteers": N_("volunteer service station"),
    "mediation": N_("mediation room"),
    "culture": N_("culture and sport room"),
    "elderly": N_("elderly service"),
}
# What a supporting platform does (S4-25).
SERVICES = {
    "fostering": N_("incubation and fostering"),
    "capacity": N_("building of capacity"),
    "consulting": N_("consulting"),
    "training": N_("training of people"),
    "resources": N_("linking of resources"),
    "exchange": N_("fellowship and exchange"),
}
OUTCOMES = {
    "graduated": N_("graduated"),
    "registered": N_("graduated and registered"),
    "withdrawn": N_("withdrew"),
    "removed": N_("had to leave"),
}
TERMS = {"free": N_("free of charge"), "reduced": N_("at a reduced price")}
SLOTS = {"morning": N_("morning"), "afternoon": N_("afternoon"), "evening": N_("evening")}

_LIVING = text("until IS NULL")
_BOOKED = text("cancelled_on IS NULL")


class Incubator(Model):
    """A place of incubation; ``parent`` is the one of the level above that guides it."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    parent_id: Mapped[int | None] = fk("incubator.id")
    level: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    division_code: Mapped[str] = mapped_column(String(12), index=True)
    address: Mapped[str] = mapped_column(String(200), default="")
    area: Mapped[int | None]  # whole square metres
    uses: Mapped[list] = mapped_column(JSON, default=list)
    opened_on: Mapped[date]
    until: Mapped[date | None]

    agency: Mapped[Agency] = relationship()
    parent: Mapped[Incubator | None] = relationship(remote_side="Incubator.id")
    operators: Mapped[list[IncubatorOperator]] = relationship(
        back_populates="incubator", order_by="IncubatorOperator.id"
    )
    spaces: Mapped[list[IncubatorSpace]] = relationship(
        back_populates="incubator", order_by="IncubatorSpace.id"
    )

    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_own_parent"),
        CheckConstraint("until >= opened_on", name="dates_order"),
        CheckConstraint("area > 0", name="area_positive"),
        CheckConstraint("level IN ('base', 'park', 'station', 'point')", name="known_level"),
        Index(None, "agency_id", "level", "id"),
    )


class IncubatorOperator(Model):
    """Who runs a place, from a day to a day; one at a time."""

    incubator_id: Mapped[int] = fk("incubator.id", index=False)
    organization_id: Mapped[int] = fk("organization.id")
    since: Mapped[date]
    until: Mapped[date | None]
    contract: Mapped[str] = mapped_column(String(120), default="")

    incubator: Mapped[Incubator] = relationship(back_populates="operators")
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "incubator_id", "id"),
        Index(
            "uq_incubator_operator_living",
            "incubator_id",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
    )


class HostedStay(Model):
    """An organization is hosted in a place, from its entry to its outcome; in one place at a time."""

    incubator_id: Mapped[int] = fk("incubator.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    since: Mapped[date]
    until: Mapped[date | None]
    outcome: Mapped[str] = mapped_column(String(16), default="")
    note: Mapped[str] = mapped_column(Text, default="")

    incubator: Mapped[Incubator] = relationship()
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        CheckConstraint("(until IS NULL) = (outcome = '')", name="outcome_with_its_day"),
        Index(None, "incubator_id", "id"),
        Index(None, "organization_id", "id"),
        Index(
            "uq_hosted_stay_living",
            "organization_id",
            unique=True,
            sqlite_where=_LIVING,
            postgresql_where=_LIVING,
        ),
    )


class IncubationService(Model):
    """A line of the service ledger: what was done for whom, for how long, with what proof."""

    incubator_id: Mapped[int] = fk("incubator.id", index=False)
    organization_id: Mapped[int | None] = fk("organization.id")
    # Where it was for several, or for people who want to start one.
    recipient: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(120))
    served_on: Mapped[date]
    minutes: Mapped[int]
    people: Mapped[int]
    account: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    recorded_by: Mapped[int] = fk("user_account.id", index=False)
    struck_on: Mapped[date | None]
    struck_by: Mapped[int | None] = fk("user_account.id", index=False)
    struck_why: Mapped[str] = mapped_column(Text, default="")

    incubator: Mapped[Incubator] = relationship()
    organization: Mapped[Organization | None] = relationship()
    file: Mapped[StoredFile | None] = relationship()

    __table_args__ = (
        CheckConstraint("minutes > 0 AND people > 0", name="something_was_done"),
        CheckConstraint("organization_id IS NOT NULL OR recipient <> ''", name="for_somebody"),
        CheckConstraint("(struck_on IS NULL) = (struck_by IS NULL)", name="struck_by_somebody"),
        Index(None, "incubator_id", "served_on", "id"),
    )


class IncubatorSpace(Model):
    """A room that is offered (S4-27)."""

    incubator_id: Mapped[int] = fk("incubator.id")
    name: Mapped[str] = mapped_column(String(120))
    seats: Mapped[int]
    terms: Mapped[str] = mapped_column(String(16))
    price: Mapped[Money | None] = money_column()
    equipment: Mapped[str] = mapped_column(String(200), default="")
    offered: Mapped[bool] = mapped_column(default=True)

    incubator: Mapped[Incubator] = relationship(back_populates="spaces")

    __table_args__ = (
        CheckConstraint("seats > 0", name="seats_positive"),
        CheckConstraint("(terms = 'reduced') = (price IS NOT NULL)", name="price_when_reduced"),
        CheckConstraint("price > 0", name="price_positive"),
    )


class SpaceBooking(Model):
    """Half a day of a space, for one organization."""

    space_id: Mapped[int] = fk("incubator_space.id", index=False)
    organization_id: Mapped[int] = fk("organization.id")
    day: Mapped[date]
    slot: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[str] = mapped_column(String(200))
    booked_by: Mapped[int] = fk("user_account.id", index=False)
    cancelled_on: Mapped[date | None]

    space: Mapped[IncubatorSpace] = relationship()
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        Index(None, "space_id", "day"),
        Index(
            "uq_space_booking_booked",
            "space_id",
            "day",
            "slot",
            unique=True,
            sqlite_where=_BOOKED,
            postgresql_where=_BOOKED,
        ),
    )


class CoverageTarget(Model):
    """How many townships of a unit's place shall have a station, by when (S3-13: one park, twelve stations)."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    year: Mapped[int]
    stations: Mapped[int]
    source: Mapped[str] = mapped_column(String(200))

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        UniqueConstraint("agency_id", "year"),
        CheckConstraint("stations > 0", name="stations_positive"),
    )
