"""Search and sort keys: always what the facts say, and every search what reading all rows would find."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from core import clock
from core.db import db, transaction
from registry.agencies.models import Agency
from registry.credit.models import CreditEntry
from registry.keys import jobs, services
from registry.keys.models import DirectoryEntry, DirectoryPosting, DirectoryShelf
from registry.keys.queries import counts_of, found_page, keys_of, search_of
from registry.keys.rules import (
    PLACES,
    as_places,
    last_members,
    members,
    packed,
    packed_numbers,
    terms_of,
    unpacked,
)
from registry.organizations.models import Grade, Organization, PartyFacts
from tests import world

SIGNS = "养老服务中心社区儿童关爱协会阳光志愿青年示例"
KINDS = ("social_association", "social_service_agency", "foundation")
DIVISIONS = ("150602", "150602001", "150602002", "150603001", "150600")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(0, PLACES - 1), max_size=90))
def test_a_set_of_places_survives_being_stored(numbers):
    places = as_places(numbers)
    assert unpacked(packed(places)) == places
    assert packed_numbers(list(numbers)) == packed(places)
    assert members(places) == sorted(numbers)
    assert last_members(places, limit=50) == sorted(numbers, reverse=True)[:50]
    assert members(places, limit=7) == sorted(numbers)[:7]


def fill(count, seed=1):
    """Organizations of random facts in a table of the small world, in bulk."""
    dice = random.Random(seed)
    units = list(db.session.scalars(select(Agency.id).order_by(Agency.id)))
    today = clock.today()
    last = db.session.scalar(select(db.func.max(Organization.id))) or 0
    rows = [
        {
            "id": last + n,
            "agency_id": dice.choice(units),
            "kind": (kind := dice.choice(KINDS)),
            "register_class": "registered",
            "name": "".join(dice.choices(SIGNS, k=dice.randint(3, 9))),
            "credit_code": world.credit_code({"social_association": "51", "foundation": "53"}.get(kind, "52"), "150602", 5000 + last + n),
            "division_code": dice.choice(DIVISIONS),
            "status": dice.choice(("normal", "normal", "abnormal", "revoked")),
            "fields": dice.sample(["elderly", "children", "community"], k=dice.randint(0, 2)),
            "registered_on": date(2020, 1, 1),
        }
        for n in range(1, count + 1)
    ]  # fmt: skip
    with transaction() as session:
        session.execute(db.insert(Organization), rows)
        for row in rows:
            if dice.random() < 0.4:
                session.add(
                    Grade(organization_id=row["id"], grade=dice.randint(1, 5), valid_from=today - timedelta(days=9),
                          valid_to=today + timedelta(days=dice.randint(-5, 9)))
                )  # fmt: skip
            if dice.random() < 0.2:
                session.add(
                    CreditEntry(organization_id=row["id"], kind=dice.choice(("abnormal_list", "dishonesty_list")),
                                entered_on=today - timedelta(days=30), grounds="示例",
                                removed_on=dice.choice((None, today - timedelta(days=3))))
                )  # fmt: skip
            if dice.random() < 0.5:
                session.add(
                    PartyFacts(
                        organization_id=row["id"], party_org_kind=dice.choice(("none", "sole", "joint"))
                    )
                )
    return rows


def entries():
    return {entry.organization_id: entry for entry in db.session.scalars(select(DirectoryEntry))}


def sound():
    """Entries, postings and places are what the facts give, and places of a shelf are within its keys."""
    db.session.rollback()
    ids = list(db.session.scalars(select(Organization.id)))
    made, kept = keys_of(ids), entries()
    assert set(made) == set(kept)
    wanted = {}
    for number, keys in made.items():
        entry = kept[number]
        assert entry.place is not None
        assert all(getattr(entry, name) == getattr(keys, name) for name in services._COLUMNS), number
        for term in terms_of(entry.name, entry.initials, entry.code, entry.marks):
            key = (term, entry.place // PLACES)
            wanted[key] = wanted.get(key, 0) | 1 << entry.place % PLACES
    there = {
        (row.term, row.shelf_id): unpacked(row.places) for row in db.session.scalars(select(DirectoryPosting))
    }
    assert there == wanted
    shelves = db.session.scalars(
        select(DirectoryShelf).order_by(DirectoryShelf.first_key, DirectoryShelf.first_id)
    ).all()
    order = list(
        db.session.scalars(
            select(DirectoryEntry).order_by(DirectoryEntry.sort_key, DirectoryEntry.organization_id)
        )
    )
    at = {shelf.id: place for place, shelf in enumerate(shelves)}
    assert [at[entry.place // PLACES] for entry in order] == sorted(
        at[entry.place // PLACES] for entry in order
    )
    for shelf in shelves:
        mine = [entry.place % PLACES for entry in order if entry.place // PLACES == shelf.id]
        assert all(slot < shelf.used for slot in mine)
        ordered = [slot for slot in mine if slot < shelf.in_order]
        assert ordered == sorted(ordered)


@pytest.fixture
def small_shelves(monkeypatch):
    monkeypatch.setattr(services, "FULL", 40)
    monkeypatch.setattr(services, "FILLED", 30)


def fits(user, row, marks, words):
    if row.agency_id not in user.agency_ids("organization.read"):
        return False
    entry = row.entry
    for mark, value in marks.items():
        if mark == "division":
            if not row.division_code.startswith(value):
                return False
        elif f"{mark}={value}" not in entry.marks.split():
            return False
    return all(
        word in entry.name or word in entry.initials or word.upper() in entry.code
        for word in words.lower().split()
    )


SEARCHES = [
    ({}, ""), ({"kind": "foundation"}, ""), ({"status": "abnormal", "kind": "foundation"}, ""), ({"grade": "3"}, ""),
    ({"grade": "0", "list": "abnormal_list"}, ""), ({"list": "dishonesty_list", "status": "revoked"}, ""),
    ({"field": "elderly", "party": "sole"}, ""), ({"division": "150602"}, ""), ({"division": "150602001", "grade": "5"}, ""),
    ({}, "养老"), ({}, "服务中"), ({}, "社区 儿童"), ({}, "阳"), ({"kind": "foundation"}, "志愿"), ({}, "yl"), ({}, "sqe"), ({}, "0602MJ"),
    ({}, "查无此会"), ({"status": "normal"}, "养老服务中心"), ({"kind": "enterprise", "grade": "5"}, ""),
]  # fmt: skip


def reads_page_by_page(app, search, marks, words, expected):
    """The rows of a search in their order, from its pages forwards; each page before is the one that was."""
    found, key, previous = [], "", []
    while True:
        with app.test_request_context(f"/?after={key}" if key else "/"):
            answer = found_page(search, size=13)
        found += [row.id for row in answer.page.rows]
        # Of a longer word only so many are compared for the count, and it says so.
        if answer.count.more:
            assert answer.count.number == 250 <= expected
        else:
            assert answer.count.number == expected, (marks, words)
        if len(previous) > 1:
            with app.test_request_context(f"/?before={answer.page.previous_key}"):
                before = found_page(search, size=13)
            assert [row.id for row in before.page.rows] == previous
        previous = [row.id for row in answer.page.rows]
        key = answer.page.next_key
        if not key:
            return found


def test_every_search_finds_what_reading_all_rows_finds(app, small_shelves):
    """For three people with larger and smaller parts of one register."""
    with app.app_context():
        fill(260)
        assert jobs.sort_in() == 260
        fill(60, seed=2)
        sound()
        rows = db.session.scalars(select(Organization).order_by(Organization.sort_key, Organization.id)).all()
        kept = entries()
        for row in rows:
            row.entry = kept[row.id]
        for login in ("clerk", "township_clerk", "banner_clerk"):
            user = world.user(login)
            seen = 0
            for marks, words in SEARCHES:
                want = [row.id for row in rows if fits(user, row, marks, words)]
                rest = dict(marks)
                search = search_of(user, division=rest.pop("division", ""), marks=rest, words=words)
                found = reads_page_by_page(app, search, marks, words, len(want))
                assert found == want, (login, marks, words)
                seen += len(want)
            assert seen > (1000 if login == "clerk" else 100)


def test_what_changes_a_fact_changes_the_keys_in_the_same_transaction(app):
    with app.app_context():
        fill(20)
        sound()
        number = db.session.scalar(select(db.func.max(Organization.id)))
        with transaction() as session:
            row = session.get_one(Organization, number)
            row.name, row.status, row.fields = "示例改名之后的协会", "revoked", ["elderly"]
        sound()
        with transaction() as session:
            session.execute(update(Organization).where(Organization.id == number).values(kind="foundation"))
            session.execute(delete(Grade))
            session.execute(update(PartyFacts).values(party_org_kind="functional"))
        sound()
        with transaction() as session:
            west = session.scalar(select(Agency).where(Agency.name == "示例西旗民政局"))
            east = session.scalar(select(Agency).where(Agency.name == "示例东旗民政局"))
            west.path = f"{east.path}{west.id}/"
        sound()


def test_a_rolled_back_change_leaves_the_keys_alone(app):
    with app.app_context():
        fill(5)
        with pytest.raises(RuntimeError), transaction() as session:
            session.execute(update(Organization).values(status="revoked"))
            raise RuntimeError
        sound()


def test_a_grade_that_ends_and_a_listing_that_begins_are_renewed_on_their_day(app):
    with app.app_context():
        fill(60, seed=5)
        with clock.at(clock.now() + timedelta(days=6)):
            jobs.tidy()
            sound()


def test_a_deleted_organization_leaves_nothing(app):
    with app.app_context():
        last = db.session.scalar(select(db.func.max(Organization.id)))
        fill(8)
        with transaction() as session:
            for table in (Grade, CreditEntry, PartyFacts):
                session.execute(delete(table).where(table.organization_id > last))
            session.delete(session.get_one(Organization, last + 1))
            session.flush()
            session.execute(delete(Organization).where(Organization.id > last + 1))
        sound()


def test_late_places_are_put_in_order_and_a_full_shelf_is_divided(app, small_shelves, monkeypatch):
    monkeypatch.setattr(services, "MANY_LATE", 20)
    with app.app_context():
        for seed in range(4):
            fill(25, seed=seed)
            jobs.tidy()
        sound()
        assert db.session.query(DirectoryShelf).count() >= 3
        monkeypatch.setattr(services, "PLACES", PLACES)
        shelf = db.session.scalar(
            select(DirectoryShelf.id).order_by(DirectoryShelf.first_key.desc()).limit(1)
        )
        with transaction() as session:
            session.execute(update(DirectoryShelf).where(DirectoryShelf.id == shelf).values(used=PLACES))
        fill(30, seed=9)
        sound()


def test_counts_of_cells_are_those_of_the_rows(app, small_shelves):
    with app.app_context():
        fill(150)
        jobs.sort_in()
        user = world.user("clerk")
        cells = {(d, k): frozenset({f"in={d}", f"kind={k}"}) for d in DIVISIONS[:4] for k in KINDS}
        found = counts_of(search_of(user, marks={"status": "normal"}), cells)
        for (division, kind), number in found.items():
            assert number == db.session.query(Organization).filter(
                Organization.division_code.startswith(division), Organization.kind == kind, Organization.status == "normal"
            ).count()  # fmt: skip
        assert sum(found.values()) > 50


def test_an_organization_that_came_past_the_services_is_caught_up_with(app):
    with app.app_context():
        fill(3)
        with transaction() as session:
            session.execute(delete(DirectoryPosting.__table__))
            session.execute(delete(DirectoryEntry.__table__))
            session.execute(update(DirectoryShelf.__table__).values(used=0, in_order=0))
        assert jobs.catch_up() == db.session.query(Organization).count()
        jobs.sort_in()
        sound()
