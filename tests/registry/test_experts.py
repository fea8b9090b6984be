"""The pool of experts and their own declarations."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.accounts.models import RoleAssignment
from registry.experts.models import Expert
from registry.experts.queries import of_person, pool
from registry.experts.rules import obstacle
from registry.experts.services import add_expert, admit_expert, note_absence, set_active, withdraw_absence
from registry.interests.queries import conflict, interests_of_person
from registry.persons.services import record_person
from tests import world


def test_the_pool_is_one_units_active_experts_in_a_fixed_order(app):
    agency = world.agency().id
    before = pool(agency)
    assert [item.id for item in before] == sorted(item.id for item in before)
    assert len(before) == 8
    assert pool(world.agency("示例东旗民政局").id) == []
    with transaction():
        set_active(db.session.get(Expert, before[0].id), False, reason="调离", by=SYSTEM)
    assert len(pool(agency)) == 7


def test_an_employer_on_the_register_becomes_a_tie(bare_app, browser_as):
    form = browser_as("clerk").get("/experts/new").forms["expert"]
    form["name"], form["phone"], form["employer"] = "示例新专家", "13500000001", "示例公正评估事务所"
    form.set("fields", "elderly", index=0)
    form["insider"] = True
    page = form.submit().follow()
    assert "示例新专家" in page.text
    with bare_app.app_context():
        expert = db.session.query(Expert).order_by(Expert.id.desc()).first()
        assert expert.employed_by_agency_id == world.agency().id
        assert conflict(expert.person_id, world.organization("示例公正评估事务所").id, on=clock.today())


def test_an_expert_needs_a_field_and_is_in_a_pool_once(bare_app, browser_as):
    form = browser_as("clerk").get("/experts/new").forms["expert"]
    form["name"], form["phone"], form["employer"] = "示例新专家", "13500000001", "示例大学"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422
    assert "请至少选择一个专业领域" in page.text
    with bare_app.app_context(), pytest.raises(Refusal), transaction():
        add_expert(
            world.agency(), world.user("expert1").person, fields=["elderly"], employer="示例", by=SYSTEM
        )


def test_taking_out_of_the_draw_needs_a_reason(bare_app, browser_as):
    with bare_app.app_context():
        identity = pool(world.agency().id)[0].id
    browser = browser_as("clerk")
    page = browser.get(f"/experts/{identity}").forms["activity"].submit(expect_errors=True)
    assert page.status_int == 422
    page.forms["activity"]["reason"] = "长期出差"
    assert "长期出差" in page.forms["activity"].submit().follow().text
    with bare_app.app_context():
        assert identity not in {item.id for item in pool(world.agency().id)}


@pytest.mark.parametrize("login", ["banner_clerk", "township_clerk"])
def test_the_pool_of_the_unit_above_is_not_seen(bare_app, browser_as, login):
    with bare_app.app_context():
        identity = pool(world.agency().id)[0].id
    browser = browser_as(login)
    assert "示例专家" not in browser.get("/experts/").text
    for path in (f"/experts/{identity}", f"/experts/{identity}/interests/new"):
        browser.get(path, status=404)


def test_reviewers_read_the_pool_but_do_not_change_it(bare_app, browser_as):
    with bare_app.app_context():
        identity = pool(world.agency().id)[0].id
    page = browser_as("reviewer").get(f"/experts/{identity}")
    assert "activity" not in page.forms
    browser_as("reviewer").get("/experts/new", status=403)


def test_an_expert_declares_and_sees_only_the_own_ties(bare_app, browser_as):
    browser = browser_as("expert2")
    assert "示例暖邻" not in browser.get("/experts/own").text
    form = browser.get("/experts/own/declare").forms["interest"]
    form["organization"], form["kind"] = "示例夕阳红", "advice"
    form["since"] = (clock.today() - timedelta(days=60)).isoformat()
    page = form.submit(expect_errors=True)
    assert page.status_int == 422
    assert "没有与此名称或代码完全一致的组织" in page.text
    page.forms["interest"]["organization"] = "示例夕阳红为老服务中心"
    assert "示例夕阳红为老服务中心" in page.forms["interest"].submit().follow().text
    with bare_app.app_context():
        mine = interests_of_person(world.user("expert2").person_id)
        assert [item.kind for item in mine] == ["advice"]
        assert len(interests_of_person(world.user("expert1").person_id)) == 1
    browser_as("clerk").get("/experts/own", status=403)


def proposed(**more):
    person = record_person("示例新专家", phone="13500000001", by=SYSTEM)
    return add_expert(
        world.agency(), person, fields=["elderly"], employer="示例大学", by=world.user("clerk"), **more
    )


def test_two_people_admit_an_expert(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        number = proposed().id
        assert number not in {item.id for item in pool(world.agency().id)}
    assert "示例新专家" in browser_as("reviewer").get("/home").text
    assert "admit" not in browser_as("clerk").get(f"/experts/{number}").forms
    page = browser_as("reviewer").get(f"/experts/{number}").forms["admit"].submit().follow()
    assert "可参加抽取" in page.text or "抽取" in page.text
    with bare_app.app_context():
        expert = db.session.get(Expert, number)
        assert number in {item.id for item in pool(world.agency().id)}
        assert expert.valid_to == clock.add_months(clock.today(), 36)
        with transaction(), pytest.raises(Refusal):
            admit_expert(expert, by=world.user("clerk"))
    with bare_app.app_context(), clock.at(clock.now() + timedelta(days=3 * 366)):
        assert number not in {item.id for item in pool(world.agency().id)}


def test_the_proposer_cannot_admit_even_with_both_roles(app):
    with transaction() as session:
        clerk = world.user("clerk")
        expert = proposed()
        session.add(
            RoleAssignment(
                user_id=clerk.id,
                role="funder_reviewer",
                agency_id=world.agency().id,
                valid_from=clock.today(),
            )
        )
        session.flush()
        session.expire(clerk)
        with pytest.raises(Refusal, match="three people"):
            admit_expert(expert, by=clerk)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, ""),
        ({"absences": [(date(2026, 5, 10), date(2026, 5, 10))]}, "away"),
        ({"absences": [(date(2026, 5, 11), date(2026, 6, 1))]}, ""),
        ({"absences": [(date(2026, 4, 1), date(2026, 5, 1))]}, "away"),
        ({"regions": ["150621"]}, "region"),
        ({"regions": ["150600"]}, ""),
        ({"regions": ["150621", "150602001"]}, ""),
        ({"panels": 3}, "workload"),
        ({"panels": 2}, ""),
    ],
)
def test_what_keeps_from_a_draw(facts, why):
    told = {"absences": [], "regions": [], "panels": 0, **facts}
    found = obstacle(
        **told, most_panels=3, division="150602001", first=date(2026, 5, 1), last=date(2026, 5, 10)
    )
    assert found == why


def test_a_breach_takes_out_of_the_draw(bare_app, browser_as):
    with bare_app.app_context():
        number = pool(world.agency().id)[0].id
    form = browser_as("clerk").get(f"/experts/{number}/conduct/new").forms["form"]
    form["kind"], form["note"] = "breach", "私下接触申报单位"
    assert "私下接触申报单位" in form.submit().follow().text
    with bare_app.app_context():
        assert number not in {item.id for item in pool(world.agency().id)}


def test_an_expert_notes_days_away_for_every_pool(bare_app, browser_as):
    form = browser_as("expert2").get("/experts/own").click("登记不可用日期").forms["form"]
    page = form.submit().follow()
    assert clock.today().strftime("%Y") in page.text
    with bare_app.app_context():
        assert [len(item.absences) for item in of_person(world.user("expert2").person_id)] == [1]


def test_days_away_are_listed_and_taken_back_by_the_expert_and_by_the_clerk(bare_app, browser_as):
    days = {"starts_on": "2099-05-01", "ends_on": "2099-05-09"}
    expert, clerk = browser_as("expert2"), browser_as("clerk")
    form = expert.get("/experts/own").click("登记不可用日期").forms["form"]
    for name, value in days.items():
        form[name] = value
    form.submit()
    with bare_app.app_context():
        row = of_person(world.user("expert2").person_id)[0].absences[0]
        number, absence = row.expert_id, row.id
    own = expert.get("/experts/own")
    assert "2099年5月1日" in own.text and "工作经历" in own.text and "亲属" in own.text
    back = next(
        item for item in own.forms.values() if item.action.endswith(f"/own/absences/{absence}/withdraw")
    )
    stranger = browser_as("expert1").get("/experts/own/absences/new").forms["form"]
    stranger.action = back.action
    assert stranger.submit(expect_errors=True).status_int == 404
    assert back.submit().status_int == 303
    with bare_app.app_context():
        assert not of_person(world.user("expert2").person_id)[0].absences
        with transaction():
            absence = note_absence(
                db.session.get(Expert, number), date(2099, 6, 1), date(2099, 6, 2), by=world.user("clerk")
            ).id
    shown = clerk.get(f"/experts/{number}")
    back = next(
        item for item in shown.forms.values() if item.action.endswith(f"/absences/{absence}/withdraw")
    )
    assert back.submit().status_int == 303
    with bare_app.app_context():
        assert not of_person(world.user("expert2").person_id)[0].absences
        with transaction(), pytest.raises(Refusal):
            past = note_absence(
                db.session.get(Expert, number), clock.today(), clock.today(), by=world.user("clerk")
            )
            past.ends_on = past.starts_on = clock.today() - timedelta(days=3)
            withdraw_absence(past, by=world.user("clerk"))
