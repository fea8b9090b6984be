"""The table of calls, and what pages of grants show of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select

from core.audit.queries import entries_of
from core.db import db
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from core.web.words import moment, say
from finance.commitments.reports import what_if_owed
from finance.funds.models import Earmark
from finance.funds.queries import earmark_available
from finance.funds.reports import Bought, WhatIf
from finance.funds.rules import FUND_KINDS
from grants.calls.lifecycle import lifecycle
from grants.calls.models import Call
from grants.calls.queries import visible_calls
from registry.agencies.models import Agency

SHOWN = 30


def _actor(name: str) -> str:
    return say(N_("the system")) if name == "system" else name


def trail(
    thing: Any, events: Mapping[str, str], *, tones: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The newest audit entries of ``thing`` as items of a timeline, each with its note."""
    items = []
    for entry in entries_of(thing)[:SHOWN]:
        details = json.loads(entry.details) if isinstance(entry.details, str) else entry.details
        note = " · ".join(part for part in (_actor(entry.actor_name), str(details.get("note", ""))) if part)
        items.append(
            {
                "what": say(events.get(entry.event, entry.event)),
                "when": moment(entry.at),
                "note": note,
                "tone": (tones or {}).get(entry.event, ""),
            }
        )
    return items


def what_if_granted(earmark: Earmark, title: str) -> WhatIf:
    """The call at its end: all that is free in the earmark granted, its balance, the shares, the 30% figure.

    Whoever wins is not known yet: the figure counts some social organization, as venture grants do.
    """
    free = earmark_available(earmark)
    kind = FUND_KINDS[earmark.budget.fund_source.kind]
    agency = db.session.get_one(Agency, earmark.agency_id)
    bought = [Bought(agency, free, kind.official, title or earmark.title, is_venture=True)]
    return what_if_owed([(earmark, free)], bought if kind.public and free else [])


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_calls(user)
    return query.where(Call.state == args["state"]) if args.get("state") in lifecycle.by_state else query


CALLS = Listing(
    name="calls.list",
    title=N_("Calls"),
    permissions=("call.read",),
    rows=rows,
    filters=("state",),
    orders={
        "newest": ((Call.id, True),),
        "deadline": ((Call.deadline_at, True), (Call.id, True)),
    },
    joins=lambda query: query.join(Call.agency),
    columns=(
        Column(N_("Document number"), Call.document_number),
        Column(N_("Call"), Call.title, width=40),
        Column(N_("Unit"), Agency.name, width=28),
        Column(N_("Year"), Call.year, "number"),
        Column(N_("Round"), Call.round_number, "number"),
        Column(N_("Opens"), Call.opens_at, "moment"),
        Column(N_("Deadline"), Call.deadline_at, "moment"),
        Column(N_("Cap for one project"), Call.project_cap, "money"),
        Column(N_("State"), Call.state, words={item.name: item.label for item in lifecycle.states}),
    ),
)
