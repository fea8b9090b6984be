"""Who may not judge, approve or pay for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from registry.interests.models import Interest
from registry.interests.rules import window
from registry.organizations.models import Organization


def conflict(person_id: int, organization_id: int, *, on: date) -> Interest | None:
    """An interest alive within the three years before ``on``, or ``None``."""
    return conflicts([person_id], [organization_id], on=on).get((person_id, organization_id))


def conflicts(
    person_ids: Iterable[int], organization_ids: Iterable[int], *, on: date
) -> dict[tuple[int, int], Interest]:
    """For each pair in conflict one interest, of several the youngest.

    A legal representative counts as governance without having declared it; that interest is not
    a stored row (it has no id).
    """
    people, bodies = set(person_ids), set(organization_ids)
    if not people or not bodies:
        return {}
    first, last = window(on)
    found: dict[tuple[int, int], Interest] = {}
    heads = select(Organization.id, Organization.legal_representative_id, Organization.registered_on).where(
        Organization.id.in_(bodies), Organization.legal_representative_id.in_(people)
    )
    for head in db.session.execute(heads):
        found[(head.legal_representative_id, head.id)] = Interest(
            person_id=head.legal_representative_id,
            organization_id=head.id,
            kind="governance",
            since=min(head.registered_on or first, on),
        )
    stored = (
        select(Interest)
        .where(
            Interest.person_id.in_(people),
            Interest.organization_id.in_(bodies),
            Interest.since <= last,
            or_(Interest.until.is_(None), Interest.until >= first),
        )
        .order_by(Interest.since, Interest.id)
    )
    for interest in db.session.scalars(stored):
        found[(interest.person_id, interest.organization_id)] = interest
    return found


def interests_of_person(person_id: int) -> list[Interest]:
    """All interests of a person with their organizations, the youngest first."""
    return _listed(Interest.person_id == person_id)


def interests_of_organization(organization_id: int) -> list[Interest]:
    """Everybody with an interest in an organization, the youngest first."""
    return _listed(Interest.organization_id == organization_id)


def _listed(condition: Any) -> list[Interest]:
    return list(
        db.session.scalars(
            select(Interest)
            .where(condition)
            .options(joinedload(Interest.person), joinedload(Interest.organization))
            .order_by(Interest.since.desc(), Interest.id.desc())
        )
    )


def open_interest(person_id: int, organization_id: int, kind: str) -> Interest | None:
    """An interest of this kind between the two that has no end yet."""
    return db.session.scalar(
        select(Interest)
        .where(
            Interest.person_id == person_id,
            Interest.organization_id == organization_id,
            Interest.kind == kind,
            Interest.until.is_(None),
        )
        .order_by(Interest.id)
        .limit(1)
    )
