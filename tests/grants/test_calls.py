"""Calls: three people, fixed at publication, open by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.lifecycle import Conflict
from core.money import Money
from core.rules.services import add_rule_set
from finance.funds import services as funds
from grants.calls import services as calls
from grants.calls.models import Call
from grants.calls.queries import is_open, open_calls, rules_of
from grants.calls.rules import (
    STRICT_NUMBER,
    compose_document_number,
    document_number,
    serial_of,
    weights_problem,
)
from tests import world
from tests.finance.money import make_budget
from tests.grants import stage


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("鄂民发〔2023〕73号", "鄂民发〔2023〕73号"),
        ("鄂民发[2023]073号", "鄂民发〔2023〕73号"),
        ("内党办发202231号", "内党办发〔2022〕31号"),
        (" 虞民（2020）33号 ", "虞民〔2020〕33号"),
        ("财综【2014】第87号", "财综〔2014〕87号"),
        ("鄂民发〔2023〕0号", None),
        ("2023年73号", None),
        ("", None),
    ],
)
def test_document_numbers_are_put_into_their_official_form(typed: str, number: str | None) -> None:
    assert document_number(typed) == number
    assert number is None or STRICT_NUMBER.fullmatch(number)


@given(st.integers(2000, 2099), st.integers(1, 9999))
def test_a_composed_number_reads_back(year: int, serial: int) -> None:
    number = compose_document_number("示民发", year, serial)
    assert document_number(number) == number
    assert serial_of(number, "示民发", year) == serial
    assert serial_of(number, "示民发", year + 1) == 0


@given(st.lists(st.integers(-5, 100), max_size=5))
def test_tranches_make_a_hundred(weights: list[int]) -> None:
    good = 1 <= len(weights) <= 3 and all(weight > 0 for weight in weights) and sum(weights) == 100
    assert (weights_problem(weights) is None) == good


def test_three_people_publish_a_call(app: Flask) -> None:
    with transaction():
        call = stage.published()
        assert len({call.drafted_by, call.reviewed_by, call.approved_by}) == 3
        assert call.document_number == f"示民发〔{clock.today().year}〕1号"
        second = stage.published(round_number=7, earmark=call.earmark)
        assert second.document_number == f"示民发〔{clock.today().year}〕2号"
        assert call in open_calls()


def test_one_person_cannot_take_two_steps(app: Flask) -> None:
    with transaction():
        call = stage.draft()
        # The reviewer rewrites the draft: from then on it is the reviewer's own.
        call.drafted_by = world.user("reviewer").id
        with pytest.raises(Refusal) as refused:
            calls.review_call(call, by=world.user("reviewer"))
        assert refused.value.rule == "RAP-2"
        call.drafted_by = world.user("clerk").id
        with pytest.raises(Refusal):
            calls.approve_call(call, by=world.user("leader"))  # not reviewed yet
        calls.review_call(call, by=world.user("reviewer"))
        with pytest.raises(Refusal):
            calls.approve_call(call, by=world.user("reviewer"))
        with pytest.raises(Conflict):
            calls.publish_call(call, by=world.user("clerk"))


def test_the_database_too_says_three_people(app: Flask) -> None:
    with pytest.raises(Exception, match="reviewer_differs"), transaction():
        call = stage.draft()
        call.reviewed_by = call.drafted_by
        db.session.flush()


def test_a_returned_call_loses_its_signatures(app: Flask) -> None:
    with transaction():
        call = stage.draft()
        calls.review_call(call, by=world.user("reviewer"))
        with pytest.raises(Refusal):
            calls.return_call(call, reason=" ", by=world.user("leader"))
        calls.return_call(call, reason="截止时间过短", by=world.user("leader"))
        assert (call.state, call.reviewed_by) == ("draft", None)


def test_nothing_changes_after_publication(app: Flask) -> None:
    with transaction():
        call = stage.published()
        with pytest.raises(Refusal) as refused:
            calls.update_call(call, title="新标题", by=world.user("clerk"))
        assert refused.value.status == 409
        assert rules_of(call)["registered_months"] == 12
        add_rule_set(
            "REL",
            {"registered_months": 36},
            valid_from=clock.today() - timedelta(days=30),
            source="后来的规定",
        )
        assert rules_of(call)["registered_months"] == 12
        later = stage.draft(round_number=7, earmark=call.earmark)
        assert rules_of(later)["registered_months"] == 36
        own = stage.draft(round_number=8, earmark=call.earmark, rules={"registered_months": 24})
        assert rules_of(own)["registered_months"] == 24


def test_a_call_is_open_from_its_opening_to_just_before_its_deadline(app: Flask) -> None:
    with transaction():
        call = stage.published()
        tick = timedelta(microseconds=1)
        assert not is_open(call, on=call.opens_at - tick)
        assert is_open(call, on=call.opens_at)
        assert is_open(call, on=call.deadline_at - tick)
        assert not is_open(call, on=call.deadline_at)


def test_money_and_rubrics_are_the_agencys_own(app: Flask) -> None:
    with transaction():
        fields = stage.call_fields()
        with pytest.raises(Refusal):
            calls.draft_call(world.agency("示例东旗民政局"), by=world.user("banner_clerk"), **fields)


def test_a_call_past_its_deadline_is_not_published(app: Flask) -> None:
    with transaction():
        now = clock.now()
        call = stage.draft(opens_at=now - timedelta(days=3), deadline_at=now - timedelta(days=1))
        calls.review_call(call, by=world.user("reviewer"))
        calls.approve_call(call, by=world.user("leader"))
        with pytest.raises(Refusal) as refused:
            calls.publish_call(call, by=world.user("clerk"))
        assert refused.value.rule == "TIME"


def test_a_call_is_drafted_and_published_on_its_pages(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        stage.call_fields()
    clerk = browser_as("clerk")
    form = clerk.get("/calls/new").forms["call"]
    form["title"] = "第七届公益创投"
    form["round_number"] = "7"
    form["project_cap"] = "100,000.00"
    form["opens_at"] = clock.local(clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    form["deadline_at"] = clock.local(clock.now() + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M")
    form["tranche_1"] = "60"
    wrong = form.submit(status=422)
    assert "error-summary" in wrong.text and "110" in wrong.text
    form = wrong.forms["call"]
    assert form["title"].value == "第七届公益创投"
    form["tranche_1"] = "50"
    form.get("categories", index=0).checked = True
    page = form.submit(status=303).follow()
    path = page.request.path
    assert "review" not in page.forms
    browser_as("reviewer").get(path).forms["review"].submit(status=303)
    browser_as("leader").get(path).forms["approve"].submit(status=303)
    clerk.get(path).forms["publish"].submit(status=303)
    with bare_app.app_context():
        call = db.session.scalars(db.select(Call).where(Call.round_number == 7)).one()
        assert call.state == "published"
        assert call.project_cap == Money.yuan("100000")
        assert call.categories == [{"code": "elderly", "name": "扶老"}]
    clerk.get(f"{path}/edit", status=409)
    assert "第七届公益创投" in browser_as("operator").get("/applications/calls").text


def test_asking_what_a_call_would_change_writes_nothing(browser_as, bare_app: Flask) -> None:
    """The whole earmark granted: its balance, the lottery's shares and the 30% figure, before and after."""
    with bare_app.app_context():
        with transaction():
            stage.call_fields()
            other = funds.earmark(
                make_budget(name="示例另一来源"), agency=world.agency("示例西旗民政局"), title="示例安排",
                purpose="elderly", amount=Money.yuan("5000"), by=world.user("finance"),
            )  # fmt: skip
        before, theirs = _everything(), other.id
    clerk = browser_as("clerk")
    page = clerk.get("/calls/new")
    told = page.html.find(id="what-if")
    for text in ("1,000,000.00", "0.00", "0.00%", "100.00%"):
        assert text in told.get_text(" "), text
    form = page.forms["call"]
    chosen = form["earmark_id"].value
    region = clerk.get(told["hx-get"], {"earmark_id": chosen})
    assert "1,000,000.00" in region.html.find(id="what-if").get_text(" ")
    # Another unit's money says nothing; nor does the page to somebody who drafts no calls.
    assert "5,000.00" not in clerk.get(told["hx-get"], {"earmark_id": str(theirs)})
    browser_as("leader").get(told["hx-get"], {"earmark_id": chosen}, status=403)
    # The button does the same without script, and keeps what was typed.
    form["title"] = "第八届公益创投"
    again = form.submit("check", expect_errors=True)
    assert again.forms["call"]["title"].value == "第八届公益创投"
    assert "1,000,000.00" in again.html.find(id="what-if").get_text(" ")
    with bare_app.app_context():
        assert _everything() == before


