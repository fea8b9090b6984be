"""Reading an organization's credit file."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from core.db import db
from registry.credit.models import CreditEntry
from registry.credit.rules import counts
from registry.organizations.models import Organization


def entries_of(organization: Organization) -> list[CreditEntry]:
    """The whole credit file, the youngest first."""
    return list(
        db.session.scalars(
            select(CreditEntry)
            .where(CreditEntry.organization_id == organization.id)
            .order_by(CreditEntry.entered_on.desc(), CreditEntry.id.desc())
        )
    )


def entries_that_count(
    organization: Organization, kind: str, *, on: date, months: int = 0
) -> list[CreditEntry]:
    """Entries of one kind in force on ``on`` or within the ``months`` before it (E5 to E7, E16)."""
    return [
        entry
        for entry in entries_of(organization)
        if entry.kind == kind and counts(entry.entered_on, entry.removed_on, on=on, months=months)
    ]


def editable_entry(user: Any, entry_id: int) -> CreditEntry | None:
    """An entry of an organization kept at a unit where the person edits credit."""
    return db.session.scalar(
        select(CreditEntry)
        .join(Organization, Organization.id == CreditEntry.organization_id)
        .where(CreditEntry.id == entry_id, Organization.agency_id.in_(user.agency_ids("credit.edit")))
    )
