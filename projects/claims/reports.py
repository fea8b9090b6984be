"""The table of claims."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.commitments.models import Tranche
from projects.agreements.models import Project
from projects.claims.lifecycle import CLAIM
from projects.claims.models import Claim
from projects.claims.queries import visible_claims
from registry.organizations.models import Organization

VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": (N_("All"), ()),
    "submitted": (N_("To handle"), ("submitted",)),
    "accepted": (N_("claim accepted"), ("accepted",)),
    "returned": (N_("Returned"), ("returned",)),
}


def rows(user: Any, args: Arguments) -> Select[Any]:
    states = VIEWS.get(args.get("view", ""), VIEWS[""])[1]
    query = visible_claims(user)
    return query.where(Claim.state.in_(states)) if states else query


CLAIMS = Listing(
    name="claims.list",
    title=N_("Claims"),
    permissions=("project.read", "own.read"),
    rows=rows,
    filters=("view",),
    orders={
        "newest": ((Claim.id, True),),
        "amount": ((Claim.amount, True), (Claim.id, True)),
    },
    joins=lambda query: query.join(Claim.project).join(Project.organization).join(Claim.tranche),
    columns=(
        Column(N_("Number"), Project.number),
        Column(N_("Project"), Project.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Tranche"), Tranche.title),
        Column(N_("Amount"), Claim.amount, "money"),
        Column(N_("Receipt number"), Claim.receipt_number),
        Column(N_("Submitted"), Claim.submitted_at, "moment"),
        Column(N_("State"), Claim.state, words={item.name: item.label for item in CLAIM.states}),
    ),
)
