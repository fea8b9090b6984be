"""The list of hubs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.hubs.queries import visible_hubs
from registry.organizations.models import STATUSES, Organization


def rows(user: Any, args: Arguments) -> Select[Any]:
    return visible_hubs(user)


HUBS = Listing(
    name="hubs.list",
    title=N_("Hub organizations"),
    permissions=("organization.read",),
    rows=rows,
    orders={"name": ((Organization.sort_key, False), (Organization.id, False))},
    joins=lambda query: query.join(Organization.agency),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Standing"), Organization.status, words=STATUSES),
        Column(N_("Telephone"), Organization.phone),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
