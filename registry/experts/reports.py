"""The table of the pool of experts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, not_, or_, select

from core import clock
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.agencies.models import Agency
from registry.experts.lifecycle import EXPERT
from registry.experts.models import Expert
from registry.experts.queries import EXPIRY_DAYS, admitted, visible_experts
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
    if args.get("field") in FIELDS:
        # A list of short words as JSON text: each stands between quotation marks.
        query = query.where(cast(Expert.fields, String).contains(f'"{args["field"]}"'))
    return query.where(*_in_state(args.get("state", "")))


def _in_state(state: str) -> list[ColumnElement[bool]]:
    today = clock.today()
    if state == "active":
        return [admitted(today)]
    if state == "resting":
        return [not_(admitted(today))]
    if state == "proposed":
        return [Expert.state == "proposed"]
    if state == "expiring":
        return [
            Expert.state == "admitted",
            Expert.active.is_(True),
            Expert.valid_to <= today + timedelta(days=EXPIRY_DAYS),
        ]
    return []


def _fields(names: list[str]) -> str:
    return "、".join(say(FIELDS.get(name, name)) for name in names)


EXPERTS = Listing(
    name="experts.list",
    title=N_("Experts"),
    permissions=("expert.read",),
    rows=rows,
    filters=("q", "field", "state"),
    orders={"first": ((Expert.id, False),)},
    joins=lambda query: query.join(Person, Person.id == Expert.person_id).join(
        Agency, Agency.id == Expert.agency_id
    ),
    columns=(
        Column(N_("Expert"), Person.name),
        Column(N_("Fields of knowledge"), Expert.fields, write=_fields, width=36),
        Column(N_("Employer"), Expert.employer, width=32),
        Column(N_("Professional title"), Expert.professional_title),
        Column(N_("Regions served"), Expert.regions, write=", ".join, width=28),
        Column(
            N_("State"), Expert.state, words={name: state.label for name, state in EXPERT.by_state.items()}
        ),
        Column(N_("Admitted until"), Expert.valid_to, "day"),
        Column(N_("In the draw"), Expert.active, words={True: N_("yes"), False: N_("no")}),
        Column(N_("Unit"), Agency.name, width=28),
    ),
)
