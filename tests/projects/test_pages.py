"""The pages, as people use them: plain forms, own sight, a stranger's id is not there."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask
from webtest import Upload

from core import clock
from core.db import db, transaction
from finance.catalogue.models import CatalogueItem
from projects.agreements.models import Agreement, Project
from projects.closure.services import verify_archive
from tests import world
from tests.finance.money import make_account, make_earmark
from tests.projects import road


def _ids(app: Flask) -> dict[str, int]:
    """A running project, ready to be worked on."""
    with app.app_context(), transaction():
        project = road.running()
        make_account()
        return {"project": project.id, "agreement": project.agreement_id}


def _press(browser, url: str, form: str, **values: object):
    page = browser.get(url)
    found = page.forms[form]
    for name, value in values.items():
        found[name] = value
    return found.submit().follow()


def test_an_agreement_goes_from_hand_to_hand(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        application_id = road.awarded().id
    clerk = browser_as("clerk")
    assert "示例银发学堂" in clerk.get("/agreements")
    today = clock.today()
    page = _press(
        clerk,
        f"/agreements/draft/{application_id}",
        "agreement",
        starts_on=today.isoformat(),
        ends_on=(today + timedelta(days=300)).isoformat(),
        terms="按月报送活动计划",
    )
    url = page.request.path
    assert "玖万捌仟元零壹分" in page and "49,000.00" in page
    _press(browser_as("reviewer"), url, "legal-review")
    _press(browser_as("finreview"), url, "finance-review")
    leader_of_organization = browser_as("so_leader")
    leader_of_organization.get(url, status=404)  # not offered yet
    _press(clerk, url, "offer")
    _press(leader_of_organization, url, "accept")
    page = _press(browser_as("leader"), url, "sign")
    with bare_app.app_context():
        assert db.session.scalar(db.select(Project.state)) == "running"
    project = browser_as("so_leader").get("/projects").click("示例银发学堂")
    assert "首期款" in project


def test_a_leader_asks_for_a_change_with_a_reason(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        agreement = road.drafted()
        road.agreements.legal_review(agreement, by=world.user("reviewer"))
        road.agreements.finance_review(agreement, by=world.user("finreview"))
        road.agreements.offer(agreement, by=world.user("clerk"))
        url = f"/agreements/{agreement.id}"
    browser = browser_as("so_leader")
    page = browser.get(url)
    assert page.forms["back"].submit(status=422).forms["back"]["reason"].value == ""
    _press(browser, url, "back", reason="请延长一个月")
    with bare_app.app_context():
        assert db.session.scalar(db.select(Agreement.state)) == "draft"
    assert "请延长一个月" in browser_as("clerk").get(url)


def test_a_project_runs_to_its_archive_by_forms(bare_app, browser_as) -> None:
    ids = _ids(bare_app)
    base = f"/projects/{ids['project']}"
    operator, leader, clerk = browser_as("operator"), browser_as("so_leader"), browser_as("clerk")

    page = operator.get(f"{base}/records/new")
    form = page.forms["record"]
    form["title"], form["place"], form["persons"], form["person_times"] = "手机课堂", "示例社区", "20", "19"
    refused = form.submit(status=422)
    assert "invalid-feedback" in refused
    form = refused.forms["record"]
    form["person_times"] = "23"
    form["photo"] = Upload("现场.png", road.picture(), "image/png")
    listed = form.submit().follow()
    photo = operator.get(listed.html.select_one("td a[href$=photo]")["href"])
    assert photo.content_type == "image/png" and photo.body == road.picture()
    browser_as("operator2").get("/service-records/1/photo", status=404)

    _book(operator, base, "49000.00", "FP-1")
    form = operator.get(f"{base}/spending/new").forms["expense"]
    for name, value in {"line_code": "supplies", "amount": "1", "payee": "店", "purpose": "物资"}.items():
        form[name] = value
    form["voucher_number"] = "FP-1"
    assert "is-invalid" in form.submit(status=422)

    _claim(leader, clerk, base, 1)
    page = clerk.get("/claims?view=accepted")
    assert "首期款" in page

    _press(clerk, f"{base}/rectifications/new", "rectification", items="补齐签到表")
    assert "补齐签到表" in leader.get(base)
    url = "/rectifications/1"
    _press(leader, url, "answer", answer="已补齐")
    _press(clerk, url, "close")

    with bare_app.app_context(), transaction():
        project = db.session.get_one(Project, ids["project"])
        _pay_everything_requested()
        road.evaluated(project, midterm="pass", final="fail")
    _press(operator, f"{base}/closure/report", "closure", summary="服务180人", eligible_cost="40000.00")
    url = f"{base}/closure"
    _press(clerk, url, "return", reason="缺审计报告")
    _press(operator, f"{base}/closure/report", "closure", summary="服务180人", eligible_cost="40000.00")
    _press(clerk, url, "check")
    chief = browser_as("leader")
    assert "9,000.00" in chief.get(url)
    chief.get(url).forms["settle"].submit(status=422)
    _press(chief, url, "settle", returned_on=clock.today().isoformat(), voucher="TK-1")
    page = _press(clerk, url, "archive")
    package = clerk.get(page.html.select_one("a[href$='archive.zip']")["href"])
    assert verify_archive(io.BytesIO(package.body)) == []
    browser_as("supervisor").get(f"{base}/archive.zip")
    leader.get(f"{base}/archive.zip", status=403)
    browser_as("banner_clerk").get(f"{base}/archive.zip", status=404)
    browser_as("organizer").get(f"{base}/archive.zip", status=403)


def _book(browser, base: str, amount: str, voucher: str) -> None:
    _press(
        browser,
        f"{base}/spending/new",
        "expense",
        line_code="staff_cost",
        amount=amount,
        payee="示例刘洋",
        purpose="项目人员",
        voucher_number=voucher,
        file=Upload("发票.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf"),
    )


def _claim(leader, clerk, base: str, number: int) -> None:
    page = _press(
        leader,
        f"{base}/tranches/{number}/claim",
        "claim",
        receipt_number=f"SJ-{number}",
        receipt_file=Upload("票据.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf"),
    )
    url = page.request.path
    assert leader.get(f"{url}/receipt").content_type == "application/pdf"
    _press(clerk, url, "accept")


def _pay_everything_requested() -> None:
    for item in db.session.scalars(db.select(road.Disbursement)).all():
        road.review(item, by=world.user("finreview"))
        road.approve(item, by=world.user("leader"))
        road.release(item, by=world.user("finance"))
        road.mark_paid(item, paid_on=clock.today(), voucher_number="PZ-1", by=world.user("finance"))


def test_a_service_is_bought_and_accepted_by_forms(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        make_earmark()
        db.session.add(
            CatalogueItem(
                division_code="150600",
                code="A0301",
                name="居家养老服务",
                public_service=True,
                valid_from=clock.today(),
            )
        )
    clerk, today = browser_as("clerk"), clock.today()
    form = clerk.get("/agreements/contract").forms["contract"]
    form["title"], form["supplier"], form["amount"] = "居家养老服务", "没有这家单位", "60000"
    form["service_key"], form["starts_on"], form["ends_on"] = (
        "A-001",
        today.isoformat(),
        (today + timedelta(days=100)).isoformat(),
    )
    page = form.submit(status=422)
    form = page.forms["contract"]
    assert form["title"].value == "居家养老服务"
    form["supplier"] = "示例企业甲"
    url = form.submit().follow().request.path
    with bare_app.app_context(), transaction():
        agreement = db.session.scalars(db.select(Agreement)).one()
        road.agreements.legal_review(agreement, by=world.user("reviewer"))
        road.agreements.finance_review(agreement, by=world.user("finreview"))
        road.agreements.offer(agreement, by=world.user("clerk"))
        # The company has no account in this world; its acceptance is written down directly.
        agreement.state, agreement.accepted_by = "accepted", world.user("operator").id
    _press(browser_as("leader"), url, "sign")
    clerk_page = clerk.get("/projects/1/acceptance").forms["acceptance"]
    clerk_page["note"], clerk_page["beneficiaries_heard"] = "达到标准", True
    clerk_page.submit(status=403)
    page = _press(
        browser_as("reviewer"),
        "/projects/1/acceptance",
        "acceptance",
        note="达到标准",
        beneficiaries_heard=True,
    )
    assert "达到标准" in page


PAGES = [
    "/agreements/{agreement}",
    "/agreements/{agreement}/document.pdf",
    "/projects/{project}",
    "/projects/{project}/records",
    "/projects/{project}/spending",
    "/projects/{project}/closure",
]


@pytest.mark.parametrize("login", ["banner_clerk", "so_leader2", "operator3"])
def test_a_strangers_project_is_not_there(bare_app, browser_as, login: str) -> None:
    ids = _ids(bare_app)
    browser = browser_as(login)
    for url in PAGES:
        browser.get(url.format(**ids), status=404)
    for url in ("/agreements", "/projects", "/claims"):
        assert "示例银发学堂" not in browser.get(url)


def test_everybody_with_a_part_sees_the_project(bare_app, browser_as) -> None:
    ids = _ids(bare_app)
    for login in (
        "clerk",
        "reviewer",
        "leader",
        "finance",
        "supervisor",
        "organizer",
        "so_leader",
        "operator",
    ):
        browser = browser_as(login)
        for url in ("/agreements/{agreement}", "/projects/{project}", "/projects/{project}/spending"):
            assert "示例银发学堂" in browser.get(url.format(**ids))


def test_the_worklist_names_what_waits(bare_app, browser_as) -> None:
    _ids(bare_app)
    assert "/tranches/1/claim" in browser_as("so_leader").get("/home")
    assert "/tranches/1/claim" not in browser_as("operator").get("/home")


def test_the_agreement_is_printed_where_the_server_can(bare_app, browser_as, monkeypatch) -> None:
    ids = _ids(bare_app)
    url = PAGES[1].format(**ids)
    monkeypatch.setattr("projects.agreements.routes.pdf_available", lambda: False)
    monkeypatch.setattr("core.documents.services.pdf_available", lambda: False)
    page = browser_as("clerk").get(url, status=503)
    assert "Pango" in page
    assert "Pango" in browser_as("clerk").get(PAGES[0].format(**ids))
