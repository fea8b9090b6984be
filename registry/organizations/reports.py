"""The table of the register."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.organizations.models import KINDS, STATUSES, Organization
from registry.organizations.queries import matching


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(
        select(Organization).where(Organization.agency_id.in_(user.agency_ids("organization.read"))),
        args.get("q", ""),
    )
    if args.get("kind") in KINDS:
        query = query.where(Organization.kind == args["kind"])
    if args.get("status") in STATUSES:
        query = query.where(Organization.status == args["status"])
    return query


ORGANIZATIONS = Listing(
    name="organizations.list",
    title=N_("Organizations"),
    permissions=("organization.read",),
    rows=rows,
    filters=("q", "kind", "status"),
    orders={"name": ((Organization.sort_key, False), (Organization.id, False))},
    joins=lambda query: query.join(Organization.agency),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Kind"), Organization.kind, words=KINDS),
        Column(N_("Division code"), Organization.division_code),
        Column(N_("Registered on"), Organization.registered_on, "day"),
        Column(N_("Standing"), Organization.status, words=STATUSES),
        Column(N_("Address"), Organization.address, width=36),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
