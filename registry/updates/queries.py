"""Reported changes in scope, and what they would change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from registry.organizations.models import Organization
from registry.particulars.models import StaffCount
from registry.particulars.services import COUNTS
from registry.updates.models import UpdateRequest

ENTRY = ("name", "business_scope", "fields")
LEADER = ("leader", "leader_phone")
PROFILE = (
    "certificate_from", "certificate_to", "charter_on", "activity_area", "member_count", "local_contact",
    "local_phone",
)  # fmt: skip
ALIVE = ("draft", "submitted", "returned")


def entry_values(organization: Organization, year: int) -> dict[str, Any]:
    """What an organization may report a change of, as it stands now, in plain values; people of ``year``."""
    leader, profile = organization.legal_representative, organization.profile
    staff = db.session.scalar(
        select(StaffCount).where(StaffCount.organization_id == organization.id, StaffCount.year == year)
    )
    values: dict[str, Any] = {name: getattr(organization, name) for name in ENTRY}
    values["leader"] = leader.name if leader else ""
    values["leader_phone"] = leader.phone if leader else ""
    for name in PROFILE:
        value = getattr(profile, name) if profile else None
        values[name] = value.isoformat() if isinstance(value, date) else value
    values["staff_year"] = year
    values.update({name: getattr(staff, name) if staff else None for name in COUNTS})
    return values


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a request: what it was, what it is by now, what it is to become."""

    field: str
    base: Any
    now: Any
    proposed: Any

    @property
    def moved(self) -> bool:
        """Whether somebody changed the field since the request was drafted."""
        return bool((self.base or None) != (self.now or None))


def differences(request: UpdateRequest) -> list[Difference]:
    year = int(request.proposed.get("staff_year") or clock.today().year)
    # What was accepted is the entry by now: nothing moved.
    now = request.base if request.state == "accepted" else entry_values(request.organization, year)
    return [
        Difference(name, request.base.get(name), now.get(name), value)
        for name, value in request.proposed.items()
        if name != "staff_year"
    ]


def visible_updates(user: Any) -> Select[Any]:
    """Those sent to the units a person reads the register of, and all of the person's own organizations."""
    sent = UpdateRequest.agency_id.in_(user.agency_ids("organization.read"))
    own = user.organization_ids("own.read")
    query = select(UpdateRequest).options(joinedload(UpdateRequest.organization))
    if not own:
        return query.where(sent, UpdateRequest.submitted_at.is_not(None))
    return query.where(
        or_(sent & UpdateRequest.submitted_at.is_not(None), UpdateRequest.organization_id.in_(own))
    )


def update_in_scope(user: Any, request_id: int) -> UpdateRequest | None:
    return db.session.scalar(visible_updates(user).where(UpdateRequest.id == request_id))


def alive_update(organization_id: int) -> UpdateRequest | None:
    """The one request of an organization that is not decided yet."""
    return db.session.scalar(
        select(UpdateRequest)
        .where(UpdateRequest.organization_id == organization_id, UpdateRequest.state.in_(ALIVE))
        .options(joinedload(UpdateRequest.organization))
        .order_by(UpdateRequest.id.desc())
        .limit(1)
    )


def waiting_for(user: Any, *, limit: int = 20) -> list[UpdateRequest]:
    """Sent ones for the reviewing officer; drafts for the organization's leader; returned ones for its people."""
    verify = user.agency_ids("organization.verify")
    submit, edit = user.organization_ids("own.submit"), user.organization_ids("own.edit")
    mine = []
    if verify:
        mine.append((UpdateRequest.state == "submitted") & UpdateRequest.agency_id.in_(verify))
    if submit:
        mine.append((UpdateRequest.state == "draft") & UpdateRequest.organization_id.in_(submit))
    if edit:
        mine.append((UpdateRequest.state == "returned") & UpdateRequest.organization_id.in_(edit))
    if not mine:
        return []
    return list(
        db.session.scalars(
            select(UpdateRequest)
            .where(or_(*mine))
            .options(joinedload(UpdateRequest.organization))
            .order_by(UpdateRequest.id)
            .limit(limit)
        )
    )