def _everything() -> dict[str, int]:
    return {
        table.name: db.session.scalar(db.select(db.func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
    }


def test_the_notice_is_as_long_as_the_rules_of_the_place_ask(browser_as, bare_app: Flask) -> None:
    """RPN of the division: proposed on the form, refused below, also at publication when the rule came later."""
    with bare_app.app_context(), transaction():
        fields = stage.call_fields(notice_days=5)
        short = calls.draft_call(world.agency(), by=world.user("clerk"), **fields)
        calls.review_call(short, by=world.user("reviewer"))
        calls.approve_call(short, by=world.user("leader"))
        add_rule_set(
            "RPN", {"notice_days": 10, "notice_days_min": 7, "count_start_day": False},
            jurisdiction="150600", valid_from=clock.today(), source="示例公示办法",
        )  # fmt: skip
        with pytest.raises(Refusal, match="at least 7 working days") as refused:
            calls.publish_call(short, by=world.user("clerk"))
        assert (refused.value.rule, refused.value.source) == ("RPN", "示例公示办法")
        with pytest.raises(Refusal, match="at least 7"):
            calls.draft_call(
                world.agency(), by=world.user("clerk"), **{**fields, "notice_days": 6, "round_number": 7}
            )
        seven = calls.draft_call(
            world.agency(), by=world.user("clerk"), **{**fields, "notice_days": 7, "round_number": 7}
        )
        assert seven.notice_days == 7
    form = browser_as("clerk").get("/calls/new").forms["call"]
    assert (form["notice_days"].value, form["count_start_day"].checked) == ("10", False)


def test_a_call_of_another_unit_is_not_found(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call_id = stage.draft().id
    browser_as("banner_clerk").get(f"/calls/{call_id}", status=404)
    browser_as("operator").get(f"/calls/{call_id}", status=403)
    browser_as("").get(f"/calls/{call_id}", status=302)
    # A draft is nobody's business outside.
    browser_as("operator").get(f"/applications/start/{call_id}", status=404)
