"""The table of the register: what its page and its files hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from core.db import db
from core.text import N_, Message
from core.web.reporting import Cell, Head, Line, Report
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.agencies.models import Agency
from registry.directory.queries import Coverage, asked_division
from registry.directory.rules import FACETS, FILTERS
from registry.keys.models import DirectoryEntry
from registry.keys.queries import ORDER, Search, counted, parts_in_order, search_of, shelves_of
from registry.organizations.models import KINDS, REGISTER_CLASSES, STATUSES, Organization
from registry.persons.models import Person

Leader = aliased(Person)


def asked_search(user: Any, args: Arguments) -> Search:
    """The search that an address asks for; a division that cannot be read finds nothing."""
    marks: dict[str, Any] = {name: args[name] for name, words in FACETS.items() if args.get(name) in words}
    division = asked_division(user, args.get("division", ""))
    if division.problem is not None:
        marks["in"] = "nowhere"
    exact = asked_division(user, args.get("at", ""))
    if exact.code:
        marks["at"] = exact.code
    return search_of(user, marks=marks, division=division.code, words=args.get("q", ""))


def rows(user: Any, args: Arguments) -> Select[Any]:
    """The organizations in reach; which of them the filters mean is said by :func:`parts`."""
    return (
        select(Organization)
        .join(DirectoryEntry, DirectoryEntry.organization_id == Organization.id)
        .join(Organization.agency)
        .where(asked_search(user, args).within())
    )


def parts(user: Any, args: Arguments) -> Iterator[Any]:
    """What the filters mean as conditions on :func:`rows`, one shelf after the other in the list's order."""
    search = asked_search(user, args)
    shelves = shelves_of(search)
    shelves.read()
    db.session.rollback()
    for places in parts_in_order(shelves):
        yield (DirectoryEntry.place.in_(places), *search.compared())


def total(user: Any, args: Arguments) -> int:
    shelves = shelves_of(asked_search(user, args))
    shelves.read()
    return counted(shelves, whole=True).number


def _words_of(mark: str, words: Mapping[str, str]) -> Any:
    def write(marks: str) -> str:
        values = [item.partition("=")[2] for item in marks.split() if item.startswith(f"{mark}=")]
        return "、".join(
            say(words[value]) for value in values if value in words and value not in ("0", "none")
        )

    return write


ORGANIZATIONS = Listing(
    name="directory.list",
    title=N_("Organizations"),
    permissions=("organization.read",),
    rows=rows,
    parts=parts,
    total=total,
    filters=FILTERS,
    orders={"name": ORDER},
    joins=lambda query: query.outerjoin(Leader, Leader.id == Organization.legal_representative_id),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), func.coalesce(Organization.credit_code, "")),
        Column(N_("Kind"), Organization.kind, words=KINDS),
        Column(N_("Registration"), Organization.register_class, words=REGISTER_CLASSES),
        Column(N_("Standing"), Organization.status, words=STATUSES),
        Column(N_("Division code"), Organization.division_code),
        Column(N_("Registered on"), Organization.registered_on, "day"),
        Column(N_("Grade"), DirectoryEntry.marks, write=_words_of("grade", FACETS["grade"])),
        Column(N_("Fields of work"), DirectoryEntry.marks, write=_words_of("field", FACETS["field"])),
        Column(N_("Credit list"), DirectoryEntry.marks, write=_words_of("list", FACETS["list"])),
        Column(N_("Party organization"), DirectoryEntry.marks, write=_words_of("party", FACETS["party"])),
        Column(N_("Legal representative"), Leader.name),
        Column(N_("Address"), Organization.address, width=36),
        Column(N_("Telephone"), Organization.phone),
        Column(N_("Verified on"), Organization.verified_on, "day"),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)  # fmt: skip


def coverage_report(table: Coverage, names: Mapping[str, str], by: str, values: Sequence[str]) -> Report:
    """The coverage table as a report: a line for each division, those entered at none of them, the sums."""
    columns = ("", *values)

    def cells(code: str) -> list[Cell]:
        return [Cell(table.cells[(code, value)]) for value in columns]

    whole = names.get(table.division, table.division)
    lines = [Line(names.get(code, code), cells(code)) for code in table.parts]
    if table.parts and table.rest(""):
        itself = say(Message(N_("entered at %(name)s itself"), {"name": whole}))
        lines.append(Line(itself, [Cell(table.rest(value)) for value in columns]))
    return Report(
        name="coverage",
        title=say(Message(N_("Coverage of %(name)s"), {"name": whole})),
        first=N_("Division"),
        heads=[
            Head(Message(N_("All")), "count"),
            *(Head(Message(FACETS[by][value]), "count") for value in values),
        ],
        lines=lines,
        totals=cells(table.division),
    )
