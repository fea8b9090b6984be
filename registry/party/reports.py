"""The tables of party building: organizations, activities, the pool, and the figures by unit."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from flask import url_for
from sqlalchemy import Select, func

from core.text import N_, Message
from core.web.reporting import Cell, Head, Line, Report
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.models import Organization, PartyFacts
from registry.organizations.queries import matching
from registry.party.models import (
    ACTIVITY_KINDS,
    ROUTES,
    WORKER_SOURCES,
    PartyActivity,
    PartyFile,
    PartyWorker,
)
from registry.party.queries import (
    VIEWS,
    Figures,
    organizations_to_list,
    visible_activities,
    visible_workers,
)
from registry.party_orgs.models import ORG_KINDS
from registry.persons.models import Person

_KINDS = {"none": N_("no party organization"), **ORG_KINDS}


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(organizations_to_list(user), args.get("q", ""))
    if args.get("view") in VIEWS:
        query = query.where(VIEWS[args["view"]][1])
    route = args.get("route", "")
    if route in ROUTES:
        query = query.where(PartyFile.route == route)
    elif route == "none":
        query = query.where(func.coalesce(PartyFile.route, "") == "")
    if args.get("unit", "").isdecimal() and len(args["unit"]) < 19:
        query = query.where(Organization.agency_id == int(args["unit"]))
    return query


ORGANIZATIONS = Listing(
    name="party.list",
    title=N_("Party building of organizations"),
    permissions=("party.read",),
    rows=rows,
    filters=("q", "view", "route", "unit"),
    orders={"name": ((Organization.sort_key, False), (Organization.id, False))},
    joins=lambda query: query.join(Agency, Agency.id == Organization.agency_id).join(
        Person, Person.id == PartyFacts.instructor_id, isouter=True
    ),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Full party members"), func.coalesce(PartyFacts.full_members, 0), "number"),
        Column(
            N_("Party organization"), func.coalesce(PartyFacts.party_org_kind, "none"), words=_KINDS, width=24
        ),
        Column(N_("Instructor"), Person.name),
        Column(N_("Route of supervision"), PartyFile.route, words=ROUTES, width=36),
        Column(N_("Responsible unit"), PartyFile.responsible_name, width=28),
        Column(N_("Code of the grid cell"), PartyFile.grid_code),
        Column(N_("Commitment signed on"), PartyFacts.commitment_on, "day"),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)


def activity_rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(visible_activities(user), args.get("q", ""))
    if args.get("kind") in ACTIVITY_KINDS:
        query = query.where(PartyActivity.kind == args["kind"])
    return query


ACTIVITIES = Listing(
    name="party.activities",
    title=N_("Party activities"),
    permissions=("party.read",),
    rows=activity_rows,
    filters=("q", "kind"),
    orders={"newest": ((PartyActivity.id, True),)},
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Kind of party activity"), PartyActivity.kind, words=ACTIVITY_KINDS, width=24),
        Column(N_("Title of the activity"), PartyActivity.title, width=36),
        Column(N_("Held on"), PartyActivity.held_on, "day"),
        Column(N_("Place"), PartyActivity.place, width=28),
        Column(N_("How many came"), PartyActivity.attended, "number"),
        Column(N_("What was done"), PartyActivity.account, width=50),
    ),
)


def worker_rows(user: Any, args: Arguments) -> Select[Any]:
    query, words = visible_workers(user), args.get("q", "").strip()
    if words:
        query = query.where(Person.name.contains(words, autoescape=True))
    return query


WORKERS = Listing(
    name="party.workers",
    title=N_("Pool of party workers"),
    permissions=("party.read",),
    rows=worker_rows,
    filters=("q",),
    orders={"newest": ((PartyWorker.id, True),)},
    joins=lambda query: query.join(Agency, Agency.id == PartyWorker.agency_id),
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Where the worker comes from"), PartyWorker.source, words=WORKER_SOURCES, width=24),
        Column(N_("Own unit"), PartyWorker.unit, width=28),
        Column(N_("In the pool since"), PartyWorker.since, "day"),
        Column(N_("Until"), PartyWorker.until, "day"),
        Column(N_("Pool of"), Agency.name, width=28),
    ),
)

# Columns of the table by unit: a view, or a share of one view in another.
_SHARES = (("formed", "able"), ("instructed", "below"), ("charter", "all"), ("stepped", "all"))
SHARE_WORDS = {
    "formed": N_("party organizations formed"),
    "instructed": N_("instructors sent"),
    "charter": N_("share with the clauses in the charter"),
    "stepped": N_("five steps done"),
}


def share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def by_unit(figures: Figures, *, on: date) -> Report:
    """The figures of each unit for its yearly appraisal (S0-12); each opens to its rows."""
    heads = [
        Head(Message(N_("Social organizations")), "count"),
        Head(Message(N_("Full party members")), "count"),
    ]
    for part, whole in _SHARES:
        if whole != "all":
            heads.append(Head(Message(VIEWS[whole][0]), "count"))
        heads += [Head(Message(VIEWS[part][0]), "count"), Head(Message(SHARE_WORDS[part]), "percent")]
    lines = []
    for agency, counts in figures.units:
        lines.append(
            Line(
                agency.name,
                _cells(counts, agency.id),
                url=url_for("party.list", unit=agency.id),
            )
        )
    return Report(
        name="party",
        title=say(Message(N_("Party building by unit, as of %(day)s"), {"day": on})),
        first=N_("Unit"),
        heads=heads,
        lines=lines,
        totals=_cells(figures.total, None),
    )


def _cells(counts: dict[str, int], unit: int | None) -> list[Cell]:
    cells = [Cell(counts["all"], url_for("party.list", unit=unit)), Cell(counts["members"])]
    for part, whole in _SHARES:
        if whole != "all":
            cells.append(Cell(counts[whole], url_for("party.list", view=whole, unit=unit)))
        cells += [
            Cell(counts[part], url_for("party.list", view=part, unit=unit)),
            Cell(share(counts[part], counts[whole])),
        ]
    return cells
