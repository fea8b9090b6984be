"""Notices: working days with make-up days; an objection holds the award until two people decided it."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from finance.funds.queries import earmark_available
from grants.applications.models import Application
from grants.applications.queries import applications_of
from grants.notices import services
from grants.notices.models import Notice, Objection
from grants.notices.queries import current_notices, open_objections
from grants.notices.rules import objection_problems
from tests import world
from tests.grants import stage

CASES = {
    row["row"]: row
    for row in csv.DictReader(
        (Path(__file__).parents[1] / "data" / "date_cases.csv").read_text(encoding="utf-8-sig").splitlines()
    )
}


@pytest.fixture
def published_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The State Council's arrangement alone, also after another test started an application."""
    monkeypatch.setattr(clock, "_known_days", None)


@pytest.mark.usefixtures("published_calendar")
@pytest.mark.parametrize("row", ["1", "3", "5"])
def test_published_notices_end_as_counted(row: str) -> None:
    case = CASES[row]
    first = date.fromisoformat(case["start_or_issue"])
    last = date.fromisoformat(case["end_or_deadline"])
    assert clock.notice_end(first, 5, count_start_day=True) == last


@pytest.mark.usefixtures("published_calendar")
def test_counting_from_the_next_day_ends_a_day_later() -> None:
    first = date.fromisoformat(CASES["5"]["start_or_issue"])
    assert clock.notice_end(first, 5, count_start_day=False) == date(2023, 12, 4)


@pytest.mark.parametrize(
    ("published", "days", "counts", "last"),
    [
        (date(2023, 4, 20), 5, True, date(2023, 4, 25)),  # Sunday 23 April was worked
        (date(2023, 4, 20), 5, False, date(2023, 4, 26)),
        (date(2023, 11, 27), 5, True, date(2023, 12, 1)),
        (date(2023, 11, 27), 5, False, date(2023, 12, 4)),
    ],
)
def test_a_notice_takes_its_end_from_the_call(
    app: Flask, published: date, days: int, counts: bool, last: date
) -> None:
    with transaction():
        call = stage.published(notice_days=days, count_start_day=counts)
        row = stage.proposed(call)
        stage.close(call)
        with time_machine.travel(clock.at_local(published, 9), tick=False):
            call.opens_at, call.deadline_at = (
                clock.at_local(date(2023, 1, 1)),
                clock.at_local(date(2023, 2, 1)),
            )
            db.session.flush()
            notice = services.publish_notice(
                call, items=[(row, 1, 8650, Money.yuan("80000"))], contact="甲", supervision_phone="0477-8588000",
                experts="", by=_at(world.user("clerk")),
            )  # fmt: skip
            assert (notice.published_on, notice.ends_on) == (published, last)
        assert current_notices(published) == current_notices(last) == [notice]
        assert current_notices(date.fromordinal(last.toordinal() + 1)) == []


def _at(user):
    """The same person with a role that was already held in the years of the cases."""
    for item in user.roles:
        item.valid_from = date(2020, 1, 1)
    return user


@pytest.mark.parametrize(
    ("name", "phone", "text", "wrong"),
    [
        ("示例王强", "13912345678", "该项目与我社区现有项目重复，请核查。", None),
        ("示例王强", "0477-8588228", "该项目与我社区现有项目重复，请核查。", None),
        ("匿名", "13912345678", "该项目与我社区现有项目重复，请核查。", "name"),
        ("王", "13912345678", "该项目与我社区现有项目重复，请核查。", "name"),
        ("", "13912345678", "该项目与我社区现有项目重复，请核查。", "name"),
        ("示例王强", "12345", "该项目与我社区现有项目重复，请核查。", "phone"),
        ("示例王强", "", "该项目与我社区现有项目重复，请核查。", "phone"),
        ("示例王强", "13912345678", "不公平", "text"),
    ],
)
def test_an_objection_needs_a_real_name_a_phone_and_a_reason(
    name: str, phone: str, text: str, wrong: str | None
) -> None:
    found = [field for field, _sentence in objection_problems(name=name, phone=phone, text=text)]
    assert found == ([wrong] if wrong else [])


@given(st.text(max_size=12))
def test_no_text_breaks_the_check(text: str) -> None:
    objection_problems(name=text, phone=text, text=text)


def object_to(notice: Notice, row: Application) -> Objection:
    return services.file_objection(
        notice,
        row,
        name="示例王强",
        phone="139 1234 5678",
        text="该项目与我社区现有项目重复，请核查。",
        by=SYSTEM,
    )


def scene() -> tuple[Notice, Application, Application]:
    """A running notice with two projects; a third one was eligible and is not proposed."""
    call = stage.published()
    stage.eligible(call, who="operator3", organization="示例童伴儿童关爱协会")
    first = stage.proposed(call)
    second = stage.proposed(call, rank=2, who="operator2", organization="示例夕阳红为老服务中心")
    return stage.in_notice(call, first, second), first, second


def test_an_objection_blocks_its_own_award_until_decided(app: Flask) -> None:
    with transaction():
        notice, first, second = scene()
        clerk, reviewer = world.user("clerk"), world.user("reviewer")
        assert notice.call.state == "judged"
        with pytest.raises(Refusal):
            services.conclude_notice(notice, by=clerk)  # still running
        objection = object_to(notice, first)
        assert (first.state, second.state) == ("objected", "in_notice")
        assert open_objections(first) == [objection]
        assert objection.answer_due_on == clock.add_working_days(clock.today(), 5)
        stage.over(notice)
        assert services.conclude_notice(notice, by=clerk) == [second]
        assert (first.state, second.state, notice.call.state) == ("objected", "awarded", "judged")
        with pytest.raises(Refusal):
            services.conclude_notice(notice, by=clerk)
        services.answer_objection(objection, answer="经核查不重复。", uphold=False, by=clerk)
        services.decide_objection(objection, by=reviewer)
        assert (objection.state, first.state) == ("rejected", "in_notice")
        assert services.conclude_notice(notice, by=clerk) == [first]
        assert notice.call.state == "concluded"
        assert [row.state for row in applications_of(notice.call)] == ["rejected", "awarded", "awarded"]


