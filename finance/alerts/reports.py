"""The table of alerts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.alerts.lifecycle import ALERT
from finance.alerts.models import FundAlert
from finance.alerts.queries import visible_alerts
from finance.alerts.rules import KINDS
from registry.agencies.models import Agency

_owner, _asked = aliased(Agency), aliased(Agency)


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_alerts(user)
    if args.get("kind") in KINDS:
        query = query.where(FundAlert.kind == args["kind"])
    state = args.get("state", "")
    if state in ALERT.by_state:
        query = query.where(FundAlert.state == state)
    return query


ALERTS = Listing(
    name="alerts.list",
    title=N_("Fund alerts"),
    permissions=("alert.read",),
    rows=rows,
    filters=("kind", "state"),
    orders={"newest": ((FundAlert.id, True),)},
    joins=lambda query: query.join(_owner, _owner.id == FundAlert.agency_id).join(
        _asked, _asked.id == FundAlert.assigned_agency_id, isouter=True
    ),
    columns=(
        Column(N_("Alert"), FundAlert.id, "number"),
        Column(N_("Kind"), FundAlert.kind, words=KINDS),
        Column(N_("Unit"), _owner.name, width=30),
        Column(N_("Found on"), FundAlert.found_on, "day"),
        Column(N_("State"), FundAlert.state, words={item.name: item.label for item in ALERT.states}),
        Column(N_("Assigned to"), _asked.name, width=30),
        Column(N_("Answer by"), FundAlert.due_on, "day"),
        Column(N_("Answer"), FundAlert.answer, width=50),
        Column(N_("Outcome"), FundAlert.outcome, width=50),
    ),
)
