"""Scenes of the people: units over the years, liaison, experts, kinship, the workforce."""

from __future__ import annotations

from datetime import date, timedelta

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from core.audit.services import SYSTEM
from core.db import db
from registry.agencies.services import add_section, create_agency, dissolve_agency
from registry.custody.services import accept_transfer, propose_transfer
from registry.experts.models import Expert
from registry.experts.services import add_expert, note_absence, note_conduct
from registry.interests.services import declare_interest, record_employment, record_kinship
from registry.liaison.models import LiaisonReceipt
from registry.liaison.services import appoint, confirm_reading, note_told, publish_notice, remind
from registry.particulars.services import give_tag, record_staff
from registry.persons.models import Person
from registry.persons.rules import identity_check_character, sort_key
from registry.persons.services import record_person, set_email, set_identity
from registry.workforce.models import LEVELS, TrainingAttendance
from registry.workforce.services import (
    add_certificate,
    add_volunteer,
    add_worker,
    invite,
    note_attendance,
    note_consent,
    note_cover,
    note_guardian,
    note_hours,
    plan_training,
)

WORDS = TEXTS["people"]


def identity_number(division: str, born: date, serial: int) -> str:
    """A number of an invented person that passes the check (GB 11643)."""
    body = f"{division}{born:%Y%m%d}{serial:03d}"
    return body + identity_check_character(body)


def tell_people(stage: Stage) -> None:
    """Everything of this file, in order of time. Opens its own transactions."""
    today = clock.today()
    with on(today - timedelta(days=400)):
        _units(stage)
        _workforce(stage)
    with on(today - timedelta(days=40)):
        _ties(stage)
        _experts(stage)
        _trainings(stage)
    with on(today - timedelta(days=10)):
        _custody(stage)
        _liaison(stage)
    with on(today - timedelta(days=1)):
        _answers(stage)


def _units(stage: Stage) -> None:
    """A county that became a district, with its township; sections of the city's bureau."""
    admin, city, turn = stage.people["admin"], stage.agencies["city"], date(2020, 7, 1)
    names = WORDS["units"]
    old = create_agency(names["county"], "civil_affairs_bureau", "150623", city, by=SYSTEM)
    create_agency(names["town"], "sumu_township", "150623100", old, by=SYSTEM)
    new = create_agency(
        names["district"], "civil_affairs_bureau", "150603", city, valid_from=turn,
        basis=names["basis"], by=SYSTEM,
    )  # fmt: skip
    town = create_agency(names["second_town"], "subdistrict", "150603001", new, valid_from=turn, by=SYSTEM)
    dissolve_agency(old, new, turn, basis=names["basis"], by=admin)
    for name, duty in WORDS["sections"]:
        add_section(city, name, duty=duty, phone="0477-0000003", by=admin)
    stage.agencies["district"], stage.agencies["second_town"] = new, town


def _workforce(stage: Stage) -> None:
    """Social workers of each level, one certificate that ends; volunteers, one a minor, one without consent."""
    clerk, city, today = stage.people["clerk"], stage.agencies["city"], clock.today()
    levels = [*LEVELS, "intermediate", ""]
    for serial, name in enumerate(WORDS["workers"], 1):
        person = record_person(
            name,
            phone=f"1370000{serial:04d}",
            identity_number=identity_number("150602", date(1985 + serial, 3, serial), 100 + serial),
            by=clerk,
        )
        worker = add_worker(
            city, person, since=today - timedelta(days=300),
            organization=stage.organizations[(serial * 2) % 6], post=WORDS["post"], full_time=serial != 2, by=clerk,
        )  # fmt: skip
        level = levels[(serial - 1) % len(levels)]
        if level:
            # The second one's registration ends a month from today.
            end = today + timedelta(days=430 if serial == 2 else 700 + 30 * serial)
            add_certificate(
                worker, level, f"SG{2020 + serial}0{serial}", end - timedelta(days=1094), end, by=clerk
            )
    year = today.year - 1
    for place, people in ((0, 6), (2, 8), (4, 11)):
        record_staff(
            stage.organizations[place], year, full_time=people, part_time=2, social_workers=1, by=clerk
        )
    # Federations of community organizations, one with its social worker, one without.
    unions = [item for item in stage.organizations if item.kind == "social_association"]
    for union in (unions[0], unions[1]):
        if not any(item.tag == "federation" for item in union.tags):
            give_tag(union, "federation", since=today, document=WORDS["document"], by=clerk)
    union_worker = record_person(WORDS["union_worker"], phone="13700009999", by=clerk)
    add_worker(
        city, union_worker, since=today, organization=unions[0], post=WORDS["post"], full_time=False, by=clerk
    )
    for serial, name in enumerate(WORDS["volunteers"], 1):
        minor = serial == 3
        volunteer = add_volunteer(
            city,
            record_person(name, phone=f"1360000{serial:04d}", by=clerk),
            skills=WORDS["skills"][serial % len(WORDS["skills"])],
            organization=stage.organizations[serial % 5],
            born_on=date(2011, 5, 4) if minor else date(1970 + serial, 6, serial),
            by=clerk,
        )
        if serial == 5:
            continue
        note_consent(volunteer, today, form=WORDS["consent"], by=clerk)
        if minor:
            note_guardian(
                volunteer, record_person(WORDS["guardian"], phone="13600009999", by=clerk), today, by=clerk
            )
        if serial in (1, 4):
            note_cover(
                volunteer, WORDS["insurer"], f"YW{serial:06d}", today, today + timedelta(days=900), by=clerk
            )
        note_hours(volunteer, today, 60 * serial + 30, WORDS["activity"], dangerous=serial == 1, by=clerk)


