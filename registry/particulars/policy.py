"""What a qualification, a filing or a fund must be, said as sentences for forms and services alike."""

from __future__ import annotations

import re
from datetime import date

from core.text import N_, Message
from registry.agencies.rules import is_known_division
from registry.organizations.models import Organization
from registry.organizations.rules import check_credit_code
from registry.particulars.queries import filing_exists, fund_exists, has_qualification

FUNDRAISING = "慈善法第二十二条至第二十四条；慈善组织公开募捐管理办法"
FUND = "慈善法第二十二条；社区慈善基金设立规定"
# The credit code, A, the year in two digits, a serial: 53100000500021326DA18051 (DOMAIN 4).
_NUMBER = re.compile(r"([0-9A-Z]{18})A(\d{2})(\d{3,5})")


def normal_number(number: str) -> str:
    return re.sub(r"[\s-]", "", number).upper()


def qualification_problem(organization: Organization, kind: str) -> Message | None:
    """Only a legal person can hold a tax status or a fundraising qualification."""
    if organization.register_class == "filed":
        return Message(
            N_("A filed organization has no legal person and cannot hold this: it registers first.")
        )
    if kind == "public_fundraising" and (organization.credit_code or "")[:2] not in ("51", "52", "53"):
        return Message(
            N_("Only a social organization can hold the qualification for raising funds in public.")
        )
    return None


def filing_problem(organization: Organization, number: str, *, on: date) -> Message | None:
    """Why this filing cannot stand: the form of its number, whose number it is, the qualification on the day."""
    match = _NUMBER.fullmatch(normal_number(number))
    if match is None:
        return Message(
            N_(
                "The number of a fundraising plan is the credit code, the letter A, two digits of the year and a serial, for example %(example)s."
            ),
            {"example": f"{organization.credit_code or '53100000500021326D'}A26001"},
        )
    try:
        code = check_credit_code(match[1]).code
    except ValueError:
        return Message(
            N_("The number does not begin with a valid credit code: at least one character is mistyped.")
        )
    if code != organization.credit_code:
        return Message(
            N_("The number belongs to %(code)s, this organization has the code %(own)s."),
            {"code": code, "own": organization.credit_code or "—"},
        )
    if not has_qualification(organization.id, "public_fundraising", on=on):
        return Message(
            N_(
                "On %(day)s the organization has no qualification for raising funds in public: note it first."
            ),
            {"day": on},
        )
    if filing_exists(normal_number(number)):
        return Message(N_("A plan with this number is filed already."))
    return None


def fund_problem(host: Organization, name: str, division_code: str, *, on: date) -> Message | None:
    """A community fund stands under a host that may raise funds in public."""
    if not name.strip():
        return Message(N_("Name the fund."))
    if not is_known_division(division_code):
        return Message(
            N_("“%(code)s” is no division: six digits of a county or city, or more for a place below it."),
            {"code": division_code.strip()[:20]},
        )
    if not has_qualification(host.id, "public_fundraising", on=on):
        return Message(
            N_(
                "On %(day)s the organization has no qualification for raising funds in public: a community fund needs a host that has it."
            ),
            {"day": on},
        )
    if fund_exists(host.id, name.strip()):
        return Message(N_("The host has a fund of this name already."))
    return None
