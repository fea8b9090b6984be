"""Party building of the demonstration world: files, party organizations, the pool, activities, and gaps."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, WORLD, Stage
from app.demo.story import on, paper
from core import clock
from core.db import db
from core.files.models import StoredFile
from core.files.services import store
from registry.accounts.models import User
from registry.organizations.models import Organization
from registry.party.models import PartyWorker
from registry.party.services import (
    add_member,
    add_worker,
    end_worker,
    give_post,
    record_activity,
    record_step,
    record_survey,
    set_charter,
    set_route,
)
from registry.party_orgs.models import CHECKS, PartyOrg
from registry.party_orgs.services import cover, end_org, found_org, keep_paper, record_check
from registry.persons.services import record_person

WORDS = TEXTS["party_building"]
FIVE = ("commitment", "members", "plan", "organization", "guidance")


def tell_party(stage: Stage) -> None:
    """Told on one day, some weeks ago; the activities since then on their own days."""
    today, party = clock.today(), stage.people["party"]
    with on(today - timedelta(days=200)):
        sheet = store(*paper("proof", 1), by=party)
        filed = [
            *db.session.scalars(
                select(Organization)
                .where(Organization.name.in_([item[0] for item in WORLD["filed"]]))
                .order_by(Organization.id)
            )
        ]
        _files(stage, sheet, party)
        found = _organizations(stage, filed[0], sheet, party)
        _posts(stage, filed[1], _workers(stage, party), party)
    with on(today - timedelta(days=40)):
        _checks(found, sheet, party)
    _activities(stage)


def _with_members(stage: Stage, low: int, high: int) -> list[Organization]:
    return [item for item in stage.organizations if item.party and low <= item.party.full_members <= high]


def _files(stage: Stage, sheet: StoredFile, party: User) -> None:
    """Routes, clauses, steps and surveys; the last few still have something open."""
    city, today = stage.agencies["city"], clock.today()
    for place, organization in enumerate(stage.organizations[:-2]):
        members = organization.party.full_members if organization.party else 0
        record_survey(
            organization,
            surveyed_on=today - timedelta(days=20),
            employees=members * 3 + 4,
            full_members=members,
            relation_elsewhere=min(members, place % 2),
            by=party,
        )
        route = ("committee", "supervising_unit", "territory", "comprehensive", "industry")[place % 5]
        set_route(
            organization,
            route,
            responsible={"committee": city, "territory": stage.agencies["urban"]}.get(route),
            responsible_name="" if route in ("committee", "territory") else WORDS["units"][route],
            since=today - timedelta(days=30),
            grid_code=f"150602001{place:03d}" if route == "territory" else "",
            by=party,
        )
        if members:
            set_charter(
                organization,
                leadership=True,
                values=True,
                community=place < 20,
                charter_on=today - timedelta(days=400),
                by=party,
            )
        for number, step in enumerate(FIVE[: 5 if place < 18 else 3]):
            record_step(
                organization, "five", step, done_on=today - timedelta(days=15 - number), officer=WORDS["officer"], by=party
            )  # fmt: skip
        if place < 12:
            record_step(
                organization, "three", "registration", done_on=today - timedelta(days=14), officer=WORDS["officer"],
                by=party,
            )  # fmt: skip
            record_step(
                organization, "three", "annual_report", year=today.year - 1, done_on=today - timedelta(days=10),
                officer=WORDS["officer"], note=WORDS["step"], by=party,
            )  # fmt: skip
    first = stage.organizations[0]
    record_step(
        first, "three", "assessment", done_on=today - timedelta(days=5), officer=WORDS["officer"], file=sheet, by=party
    )  # fmt: skip
    for number, (kind, home) in enumerate((("full", ""), ("full", WORDS["home"]), ("probationary", "")), 1):
        add_member(
            first,
            record_person(f"{WORDS['member']}{number}", phone=f"1360000000{number}", by=party),
            kind=kind,
            since=today - timedelta(days=60),
            home_unit=home,
            grid_code="150602001001",
            by=party,
        )


def _organizations(stage: Stage, filed: Organization, sheet: StoredFile, party: User) -> list[PartyOrg]:
    """Sole ones where there are members enough, two joint ones, a working group; one has ended."""
    city, today, found = stage.agencies["city"], clock.today(), []
    for place, organization in enumerate(_with_members(stage, 3, 99)):
        made = found_org(
            city,
            name=WORDS["branch"].format(name=organization.name),
            kind="sole",
            form="general_branch" if place == 3 else "branch",
            superior=WORDS["superior"],
            founded_on=today - timedelta(days=300 + place),
            secretary=organization.legal_representative,
            by=party,
        )
        cover(made, organization, since=today - timedelta(days=300), by=party)
        for kind in ("duties", "flow", "ledger")[: 3 if place < 6 else 1]:
            keep_paper(made, kind, dated_on=today - timedelta(days=9), file=sheet, by=party)
        found.append(made)
    few = _with_members(stage, 1, 2)
    for place, part in enumerate((few[0::2], few[1::2])):
        made = found_org(
            city,
            name=WORDS["joint"][place],
            kind="joint",
            form="branch",
            superior=WORDS["superior"],
            founded_on=today - timedelta(days=250),
            by=party,
        )
        for organization in part:
            cover(made, organization, since=today - timedelta(days=240), by=party)
        found.append(made)
    group = found_org(
        city,
        name=WORDS["group"],
        kind="functional",
        form="working_group",
        superior=WORDS["superior"],
        founded_on=today - timedelta(days=120),
        by=party,
    )
    cover(group, filed, since=today - timedelta(days=100), by=party)
    gone = found_org(
        city,
        name=WORDS["gone"],
        kind="functional",
        form="working_group",
        superior=WORDS["superior"],
        founded_on=today - timedelta(days=500),
        by=party,
    )
    end_org(gone, reason=WORDS["ended"], by=party)
    return [*found, group]


def _workers(stage: Stage, party: User) -> list[PartyWorker]:
    made = [
        add_worker(
            stage.agencies["city"],
            record_person(name, phone=f"1350000000{number}", by=party),
            source=source,
            unit=unit,
            since=clock.today() - timedelta(days=90),
            by=party,
        )
        for number, (name, source, unit) in enumerate(WORDS["workers"])
    ]
    end_worker(made[-1], by=party)
    return made


def _posts(stage: Stage, filed: Organization, workers: list[PartyWorker], party: User) -> None:
    """One worker looks after several; the last body without members has nobody."""
    since = clock.today() - timedelta(days=30)
    for place, organization in enumerate([*_with_members(stage, 1, 2), *_with_members(stage, 0, 0)[:-1]]):
        give_post(organization, workers[place % 2], "instructor", since=since, by=party)
    give_post(stage.organizations[0], workers[2], "liaison", since=since, by=party)
    give_post(filed, workers[3], "instructor", since=since, by=party)


def _checks(found: list[PartyOrg], sheet: StoredFile, party: User) -> None:
    """Both checklists for each; the last two do not meet them all."""
    today = clock.today()
    for place, row in enumerate(found):
        weak = place >= len(found) - 2
        record_check(
            row,
            "eight",
            assessed_on=today,
            marks={item: 0 if weak and item == "media" else 1 for item in CHECKS["eight"]},
            files={"flag": sheet} if place == 0 else None,
            by=party,
        )
        record_check(
            row,
            "six",
            assessed_on=today,
            marks={item: 1 if weak and item == "culture" else 2 for item in CHECKS["six"]},
            note=WORDS["assessed"],
            by=party,
        )


def _activities(stage: Stage) -> None:
    today = clock.today()
    for place, (kind, title) in enumerate(WORDS["activities"]):
        organization = stage.organizations[place % 5]
        leader = stage.leaders[organization.id]
        with on(today - timedelta(days=35 - place)):
            files = [store(*paper("proof", place + 2), by=leader)] if place == 0 else []
            record_activity(
                organization,
                kind=kind,
                title=title,
                held_on=clock.today(),
                attended=6 + place,
                place=TEXTS["place"],
                account=WORDS["account"],
                files=files,
                by=leader,
            )
