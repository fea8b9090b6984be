"""A project that cannot go on: four people, payments stopped, the unspent part recovered."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.files.models import StoredFile
from core.money import Money
from core.rules.rules import Verdict
from finance.commitments.queries import committed_balance, open_holds, paid_total
from finance.ledger.queries import verify
from finance.recoveries.services import book_return
from projects.agreements.models import Project
from projects.closure import rules, services
from projects.closure.models import Termination
from projects.closure.queries import sealed_by, termination_of
from tests import world
from tests.finance.money import make_account
from tests.projects import road


def proposed(project: Project, cost: str = "20000.00") -> Termination:
    return services.propose_termination(
        project,
        reason="项目负责人离职，团队无法继续。",
        accepted_cost=Money.yuan(cost),
        due_on=clock.today() + timedelta(days=30),
        by=world.user("clerk"),
    )


def reviewed(project: Project, cost: str = "20000.00") -> Termination:
    item = proposed(project, cost)
    services.review_termination(item, by=world.user("reviewer"))
    services.review_termination_money(item, by=world.user("finreview"))
    return item


def paid_project() -> Project:
    project = road.running()
    road.claim_and_pay(project, 1, make_account())
    return project


def test_the_unspent_part_is_recovered_and_then_the_project_has_ended(app):
    with transaction():
        project = paid_project()  # 49,000.00 paid
        commitment = project.agreement.commitment
        item = reviewed(project)
        assert [hold.reason for hold in open_holds(commitment)] == ["termination"]
        case = services.decide_termination(item, basis="办公会纪要6号", by=world.user("leader"))
        assert case is not None and case.amount == Money.yuan("29000.00") and case.state == "ordered"
        assert (case.ground, item.recovery_id, case.basis) == ("terminated", case.id, "办公会纪要6号")
        assert (project.state, project.agreement.state) == ("recovering", "terminated")
        assert committed_balance(commitment) == Money(0) and commitment.ended_on == clock.today()
        assert [tranche.amount for tranche in commitment.tranches[1:]] == [Money(0), Money(0)]
        book_return(
            case, case.amount, received_on=clock.today(), voucher_number="SK-1", by=world.user("finance")
        )
        assert (project.state, case.state) == ("terminated", "settled")
        assert paid_total(commitment) == Money.yuan("20000.00")
    assert verify() == []


def test_with_nothing_unspent_the_project_ends_at_once(app):
    with transaction():
        project = paid_project()
        assert (
            services.decide_termination(reviewed(project, "49000.00"), basis="纪要", by=world.user("leader"))
            is None
        )
        assert project.state == "terminated"


def test_a_dropped_proposal_lets_the_project_go_on(app):
    with transaction():
        project = paid_project()
        item = proposed(project)
        with pytest.raises(Refusal, match="already proposed"):
            proposed(project)
        services.drop_termination(item, reason="已有接替人选。", by=world.user("reviewer"))
        assert open_holds(project.agreement.commitment) == [] and project.state == "running"
        assert proposed(project).state == "proposed"


def test_four_people_decide(app):
    with transaction():
        project = paid_project()
        item = proposed(project)
        for act, login in (
            (services.review_termination, "finreview"),
            (services.review_termination_money, "finreview"),
        ):
            with pytest.raises(Refusal):
                act(item, by=world.user(login))
        services.review_termination(item, by=world.user("reviewer"))
        world.user("reviewer").roles[0].role = "finance_reviewer"
        with pytest.raises(Refusal, match="One person"):
            services.review_termination_money(item, by=world.user("reviewer"))
        services.review_termination_money(item, by=world.user("finreview"))
        with pytest.raises(Refusal, match="permission"):
            services.decide_termination(item, basis="纪要", by=world.user("clerk"))
        with pytest.raises(Refusal, match="rests on"):
            services.decide_termination(item, basis="", by=world.user("leader"))


def test_nothing_is_decided_over_a_payment_under_way(app):
    with transaction():
        project = road.running()
        road.claimed(project, 1)
        item = reviewed(project, "0")
        with pytest.raises(Refusal, match="on its way"):
            services.decide_termination(item, basis="纪要", by=world.user("leader"))


money = st.integers(0, 10**9).map(Money)


@given(paid=money, accepted=money, asked=money)
def test_unspent_never_asks_twice_nor_below_zero(paid, accepted, asked):
    left = rules.unspent(paid=paid, accepted=accepted, asked=asked)
    assert left == Money(max(0, paid.fen - accepted.fen - asked.fen))
    finding = rules.fail_consequence("fail", paid=paid, accepted=accepted, asked=asked, values=rules.DEFAULTS)
    assert (finding is None) == (not left)
    if finding is not None:
        assert finding.verdict is Verdict.MANUAL and finding.facts["left"] == left.fen and finding.source
    assert (
        rules.fail_consequence("pass", paid=paid, accepted=accepted, asked=asked, values=rules.DEFAULTS)
        is None
    )


def test_a_failed_project_asks_for_a_case_on_the_pages(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        project = paid_project()
        road.spend(project, "20000.00")
        road.evaluated(project, midterm="pass", final="fail")
        number = project.id
    clerk = browser_as("clerk")
    assert "评估不合格项目" in clerk.get("/home").text
    page = clerk.get(f"/projects/{number}")
    assert "RGC-1" in page.text
    form = page.click("提出追回").forms["propose"]
    assert (form["amount"].value, form["ground"].value) == ("29000.00", "failed")
    form["reason"] = "末期评估不合格。"
    form.submit().follow()
    assert "评估不合格项目" not in clerk.get("/home").text


def test_an_early_end_on_the_pages(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        number = paid_project().id
    page = browser_as("clerk").get(f"/projects/{number}").click("提前终止项目")
    form = page.forms["terminate"]
    form["reason"] = ""
    form = form.submit(status=422).forms["terminate"]
    form["reason"], form["accepted_cost"] = "团队无法继续。", "9000.00"
    show = form.submit().follow()
    url = show.request.path
    browser_as("so_leader").get(url, status=404)
    browser_as("reviewer").get(url).forms["review"].submit().follow()
    browser_as("finreview").get(url).forms["review-money"].submit().follow()
    leader = browser_as("leader").get(url).forms["decide"]
    leader["decide-basis"] = "纪要7号"
    page = leader.submit().follow()
    assert "40,000.00" in page.text
    assert "40,000.00" in browser_as("so_leader").get("/home").text
    assert "提前终止" in browser_as("so_leader").get(url).text


def test_a_project_that_ended_early_gets_its_sealed_archive(bare_app, browser_as):
    """After the money is back: the same package as any other, with the early end and its case in it."""
    with bare_app.app_context(), transaction():
        project = paid_project()
        item = reviewed(project, "9000.00")
        case = services.decide_termination(item, basis="纪要7号", by=world.user("leader"))
        assert project.state == "recovering"
        with pytest.raises(Refusal, match="ended early"):
            services.archive(project, by=world.user("clerk"))
        book_return(
            case, case.amount, received_on=clock.today(), voucher_number="SK-9", by=world.user("finance")
        )
        assert project.state == "terminated"
        number, address = project.id, f"/terminations/{item.id}"
    clerk = browser_as("clerk")
    assert "archive" not in browser_as("leader").get(address).forms
    page = clerk.get(address).forms["archive"].submit().follow()
    assert f"/projects/{number}/archive.zip" in page.text
    answer = clerk.get(f"/projects/{number}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as package:
        names = package.namelist()
        assert {"10-closing/early-end.json", "10-closing/recoveries.json", "manifest.json"} <= set(names)
        told = json.loads(package.read("10-closing/recoveries.json"))
        assert [row["amount"] for row in told] == ["40000.00"] and told[0]["parts"][0][
            "voucher_number"
        ] == "SK-9"
        assert json.loads(package.read("10-closing/early-end.json"))["basis"] == "纪要7号"
    assert services.verify_archive(io.BytesIO(answer.body)) == []
    browser_as("so_leader").get(f"/projects/{number}/archive.zip", status=403)
    with bare_app.app_context():
        project = db.session.get_one(Project, number)
        assert project.state == "archived"
        assert sealed_by(db.session.get_one(StoredFile, item_file(project))).project.id == number


def item_file(project: Project) -> int:
    found = termination_of(project)
    assert found is not None and found.archive_file_id is not None
    return found.archive_file_id
