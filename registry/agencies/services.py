"""Building the tree of units, and what becomes of them over the years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.agencies.models import KINDS, Agency, AgencySection, AgencyTerm
from registry.agencies.queries import agency_by_name, subtree, terms_of
from registry.agencies.rules import DivisionError, is_known_division, is_under, normalise_division


def create_agency(
    name: str,
    kind: str,
    division_code: str,
    parent: Agency | None = None,
    document_prefix: str = "",
    *,
    valid_from: date | None = None,
    basis: str = "",
    by: Actor,
) -> Agency:
    """A unit under ``parent`` (``None``: a root). Refuses a name already used and a division that is
    unknown or lies outside the parent's. ``valid_from`` empty: it has always been there.
    """
    name = name.strip()
    if not name:
        raise Refusal(Message(N_("A unit needs a name.")))
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind}")
    if agency_by_name(name) is not None:
        raise Refusal(Message(N_("There is already a unit named “%(name)s”."), {"name": name}))
    code = checked_division(division_code, parent)
    agency = Agency(
        name=name,
        kind=kind,
        division_code=code,
        parent_id=parent.id if parent else None,
        document_prefix=document_prefix.strip(),
        valid_from=valid_from,
    )
    db.session.add(agency)
    db.session.flush()
    agency.path = f"{parent.path if parent else '/'}{agency.id}/"
    _begin_term(agency, valid_from, basis)
    record(agency, "created", by=by, details={"name": name, "division_code": code})
    return agency


def checked_division(division_code: str, parent: Agency | None) -> str:
    """The division in its normal form; raises :class:`Refusal` with what is wrong."""
    try:
        code = normalise_division(division_code)
    except DivisionError as error:
        raise Refusal(error.message) from error
    if not is_known_division(code):
        raise Refusal(
            Message(N_("“%(code)s” is no province, city, county or place below one."), {"code": code})
        )
    if parent is not None and not is_under(code, parent.division_code):
        raise Refusal(
            Message(
                N_("Division %(code)s does not lie in %(parent)s, the division of the unit above."),
                {"code": code, "parent": parent.division_code},
            )
        )
    return code


_heirs: list[Callable[[Agency, Agency, date, str, Actor], None]] = []


def tell_heirs(act: Callable[[Agency, Agency, date, str, Actor], None]) -> None:
    """``act(old, successor, on, basis, by)`` runs when a unit is dissolved: rooms above hand over what it kept."""
    if act not in _heirs:
        _heirs.append(act)


def _begin_term(agency: Agency, since: date | None, basis: str) -> AgencyTerm:
    term = AgencyTerm(
        agency_id=agency.id,
        parent_id=agency.parent_id,
        name=agency.name,
        division_code=agency.division_code,
        valid_from=since,
        basis=basis.strip(),
    )
    db.session.add(term)
    db.session.flush()
    return term


def _close_term(agency: Agency, on: date) -> None:
    """End the present term on the day before ``on``; a unit that never changed gets its first one now."""
    terms = terms_of(agency)
    present = terms[0] if terms else _begin_term(agency, agency.valid_from, "")
    if present.valid_from is not None and present.valid_from >= on:
        raise Refusal(
            Message(
                N_("What holds of %(name)s now began on %(day)s: the change comes after that day."),
                {"name": agency.name, "day": present.valid_from},
            )
        )
    present.valid_to = on - timedelta(days=1)


def _must_be_past(on: date) -> None:
    if on > clock.today():
        raise Refusal(Message(N_("The change is noted on its day or afterwards, not before.")))


def change_agency(
    agency: Agency, on: date, *, name: str, division_code: str, parent: Agency | None, basis: str, by: Actor
) -> None:
    """From ``on`` the unit has another name, division or place; what was before is kept with its days.

    Refuses a day before the present term, a name in use, a place under itself, and a change of nothing.
    """
    name = name.strip()
    _must_be_past(on)
    if not basis.strip():
        raise Refusal(Message(N_("Name the document that made the change.")))
    if parent is not None and parent.is_within(agency):
        raise Refusal(Message(N_("A unit cannot stand under itself.")))
    named = agency_by_name(name)
    if named is not None and named.id != agency.id:
        raise Refusal(Message(N_("There is already a unit named “%(name)s”."), {"name": name}))
    code = checked_division(division_code, parent)
    told = (name, code, parent.id if parent else None)
    if told == (agency.name, agency.division_code, agency.parent_id):
        raise Refusal(Message(N_("Nothing would change: name, division and place are the present ones.")))
    _close_term(agency, on)
    agency.name, agency.division_code = name, code
    _place(agency, parent)
    _begin_term(agency, on, basis)
    record(agency, "changed", by=by, details={"on": on.isoformat(), "name": name, "note": basis.strip()})


def _place(agency: Agency, parent: Agency | None) -> None:
    """Put a unit with everything under it below another: every path is a chain of ids."""
    old, new = agency.path, f"{parent.path if parent else '/'}{agency.id}/"
    agency.parent_id = parent.id if parent else None
    if old != new:
        for unit in db.session.scalars(subtree([agency])).all():
            unit.path = new + unit.path.removeprefix(old)
    db.session.flush()


def dissolve_agency(old: Agency, successor: Agency, on: date, *, basis: str, by: Actor) -> None:
    """The unit ends on the day before ``on``, and the successor stands for it (新津县 → 新津区).

    Units under it come under the successor on that day; what the old one left is read by the successor.
    """
    _must_be_past(on)
    if not basis.strip():
        raise Refusal(Message(N_("Name the document that made the change.")))
    if old.valid_to is not None:
        raise Refusal(Message(N_("This unit is dissolved already.")), status=409)
    if old.id == successor.id or successor.is_within(old) or successor.valid_to is not None:
        raise Refusal(
            Message(N_("The successor is another unit that exists and does not stand under this one."))
        )
    _close_term(old, on)
    children = db.session.scalars(
        select(Agency).where(Agency.parent_id == old.id, Agency.valid_to.is_(None)).order_by(Agency.path)
    ).all()
    for child in children:
        _close_term(child, on)
        _place(child, successor)
        _begin_term(child, on, basis)
        record(child, "changed", by=by, details={"on": on.isoformat(), "note": basis.strip()})
    old.valid_to, old.successor_id = on - timedelta(days=1), successor.id
    _place(old, successor)
    record(
        old, "dissolved", by=by,
        details={"on": on.isoformat(), "successor": successor.name, "note": basis.strip()},
    )  # fmt: skip
    for act in _heirs:
        act(old, successor, on, basis, by)


def add_section(agency: Agency, name: str, *, duty: str = "", phone: str = "", by: Actor) -> AgencySection:
    """A section (科室) of a unit. Refuses a name the unit has already."""
    name = name.strip()
    if db.session.scalar(
        select(AgencySection.id).where(AgencySection.agency_id == agency.id, AgencySection.name == name)
    ):
        raise Refusal(Message(N_("The unit has a section of this name already.")), status=409)
    row = AgencySection(agency_id=agency.id, name=name, duty=duty.strip(), phone=phone.strip())
    db.session.add(row)
    db.session.flush()
    record(agency, "section_added", by=by, details={"note": name})
    return row


def close_section(section: AgencySection, *, by: Actor) -> None:
    if section.closed_on is not None:
        raise Refusal(Message(N_("This section is closed already.")), status=409)
    section.closed_on = clock.today()
    db.session.flush()
    record(section.agency, "section_closed", by=by, details={"note": section.name})
