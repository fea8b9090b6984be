"""Incubation in the demonstration world: four levels, operators, hosted bodies, the ledger, spaces."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, WORLD, Stage
from app.demo.story import on, paper
from core import clock
from core.db import db
from core.files.services import store
from core.money import Money
from registry.incubation.models import Incubator
from registry.incubation.services import (
    admit,
    book_space,
    cancel_booking,
    close_place,
    leave,
    offer_space,
    open_place,
    record_service,
    set_operator,
    set_target,
    strike_service,
)
from registry.organizations.models import Organization
from registry.organizations.queries import tags_on
from registry.particulars.services import give_tag

WORDS = TEXTS["incubation"]


def tell_incubation(stage: Stage) -> None:
    """One base, one park, two stations and a point; a township is still without."""
    today = clock.today()
    clerk = stage.people["clerk"]
    with on(today - timedelta(days=420)):
        hub, support = stage.organizations[7], stage.organizations[3]
        for organization, tag in ((hub, "hub"), (support, "support")):
            if tag not in tags_on(organization.id, clock.today()):
                give_tag(organization, tag, since=clock.today(), document=WORDS["document"], by=clerk)
        places = _places(stage)
        for place, operator in zip(places, (support, support, hub, hub, hub), strict=True):
            set_operator(place, operator, since=clock.today(), contract=WORDS["contract"], by=clerk)
        set_target(
            stage.agencies["city"],
            year=today.year,
            stations=3,
            source=WORDS["target"],
            by=stage.people["clerk"],
        )
    _hosting(stage, places)
    _ledger(stage, places)
    _spaces(stage, places)


def _places(stage: Stage) -> list[Incubator]:
    made: dict[str, Incubator] = {}
    for key, unit, level, parent, name, address, area, uses in WORDS["places"]:
        agency = stage.agencies[unit]
        made[key] = open_place(
            agency,
            level=level,
            name=name,
            division_code=stage.agencies[key].division_code
            if key in stage.agencies
            else agency.division_code,
            opened_on=clock.today() - timedelta(days=200),
            parent=made.get(parent),
            address=address,
            area=area,
            uses=uses,
            by=stage.people["clerk"],
        )
    gone = open_place(
        stage.agencies["east"],
        level="point",
        name=WORDS["gone"],
        division_code=stage.agencies["community2"].division_code,
        opened_on=clock.today() - timedelta(days=900),
        by=stage.people["clerk"],
    )
    close_place(gone, reason=WORDS["why"], by=stage.people["clerk"])
    return [*made.values()]


def _hosting(stage: Stage, places: list[Incubator]) -> None:
    today, clerk = clock.today(), stage.people["clerk"]
    filed = [
        *db.session.scalars(
            select(Organization)
            .where(Organization.name.in_([item[0] for item in WORLD["filed"]]))
            .order_by(Organization.id)
        )
    ]
    with on(today - timedelta(days=300)):
        stays = [
            admit(places[at], body, since=clock.today() - timedelta(days=30), by=clerk)
            for at, body in (
                (0, stage.organizations[20]),
                (0, stage.organizations[24]),
                (1, stage.organizations[9]),
                (2, filed[0]),
                (4, filed[1]),
            )
        ]
    with on(today - timedelta(days=50)):
        leave(stays[2], until=clock.today(), outcome="graduated", note=WORDS["graduated"], by=clerk)
        leave(stays[1], until=clock.today(), outcome="withdrawn", by=clerk)


def _ledger(stage: Stage, places: list[Incubator]) -> None:
    """Recorded by the operators' own people; one line is struck out."""
    today = clock.today()
    writers = [stage.leaders[stage.organizations[at].id] for at in (3, 3, 7, 7, 7)]
    for number, (kind, title, minutes, people) in enumerate(WORDS["services"]):
        place = number % len(places)
        with on(today - timedelta(days=90 - 9 * number)):
            body = stage.organizations[20] if place == 0 else None
            made = record_service(
                places[place],
                kind=kind,
                title=title,
                served_on=clock.today(),
                minutes=minutes,
                people=people,
                organization=body,
                recipient="" if body else WORDS["starters"],
                account=WORDS["account"],
                file=store(*paper("proof", 5), by=writers[place]) if number == 0 else None,
                by=writers[place],
            )
            if number == 3:
                strike_service(made, why=WORDS["struck"], by=stage.people["clerk"])


def _spaces(stage: Stage, places: list[Incubator]) -> None:
    today, clerk = clock.today(), stage.people["clerk"]
    with on(today - timedelta(days=20)):
        spaces = [
            offer_space(
                places[place],
                name=name,
                seats=seats,
                terms=terms,
                price=Money.yuan(price) if price else None,
                equipment=equipment,
                by=clerk,
            )
            for place, name, seats, terms, price, equipment in WORDS["spaces"]
        ]
        for at, days, slot in ((0, 26, "morning"), (0, 26, "afternoon"), (1, 30, "evening")):
            body = stage.organizations[at]
            book_space(
                spaces[0],
                body,
                day=clock.today() + timedelta(days=days),
                slot=slot,
                purpose=WORDS["purpose"],
                by=stage.leaders[body.id],
            )
        mistaken = book_space(
            spaces[1],
            stage.organizations[0],
            day=clock.today() + timedelta(days=27),
            slot="morning",
            purpose=WORDS["purpose"],
            by=stage.leaders[stage.organizations[0].id],
        )
        cancel_booking(mistaken, by=stage.leaders[stage.organizations[0].id])
