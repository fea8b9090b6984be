"""The table of the pool of experts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.agencies.models import Agency
from registry.experts.models import Expert
from registry.experts.queries import visible_experts
from registry.organizations.models import FIELDS
from registry.persons.models import Person


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_experts(user)
    words = args.get("q", "").strip()
    if words:
        named = select(Person.id).where(Person.name.contains(words, autoescape=True))
        query = query.where(
            or_(Expert.person_id.in_(named), Expert.employer.contains(words, autoescape=True))
        )
    if args.get("state") in ("active", "resting"):
        query = query.where(Expert.active == (args["state"] == "active"))
    return query


def _fields(names: list[str]) -> str:
    return "、".join(say(FIELDS.get(name, name)) for name in names)


EXPERTS = Listing(
    name="experts.list",
    title=N_("Experts"),
    permissions=("expert.read",),
    rows=rows,
    filters=("q", "state"),
    orders={"first": ((Expert.id, False),)},
    joins=lambda query: query.join(Person, Person.id == Expert.person_id).join(
        Agency, Agency.id == Expert.agency_id
    ),
    columns=(
        Column(N_("Expert"), Person.name),
        Column(N_("Fields of knowledge"), Expert.fields, write=_fields, width=36),
        Column(N_("Employer"), Expert.employer, width=32),
        Column(N_("In the draw"), Expert.active, words={True: N_("yes"), False: N_("no")}),
        Column(N_("Unit"), Agency.name, width=28),
    ),
)
