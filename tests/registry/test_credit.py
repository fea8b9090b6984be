"""The credit file: which entries count on a day, and who may write it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.credit.models import CreditEntry
from registry.credit.queries import entries_of, entries_that_count
from registry.credit.rules import counts
from registry.credit.services import record_entry, remove_entry
from tests import world

days = st.dates(date(2022, 1, 1), date(2026, 12, 31))


@given(days, st.none() | st.integers(0, 1500), days, st.integers(0, 40))
def test_an_entry_counts_when_a_day_of_the_window_lies_in_it(entered, length, on, months):
    """Told day by day: some day from ``months`` before (that day not included) to ``on`` lies in the entry."""
    removed = None if length is None else entered + timedelta(days=length)
    first = clock.add_months(on, -months) + timedelta(days=1) if months else on
    span = (on - first).days + 1
    told = any(
        entered <= day and (removed is None or day < removed)
        for day in (first + timedelta(days=step) for step in range(span))
    )
    assert counts(entered, removed, on=on, months=months) == told


@given(days, st.integers(-60, 60))
def test_months_are_months(day, months):
    moved = clock.add_months(day, months)
    assert (moved.year - day.year) * 12 + moved.month - day.month == months
    assert moved.day == day.day or ((moved + timedelta(days=1)).day == 1 and moved.day < day.day)


def test_entries_are_kept_and_removed_with_their_history(app):
    today = clock.today()
    with transaction():
        organization = world.organization()
        entry = record_entry(
            organization,
            "abnormal_list",
            entered_on=today - timedelta(days=800),
            grounds="未按时年报",
            by=world.user("clerk"),
        )
        record_entry(organization, "dishonesty_list", entered_on=today, grounds="示例", by=SYSTEM)
        identity = entry.id
    with transaction():
        remove_entry(db.session.get(CreditEntry, identity), removed_on=today - timedelta(days=400), by=SYSTEM)
    organization = world.organization()
    assert [item.kind for item in entries_of(organization)] == ["dishonesty_list", "abnormal_list"]
    assert entries_that_count(organization, "abnormal_list", on=today) == []
    assert entries_that_count(organization, "abnormal_list", on=today, months=12) == []
    assert len(entries_that_count(organization, "abnormal_list", on=today, months=24)) == 1
    assert len(entries_that_count(organization, "dishonesty_list", on=today)) == 1
    assert entries_of(world.organization("示例企业甲")) == []
    with pytest.raises(Refusal), transaction():
        remove_entry(db.session.get(CreditEntry, identity), removed_on=today, by=SYSTEM)


@pytest.mark.parametrize(("shift", "grounds"), [(1, "示例"), (0, "  ")])
def test_an_entry_needs_grounds_and_a_day_that_has_come(app, shift, grounds):
    with pytest.raises(Refusal), transaction():
        record_entry(
            world.organization(),
            "major_violation",
            entered_on=clock.today() + timedelta(days=shift),
            grounds=grounds,
            by=SYSTEM,
        )


def test_the_pages_enter_and_remove(bare_app, browser_as):
    with bare_app.app_context():
        identity = world.organization().id
    browser = browser_as("clerk")
    # What stands by a decision elsewhere one person enters; who goes on a list three decide.
    form = browser.get(f"/credit/of/{identity}/new").forms["entry"]
    assert not {"abnormal_list", "dishonesty_list", "zombie_list"} & {
        item[0] for item in form["kind"].options
    }
    form["kind"], form["entered_on"], form["grounds"] = "major_violation", clock.today().isoformat(), ""
    page = form.submit(expect_errors=True)
    assert page.status_int == 422
    page.forms["entry"]["grounds"] = "重大违规"
    assert "重大违规" in page.forms["entry"].submit().follow().text
    form = browser.get(f"/credit/of/{identity}").click(href="/propose/abnormal_list").forms["proposal"]
    form["grounds"] = "连续两年未参加年检"
    address = form.submit().location
    for who in ("reviewer", "leader"):
        browser_as(who).get(address).forms["decide"].submit().follow()
    assert "连续两年未参加年检" in browser.get(f"/credit/of/{identity}").text
    assert "活动异常名录" in browser_as("operator").get(f"/credit/of/{identity}").text
    # The organization asks, the clerk examines, the reviewer verifies, the leader decides.
    form = (
        browser_as("operator").get(f"/credit/of/{identity}").click(href="/remove", index=1).forms["removal"]
    )
    assert form.submit(expect_errors=True).status_int == 422
    form["reason"] = "已补报年报"
    address = form.submit().location
    assert "examine" not in browser_as("reviewer").get(address).forms
    page = browser.get(address)
    page.forms["examine"]["opinion"] = "年报已核实"
    page = page.forms["examine"].submit().follow()
    assert "decide" not in page.forms
    page = browser_as("reviewer").get(address)
    form = page.forms["decide"]
    form.action = form.action.replace("/verify", "/refuse")
    assert "请写明不予移出的理由" in form.submit(expect_errors=True).text
    assert "decide" not in browser_as("leader").get(address).forms
    browser_as("reviewer").get(address).forms["decide"].submit().follow()
    browser_as("leader").get(address).forms["decide"].submit().follow()
    assert "已移出" in browser.get(f"/credit/of/{identity}").text


def test_only_the_unit_that_keeps_the_organization_writes(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        organization = world.organization()
        entry = record_entry(
            organization, "abnormal_list", entered_on=clock.today(), grounds="示例", by=SYSTEM
        ).id
        identity = organization.id
    for login in ("banner_clerk", "township_clerk"):
        browser = browser_as(login)
        browser.get(f"/credit/{entry}/remove", status=404)
        browser.get(f"/credit/of/{identity}/new", status=404)
    for login in ("reviewer", "leader", "organizer"):
        browser_as(login).get(f"/credit/{entry}/remove", status=403)
    browser_as("operator").get(f"/credit/of/{identity}/new", status=403)
    # Another organization does not reach it.
    browser_as("operator2").get(f"/credit/{entry}/remove", status=404)
