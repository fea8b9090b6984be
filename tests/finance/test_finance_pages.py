"""Pages of the money rooms as each role sees and uses them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from webtest import TestApp

from core import clock
from core.audit.models import AuditEntry
from core.db import db, transaction
from core.money import Money
from finance.commitments.models import Commitment
from finance.commitments.services import exclude, place_hold
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.queries import figures_of_budgets
from finance.ledger.models import Account
from finance.ledger.queries import verify
from tests import world
from tests.finance.money import NUMBER, make_commitment, make_request

Browser = Callable[[str], TestApp]


@pytest.fixture
def payment(bare_app: Flask) -> int:
    with bare_app.app_context(), transaction():
        return make_request().id


def test_source_budget_and_earmark_by_two_people(bare_app: Flask, browser_as: Browser) -> None:
    clerk, reviewer = browser_as("finance"), browser_as("finreview")
    form = clerk.get("/funds/sources/new").forms["source"]
    form["name"] = "示例市级福彩公益金"
    form["kind"] = "welfare_lottery_fund"
    page = form.submit(status=422)
    assert "is-invalid" in page
    form = page.forms["source"]
    form["tier"] = "city"
    form.set("purposes", True, index=0)
    page = form.submit(status=303).follow()
    form = page.click(href="/budgets/new").forms["budget"]
    form["amount"] = "1,000,000"
    form["document_number"] = "示财社〔2026〕7号"
    page = form.submit(status=303).follow()
    assert "approve" not in page.forms
    address = page.request.path
    # The same person may not approve, whatever is sent.
    other = reviewer.get(address)
    clerk_form = other.forms["approve"]
    token = clerk_form["_key"].value
    csrf = page.forms["sign-out"]["csrf_token"].value
    denied = clerk.post(f"{address}/approve", {"_key": token, "csrf_token": csrf}, status=403)
    assert "approve" not in denied.forms
    assert reviewer.get("/home").status_int == 200
    page = other.forms["approve"].submit(status=303).follow()
    assert "1,000,000.00" in page
    # A purpose outside the whitelist is refused with the article, and nothing is written.
    page = clerk.get(address).click(href="/earmarks/new")
    form = page.forms["earmark"]
    form["title"] = "示例公益创投"
    form["purpose"] = "party"
    form["amount"] = "300000"
    refused = form.submit(status=422)
    assert "第三十三条" in refused
    with bare_app.app_context():
        assert db.session.scalars(select(Earmark)).all() == []
    form["purpose"] = "elderly"
    page = form.submit(status=303).follow()
    assert "300,000.00" in page
    with bare_app.app_context():
        budget = db.session.scalars(select(Budget)).one()
        figure = figures_of_budgets([budget])[budget.id]
        assert (figure.available, figure.earmarked) == (Money.yuan(700_000), Money.yuan(300_000))
        assert verify() == []
    page = clerk.get(page.request.path).forms["release"].submit(status=303).follow()
    assert "release" not in page.forms
    with bare_app.app_context():
        budget = db.session.scalars(select(Budget)).one()
        assert figures_of_budgets([budget])[budget.id].available == Money.yuan(1_000_000)


def test_a_payment_by_three_people(bare_app: Flask, browser_as: Browser, payment: int) -> None:
    address = f"/disbursements/{payment}"
    page = browser_as("clerk").get(address)
    assert {"review", "approve", "release", "paid"} & set(page.forms) == set()
    page = browser_as("finreview").get("/disbursements/")
    assert "示例银发学堂" in page
    browser_as("finreview").get(address).forms["review"].submit(status=303)
    assert "approve" not in browser_as("finreview").get(address).forms
    page = browser_as("leader").get(address).forms["approve"].submit(status=303).follow()
    assert "49,000.00" in page
    finance = browser_as("finance")
    form = finance.get(address).forms["release"]
    form["proof"] = world.PASSWORD
    page = form.submit(status=303).follow()
    page = page.forms["paid"].submit(status=422)
    assert "is-invalid" in page
    page.forms["paid"]["voucher_number"] = "PZ-2026-0009"
    page = page.forms["paid"].submit(status=303).follow()
    assert "PZ-2026-0009" in page
    with bare_app.app_context():
        assert db.session.get_one(Disbursement, payment).state == "paid"
        assert verify() == []


def test_the_same_form_twice_pays_once(bare_app: Flask, browser_as: Browser, payment: int) -> None:
    address = f"/disbursements/{payment}"
    browser_as("finreview").get(address).forms["review"].submit(status=303)
    form = browser_as("leader").get(address).forms["approve"]
    first = form.submit(status=303)
    assert form.submit(status=303).location == first.location
    with bare_app.app_context():
        account = db.session.scalars(select(Account).where(Account.kind == "payable")).one()
        assert account.balance == Money.yuan(49_000)
        assert account.last_seq == 1


@pytest.mark.parametrize(
    ("login", "step", "status"),
    [
        ("clerk", "review", 403),
        ("clerk", "approve", 403),
        ("finreview", "approve", 403),
        ("leader", "review", 403),
        ("leader", "release", 403),
        ("banner_clerk", "cancel", 404),
        ("operator", "approve", 403),
        ("operator", "cancel", 403),
        ("operator2", "cancel", 403),
        ("admin", "approve", 403),
        ("leader", "approve", 409),
        ("finance", "release", 409),
    ],
)
def test_a_wrong_person_or_moment_is_refused(
    bare_app: Flask, browser_as: Browser, payment: int, login: str, step: str, status: int
) -> None:
    browser = browser_as(login)
    page = browser.get("/home")
    form = page.forms["sign-out"]
    sent = {"csrf_token": form["csrf_token"].value, "_key": "0" * 32, "cancel-reason": "x"}
    browser.post(f"/disbursements/{payment}/{step}", sent, status=status)
    with bare_app.app_context():
        assert db.session.get_one(Disbursement, payment).state == "requested"


def test_who_holds_every_role_still_fills_one_place(
    bare_app: Flask, browser_as: Browser, payment: int
) -> None:
    with bare_app.app_context(), transaction() as session:
        world_user = world.user("clerk")
        today = clock.today()
        for role in ("finance_reviewer", "funder_leader", "finance_clerk"):
            session.add(
                type(world_user.roles[0])(
                    user_id=world_user.id, role=role, agency_id=world.agency().id, valid_from=today
                )
            )
    browser = browser_as("clerk")
    address = f"/disbursements/{payment}"
    page = browser.get(address)
    assert "review" not in page.forms
    sent = {"csrf_token": page.forms["sign-out"]["csrf_token"].value, "_key": "1" * 32}
    refused = browser.post(f"{address}/review", sent, status=403)
    assert "RAP-2" in refused
    browser_as("finreview").get(address).forms["review"].submit(status=303)
    browser.post(f"{address}/approve", {**sent, "_key": "2" * 32}, status=403)
    browser_as("leader").get(address).forms["approve"].submit(status=303)
    browser.post(f"{address}/release", {**sent, "_key": "3" * 32}, status=403)


def test_a_stranger_sees_nothing(browser_as: Browser, payment: int) -> None:
    for login in ("operator2", "banner_clerk"):
        browser = browser_as(login)
        browser.get(f"/disbursements/{payment}", status=404)
        browser.get("/commitments/1", status=404)
        browser.get("/disbursements/accounts/1", status=404)
    browser_as("banner_clerk").get("/funds/budgets/1", status=404)
    browser_as("banner_clerk").get("/ledger/accounts/1", status=404)
    browser_as("banner_clerk").get("/ledger/transfers/1", status=404)
    browser_as("operator2").get("/funds/budgets/1", status=403)


def test_the_organization_sees_its_own(browser_as: Browser, payment: int) -> None:
    browser = browser_as("operator")
    page = browser.get(f"/disbursements/{payment}")
    assert "49,000.00" in page
    assert "cancel" not in page.forms
    assert "示例银发学堂" in browser.get("/commitments/1")
    assert "示例银发学堂" in browser.get("/commitments/")
    assert "尾号" in browser.get("/disbursements/")


def test_the_account_number_is_shown_by_a_logged_post(
    bare_app: Flask, browser_as: Browser, payment: int
) -> None:
    browser = browser_as("finreview")
    page = browser.get("/disbursements/accounts/1")
    assert NUMBER not in page
    assert NUMBER[-4:] in page
    assert NUMBER in page.forms["reveal"].submit(status=200)
    with bare_app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "number_revealed")).one()
        assert entry.actor_id == world.user("finreview").id
        assert NUMBER not in entry.details
    assert "reveal" not in browser_as("clerk").get("/disbursements/accounts/1").forms
    other = browser_as("clerk")
    token = other.get("/home").forms["sign-out"]["csrf_token"].value
    other.post("/disbursements/accounts/1/number", {"csrf_token": token, "_key": "4" * 32}, status=403)


def test_an_account_is_recorded_and_confirmed_by_two(bare_app: Flask, browser_as: Browser) -> None:
    operator = browser_as("operator")
    form = operator.get("/disbursements/accounts/new").forms["account"]
    # Whoever works for one organization has it in the box already; another's is not taken.
    with bare_app.app_context():
        own = world.organization().name
    assert form["organization"].value == own
    form["organization"] = "示例别家单位"
    form["account_name"] = "示例别家单位"
    form["bank"] = "示例银行东城支行"
    form["number"] = "6228 4800 0000 1111"
    form = form.submit(status=422).forms["account"]
    assert form["organization"].value == "示例别家单位"
    form["organization"] = own
    form["bank"] = "示例银行东城支行"
    form["number"] = "6228 4800 0000 1111"
    assert "RDT-f" in form.submit(status=422)
    form["account_name"] = "示例暖邻社区服务中心"
    page = form.submit(status=303).follow()
    assert "confirm" not in page.forms
    page = browser_as("finreview").get(page.request.path)
    page.forms["confirm"].submit(status=303)
    with bare_app.app_context():
        account = db.session.scalars(select(PayeeAccount)).one()
        assert account.confirmed_by == world.user("finreview").id


def test_a_returned_payment_is_requested_again(bare_app: Flask, browser_as: Browser, payment: int) -> None:
    address = f"/disbursements/{payment}"
    browser_as("finreview").get(address).forms["review"].submit()
    browser_as("leader").get(address).forms["approve"].submit()
    finance = browser_as("finance")
    form = finance.get(address).forms["release"]
    form["proof"] = world.PASSWORD
    page = form.submit().follow()
    form = page.forms["returned"]
    assert "is-invalid" in form.submit(status=422)
    form["returned-reason"] = "户名不符"
    form.submit(status=303)
    page = browser_as("clerk").get(address)
    page = page.forms["again"].submit(status=303).follow()
    assert "-ZF01-2" in page
    with bare_app.app_context():
        assert verify() == []
        states = db.session.scalars(select(Disbursement.state).order_by(Disbursement.id)).all()
        assert states == ["returned", "requested"]
    assert "again" not in browser_as("clerk").get(address).forms


def test_holds_and_exclusions_show_on_the_commitment(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        commitment = make_commitment()
        place_hold(commitment, reason="rectification", text="补齐签到表", by=world.user("clerk"))
        exclude(commitment, [world.user("expert2").person_id], reason="scored", by=world.user("clerk"))
        number = commitment.id
    page = browser_as("clerk").get(f"/commitments/{number}")
    assert "补齐签到表" in page
    assert "示例专家乙" in page
    assert "示例专家乙" not in browser_as("operator").get(f"/commitments/{number}")
    assert "示例银发学堂" in browser_as("clerk").get("/commitments/?view=held")
    assert "示例银发学堂" not in browser_as("clerk").get("/commitments/?view=ended")


@pytest.mark.parametrize("login", ["finance", "leader", "supervisor"])
def test_every_page_opens(bare_app: Flask, browser_as: Browser, payment: int, login: str) -> None:
    browser = browser_as(login)
    with bare_app.app_context():
        accounts = db.session.scalars(select(Account.id)).all()
        source = db.session.scalars(select(FundSource.id)).one()
        budget = db.session.scalars(select(Budget.id)).one()
        commitment = db.session.scalars(select(Commitment.id)).one()
        root = db.session.scalars(select(Account.id).where(Account.kind == "budget")).one()
    for path in [
        "/funds/", f"/funds/sources/{source}", f"/funds/budgets/{budget}", "/funds/earmarks/1",
        "/ledger/", "/ledger/?kind=earmarked", "/ledger/transfers/1", "/ledger/trial", f"/ledger/trial?account={root}",
        "/commitments/", f"/commitments/{commitment}", "/commitments/?earmark=1&view=all",
        "/disbursements/?view=all", f"/disbursements/{payment}", "/disbursements/accounts",
        "/catalogue/", *(f"/ledger/accounts/{number}" for number in accounts),
    ]:  # fmt: skip
        page = browser.get(path)
        assert page.html.find_all("h1").__len__() == 1, path


def test_the_worklist_names_each_step(browser_as: Browser, payment: int) -> None:
    assert f"/disbursements/{payment}" in browser_as("finreview").get("/home")
    assert f"/disbursements/{payment}" not in browser_as("leader").get("/home")
    browser_as("finreview").get(f"/disbursements/{payment}").forms["review"].submit()
    assert f"/disbursements/{payment}" in browser_as("leader").get("/home")
    assert f"/disbursements/{payment}" not in browser_as("finreview").get("/home")


def test_a_catalogue_item_is_added(browser_as: Browser) -> None:
    browser = browser_as("finance")
    form = browser.get("/catalogue/new").forms["item"]
    form["division_code"] = "150600"
    form["code"] = "A0601"
    form["name"] = "养老服务"
    form["branch"] = "public"
    page = form.submit(status=303).follow()
    assert "养老服务" in page
    # A division below without its own catalogue reads the one above.
    assert "养老服务" in browser.get("/catalogue/?division=150602001")
    browser_as("clerk").get("/catalogue/new", status=403)
