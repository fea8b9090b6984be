"""The table of annual inspections."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.inspections import queries
from registry.inspections.queries import NOT_YET, RESULTS
from registry.organizations.models import INSPECTION_RESULTS, KINDS, Organization
from registry.organizations.queries import matching

WORDS = {**INSPECTION_RESULTS, NOT_YET: N_("not inspected yet")}


def rows(user: Any, args: Arguments) -> Select[Any]:
    year = queries.asked_year(args)
    query = matching(queries.inspected(user, year), args.get("q", ""))
    if args.get("result") in RESULTS:
        query = query.where(queries.result == args["result"])
    if args.get("silent") == "yes":
        query = queries.two_years_without(query, year)
    return query


INSPECTIONS = Listing(
    name="inspections.list",
    title=N_("Annual inspections"),
    permissions=("credit.read",),
    rows=rows,
    filters=("year", "q", "result", "silent"),
    orders={"name": ((Organization.sort_key, False), (Organization.id, False))},
    joins=lambda query: query.join(Agency, Agency.id == Organization.agency_id),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Kind"), Organization.kind, words=KINDS, width=24),
        Column(N_("Registered on"), Organization.registered_on, "day"),
        Column(N_("Result"), queries.result, words=WORDS),
        Column(N_("Result of the year before"), queries.result_before, words=WORDS),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)