def _ties(stage: Stage) -> None:
    """A clerk whose brother leads an organization, an expert's working life, two rows of one person."""
    clerk = stage.people["clerk"]
    leader = stage.leaders[stage.organizations[5].id].person
    record_kinship(stage.people["east_clerk"].person, leader, "sibling", by=clerk)
    expert = next(iter(stage.experts.values())).person
    since = clock.today() - timedelta(days=900)
    record_employment(expert, WORDS["university"], since, position=WORDS["teacher"], by=clerk)
    record_kinship(expert, record_person(WORDS["spouse"], phone="13500008888", by=clerk), "spouse", by=clerk)
    record_employment(
        expert, "", since - timedelta(days=900), until=since, position=WORDS["secretary"],
        organization=stage.organizations[1], by=clerk,
    )  # fmt: skip
    set_identity(expert, identity_number("110105", date(1949, 12, 31), 2), by=clerk)
    for serial in (1, 2):
        person = Person(
            name=WORDS["double"], phone="13511112222", title=WORDS["teacher"] if serial == 1 else "",
            sort_key=sort_key(WORDS["double"], personal=True),
        )  # fmt: skip
        db.session.add(person)
        db.session.flush()
        declare_interest(
            person, stage.organizations[serial], "advice", clock.today(), position=WORDS["teacher"], by=clerk
        )


def _experts(stage: Stage) -> None:
    """One who waits for a second person, one who is away, one praised, one whose admission ends soon."""
    clerk, city, today = stage.people["clerk"], stage.agencies["city"], clock.today()
    add_expert(
        city,
        record_person(WORDS["proposed"], phone="13522223333", title=WORDS["teacher"], by=clerk),
        fields=["elderly", "finance"],
        employer=WORDS["university"],
        professional_title=WORDS["accountant"],
        regions=["150602", "150621"],
        most_panels=6,
        by=clerk,
    )
    pool = db.session.query(Expert).filter_by(agency_id=city.id, state="admitted").order_by(Expert.id).all()
    note_absence(
        pool[-1], today + timedelta(days=200), today + timedelta(days=230), reason=WORDS["abroad"], by=clerk
    )
    note_conduct(pool[-2], "praise", WORDS["praise"], by=clerk)
    note_conduct(pool[-3], "late", WORDS["late"], by=clerk)
    pool[-4].valid_to = today + timedelta(days=70)


def _trainings(stage: Stage) -> None:
    clerk, city, today = stage.people["clerk"], stage.agencies["city"], clock.today()
    names = [*WORDS["workers"], *WORDS["volunteers"]]
    people = db.session.query(Person).filter(Person.name.in_(names)).order_by(Person.id).all()
    for place, (title, kind, hours, days) in enumerate(WORDS["trainings"]):
        row = plan_training(
            city, title, kind, today + timedelta(days=days), hours, place=WORDS["hall"], by=clerk
        )
        invite(row, people[place : place + 6], by=clerk)
        if days <= 0:
            listed = (
                db.session.query(TrainingAttendance)
                .filter_by(training_id=row.id)
                .order_by(TrainingAttendance.id)
            )
            note_attendance(
                row,
                {item.id: "absent" if count == 5 else "attended" for count, item in enumerate(listed)},
                by=clerk,
            )


def _custody(stage: Stage) -> None:
    """Three transfers: one taken over, one that waits, one to the township."""
    clerk = stage.people["clerk"]
    moved = propose_transfer(
        stage.organizations[20],
        stage.agencies["east"],
        reason=WORDS["locality"],
        document=WORDS["document"],
        by=clerk,
    )
    accept_transfer(moved, by=stage.people["east_clerk"])
    propose_transfer(stage.organizations[21], stage.agencies["east"], reason=WORDS["locality"], by=clerk)
    propose_transfer(stage.organizations[22], stage.agencies["urban"], reason=WORDS["locality"], by=clerk)


def _liaison(stage: Stage) -> None:
    """Officers for townships and organizations, and two notices to them."""
    clerk, city, today = stage.people["clerk"], stage.agencies["city"], clock.today()
    for login, unit in (("urban_clerk", "urban"), ("east_clerk", "east"), ("west_clerk", "steppe")):
        appoint(city, stage.people[login].person, today, unit=stage.agencies[unit], by=clerk)
    for serial, organization in enumerate(stage.organizations[:3], 1):
        person = record_person(WORDS["officers"][serial - 1], phone=f"1380000{serial:04d}", by=clerk)
        appoint(city, person, today, organization=organization, by=clerk)
    set_email(stage.people["urban_clerk"].person, "liaison@example.org", by=clerk)
    for title, text in WORDS["notices"]:
        publish_notice(city, title, text, due_on=today + timedelta(days=20), by=clerk)


def _answers(stage: Stage) -> None:
    """One reads, one was told by telephone, the others are reminded."""
    clerk = stage.people["clerk"]
    receipts = db.session.query(LiaisonReceipt).order_by(LiaisonReceipt.id).all()
    first = receipts[0].notice
    confirm_reading(first, by=stage.people["urban_clerk"])
    told = next(item for item in receipts if item.notice_id == first.id and item.officer.organization_id)
    note_told(told, WORDS["telephone"], by=clerk)
    remind(first, by=clerk)
