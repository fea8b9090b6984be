"""Agencies: the units of government that call, decide and pay.

They form one tree: city, banner or county, township, community. ``path`` is the chain of ids from
the root ("/1/4/9/"), so that "my unit and everything under it" is one prefix. A unit belongs to a
division (GB/T 2260, 6 digits; 9 for townships, 12 for communities); that is the level at which
budgets and the 30% figure are kept.

Name, division and place of a unit have terms: each holds from a day to a day, they follow one
another without overlap, and the last is what the unit's own row says. A unit that is dissolved
(新津县) names its successor (新津区), which from then on stands above it in the tree and so reads
everything it left; what was true on a day is read from the terms.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_

KINDS = {
    "civil_affairs_bureau": N_("civil affairs bureau"),
    "finance_bureau": N_("finance bureau"),
    "subdistrict": N_("subdistrict"),
    "sumu_township": N_("sumu or township"),
    "community": N_("community"),
    "gacha_village": N_("gacha or village"),
    "party_social_work_dept": N_("party department of social work"),
    "organizer_unit": N_("organizer of a round"),
    "supervisor": N_("supervisory body"),
    "other": N_("other unit"),
}


class Agency(Model):
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    division_code: Mapped[str] = mapped_column(String(12), index=True)
    parent_id: Mapped[int | None] = fk("agency.id")
    path: Mapped[str] = mapped_column(String(255), default="")
    # The code words of its documents: 鄂民发
    document_prefix: Mapped[str] = mapped_column(String(16), default="")

    # First and last day, both included; empty: always, still.
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    successor_id: Mapped[int | None] = fk("agency.id")

    parent: Mapped[Agency | None] = relationship(remote_side="Agency.id", foreign_keys="Agency.parent_id")
    successor: Mapped[Agency | None] = relationship(
        remote_side="Agency.id", foreign_keys="Agency.successor_id"
    )

    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_own_parent"),
        CheckConstraint("successor_id <> id", name="not_own_successor"),
        CheckConstraint("valid_to >= valid_from", name="validity_order"),
        CheckConstraint("successor_id IS NULL OR valid_to IS NOT NULL", name="succeeded_has_ended"),
        Index(None, "path"),
    )

    @property
    def depth(self) -> int:
        """0 for a root, 1 for the units right under it."""
        return self.path.count("/") - 2

    def is_within(self, other: Agency) -> bool:
        """Whether this is ``other`` or lies under it; "/1/" is no prefix of "/11/"."""
        return bool(other.path) and self.path.startswith(other.path)

    def stands(self, on: date) -> bool:
        """Whether the unit exists on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or self.valid_to >= on
        )


class AgencyTerm(Model):
    """What a unit was called, where it lay and what it stood under, from a day to a day (both included)."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    parent_id: Mapped[int | None] = fk("agency.id")
    name: Mapped[str] = mapped_column(String(120))
    division_code: Mapped[str] = mapped_column(String(12))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    basis: Mapped[str] = mapped_column(String(200), default="")  # the document that made it so

    agency: Mapped[Agency] = relationship(foreign_keys=[agency_id])

    __table_args__ = (
        CheckConstraint("valid_to >= valid_from", name="validity_order"),
        Index(None, "agency_id", "valid_from"),
        Index(None, "division_code"),
    )


class AgencySection(Model):
    """A section (科室) of a unit: who does what inside; it holds no powers of its own."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    name: Mapped[str] = mapped_column(String(60))
    duty: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    closed_on: Mapped[date | None]

    agency: Mapped[Agency] = relationship()

    __table_args__ = (UniqueConstraint("agency_id", "name"),)
