"""What an entry of the register must be, said as sentences for its form and its service alike."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.text import N_, Message
from registry.agencies.rules import is_known_division
from registry.organizations.models import Organization
from registry.organizations.queries import code_is_taken
from registry.organizations.rules import CodeError, check_credit_code

CONTROL = "政府采购法 第六十一条 / 内部控制"
# Which authority and kind of the code (GB 32100) fits which kind of organization.
PREFIX_BY_KIND = {
    "social_association": "51",
    "social_service_agency": "52",
    "foundation": "53",
    "public_institution": "12",
    "mass_organization": "13",
    "enterprise": "91",
}


def code_problem(
    code: str, *, kind: str, register_class: str, but: Organization | None = None
) -> Message | None:
    """Why this credit code cannot stand, or ``None``. ``but`` is the row that may hold it already."""
    if register_class == "filed":
        if code.strip():
            return Message(
                N_("A filed organization has no credit code: leave it empty, or choose “registered”.")
            )
        return None
    if not code.strip():
        return Message(N_("A registered organization has a credit code: copy it from the certificate."))
    try:
        checked = check_credit_code(code)
    except CodeError as error:
        return error.message
    expected = PREFIX_BY_KIND.get(kind)
    if expected is not None and checked.kind != expected:
        return Message(
            N_("The code starts with %(found)s; this kind of organization starts with %(expected)s."),
            {"found": checked.kind, "expected": expected},
        )
    if code_is_taken(checked.code, but=but):
        return Message(N_("An organization with this credit code is already on the register."))
    return None


def kind_problem(kind: str, register_class: str) -> Message | None:
    if (kind == "filed_community_so") != (register_class == "filed"):
        return Message(
            N_(
                "“Filed community organization” and “filed, no legal person” belong together: choose both or neither."
            )
        )
    return None


def division_problem(code: str) -> Message | None:
    if is_known_division(code):
        return None
    return Message(
        N_("“%(code)s” is no division: six digits of a county or city, or more for a place below it."),
        {"code": code.strip()[:20]},
    )


def registered_on_problem(day: date | None, register_class: str) -> Message | None:
    if day is None:
        if register_class != "filed":
            return Message(N_("Give the day of registration: eligibility counts the months from it."))
        return None
    if day > clock.today():
        return Message(N_("The day of registration lies in the future."))
    return None


def require_verifiable(organization: Organization, *, by: Any) -> None:
    """The second pair of eyes: not the recorder's, and only once."""
    if organization.verified_by is not None:
        raise Refusal(Message(N_("This entry has been verified already.")), status=409)
    require_distinct(
        {"recorded": organization.recorded_by, "verified": by.actor_id},
        rule="RAP-2",
        source=CONTROL,
    )
