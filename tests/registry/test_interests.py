"""Conflicts of interest: three years back from the day asked, for every kind of tie."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.interests.models import KINDS, Interest
from registry.interests.queries import conflict, conflicts
from registry.interests.rules import counts, window
from registry.interests.services import declare_interest
from registry.persons.models import Person
from tests import world

days = st.dates(date(2016, 1, 1), date(2028, 12, 31))


@given(days, st.none() | st.integers(0, 3000), days)
def test_a_tie_counts_when_a_day_of_the_three_years_lies_in_it(since, length, on):
    until = None if length is None else since + timedelta(days=length)
    first, last = window(on)
    told = any(
        since <= day and (until is None or day <= until)
        for day in (first + timedelta(days=step) for step in range((last - first).days + 1))
    )
    assert counts(since, until, on=on) == told


def test_the_window_is_three_years_also_on_a_leap_day():
    assert window(date(2024, 2, 29)) == (date(2021, 2, 28), date(2024, 2, 29))
    assert counts(date(2010, 1, 1), date(2021, 2, 28), on=date(2024, 2, 29))
    assert not counts(date(2010, 1, 1), date(2021, 2, 27), on=date(2024, 2, 29))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_query_answers_as_the_rule(app, kind):
    on = date(2026, 5, 13)
    first, last = window(on)
    spans = [
        (first - timedelta(days=9), first - timedelta(days=1)), (first - timedelta(days=9), first), (last, None),
        (last, last), (last + timedelta(days=1), None), (first - timedelta(days=900), None), (first, last),
    ]  # fmt: skip
    with transaction() as session:
        body = world.organization("示例企业甲").id
        people = {}
        for number, (since, until) in enumerate(spans):
            person = Person(name=f"示例关系{number}")
            session.add(person)
            session.flush()
            session.add(
                Interest(person_id=person.id, organization_id=body, kind=kind, since=since, until=until)
            )
            people[person.id] = (since, until)
    for person, (since, until) in people.items():
        assert (conflict(person, body, on=on) is not None) == counts(since, until, on=on), (since, until)
    assert set(conflicts(people, [body], on=on)) == {
        (person, body) for person, span in people.items() if counts(*span, on=on)
    }


def test_an_expert_who_worked_for_the_applicant_last_year_is_in_conflict(app):
    expert, body = world.user("expert1").person_id, world.organization().id
    found = conflict(expert, body, on=clock.today())
    assert found.kind == "employment"
    assert conflict(expert, world.organization("示例夕阳红为老服务中心").id, on=clock.today()) is None
    assert conflict(world.user("expert2").person_id, body, on=clock.today()) is None
    assert conflict(expert, body, on=found.until + timedelta(days=3 * 366 + 2)) is None


def test_the_legal_representative_is_in_conflict_without_declaring(app):
    organization = world.organization("示例企业甲")
    head = organization.legal_representative_id
    assert conflict(head, organization.id, on=clock.today()).kind == "governance"
    assert conflict(head, world.organization().id, on=clock.today()) is None
    # Asking has not written anything.
    assert db.session.query(Interest).filter_by(person_id=head).count() == 0
    assert not db.session.new


def test_asking_for_many_takes_five_queries(app):
    people = [row.id for row in db.session.query(Person)]
    bodies = [world.organization().id, world.organization("示例企业甲").id]
    counted: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    conflicts(people, bodies, on=clock.today())
    # Kin, their offices and being head, working life, and what was noted: five, however many are asked for.
    assert len(counted) == 5
    assert conflicts([], bodies, on=clock.today()) == {}


@pytest.mark.parametrize(("since", "until"), [(1, None), (-1, -2)])
def test_an_impossible_tie_is_refused(app, since, until):
    today = clock.today()
    with pytest.raises(Refusal), transaction():
        declare_interest(
            world.user("expert2").person,
            world.organization(),
            "kinship",
            today + timedelta(days=since),
            until=None if until is None else today + timedelta(days=until),
            by=SYSTEM,
        )


def test_the_office_notes_and_ends_a_tie(bare_app, browser_as):
    with bare_app.app_context():
        body, person = world.organization("示例企业甲").id, world.user("expert3").person
        name, phone, identity = person.name, person.phone, person.id
    browser = browser_as("clerk")
    form = browser.get(f"/interests/of/{body}/new").forms["interest"]
    form["person"], form["phone"], form["kind"] = name, phone, "governance"
    form["since"] = (clock.today() - timedelta(days=30)).isoformat()
    page = form.submit().follow()
    assert name in page.text
    with bare_app.app_context():
        # The same name and number is the same human being.
        assert conflict(identity, body, on=clock.today()) is not None
    ended = page.click(href="/end").forms["end"].submit().follow()
    assert "须回避" in ended.text
    with bare_app.app_context():
        assert conflict(identity, body, on=clock.today()).until == clock.today()
