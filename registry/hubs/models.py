"""Hubs: organizations that serve organizations (以社管社).

A hub is an organization with the tag hub. Its members are noted with days; a member may belong to
several hubs. The hub's own people see the public entry of its members and note what they did for
them. They see nothing of a member's money or files.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.organizations.models import Organization

MEMBERSHIPS = {"member": N_("member"), "served": N_("served organization")}
SERVICES = {
    "registration": N_("help with registration or filing"),
    "guidance": N_("guidance of projects"),
    "training": N_("training"),
    "finance": N_("help with accounts"),
    "matching": N_("matching of needs and resources"),
    "party": N_("party building"),
    "other": N_("other service"),
}


class Membership(Model):
    hub_id: Mapped[int] = fk("organization.id", index=False)
    member_id: Mapped[int] = fk("organization.id")
    kind: Mapped[str] = mapped_column(String(8))
    since: Mapped[date]
    until: Mapped[date | None]

    hub: Mapped[Organization] = relationship(foreign_keys=[hub_id])
    member: Mapped[Organization] = relationship(foreign_keys=[member_id])

    __table_args__ = (
        CheckConstraint("hub_id <> member_id", name="not_own_member"),
        CheckConstraint("until >= since", name="dates_order"),
        UniqueConstraint("hub_id", "member_id", "since"),
    )


class HubService(Model):
    """One thing a hub did for one of its members."""

    hub_id: Mapped[int] = fk("organization.id", index=False)
    member_id: Mapped[int] = fk("organization.id")
    kind: Mapped[str] = mapped_column(String(16))
    done_on: Mapped[date]
    text: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[int | None] = fk("user_account.id")

    member: Mapped[Organization] = relationship(foreign_keys=[member_id])

    __table_args__ = (
        CheckConstraint("hub_id <> member_id", name="not_own_service"),
        Index(None, "hub_id", "done_on", "id"),
    )
