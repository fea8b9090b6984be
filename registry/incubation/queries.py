"""Places of incubation in scope, whom they host and help, and which townships have a station."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.text import N_
from registry.agencies.models import Agency
from registry.incubation.models import (
    CoverageTarget,
    HostedStay,
    IncubationService,
    Incubator,
    IncubatorOperator,
    IncubatorSpace,
    SpaceBooking,
)
from registry.incubation.rules import DIGITS, OPERATOR_TAGS
from registry.organizations.models import Organization, OrganizationTag
from registry.proof.queries import add_check

TOWNSHIPS = ("subdistrict", "sumu_township")


def _units(user: Any) -> set[int]:
    return user.agency_ids("incubation.read")  # type: ignore[no-any-return]


def _operated(user: Any) -> Any:
    """Places that an organization of the person runs today."""
    return exists().where(
        IncubatorOperator.incubator_id == Incubator.id,
        IncubatorOperator.until.is_(None),
        IncubatorOperator.organization_id.in_(user.organization_ids("own.read")),
    )


def _hosting(user: Any) -> Any:
    """Places that host an organization of the person, now or before."""
    return exists().where(
        HostedStay.incubator_id == Incubator.id,
        HostedStay.organization_id.in_(user.organization_ids("own.read")),
    )


def visible_places(user: Any) -> Select[Any]:
    """Places of the units a person reads, and those its organization runs or is hosted in."""
    units = _units(user)
    if not user.organization_ids("own.read"):
        return select(Incubator).where(Incubator.agency_id.in_(units))
    return select(Incubator).where(or_(Incubator.agency_id.in_(units), _operated(user), _hosting(user)))


def place_in_scope(user: Any, incubator_id: int) -> Incubator | None:
    return db.session.scalar(
        visible_places(user)
        .where(Incubator.id == incubator_id)
        .options(
            joinedload(Incubator.agency),
            joinedload(Incubator.parent),
            selectinload(Incubator.operators).joinedload(IncubatorOperator.organization),
            selectinload(Incubator.spaces),
        )
    )


def places_above(user: Any) -> list[Incubator]:
    """Living places that may guide another: base, park or station of the units in reach."""
    return list(
        db.session.scalars(
            select(Incubator)
            .where(
                Incubator.agency_id.in_(_units(user)),
                Incubator.until.is_(None),
                Incubator.level.in_(("base", "park", "station")),
            )
            .order_by(Incubator.id)
        )
    )


def places_below(incubator: Incubator) -> list[Incubator]:
    return list(
        db.session.scalars(
            select(Incubator).where(Incubator.parent_id == incubator.id).order_by(Incubator.id)
        )
    )


def operator_of(incubator: Incubator) -> IncubatorOperator | None:
    """Who runs the place today."""
    return next((item for item in incubator.operators if item.until is None), None)


def may_edit(user: Any, incubator: Incubator) -> bool:
    return user.may("incubation.edit", agency_id=incubator.agency_id)  # type: ignore[no-any-return]


def may_record(user: Any, incubator: Incubator) -> bool:
    """The ledger is kept by the unit and by the operator's own people."""
    operator = operator_of(incubator)
    return may_edit(user, incubator) or (
        operator is not None and user.may("own.edit", organization_id=operator.organization_id)
    )


def stays_in(incubator: Incubator) -> list[HostedStay]:
    return list(
        db.session.scalars(
            select(HostedStay)
            .where(HostedStay.incubator_id == incubator.id)
            .options(joinedload(HostedStay.organization))
            .order_by(HostedStay.until.is_not(None), HostedStay.id.desc())
        )
    )


def living_stay(organization_id: int) -> HostedStay | None:
    return db.session.scalar(
        select(HostedStay)
        .where(HostedStay.organization_id == organization_id, HostedStay.until.is_(None))
        .options(joinedload(HostedStay.incubator))
    )


