"""Fund alerts: found once for each thing, assigned, answered, closed by somebody else; both units see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.text import Message
from finance.alerts import queries
from finance.alerts.models import FundAlert
from finance.alerts.rules import Found
from finance.alerts.services import (
    answer,
    ask_again,
    assign,
    close,
    find_alerts,
    open_alert,
    report_alert,
    sentence_of,
)
from finance.announcements.services import enter_year
from tests import world
from tests.finance.lottery import planned_budget
from tests.finance.money import make_budget, make_earmark
from tests.finance.test_lottery_plans import paid_project

Browser = Callable[[str], TestApp]
YEAR = clock.today().year


def at(day: date):  # type: ignore[no-untyped-def]
    return clock.at(clock.at_local(day, 9))


def kinds() -> list[tuple[str, str]]:
    return [(row.kind, row.subject_type) for row in db.session.query(FundAlert).order_by(FundAlert.id)]


def opened() -> FundAlert:
    budget = make_budget()
    found = Found(
        "unused", "budget", budget.id, budget.agency_id, Message("%(text)s", {"text": "闲置"}), "预算法"
    )
    alert = open_alert(found)
    assert alert is not None
    return alert


def test_unused_money_at_twelve_and_at_twenty_four_months(app: Flask) -> None:
    with transaction():
        make_budget()
    with at(date(YEAR, 12, 31)), transaction():
        find_alerts()
        assert kinds() == []
    with at(date(YEAR + 1, 1, 1)), transaction():
        assert find_alerts() == 1
        assert kinds() == [("unused", "budget")]
        (alert,) = db.session.query(FundAlert)
        assert "12 months" in sentence_of(alert).english() and "1,000,000.00" in sentence_of(alert).english()
        # Found once while the case is open.
        assert find_alerts() == 0
    with at(date(YEAR + 2, 1, 1)), transaction():
        find_alerts()
        (alert,) = db.session.query(FundAlert).filter_by(kind="unused")
        assert "take them back" in sentence_of(alert).english()


def test_a_late_notice(app: Flask) -> None:
    with transaction():
        make_earmark(1_000_000)
    with at(date(YEAR + 1, 6, 30)), transaction():
        find_alerts()
        assert ("late_report", "agency") not in kinds()
    with at(date(YEAR + 1, 7, 1)), transaction():
        find_alerts()
        assert ("late_report", "agency") in kinds()


def test_a_tier_that_spent_more_than_it_had(app: Flask) -> None:
    with transaction():
        budget = planned_budget()
        paid_project(budget, "200000")
        enter_year(
            budget.fund_source, YEAR, opening=Money(0), raised=Money.yuan(100_000), closing=None, basis="x", by=world.user("finance")
        )  # fmt: skip
        assert find_alerts() == 0
        enter_year(
            budget.fund_source, YEAR, opening=Money(0), raised=Money.yuan("99999.99"), closing=None, basis="x", by=world.user("finance")
        )  # fmt: skip
        assert find_alerts() == 1
        assert kinds() == [("overspend", "lottery_year")]


def test_an_earmark_whose_purpose_is_permitted_no_more(app: Flask) -> None:
    with transaction():
        money = make_earmark()
        assert find_alerts() == 0
        money.budget.fund_source.purposes = {"children": "儿童关爱保护"}
        assert find_alerts() == 1
        assert kinds() == [("off_purpose", "earmark")]


def test_a_case_from_opening_to_close(app: Flask) -> None:
    due = clock.today() + timedelta(days=10)
    with transaction():
        alert = opened()
        banner = world.agency("示例东旗民政局")
        with pytest.raises(Refusal):
            assign(alert, banner, due_on=due, by=world.user("clerk"))
        assign(alert, banner, due_on=due, by=world.user("supervisor"))
        with pytest.raises(Refusal):  # not the unit that was asked
            answer(alert, "已使用", by=world.user("clerk"))
        answer(alert, "下月拨付", by=world.user("banner_clerk"))
        ask_again(alert, note="写明日期", by=world.user("supervisor"))
        assert (alert.state, alert.answered_by) == ("assigned", None)
        answer(alert, "12月1日拨付", by=world.user("banner_clerk"))
        with pytest.raises(Refusal):
            close(alert, "完成", by=world.user("banner_clerk"))
        close(alert, "已整改", by=world.user("leader"))
        assert alert.state == "closed"
        # A closed case stays; the same thing found again is a new case.
        assert (
            open_alert(Found("unused", "budget", alert.subject_id, alert.agency_id, Message("x"), "预算法"))
            is not None
        )
    for act in (
        "UPDATE fund_alert SET outcome = 'x' WHERE state = 'closed'",
        "DELETE FROM fund_alert WHERE state = 'closed'",
    ):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(act))


def test_nobody_closes_an_own_answer(app: Flask) -> None:
    with transaction():
        alert = opened()
        assign(alert, world.agency(), due_on=clock.today(), by=world.user("supervisor"))
        answer(alert, "已核实", by=world.user("clerk"))
        alert.answered_by = world.user("leader").id
        with pytest.raises(Refusal) as no:
            close(alert, "完成", by=world.user("leader"))
        assert no.value.rule == "RAP-2"


def test_both_units_see_it_and_no_other(app: Flask) -> None:
    with transaction():
        alert = opened()
        west = world.agency("示例西旗民政局")
        assert queries.alert_in_scope(world.user("banner_clerk"), alert.id) is None
        assign(alert, world.agency("示例东旗民政局"), due_on=clock.today(), by=world.user("finreview"))
        for login in ("clerk", "supervisor", "banner_clerk"):
            assert queries.alert_in_scope(world.user(login), alert.id) is alert
        assert queries.alert_in_scope(world.user("township_clerk"), alert.id) is None
        assert west.id in {unit.id for unit in queries.units_to_ask(alert.agency)}


def test_a_person_opens_one_and_not_twice(app: Flask) -> None:
    with transaction():
        budget, agency, by = make_budget(), world.agency(), world.user("clerk")
        what = {
            "kind": "off_purpose",
            "subject": ("budget", budget.id),
            "text": "用于接待",
            "source": "条例第四十三条",
        }
        assert report_alert(agency, by=by, **what).opened_by == by.id
        with pytest.raises(Refusal):
            report_alert(agency, by=by, **what)
        with pytest.raises(Refusal):
            report_alert(agency, by=world.user("banner_clerk"), **what)


def test_a_case_on_its_pages(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        opened()
    officer = browser_as("supervisor")
    assert "/alerts/" in officer.get("/home")
    page = officer.get("/alerts/").click(href=r"/alerts/\d+$")
    form = page.forms["assign"]
    form["due_on"] = "2000-01-01"
    page = form.submit(status=422)
    form = page.forms["assign"]
    form["due_on"] = (clock.today() + timedelta(days=7)).isoformat()
    with bare_app.app_context():
        form["unit_id"] = str(world.agency("示例东旗民政局").id)
    page = form.submit(status=303).follow()
    address = page.request.path
    asked = browser_as("banner_clerk")
    form = asked.get("/home").click(href=address, index=0).forms["answer"]
    page = form.submit(status=422)
    form = page.forms["answer"]
    form["text"] = "已安排下月使用"
    form.submit(status=303)
    form = officer.get(address).forms["close"]
    form["outcome"] = "情况属实，已整改"
    page = form.submit(status=303).follow()
    assert not {"assign", "answer", "close", "again"} & set(page.forms)
    assert browser_as("township_clerk").get(address, status=404)
