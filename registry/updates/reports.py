"""The list of reported changes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.organizations.models import Organization
from registry.updates.lifecycle import UPDATE
from registry.updates.models import UpdateRequest
from registry.updates.queries import visible_updates


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_updates(user)
    if args.get("state") in UPDATE.by_state:
        query = query.where(UpdateRequest.state == args["state"])
    return query


UPDATES = Listing(
    name="updates.list",
    title=N_("Reported changes"),
    permissions=("organization.read", "own.read"),
    rows=rows,
    filters=("state",),
    orders={"latest": ((UpdateRequest.id, True),)},
    joins=lambda query: query.join(Organization, Organization.id == UpdateRequest.organization_id),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("State"), UpdateRequest.state, words={item.name: item.label for item in UPDATE.states}),
        Column(N_("Evidence"), UpdateRequest.evidence, width=36),
        Column(N_("Sent"), UpdateRequest.submitted_at, "moment"),
        Column(N_("Decided"), UpdateRequest.decided_at, "moment"),
        Column(N_("Answer to the organization"), UpdateRequest.answer, width=36),
    ),
)