def visible_stays(user: Any) -> Select[Any]:
    return (
        select(HostedStay)
        .join(HostedStay.incubator)
        .join(HostedStay.organization)
        .where(Incubator.agency_id.in_(_units(user)))
    )


def visible_services(user: Any) -> Select[Any]:
    return (
        select(IncubationService)
        .join(IncubationService.incubator)
        .outerjoin(IncubationService.organization)
        .where(Incubator.agency_id.in_(_units(user)))
    )


def services_of(incubator: Incubator, *, limit: int = 20) -> list[IncubationService]:
    return list(
        db.session.scalars(
            select(IncubationService)
            .where(IncubationService.incubator_id == incubator.id)
            .options(joinedload(IncubationService.organization), joinedload(IncubationService.file))
            .order_by(IncubationService.served_on.desc(), IncubationService.id.desc())
            .limit(limit)
        )
    )


def service_in_scope(user: Any, service_id: int) -> IncubationService | None:
    row = db.session.scalar(
        select(IncubationService)
        .where(IncubationService.id == service_id)
        .where(IncubationService.incubator_id.in_(visible_places(user).with_only_columns(Incubator.id)))
        .options(joinedload(IncubationService.file), joinedload(IncubationService.organization))
    )
    return row


def visible_spaces(user: Any) -> Select[Any]:
    """Spaces of the units in reach; an organization sees what every living place offers."""
    query = select(IncubatorSpace).join(IncubatorSpace.incubator)
    in_units = Incubator.agency_id.in_(_units(user))
    if user.organization_ids("own.read"):
        return query.where(or_(in_units, and_(Incubator.until.is_(None), IncubatorSpace.offered.is_(True))))
    return query.where(in_units)


def space_in_scope(user: Any, space_id: int) -> IncubatorSpace | None:
    return db.session.scalar(
        visible_spaces(user)
        .where(IncubatorSpace.id == space_id)
        .options(joinedload(IncubatorSpace.incubator))
    )


def bookings_of(space: IncubatorSpace, *, since: date) -> list[SpaceBooking]:
    """The bookings from a day on that stand."""
    return list(
        db.session.scalars(
            select(SpaceBooking)
            .where(
                SpaceBooking.space_id == space.id,
                SpaceBooking.day >= since,
                SpaceBooking.cancelled_on.is_(None),
            )
            .options(joinedload(SpaceBooking.organization))
            .order_by(SpaceBooking.day, SpaceBooking.slot.desc(), SpaceBooking.id)
        )
    )


def booking_to_cancel(user: Any, booking_id: int) -> SpaceBooking | None:
    """A booking that the person may take back: its organization's, or of a place the person keeps."""
    return db.session.scalar(
        select(SpaceBooking)
        .join(SpaceBooking.space)
        .join(IncubatorSpace.incubator)
        .where(
            SpaceBooking.id == booking_id,
            SpaceBooking.cancelled_on.is_(None),
            or_(
                SpaceBooking.organization_id.in_(user.organization_ids("own.edit")),
                Incubator.agency_id.in_(user.agency_ids("incubation.edit")),
            ),
        )
        .options(joinedload(SpaceBooking.space))
    )


# Figures ----------------------------------------------------------------------------------------


def figures(user: Any, year: int) -> dict[str, int]:
    """Living places by level, organizations hosted now, services and minutes of a year, spaces offered."""
    units = _units(user)
    found = dict.fromkeys(("base", "park", "station", "point"), 0)
    found.update(
        db.session.execute(
            select(Incubator.level, func.count())
            .where(Incubator.agency_id.in_(units), Incubator.until.is_(None))
            .group_by(Incubator.level)
        ).all()  # type: ignore[arg-type]
    )
    found["hosted"] = _count(visible_stays(user).where(HostedStay.until.is_(None)))
    served = visible_services(user).where(
        IncubationService.struck_on.is_(None),
        IncubationService.served_on >= date(year, 1, 1),
        IncubationService.served_on <= date(year, 12, 31),
    )
    row = db.session.execute(
        served.with_only_columns(func.count(), func.coalesce(func.sum(IncubationService.minutes), 0))
    ).one()
    found["services"], found["minutes"] = int(row[0]), int(row[1])
    found["spaces"] = _count(
        select(IncubatorSpace)
        .join(IncubatorSpace.incubator)
        .where(Incubator.agency_id.in_(units), Incubator.until.is_(None), IncubatorSpace.offered.is_(True))
    )
    return found