def test_upheld_means_rejected_and_the_money_free(app: Flask) -> None:
    with transaction():
        notice, first, _second = scene()
        before = earmark_available(notice.call.earmark)
        objection = object_to(notice, first)
        services.answer_objection(objection, answer="情况属实。", uphold=True, by=world.user("clerk"))
        services.decide_objection(objection, by=world.user("reviewer"))
        assert (objection.state, first.state) == ("upheld", "rejected")
        assert earmark_available(notice.call.earmark) == before + Money.yuan("80000")


def test_two_objections_must_both_be_decided(app: Flask) -> None:
    with transaction():
        notice, first, _second = scene()
        one, two = object_to(notice, first), object_to(notice, first)
        assert [one.number[-5:], two.number[-5:]] == ["-YY01", "-YY02"]
        for place, objection in enumerate((one, two)):
            services.answer_objection(objection, answer="不成立。", uphold=False, by=world.user("clerk"))
            services.decide_objection(objection, by=world.user("reviewer"))
            assert first.state == ("objected", "in_notice")[place]


def test_answer_and_decision_are_two_people(app: Flask) -> None:
    with transaction():
        notice, first, _second = scene()
        objection = object_to(notice, first)
        with pytest.raises(Refusal):
            services.answer_objection(objection, answer=" ", uphold=False, by=world.user("clerk"))
        services.answer_objection(objection, answer="不成立。", uphold=False, by=world.user("clerk"))
        with pytest.raises(Refusal) as refused:
            services.decide_objection(objection, by=world.user("clerk"))
        assert refused.value.status == 403
        objection.answered_by = world.user("reviewer").id
        with pytest.raises(Refusal) as refused:
            services.decide_objection(objection, by=world.user("reviewer"))
        assert refused.value.rule == "RAP-2"
        objection.answered_by = world.user("clerk").id
        services.send_back_answer(objection, note="请补充核查过程", by=world.user("reviewer"))
        assert objection.state == "received"


def test_objections_are_taken_while_the_notice_runs(app: Flask) -> None:
    with transaction():
        notice, first, _second = scene()
        stage.over(notice)
        with pytest.raises(Refusal):
            object_to(notice, first)
        assert first.state == "in_notice"


def test_a_notice_is_published_after_the_deadline_and_once(app: Flask) -> None:
    with transaction():
        call = stage.published()
        row = stage.proposed(call)
        items = [(row, 1, 8650, Money.yuan("80000"))]
        given = {"contact": "甲", "supervision_phone": "0477-8588000", "experts": ""}
        with pytest.raises(Refusal) as refused:
            services.publish_notice(call, items=items, by=world.user("clerk"), **given)
        assert refused.value.rule == "TIME"
        stage.close(call)
        with pytest.raises(Refusal):
            services.publish_notice(call, items=[], by=world.user("clerk"), **given)
        with pytest.raises(Refusal):
            services.publish_notice(call, items=items, by=world.user("reviewer"), **given)
        services.publish_notice(call, items=items, by=world.user("clerk"), **given)
        with pytest.raises(Refusal):
            services.publish_notice(call, items=items, by=world.user("clerk"), **given)


def test_the_notice_travels_over_its_pages(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call = stage.published()
        row = stage.proposed(call)
        stage.close(call)
        call_id, number = call.id, row.id
    clerk, reviewer = browser_as("clerk"), browser_as("reviewer")
    assert f"/notices/new/{call_id}" in clerk.get("/notices/").text
    form = clerk.get(f"/notices/new/{call_id}").forms["notice"]
    wrong = form.submit(status=422)
    assert "error-summary" in wrong.text
    form = wrong.forms["notice"]
    form["supervision_phone"] = "0477-8588000"
    page = form.submit(status=303).follow()
    assert "conclude" not in page.forms
    with bare_app.app_context(), transaction():
        notice = db.session.scalars(db.select(Notice)).one()
        objection = object_to(notice, db.session.get_one(Application, number))
        path, notice_id = f"/notices/objections/{objection.id}", notice.id
    assert path in clerk.get("/home").text
    page = clerk.get(path)
    assert "示例王强" in page.text
    # Who objects is for those who work on it.
    assert "示例王强" not in browser_as("supervisor").get(path).text
    for stranger in ("banner_clerk",):
        browser_as(stranger).get(path, status=404)
        browser_as(stranger).get(f"/notices/{notice_id}", status=404)
    form = page.forms["answer"]
    form["answer"] = "经核查不重复。"
    form["uphold"] = "no"
    page = form.submit(status=303).follow()
    assert "decide" not in page.forms
    form = reviewer.get(path).forms["decide"]
    form.submit("do", value="decide", status=303)
    with bare_app.app_context(), transaction():
        stage.over(db.session.get_one(Notice, notice_id))
    clerk.get(f"/notices/{notice_id}").forms["conclude"].submit(status=303)
    with bare_app.app_context():
        assert db.session.get_one(Application, number).state == "awarded"
        assert db.session.get_one(Notice, notice_id).call.state == "concluded"
