"""Who keeps the party file of an organization."""

from __future__ import annotations

from typing import Any

from registry.organizations.models import Organization
from registry.party.models import PartyFile


def may_edit(user: Any, organization: Organization, row: PartyFile | None) -> bool:
    """The unit that keeps the organization, and the one responsible for its party building."""
    units = user.agency_ids("party.edit")
    return organization.agency_id in units or (row is not None and row.responsible_agency_id in units)


def may_report(user: Any, organization: Organization, row: PartyFile | None) -> bool:
    """Surveys and activities also come from the organization itself."""
    return may_edit(user, organization, row) or user.may("own.edit", organization_id=organization.id)
