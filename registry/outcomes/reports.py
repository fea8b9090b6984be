"""The list of cases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.organizations.models import Organization
from registry.outcomes.lifecycle import OUTCOME
from registry.outcomes.models import GROUNDS, OUTCOMES, OutcomeCase
from registry.outcomes.queries import visible_cases


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_cases(user)
    if args.get("state") in OUTCOME.by_state:
        query = query.where(OutcomeCase.state == args["state"])
    if args.get("outcome") in OUTCOMES:
        query = query.where(OutcomeCase.outcome == args["outcome"])
    return query


CASES = Listing(
    name="outcomes.list",
    title=N_("Outcomes"),
    permissions=("organization.read", "own.read"),
    rows=rows,
    filters=("state", "outcome"),
    orders={"latest": ((OutcomeCase.id, True),)},
    joins=lambda query: query.join(Organization, Organization.id == OutcomeCase.organization_id),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Outcome"), OutcomeCase.outcome, words=OUTCOMES),
        Column(N_("Ground of the case"), OutcomeCase.ground, words=GROUNDS),
        Column(N_("State"), OutcomeCase.state, words={item.name: item.label for item in OUTCOME.states}),
        Column(N_("Document"), OutcomeCase.document),
        Column(N_("Decided on"), OutcomeCase.decided_on, "day"),
        Column(N_("Who winds it up"), OutcomeCase.liquidator),
        Column(N_("Wound up until"), OutcomeCase.liquidation_until, "day"),
        Column(N_("Settled on"), OutcomeCase.closed_on, "day"),
    ),
)
