"""Finding one row per human being, and what the product keeps about each.

A room that keeps something about persons offers a :class:`Part`: through it a reader sees the person,
the person's page lists the rows, and export and erasure know them. Rooms above offer theirs too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select

from core.db import db
from core.sealing import fingerprint
from core.text import N_, Message
from registry.persons.models import Person

PURPOSE = "identity"
_NOTHING = "—"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row about a person: ``what`` it says in a sentence, ``facts`` all it holds (English id to value).

    ``duty`` says why it may not be taken out, with its ``source``; ``link`` is (permission, agency id,
    endpoint, arguments) of its page.
    """

    id: int
    what: Message
    since: date | None = None
    until: date | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    duty: Message | None = None
    source: str = ""
    link: tuple[str, int, str, dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one room keeps about persons.

    ``people(agencies)`` is a condition on :class:`Person`: those seen through this part by who holds
    ``permission`` at these units (none: nobody is). ``entries(person_id, agencies)`` are the rows of one
    person kept by these units, ``None`` for all. ``erase(ids)`` takes rows out, or what names the person
    in them; without it nothing of this part ever goes.
    """

    name: str
    label: str
    permission: str
    entries: Callable[[int, set[int] | None], list[Entry]]
    people: Callable[[set[int]], ColumnElement[bool]] | None = None
    erase: Callable[[Sequence[int]], None] | None = None


_parts: dict[str, Part] = {}


def joined(words: Sequence[Message]) -> Message:
    """Words one after the other, in the reader's language."""
    first, *rest = words or [Message(_NOTHING)]
    return Message(N_("%(one)s, %(more)s"), {"one": first, "more": joined(rest)}) if rest else first


def add_part(part: Part) -> None:
    """Offer a part; registering it again replaces it."""
    _parts[part.name] = part


def parts() -> list[Part]:
    return list(_parts.values())


def within(column: Any, agencies: set[int] | None) -> list[ColumnElement[bool]]:
    """The condition that a row is kept by these units; none at all for ``None``."""
    return [] if agencies is None else [column.in_(agencies)]


def visible_persons(user: Any) -> Select[Person]:
    """The persons seen through what the user's units keep; merged rows are not persons any more."""
    seen = [
        part.people(user.agency_ids(part.permission))
        for part in parts()
        if part.people is not None and user.may_somewhere(part.permission)
    ]
    return select(Person).where(Person.merged_into_id.is_(None), or_(false(), *seen))


def known_through(user: Any, ids: Sequence[int]) -> dict[int, list[Part]]:
    """Through which parts the user's units know each of these persons, in one query."""
    seen = [part for part in parts() if part.people is not None and user.may_somewhere(part.permission)]
    if not ids or not seen:
        return {}
    conditions = [part.people(user.agency_ids(part.permission)) for part in seen if part.people is not None]
    return {
        row[0]: [part for part, known in zip(seen, row[1:], strict=True) if known]
        for row in db.session.execute(
            select(Person.id, *(case((condition, 1), else_=0) for condition in conditions)).where(
                Person.id.in_(ids)
            )
        )
    }


def person_in_scope(user: Any, person_id: int) -> Person | None:
    return db.session.scalar(visible_persons(user).where(Person.id == person_id))


def holdings(person: Person, user: Any | None) -> list[tuple[Part, list[Entry]]]:
    """What is kept about a person, by part: by the user's units, or, for ``None``, everywhere."""
    found = []
    for part in parts():
        if user is not None and not user.may_somewhere(part.permission):
            continue
        agencies = None if user is None else user.agency_ids(part.permission)
        entries = part.entries(person.id, agencies)
        if entries:
            found.append((part, entries))
    return found


def known_person(name: str, phone: str) -> Person | None:
    """The person of that name and telephone; two people may share a name, so the name is not enough."""
    if not phone.strip():
        return None
    return db.session.scalar(
        select(Person)
        .where(Person.name == name.strip(), Person.phone == phone.strip(), Person.merged_into_id.is_(None))
        .order_by(Person.id)
        .limit(1)
    )


def identity_fingerprint(number: str) -> str:
    """The keyed hash under which a checked number is found."""
    return fingerprint(PURPOSE, number.encode())


def person_of_identity(number: str) -> Person | None:
    """Who has this checked number; nothing is unsealed to find out."""
    return db.session.scalar(select(Person).where(Person.identity_hash == identity_fingerprint(number)))


def possible_duplicates(user: Any, *, limit: int = 100) -> list[list[Person]]:
    """Groups of seen persons that may be one: of one name, with one telephone or one day of birth."""
    seen = visible_persons(user).subquery()
    groups: list[list[Person]] = []
    for column in ("phone", "born_on"):
        value = seen.c[column]
        given = value != "" if column == "phone" else value.is_not(None)
        twice = (
            select(seen.c.name, value.label("value"))
            .where(given, seen.c.name != "")
            .group_by(seen.c.name, value)
            .having(func.count() > 1)
            .limit(limit)
        )
        for name, shared in db.session.execute(twice):
            group = list(
                db.session.scalars(
                    visible_persons(user)
                    .where(Person.name == name, getattr(Person, column) == shared)
                    .order_by(Person.id)
                )
            )
            if {item.id for item in group} not in [{item.id for item in known} for known in groups]:
                groups.append(group)
    return groups[:limit]
