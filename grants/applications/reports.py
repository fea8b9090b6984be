"""The table of applications: what a unit sees of what was submitted to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from grants.applications.lifecycle import lifecycle
from grants.applications.models import Application
from grants.applications.queries import visible_applications
from grants.calls.models import Call
from grants.calls.rules import CATEGORIES
from registry.organizations.models import Organization


def in_every_state(user: Any, args: Arguments) -> Select[Any]:
    """The applications of the scope through the filters, whatever their state."""
    query = visible_applications(user)
    if args.get("call"):
        call = args["call"]
        query = query.where(Application.call_id == (int(call) if call.isdecimal() and len(call) < 18 else 0))
    if args.get("category") in CATEGORIES:
        query = query.where(Application.category == args["category"])
    words = args.get("q", "").strip()
    if words:
        named = select(Organization.id).where(Organization.name.contains(words, autoescape=True))
        query = query.where(
            or_(
                Application.title.contains(words, autoescape=True),
                Application.number.contains(words, autoescape=True),
                Application.organization_id.in_(named),
            )
        )
    return query


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = in_every_state(user, args)
    return (
        query.where(Application.state == args["state"]) if args.get("state") in lifecycle.by_state else query
    )


APPLICATIONS = Listing(
    name="applications.list",
    title=N_("Applications"),
    permissions=("application.read",),
    rows=rows,
    filters=("state", "call", "category", "q"),
    orders={
        "newest": ((Application.id, True),),
        "requested": ((Application.requested, True), (Application.id, True)),
    },
    joins=lambda query: query.join(Application.organization).join(Application.call),
    columns=(
        Column(N_("Number"), Application.number),
        Column(N_("Project"), Application.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Call"), Call.title, width=32),
        Column(N_("Category"), Application.category, words=CATEGORIES),
        Column(N_("Asked for"), Application.requested, "money"),
        Column(N_("Own money"), Application.own_funds, "money"),
        Column(N_("Score"), Application.score, "score"),
        Column(N_("State"), Application.state, words={item.name: item.label for item in lifecycle.states}),
        Column(N_("Submitted"), Application.submitted_at, "moment"),
    ),
)
