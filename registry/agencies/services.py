"""Building the tree of units."""

from __future__ import annotations

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.agencies.models import KINDS, Agency
from registry.agencies.queries import agency_by_name
from registry.agencies.rules import DivisionError, is_known_division, is_under, normalise_division


def create_agency(
    name: str,
    kind: str,
    division_code: str,
    parent: Agency | None = None,
    document_prefix: str = "",
    *,
    by: Actor,
) -> Agency:
    """A unit under ``parent`` (``None``: a root). Refuses a name already used and a division that is
    unknown or lies outside the parent's.
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
    )
    db.session.add(agency)
    db.session.flush()
    agency.path = f"{parent.path if parent else '/'}{agency.id}/"
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
