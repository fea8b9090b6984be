"""The table of transfers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.custody.lifecycle import TRANSFER
from registry.custody.models import CustodyTransfer
from registry.custody.queries import visible_transfers
from registry.organizations.models import Organization

giver, taker = aliased(Agency), aliased(Agency)


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_transfers(user)
    if args.get("state") in TRANSFER.by_state:
        query = query.where(CustodyTransfer.state == args["state"])
    return query


TRANSFERS = Listing(
    name="custody.list",
    title=N_("Transfers of responsibility"),
    permissions=("organization.read",),
    rows=rows,
    filters=("state",),
    orders={"newest": ((CustodyTransfer.id, True),)},
    joins=lambda query: (
        query.join(Organization, Organization.id == CustodyTransfer.organization_id)
        .join(giver, giver.id == CustodyTransfer.agency_id)
        .join(taker, taker.id == CustodyTransfer.to_agency_id)
    ),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Handed over by"), giver.name, width=28),
        Column(N_("Taken over by"), taker.name, width=28),
        Column(N_("State"), CustodyTransfer.state, words={name: item.label for name, item in TRANSFER.by_state.items()}),
        Column(N_("Since"), CustodyTransfer.effective_on, "day"),
        Column(N_("Reason"), CustodyTransfer.reason, width=40),
        Column(N_("Number of the document"), CustodyTransfer.document),
    ),
)  # fmt: skip
