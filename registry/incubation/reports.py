"""The tables of incubation: places, hosted organizations, the ledger, spaces."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, String, cast

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.incubation.models import (
    LEVELS,
    OUTCOMES,
    SERVICES,
    TERMS,
    USES,
    HostedStay,
    IncubationService,
    Incubator,
    IncubatorSpace,
)
from registry.incubation.queries import (
    visible_places,
    visible_services,
    visible_spaces,
    visible_stays,
)
from registry.organizations.models import Organization
from registry.organizations.queries import matching


def rows(user: Any, args: Arguments) -> Select[Any]:
    query, words = visible_places(user), args.get("q", "").strip()
    if words:
        query = query.where(Incubator.name.contains(words, autoescape=True))
    if args.get("level") in LEVELS:
        query = query.where(Incubator.level == args["level"])
    if args.get("use") in USES:
        # The keys are our own words, so their quoted form stands in the stored list exactly.
        query = query.where(cast(Incubator.uses, String).contains(f'"{args["use"]}"'))
    if args.get("state") == "open":
        query = query.where(Incubator.until.is_(None))
    return query


PLACES = Listing(
    name="incubation.list",
    title=N_("Places of incubation"),
    permissions=("incubation.read", "own.read"),
    rows=rows,
    filters=("q", "level", "use", "state"),
    orders={"newest": ((Incubator.id, True),)},
    columns=(
        Column(N_("Name of the place"), Incubator.name, width=36),
        Column(N_("Level"), Incubator.level, words=LEVELS, width=20),
        Column(N_("Division code"), Incubator.division_code),
        Column(N_("Address"), Incubator.address, width=36),
        Column(N_("Area in square metres"), Incubator.area, "number"),
        Column(N_("Opened on"), Incubator.opened_on, "day"),
        Column(N_("Closed on"), Incubator.until, "day"),
    ),
)


def stay_rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(visible_stays(user), args.get("q", ""))
    if args.get("state") == "now":
        query = query.where(HostedStay.until.is_(None))
    elif args.get("state") in OUTCOMES:
        query = query.where(HostedStay.outcome == args["state"])
    return query


STAYS = Listing(
    name="incubation.hosted",
    title=N_("Hosted organizations"),
    permissions=("incubation.read",),
    rows=stay_rows,
    filters=("q", "state"),
    orders={"newest": ((HostedStay.id, True),)},
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Name of the place"), Incubator.name, width=36),
        Column(N_("Entry on"), HostedStay.since, "day"),
        Column(N_("Leaves on"), HostedStay.until, "day"),
        Column(N_("How it leaves"), HostedStay.outcome, words={"": "", **OUTCOMES}),
        Column(N_("Note"), HostedStay.note, width=40),
    ),
)


def service_rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(visible_services(user), args.get("q", ""))
    if args.get("kind") in SERVICES:
        query = query.where(IncubationService.kind == args["kind"])
    if year := asked_year(args.get("year", "")):
        query = query.where(
            IncubationService.served_on >= date(year, 1, 1),
            IncubationService.served_on <= date(year, 12, 31),
            IncubationService.struck_on.is_(None),
        )
    return query


def asked_year(text: str) -> int:
    """The year in an address, 0 for none or for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and 2000 <= int(text[:6]) <= 2100 else 0


LEDGER = Listing(
    name="incubation.ledger",
    title=N_("Ledger of services"),
    permissions=("incubation.read",),
    rows=service_rows,
    filters=("q", "kind", "year"),
    orders={"newest": ((IncubationService.id, True),)},
    columns=(
        Column(N_("Done on"), IncubationService.served_on, "day"),
        Column(N_("Name of the place"), Incubator.name, width=30),
        Column(N_("Kind of service"), IncubationService.kind, words=SERVICES, width=20),
        Column(N_("What was done"), IncubationService.title, width=36),
        Column(N_("For the organization"), Organization.name, width=30),
        Column(N_("Or for others, by name"), IncubationService.recipient, width=30),
        Column(N_("Minutes"), IncubationService.minutes, "number"),
        Column(N_("People reached"), IncubationService.people, "number"),
        Column(N_("Struck out on"), IncubationService.struck_on, "day"),
        Column(N_("What is wrong with the line"), IncubationService.struck_why, width=30),
    ),
)


def space_rows(user: Any, args: Arguments) -> Select[Any]:
    query, words = visible_spaces(user), args.get("q", "").strip()
    if words:
        query = query.where(IncubatorSpace.name.contains(words, autoescape=True))
    if args.get("terms") in TERMS:
        query = query.where(IncubatorSpace.terms == args["terms"])
    return query


SPACES = Listing(
    name="incubation.spaces",
    title=N_("Spaces offered"),
    permissions=("incubation.read", "own.read"),
    rows=space_rows,
    filters=("q", "terms"),
    orders={"newest": ((IncubatorSpace.id, True),)},
    columns=(
        Column(N_("Name of the space"), IncubatorSpace.name, width=30),
        Column(N_("Name of the place"), Incubator.name, width=36),
        Column(N_("Address"), Incubator.address, width=36),
        Column(N_("Seats"), IncubatorSpace.seats, "number"),
        Column(N_("Terms of use"), IncubatorSpace.terms, words=TERMS),
        Column(N_("Price for half a day"), IncubatorSpace.price, "money"),
        Column(N_("Equipment"), IncubatorSpace.equipment, width=36),
    ),
)
