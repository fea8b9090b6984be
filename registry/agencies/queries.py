"""Which units somebody reaches, and what the tree was on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import aliased

from core import clock
from core.db import db
from core.text import N_
from registry.agencies.models import Agency, AgencySection, AgencyTerm
from registry.agencies.rules import DivisionError, division_name, normalise_division, place_of_office
from registry.proof.queries import add_check


def visible_agencies(user: Any) -> Select[Agency]:
    """The units a person may see, with those above them first (the tree's order)."""
    return select(Agency).where(Agency.id.in_(user.agency_ids("agency.read"))).order_by(Agency.path)


def subtree(agencies: list[Agency]) -> Select[Agency]:
    """These units and everything under them, in the tree's order."""
    prefixes = [Agency.path.startswith(agency.path) for agency in agencies if agency.path]
    return select(Agency).where(or_(false(), *prefixes)).order_by(Agency.path)


def administered_agencies(user: Any) -> Select[Agency]:
    """The units whose people and tree this person administers: where the role is held, and below."""
    return subtree([item.agency for item in user.held("account.read") if item.agency is not None])


def standing(on: date) -> Any:
    """The condition that a unit exists on that day."""
    return and_(
        or_(Agency.valid_from.is_(None), Agency.valid_from <= on),
        or_(Agency.valid_to.is_(None), Agency.valid_to >= on),
    )


def agency_by_name(name: str) -> Agency | None:
    return db.session.scalar(select(Agency).where(Agency.name == name.strip()))


def terms_of(agency: Agency) -> list[AgencyTerm]:
    """What a unit was, the latest first."""
    return list(
        db.session.scalars(
            select(AgencyTerm)
            .where(AgencyTerm.agency_id == agency.id)
            .order_by(AgencyTerm.valid_from.desc().nulls_last(), AgencyTerm.id.desc())
        )
    )


def sections_of(agency: Agency) -> list[AgencySection]:
    return list(
        db.session.scalars(
            select(AgencySection)
            .where(AgencySection.agency_id == agency.id)
            .order_by(AgencySection.closed_on.is_not(None), AgencySection.id)
        )
    )


def predecessors_of(agency: Agency) -> list[Agency]:
    """The dissolved units that this one succeeds."""
    return list(
        db.session.scalars(select(Agency).where(Agency.successor_id == agency.id).order_by(Agency.id))
    )


def present_unit(agency: Agency) -> Agency:
    """Who stands today for what the unit was: the last of its successors, or itself."""
    seen = {agency.id}
    while agency.successor is not None and agency.successor_id not in seen:
        agency = agency.successor
        seen.add(agency.id)
    return agency


def _holds(on: date) -> Any:
    return and_(
        or_(AgencyTerm.valid_from.is_(None), AgencyTerm.valid_from <= on),
        or_(AgencyTerm.valid_to.is_(None), AgencyTerm.valid_to >= on),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A unit in the tree of a day: what it was called, its division, how deep it stood."""

    agency: Agency
    name: str
    division_code: str
    depth: int


def tree_on(user: Any, on: date) -> list[Place]:
    """The units a person may see as they stood on a day, those above first, then by division."""
    units = {item.id: item for item in db.session.scalars(visible_agencies(user))}
    terms = {
        term.agency_id: term
        for term in db.session.scalars(
            select(AgencyTerm).where(AgencyTerm.agency_id.in_(units), _holds(on)).order_by(AgencyTerm.id)
        )
    }
    stood = {
        number: terms.get(number, unit)
        for number, unit in units.items()
        if (number in terms or unit.stands(on)) and unit.stands(on)
    }
    below: dict[int | None, list[int]] = {}
    for number, told in stood.items():
        below.setdefault(told.parent_id if told.parent_id in stood else None, []).append(number)
    found: list[Place] = []

    def hang(parent: int | None, depth: int) -> None:
        for number in sorted(below.get(parent, []), key=lambda item: (stood[item].division_code, item)):
            told = stood[number]
            found.append(Place(units[number], told.name, told.division_code, depth))
            hang(number, depth + 1)

    hang(None, 0)
    return found


def units_of_division(user: Any, code: str, on: date) -> list[Place]:
    """The visible units that bore a division code (510132) on a day."""
    try:
        normal = normalise_division(code)
    except DivisionError:
        return []
    return [place for place in tree_on(user, on) if place.division_code == normal]


# What must hold ----------------------------------------------------------------------------------


def _overlapping() -> Any:
    other = aliased(AgencyTerm)
    return (
        select(AgencyTerm.name.label("name"), AgencyTerm.valid_from.label("day"))
        .join(other, and_(other.agency_id == AgencyTerm.agency_id, other.id > AgencyTerm.id))
        .where(
            or_(AgencyTerm.valid_to.is_(None), other.valid_from.is_(None), AgencyTerm.valid_to >= other.valid_from),
            or_(other.valid_to.is_(None), AgencyTerm.valid_from.is_(None), other.valid_to >= AgencyTerm.valid_from),
        )
    )  # fmt: skip


def _outside_parent() -> Any:
    parent = aliased(Agency)
    return (
        select(Agency.name.label("name"), parent.name.label("parent"))
        .join(parent, parent.id == Agency.parent_id)
        .where(
            parent.valid_to.is_not(None),
            or_(Agency.valid_to.is_(None), Agency.valid_to > parent.valid_to),
            Agency.successor_id.is_(None),
        )
    )


def _wrong_path() -> Any:
    parent = aliased(Agency)
    return (
        select(Agency.name.label("name"), Agency.path.label("path"))
        .join(parent, parent.id == Agency.parent_id)
        .where(~Agency.path.startswith(parent.path))
    )


add_check("overlapping-terms", N_("Two terms of %(name)s overlap, one of them since %(day)s."), _overlapping)
add_check(
    "unit-outlives-parent", N_("%(name)s stands under %(parent)s, which was dissolved before."), _outside_parent
)  # fmt: skip
add_check(
    "path-of-unit", N_("The path %(path)s of %(name)s does not lead through the unit above."), _wrong_path
)


def today_standing(user: Any) -> Select[Agency]:
    """The units a person may see that exist today."""
    return visible_agencies(user).where(standing(clock.today()))


def division_names(codes: Sequence[str]) -> dict[str, str]:
    """What to call divisions: as the place of the first unit there, else as the national table does.

    So the demonstration never shows figures of its own beside the name of a real place.
    """
    names = {code: division_name(code) for code in codes}
    for code, name in db.session.execute(
        select(Agency.division_code, Agency.name)
        .where(Agency.division_code.in_(names))
        .order_by(Agency.id.desc())
    ):
        names[code] = place_of_office(name)
    return {code: name for code, name in names.items() if name}
