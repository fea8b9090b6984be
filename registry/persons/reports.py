"""The table of persons, and everything kept about one of them as a workbook."""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter
from sqlalchemy import Select

from core.text import N_, Message
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from registry.persons.models import SEXES, Person
from registry.persons.queries import Entry, parts, visible_persons

HEADS = (
    N_("What is kept"),
    N_("Since"),
    N_("Until"),
    N_("Particulars"),
    N_("Must be kept because"),
    N_("Source"),
)


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_persons(user)
    words = args.get("q", "").strip()
    if words:
        query = query.where(Person.name.contains(words, autoescape=True))
    for part in parts():
        if part.name == args.get("part") and part.people is not None:
            query = query.where(part.people(user.agency_ids(part.permission)))
    return query


PERSONS = Listing(
    name="persons.list",
    title=N_("Register of persons"),
    permissions=("person.read",),
    rows=rows,
    filters=("q", "part"),
    orders={"name": ((Person.sort_key, False), (Person.id, False))},
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Sex"), Person.sex, words=SEXES),
        Column(N_("Identity number"), Person.identity_masked, width=22),
        Column(N_("Position"), Person.title),
        Column(N_("Mobile number"), Person.phone),
    ),
)


def data_workbook(person: Person, holdings: list[tuple[Any, list[Entry]]], number: str) -> io.BytesIO:
    """Everything kept about a person: a sheet of the person, and one for each part.

    ``number`` is the full identity number where the person is given it, else empty.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    bold = book.add_format({"bold": True, "bottom": 1})
    sheet = book.add_worksheet(_sheet_name(N_("Person"), 0))
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 40)
    facts = (
        (N_("Name"), person.name),
        (N_("Sex"), say(SEXES.get(person.sex, person.sex))),
        (N_("Born on"), _day(person.born_on)),
        (N_("Identity number"), number or person.identity_masked),
        (N_("Mobile number"), person.phone),
        (N_("Position"), person.title),
        (N_("E-mail address"), person.email),
    )
    for line, (label, value) in enumerate(facts):
        sheet.write_string(line, 0, say(label), bold)
        sheet.write_string(line, 1, value)
    for place, (part, entries) in enumerate(holdings, 1):
        sheet = book.add_worksheet(_sheet_name(part.label, place))
        sheet.set_column(0, 5, 30)
        for column, head in enumerate(HEADS):
            sheet.write_string(0, column, say(head), bold)
        for line, entry in enumerate(entries, 1):
            for column, text in enumerate(_cells(entry)):
                sheet.write_string(line, column, text)
    book.close()
    target.seek(0)
    return target


def _cells(entry: Entry) -> tuple[str, ...]:
    told = "; ".join(
        f"{say(label)}: {_plain(value)}" for label, value in entry.facts.items() if _plain(value)
    )
    return (
        say(entry.what),
        _day(entry.since),
        _day(entry.until),
        told,
        say(entry.duty) if entry.duty is not None else "",
        entry.source,
    )


def _plain(value: Any) -> str:
    return say(value) if isinstance(value, Message) else str(value)


def _day(value: Any) -> str:
    return value.isoformat() if value else ""


def _sheet_name(label: str, place: int) -> str:
    """A name Excel takes: unlike the others, at most 31 characters, none of its signs."""
    return f"{place} {say(label)}".translate(dict.fromkeys(map(ord, "[]:*?/\\'")))[:31]