def _count(query: Select[Any]) -> int:
    return db.session.scalar(query.with_only_columns(func.count())) or 0


def hosted_by_place(ids: list[int]) -> dict[int, int]:
    """How many organizations each of these places hosts now."""
    return dict(
        db.session.execute(
            select(HostedStay.incubator_id, func.count())
            .where(HostedStay.incubator_id.in_(ids), HostedStay.until.is_(None))
            .group_by(HostedStay.incubator_id)
        ).all()  # type: ignore[arg-type]
    )


def townships(user: Any) -> list[tuple[Agency, Incubator | None]]:
    """The townships in reach with their living station, or ``None`` (S3-13)."""
    found = list(
        db.session.scalars(
            select(Agency)
            .where(Agency.id.in_(_units(user)), Agency.kind.in_(TOWNSHIPS))
            .order_by(Agency.path)
        )
    )
    stations = {
        row.division_code: row
        for row in db.session.scalars(
            select(Incubator)
            .where(
                Incubator.level == "station",
                Incubator.until.is_(None),
                Incubator.division_code.in_([agency.division_code[:9] for agency in found]),
            )
            .order_by(Incubator.id.desc())
        )
    }
    return [(agency, stations.get(agency.division_code[:9])) for agency in found]


def target_of(user: Any, year: int) -> CoverageTarget | None:
    """The target of the person's own unit for a year, of several the one of the highest unit."""
    own = {item.agency_id for item in user.held("incubation.read") if item.agency_id is not None}
    return db.session.scalar(
        select(CoverageTarget)
        .join(CoverageTarget.agency)
        .where(CoverageTarget.agency_id.in_(own), CoverageTarget.year == year)
        .order_by(Agency.path)
        .limit(1)
    )


# Proof of the register --------------------------------------------------------------------------


def _operators_without_role() -> Any:
    today = clock.today()
    return (
        select(Incubator.name.label("name"), Organization.name.label("operator"))
        .join(IncubatorOperator, IncubatorOperator.incubator_id == Incubator.id)
        .join(Organization, Organization.id == IncubatorOperator.organization_id)
        .where(
            IncubatorOperator.until.is_(None),
            ~exists().where(
                OrganizationTag.organization_id == Organization.id,
                OrganizationTag.tag.in_(OPERATOR_TAGS),
                OrganizationTag.since <= today,
                or_(OrganizationTag.until.is_(None), OrganizationTag.until >= today),
            ),
        )
    )


def _hosted_in_closed_places() -> Any:
    return (
        select(Incubator.name.label("name"), Organization.name.label("organization"))
        .join(HostedStay, HostedStay.incubator_id == Incubator.id)
        .join(Organization, Organization.id == HostedStay.organization_id)
        .where(Incubator.until.is_not(None), HostedStay.until.is_(None))
    )


def _on_the_wrong_level() -> Any:
    wrong = [
        and_(Incubator.level == level, func.length(Incubator.division_code) != digits)
        for level, digits in DIGITS.items()
    ]
    return select(Incubator.name.label("name"), Incubator.division_code.label("code")).where(or_(*wrong))


add_check("incubation-operator", N_("%(name)s: its operator %(operator)s is no hub and no support organization."), _operators_without_role)  # fmt: skip
add_check("incubation-closed", N_("%(name)s is closed and still hosts %(organization)s."), _hosted_in_closed_places)  # fmt: skip
add_check("incubation-level", N_("%(name)s: division %(code)s does not fit its level."), _on_the_wrong_level)
