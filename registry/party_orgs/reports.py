"""The table of party organizations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core import clock
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.party_orgs.models import ORG_FORMS, ORG_KINDS, PartyOrg
from registry.party_orgs.queries import asked_day, org_views, visible_orgs
from registry.persons.models import Person


def rows(user: Any, args: Arguments) -> Select[Any]:
    query, words = visible_orgs(user), args.get("q", "").strip()
    if words:
        query = query.where(PartyOrg.name.contains(words, autoescape=True))
    if args.get("kind") in ORG_KINDS:
        query = query.where(PartyOrg.kind == args["kind"])
    views = org_views(asked_day(args.get("on", "")) or clock.today())
    if args.get("view") in views:
        query = query.where(views[args["view"]])
    return query


ORGS = Listing(
    name="party_orgs.list",
    title=N_("Party organizations"),
    permissions=("party.read",),
    rows=rows,
    filters=("q", "kind", "view", "on"),
    orders={"newest": ((PartyOrg.id, True),)},
    joins=lambda query: query.join(PartyOrg.secretary, isouter=True).join(
        Agency, Agency.id == PartyOrg.agency_id
    ),
    columns=(
        Column(N_("Party organization"), PartyOrg.name, width=36),
        Column(N_("Kind"), PartyOrg.kind, words=ORG_KINDS, width=24),
        Column(N_("Form"), PartyOrg.form, words=ORG_FORMS),
        Column(N_("Superior party organization"), PartyOrg.superior, width=36),
        Column(N_("Secretary"), Person.name),
        Column(N_("Founded on"), PartyOrg.founded_on, "day"),
        Column(N_("Ended on"), PartyOrg.until, "day"),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
