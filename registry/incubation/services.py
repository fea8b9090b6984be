"""Opening and running places of incubation; hosting, helping, and lending space."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.money import Money
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division
from registry.incubation.models import (
    LEVELS,
    OUTCOMES,
    SERVICES,
    SLOTS,
    TERMS,
    USES,
    CoverageTarget,
    HostedStay,
    IncubationService,
    Incubator,
    IncubatorOperator,
    IncubatorSpace,
    SpaceBooking,
)
from registry.incubation.queries import living_stay, operator_of
from registry.incubation.rules import level_problem, operator_finding
from registry.organizations.models import Organization
from registry.organizations.queries import tags_on
from registry.party_orgs.services import past


def _alive(incubator: Incubator) -> None:
    if incubator.until is not None:
        raise Refusal(Message(N_("This place is closed.")), status=409)


def open_place(
    agency: Agency,
    *,
    level: str,
    name: str,
    division_code: str,
    opened_on: date,
    parent: Incubator | None = None,
    address: str = "",
    area: int | None = None,
    uses: Sequence[str] = ("incubation",),
    by: Actor,
) -> Incubator:
    """Enter a place on its level, under the place that guides it."""
    if level not in LEVELS:
        raise ValueError(f"unknown level {level}")
    past(opened_on)
    code = normalise_division(division_code)
    problem = level_problem(level, code, parent.level if parent else None)
    if problem is not None:
        raise Refusal(problem)
    row = Incubator(
        agency_id=agency.id,
        parent_id=parent.id if parent else None,
        level=level,
        division_code=code,
        opened_on=opened_on,
    )
    _fill(row, name=name, address=address, area=area, uses=uses)
    db.session.add(row)
    db.session.flush()
    record(row, "place_opened", by=by, details={"name": row.name, "level": level})
    return row


def edit_place(
    row: Incubator, *, name: str, address: str, area: int | None, uses: Sequence[str], by: Actor
) -> None:
    _alive(row)
    _fill(row, name=name, address=address, area=area, uses=uses)
    db.session.flush()
    record(row, "edited", by=by, details={"name": row.name, "uses": row.uses})


def _fill(row: Incubator, *, name: str, address: str, area: int | None, uses: Sequence[str]) -> None:
    if not name.strip():
        raise Refusal(Message(N_("A place needs a name.")))
    if not uses or any(use not in USES for use in uses):
        raise Refusal(Message(N_("Say what the site is used for: at least one use.")))
    if area is not None and area < 1:
        raise Refusal(Message(N_("An area is at least one square metre.")))
    row.name, row.address, row.area = name.strip(), address.strip(), area
    row.uses = [use for use in USES if use in uses]


def close_place(row: Incubator, *, reason: str, by: Actor) -> None:
    """The place closes today; whoever is hosted has to leave first."""
    _alive(row)
    if not reason.strip():
        raise Refusal(Message(N_("Say why the place closes.")))
    hosted = db.session.scalar(
        select(HostedStay.id).where(HostedStay.incubator_id == row.id, HostedStay.until.is_(None)).limit(1)
    )
    if hosted is not None:
        raise Refusal(Message(N_("Organizations are still hosted here: note first how each of them leaves.")))
    operator = operator_of(row)
    if operator is not None:
        operator.until = clock.today()
    row.until = clock.today()
    for space in row.spaces:
        space.offered = False
    db.session.flush()
    record(row, "place_closed", by=by, details={"note": reason.strip()})


def set_operator(
    row: Incubator, organization: Organization, *, since: date, contract: str = "", by: Actor
) -> IncubatorOperator:
    """Hand the running of a place to a hub or support organization; the one before ends that day.

    Raises :class:`Refusal` (I1) for an organization that is recognized as neither on that day.
    """
    _alive(row)
    past(since)
    finding = operator_finding(tags_on(organization.id, since))
    if finding.verdict != "pass":
        raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    before = operator_of(row)
    if before is not None:
        if since < before.since:
            raise Refusal(Message(N_("The day lies before the present operator began.")))
        before.until = since
        db.session.flush()
    made = IncubatorOperator(
        incubator_id=row.id, organization_id=organization.id, since=since, contract=contract.strip()
    )
    db.session.add(made)
    db.session.flush()
    db.session.expire(row, ["operators"])
    record(row, "operator_set", by=by, details={"organization": organization.id, "since": since.isoformat()})
    return made


# Hosting ----------------------------------------------------------------------------------------


def admit(
    row: Incubator, organization: Organization, *, since: date, note: str = "", by: Actor
) -> HostedStay:
    """An organization enters a place; it is hosted in one place at a time."""
    _alive(row)
    past(since)
    if since < row.opened_on:
        raise Refusal(Message(N_("The day lies before the place opened.")))
    known = living_stay(organization.id)
    if known is not None:
        raise Refusal(
            Message(
                N_("%(organization)s is hosted in %(place)s already: note first how it leaves."),
                {"organization": organization.name, "place": known.incubator.name},
            ),
            status=409,
        )
    stay = HostedStay(
        incubator_id=row.id, organization_id=organization.id, since=since, outcome="", note=note.strip()
    )
    db.session.add(stay)
    db.session.flush()
    record(row, "admitted", by=by, details={"organization": organization.id, "since": since.isoformat()})
    return stay


def leave(stay: HostedStay, *, until: date, outcome: str, note: str = "", by: Actor) -> None:
    """The stay ends with its outcome."""
    if outcome not in OUTCOMES:
        raise ValueError(f"unknown outcome {outcome}")
    if stay.until is not None:
        raise Refusal(Message(N_("This has ended already.")), status=409)
    past(until)
    if until < stay.since:
        raise Refusal(Message(N_("The day of leaving lies before the entry: check it.")))
    stay.until, stay.outcome = until, outcome
    stay.note = note.strip() or stay.note
    db.session.flush()
    record(
        stay.incubator,
        "stay_ended",
        by=by,
        details={"organization": stay.organization_id, "outcome": outcome, "until": until.isoformat()},
    )


# The ledger -------------------------------------------------------------------------------------


def record_service(
    row: Incubator,
    *,
    kind: str,
    title: str,
    served_on: date,
    minutes: int,
    people: int,
    organization: Organization | None = None,
    recipient: str = "",
    account: str = "",
    file: StoredFile | None = None,
    by: Actor,
) -> IncubationService:
    """A line of the ledger: for an organization, or for others by name."""
    if kind not in SERVICES:
        raise ValueError(f"unknown service {kind}")
    past(served_on)
    if served_on < row.opened_on or (row.until is not None and served_on > row.until):
        raise Refusal(Message(N_("The place was not open on that day.")))
    if not title.strip():
        raise Refusal(Message(N_("Say what was done.")))
    if minutes < 1 or people < 1:
        raise Refusal(Message(N_("A service lasts at least a minute and reaches at least one person.")))
    if (organization is None) == (not recipient.strip()):
        raise Refusal(Message(N_("Say for whom: an organization of the register, or others by name.")))
    made = IncubationService(
        incubator_id=row.id,
        organization_id=organization.id if organization else None,
        recipient=recipient.strip(),
        kind=kind,
        title=title.strip(),
        served_on=served_on,
        minutes=minutes,
        people=people,
        account=account.strip(),
        file_id=file.id if file else None,
        recorded_by=by.actor_id,
    )
    db.session.add(made)
    db.session.flush()
    record(made, "recorded", by=by, details={"kind": kind, "served_on": served_on.isoformat()})
    return made


def strike_service(made: IncubationService, *, why: str, by: Actor) -> None:
    """A wrong line is struck out with its reason; it stays and counts no more."""
    if made.struck_on is not None:
        raise Refusal(Message(N_("This line is struck out already.")), status=409)
    if not why.strip():
        raise Refusal(Message(N_("Say what is wrong with the line.")))
    made.struck_on, made.struck_by, made.struck_why = clock.today(), by.actor_id, why.strip()
    db.session.flush()
    record(made, "struck_out", by=by, details={"note": why.strip()})


# Space ------------------------------------------------------------------------------------------


def offer_space(
    row: Incubator, *, name: str, seats: int, terms: str, price: Money | None = None, equipment: str = "",
    by: Actor,
) -> IncubatorSpace:  # fmt: skip
    """Offer a room, free or at a reduced price for half a day."""
    _alive(row)
    if terms not in TERMS:
        raise ValueError(f"unknown terms {terms}")
    if not name.strip() or seats < 1:
        raise Refusal(Message(N_("A space needs a name and at least one seat.")))
    if (terms == "reduced") != (price is not None and price > Money(0)):
        raise Refusal(Message(N_("A reduced price is an amount above zero; what is free has none.")))
    space = IncubatorSpace(
        incubator_id=row.id, name=name.strip(), seats=seats, terms=terms, price=price, equipment=equipment.strip()
    )  # fmt: skip
    db.session.add(space)
    db.session.flush()
    db.session.expire(row, ["spaces"])
    record(row, "space_offered", by=by, details={"space": space.id, "name": space.name})
    return space


def withdraw_space(space: IncubatorSpace, *, by: Actor) -> None:
    """The space is offered no more; bookings made stand."""
    if not space.offered:
        raise Refusal(Message(N_("This space is not offered any more.")), status=409)
    space.offered = False
    db.session.flush()
    record(space.incubator, "space_withdrawn", by=by, details={"space": space.id})


def book_space(
    space: IncubatorSpace, organization: Organization, *, day: date, slot: str, purpose: str, by: Actor
) -> SpaceBooking:
    """Book half a day; the database keeps two from getting the same."""
    if slot not in SLOTS:
        raise ValueError(f"unknown time {slot}")
    if not space.offered or space.incubator.until is not None:
        raise Refusal(Message(N_("This space is not offered any more.")), status=409)
    if day < clock.today():
        raise Refusal(Message(N_("This day lies in the past.")))
    if not purpose.strip():
        raise Refusal(Message(N_("Say what the space is for.")))
    taken = db.session.scalar(
        select(SpaceBooking.id).where(
            SpaceBooking.space_id == space.id,
            SpaceBooking.day == day,
            SpaceBooking.slot == slot,
            SpaceBooking.cancelled_on.is_(None),
        )
    )
    if taken is not None:
        raise Refusal(Message(N_("Somebody has booked this time: choose another day or time.")), status=409)
    booking = SpaceBooking(
        space_id=space.id,
        organization_id=organization.id,
        day=day,
        slot=slot,
        purpose=purpose.strip(),
        booked_by=by.actor_id,
    )
    db.session.add(booking)
    db.session.flush()
    record(booking, "booked", by=by, details={"day": day.isoformat(), "slot": slot})
    return booking


def cancel_booking(booking: SpaceBooking, *, by: Actor) -> None:
    booking.cancelled_on = clock.today()
    db.session.flush()
    record(booking, "booking_cancelled", by=by)


def set_target(agency: Agency, *, year: int, stations: int, source: str, by: Actor) -> CoverageTarget:
    """How many townships shall have a station in a year, with the document that says so."""
    if stations < 1 or not source.strip():
        raise Refusal(Message(N_("A target is at least one station and names its document.")))
    row = db.session.scalar(
        select(CoverageTarget).where(CoverageTarget.agency_id == agency.id, CoverageTarget.year == year)
    )
    if row is None:
        row = CoverageTarget(agency_id=agency.id, year=year)
    row.stations, row.source = stations, source.strip()
    db.session.add(row)
    db.session.flush()
    record(row, "target_set", by=by, details={"year": year, "stations": stations})
    return row
