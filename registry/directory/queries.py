"""Which divisions a person may ask for, by code or by name, and how many organizations each has."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import false, or_, select

from core import clock
from core.db import db
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import (
    NATION,
    DivisionError,
    divisions_named,
    is_under,
    normalise_division,
    tree_prefix,
)
from registry.keys.models import DirectoryDivision, DirectoryEntry
from registry.keys.queries import Search, counts_of, parts_in_order, roots_of, shelves_of
from registry.organizations.models import Organization

# Verifying goes through so many entries of a search at most.
SEEN = 20_000
# So many divisions are offered as suggestions beside the box.
SUGGESTED = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """A division asked for: its code, or why it is none."""

    code: str = ""
    problem: Message | None = None


def units_in_reach(user: Any) -> Any:
    """The units of the reader's subtrees, as a select of names and division codes."""
    paths = roots_of(user).values()
    return select(Agency.name, Agency.division_code).where(
        or_(false(), *(Agency.path.startswith(path) for path in paths))
    )


def asked_division(user: Any, text: str) -> Asked:
    """The division that a reader means by a code, by its name or by the name of a unit in reach.

    Of several with one name the one that lies in the reader's own divisions is meant.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if not text:
        return Asked()
    if text.isdigit():
        try:
            return Asked(normalise_division(text))
        except DivisionError as error:
            return Asked(problem=error.message)
    own = db.session.scalars(
        units_in_reach(user).with_only_columns(Agency.division_code).where(Agency.name == text)
    ).all()
    codes = sorted(set(own)) or list(divisions_named(text))
    if len(codes) > 1:
        roots = _divisions_of_roots(user)
        codes = [code for code in codes if any(is_under(code, root) for root in roots)] or codes
    if len(codes) == 1:
        return Asked(codes[0])
    if not codes:
        return Asked(
            problem=Message(
                N_(
                    "No division and none of your units is called “%(name)s”: give its full name or its code."
                ),
                {"name": text[:40]},
            )
        )
    return Asked(
        problem=Message(
            N_("Several divisions are called “%(name)s” (%(codes)s): give the code."),
            {"name": text[:40], "codes": ", ".join(codes[:8])},
        )
    )


def _divisions_of_roots(user: Any) -> Sequence[str]:
    return db.session.scalars(
        select(Agency.division_code).where(Agency.id.in_(list(roots_of(user)))).order_by(Agency.division_code)
    ).all()


def suggested_divisions(user: Any, text: str = "") -> list[tuple[str, str]]:
    """Divisions to choose from: (code, name) of units in reach, those whose name or code has ``text``."""
    query = units_in_reach(user)
    if text:
        query = query.where(
            or_(
                Agency.name.contains(text, autoescape=True),
                Agency.division_code.startswith(text, autoescape=True),
            )
        )
    rows = db.session.execute(query.order_by(Agency.path).limit(SUGGESTED)).all()
    found: dict[str, str] = {}
    for name, code in rows:
        found.setdefault(code, name)
    return sorted(found.items())


# Verifying ------------------------------------------------------------------------------------


def _may_be_verified(user: Any) -> tuple[Any, ...]:
    """Entries where the person may verify, whose latest change is another's, and that are not of today."""
    return (
        Organization.agency_id.in_(user.agency_ids("organization.verify")),
        Organization.recorded_by.is_distinct_from(user.actor_id),
        Organization.verified_on.is_distinct_from(clock.today()),
    )


def verifiable(user: Any, ids: Sequence[int]) -> set[int]:
    """Which of these entries the person may verify as of today."""
    return set(
        db.session.scalars(select(Organization.id).where(Organization.id.in_(ids), *_may_be_verified(user)))
    )


def all_verifiable(user: Any, search: Search, *, limit: int) -> list[int]:
    """The entries of a search that the person may verify, at most so many; a search of more than a thousand
    is not gone through: its first thousand are.
    """
    shelves = shelves_of(search)
    shelves.read()
    found: list[int] = []
    seen = 0
    for places in parts_in_order(shelves):
        rows = db.session.scalars(
            select(DirectoryEntry.organization_id)
            .join(Organization, Organization.id == DirectoryEntry.organization_id)
            .join(Organization.agency)
            .where(
                search.within(), DirectoryEntry.place.in_(places), *search.compared(), *_may_be_verified(user)
            )
            .order_by(DirectoryEntry.place)
            .limit(limit - len(found))
        ).all()
        found += rows
        seen += len(places)
        if len(found) >= limit or seen >= SEEN:
            break
    return found


# Coverage -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coverage:
    """Organizations of a division by the divisions right under it; ``rest`` are those that name none of them.

    ``cells`` maps (division, column) to a number; the column "" is all, the division itself has its sums.
    """

    division: str
    parts: tuple[str, ...]
    cells: dict[tuple[str, str], int]
    columns: tuple[str, ...]

    def rest(self, column: str) -> int:
        own = self.cells[(self.division, column)]
        return own - sum(self.cells[(part, column)] for part in self.parts)


def coverage(search: Search, division: str, mark: str, values: Sequence[str]) -> Coverage:
    """Count what is found by division and by the values of a mark; divisions without any are left out."""
    prefix = tree_prefix(division)
    under = db.session.scalars(
        select(DirectoryDivision.code)
        .where(DirectoryDivision.parent == prefix, DirectoryDivision.code != prefix)
        .order_by(DirectoryDivision.code)
    ).all()
    wanted: dict[tuple[str, str], frozenset[str]] = {}
    for code, term in ((division, prefix), *((full_code(code), code) for code in under)):
        place = frozenset({f"in={term}"}) if term else frozenset()
        wanted[(code, "")] = place
        for value in values:
            wanted[(code, value)] = place | {f"{mark}={value}"}
    cells = counts_of(search, wanted)
    parts = tuple(code for code in map(full_code, under) if cells[(code, "")])
    return Coverage(division, parts, cells, ("", *values))


def full_code(prefix: str) -> str:
    """The code that a prefix of the tree stands for: 1506 is 150600."""
    return prefix if len(prefix) > 6 else prefix.ljust(6, "0")


def top_division(user: Any) -> str:
    """The division from which a reader starts: that of the highest unit in reach."""
    codes = _divisions_of_roots(user)
    return min(codes, key=lambda code: (len(tree_prefix(code)), code), default=NATION)
