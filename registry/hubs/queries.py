"""Hubs in scope, their members and what they did for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from registry.agencies.models import Agency
from registry.hubs.models import HubService, Membership
from registry.organizations.models import Organization, OrganizationTag
from registry.organizations.queries import named, visible_organizations


def _is_hub() -> Any:
    return exists().where(OrganizationTag.organization_id == Organization.id, OrganizationTag.tag == "hub")


def visible_hubs(user: Any) -> Select[Any]:
    """The hubs among the organizations a person sees; also those that are hubs no longer."""
    return visible_organizations(user).where(_is_hub())


def hub_in_scope(user: Any, organization_id: int) -> Organization | None:
    return db.session.scalar(visible_hubs(user).where(Organization.id == organization_id))


def own_hubs(user: Any) -> Select[Any]:
    """The organizations a person acts for that have been hubs."""
    own = user.organization_ids("own.read")
    return select(Organization).where(Organization.id.in_(own), _is_hub())


def acts_for_hub(user: Any) -> bool:
    """Whether one of the organizations a person acts for has a workspace of a hub."""
    if not user.organization_ids("own.read"):
        return False
    return db.session.scalar(select(own_hubs(user).exists())) is True


def may_keep(user: Any, hub: Organization) -> bool:
    """Whether the person keeps the members: at the department, or as one of the hub's own people."""
    return bool(
        user.may("organization.edit", agency_id=hub.agency_id) or user.may("own.edit", organization_id=hub.id)
    )


def memberships(hub: Organization, *, on: date | None = None) -> Select[Any]:
    """The memberships of a hub; those alive on a day, or all."""
    query = (
        select(Membership)
        .join(Membership.member)
        .where(Membership.hub_id == hub.id)
        .options(joinedload(Membership.member))
    )
    if on is None:
        return query
    return query.where(Membership.since <= on, or_(Membership.until.is_(None), Membership.until >= on))


def membership_in(hub: Organization, membership_id: int) -> Membership | None:
    return db.session.scalar(memberships(hub).where(Membership.id == membership_id))


def alive_membership(hub_id: int, member_id: int) -> Membership | None:
    return db.session.scalar(
        select(Membership).where(
            Membership.hub_id == hub_id, Membership.member_id == member_id, Membership.until.is_(None)
        )
    )


def hubs_of(organization: Organization, on: date) -> list[Membership]:
    """The hubs an organization belongs to on a day."""
    return list(
        db.session.scalars(
            select(Membership)
            .where(
                Membership.member_id == organization.id,
                Membership.since <= on,
                or_(Membership.until.is_(None), Membership.until >= on),
            )
            .options(joinedload(Membership.hub))
            .order_by(Membership.since, Membership.id)
        )
    )


def findable(hub: Organization) -> Select[Any]:
    """The organizations that can become members: kept by the hub's department or a unit under it."""
    units = select(Agency.id).where(Agency.path.startswith(hub.agency.path))
    return select(Organization).where(Organization.agency_id.in_(units), Organization.id != hub.id)


def found_for(hub: Organization, text: str) -> Organization | None:
    """The one organization of that full name or credit code that can become a member."""
    return named(findable(hub), text)


def services_of(hub_id: int, *, member_id: int | None = None, limit: int = 50) -> list[HubService]:
    query = select(HubService).where(HubService.hub_id == hub_id).options(joinedload(HubService.member))
    if member_id is not None:
        query = query.where(HubService.member_id == member_id)
    return list(
        db.session.scalars(query.order_by(HubService.done_on.desc(), HubService.id.desc()).limit(limit))
    )


def served_by_kind(hub_id: int, since: date) -> dict[str, int]:
    """How often the hub served its members since a day, by kind."""
    rows = db.session.execute(
        select(HubService.kind, func.count())
        .where(HubService.hub_id == hub_id, HubService.done_on >= since)
        .group_by(HubService.kind)
    )
    return dict(rows.all())
