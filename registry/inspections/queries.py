"""Inspections: the annual inspection or report of every social organization, year by year.

A registered social organization reports by 31 May on the year before. Who was registered in a year and has
no result for it has not been inspected yet. Two years in a row without one lead to the list of dormant
organizations, which is proposed and decided in the credit files.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from core import clock
from core.web.tables import Count, counts_by
from registry.credit.rules import last_inspected_year
from registry.organizations.models import INSPECTION_RESULTS, Inspection, Organization

NOT_YET = "none"
RESULTS = (*INSPECTION_RESULTS, NOT_YET)
SOCIAL = ("social_association", "social_service_agency", "foundation")
YEARS_SHOWN = 4

of_year, of_year_before = aliased(Inspection), aliased(Inspection)
result = func.coalesce(of_year.result, NOT_YET)
result_before = func.coalesce(of_year_before.result, NOT_YET)


def years(on: date | None = None) -> list[int]:
    """The years in question, the latest whose inspection is closed or under way first."""
    last = (on or clock.today()).year - 1
    return list(range(last, last - YEARS_SHOWN, -1))


def asked_year(args: Mapping[str, str]) -> int:
    """The year that an address asks for; the latest closed one where it asks for none."""
    text = args.get("year", "")
    if text.isdecimal() and len(text) == 4 and int(text) > 1900:
        return int(text)
    return last_inspected_year(clock.today())


def inspected(user: Any, year: int) -> Select[Organization]:
    """The organizations to be inspected for a year, in the user's scope, beside their results of two years."""
    return (
        select(Organization)
        .outerjoin(of_year, and_(of_year.organization_id == Organization.id, of_year.year == year))
        .outerjoin(
            of_year_before,
            and_(of_year_before.organization_id == Organization.id, of_year_before.year == year - 1),
        )
        .where(
            Organization.agency_id.in_(user.agency_ids("credit.read")),
            Organization.kind.in_(SOCIAL),
            Organization.register_class == "registered",
            Organization.status.in_(("normal", "abnormal")),
            Organization.registered_on <= date(year, 12, 31),
        )
    )


def two_years_without(query: Select[Any], year: int) -> Select[Any]:
    """Narrowed to those without a result, or with “missing”, in the year and in the one before."""
    silent = (NOT_YET, "missing")
    return query.where(
        or_(of_year.id.is_(None), of_year.result == "missing"),
        result_before.in_(silent),
        Organization.registered_on < date(year - 1, 1, 1),
    )


def counts(user: Any) -> dict[int, dict[str, Count]]:
    """Year -> result -> how many, none counted beyond the cap of lists."""
    return {year: counts_by(inspected(user, year), result, RESULTS) for year in years()}


def results_of(ids: list[int], year: int) -> Any:
    """(organization id, year, result) of the year and the one before."""
    return select(Inspection.organization_id, Inspection.year, Inspection.result).where(
        Inspection.organization_id.in_(ids), Inspection.year.in_((year, year - 1))
    )
