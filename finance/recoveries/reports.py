"""The table of recovery cases, and the printed order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core import clock
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.commitments.models import Commitment
from finance.recoveries.lifecycle import RECOVERY
from finance.recoveries.models import Recovery
from finance.recoveries.queries import OPEN, visible_recoveries, waiting_for
from finance.recoveries.rules import GROUNDS
from registry.organizations.models import Organization

STEPS = ("recovery.review", "recovery.review_money", "recovery.order", "recovery.book")
VIEWS = {
    "mine": N_("Waiting for me"),
    "open": N_("Under way"),
    "late": N_("Overdue"),
    "settled": N_("Came back"),
    "dropped": N_("Dropped"),
    "all": N_("All"),
}


def view_of(user: Any, args: Arguments) -> str:
    """The view asked for; without one what waits for the reader, if the reader takes steps at all."""
    acts = any(user.may_somewhere(step) for step in STEPS)
    return args.get("view", "mine" if acts else "all")


def rows(user: Any, args: Arguments) -> Select[Any]:
    view, query = view_of(user, args), visible_recoveries(user)
    if view == "mine":
        return query.where(waiting_for(user))
    if view == "open":
        return query.where(Recovery.state.in_(OPEN))
    if view == "late":
        return query.where(Recovery.state == "ordered", Recovery.due_on < clock.today())
    return query.where(Recovery.state == view) if view in RECOVERY.by_state else query


RECOVERIES = Listing(
    name="recoveries.list",
    title=N_("Recoveries"),
    permissions=("recovery.read", "own.read"),
    rows=rows,
    filters=("view",),
    orders={
        "newest": ((Recovery.id, True),),
        "due": ((Recovery.due_on, False), (Recovery.id, False)),
    },
    joins=lambda query: query.join(Organization, Organization.id == Commitment.organization_id),
    columns=(
        Column(N_("Number"), Recovery.number, width=32),
        Column(N_("Project"), Commitment.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Ground"), Recovery.ground, words={code: item.label for code, item in GROUNDS.items()}),
        Column(N_("Amount"), Recovery.amount, "money"),
        Column(N_("Came back"), Recovery.recovered, "money"),
        Column(N_("To be back by"), Recovery.due_on, "day"),
        Column(N_("State"), Recovery.state, words={item.name: item.label for item in RECOVERY.states}),
    ),
)


def document_facts(recovery: Recovery, agency: Any) -> dict[str, Any]:
    """The context of templates/recoveries/document.html."""
    ground = GROUNDS[recovery.ground]
    return {
        "recovery": recovery,
        "commitment": recovery.commitment,
        "organization": recovery.commitment.organization,
        "agency": agency,
        "ground": ground.label,
        "source": ground.source,
    }
