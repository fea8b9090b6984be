"""Liaison officers, read receipts, reminders, and the figures of what is not covered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.mail.models import Mail
from registry.agencies.services import create_agency
from registry.liaison import queries, services
from registry.liaison.models import LiaisonOfficer, LiaisonReceipt
from registry.persons.services import record_person, set_email
from registry.proof.queries import checks
from tests import world


def appointed(login="township_clerk", unit="示例街道办事处"):
    return services.appoint(
        world.agency(), world.user(login).person, clock.today(), unit=world.agency(unit), by=SYSTEM
    )


def test_terms_of_one_person_for_one_place_do_not_overlap(app):
    with transaction() as session:
        row = appointed()
        with pytest.raises(Refusal, match="answers for this place already"):
            appointed()
        appointed(unit="示例东旗民政局")
        services.end_term(row, clock.today(), by=SYSTEM)
        with pytest.raises(Refusal, match="already"):
            appointed()
        found = [
            line for check in checks() if check.name == "overlapping-liaison-terms" for line in check.broken()
        ]
        assert found == []
        session.add(
            LiaisonOfficer(
                agency_id=row.agency_id, person_id=row.person_id, unit_id=row.unit_id, since=row.since
            )
        )
        session.flush()
        assert [
            line for check in checks() if check.name == "overlapping-liaison-terms" for line in check.broken()
        ]


def test_a_notice_is_read_told_and_reminded(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        set_email(world.user("township_clerk").person, "batu@example.org", by=SYSTEM)
        appointed()
        outside = record_person("示例老联络员", phone="13600000009", by=SYSTEM)
        services.appoint(world.agency(), outside, clock.today(), organization=world.organization(), by=SYSTEM)
    form = browser_as("clerk").get("/liaison/new").forms["form"]
    form["title"], form["text"] = "示例年检通知", "请转告辖区社会组织。"
    page = form.submit().follow()
    address = page.request.path
    assert "已读0，共2" in page.text
    # Looking alone is no reading: the officer says so.
    officer = browser_as("township_clerk")
    assert "阅读通知“示例年检通知”" in officer.get("/home").text
    page = officer.get(address)
    assert "示例老联络员" not in page.text
    with bare_app.app_context():
        assert db.session.query(LiaisonReceipt).filter(LiaisonReceipt.read_at.is_not(None)).count() == 0
        assert db.session.query(Mail).filter_by(template="liaison_notice").count() == 1
    page.forms["read"].submit().follow()
    assert "阅读通知" not in officer.get("/home").text
    clerk = browser_as("clerk")
    page = clerk.get(address)
    assert "已读1，共2" in page.text
    page.forms["remind"].submit().follow()
    assert clerk.get(address).forms["remind"].submit(expect_errors=True).status_int == 409
    form = clerk.get(address).click("另行告知").forms["form"]
    form["how"] = "电话告知"
    assert "已读2，共2" in form.submit().follow().text
    assert "电话告知" in clerk.get("/liaison/receipts", {"state": "told"}).text
    # Somebody to whom nothing was sent, and whose unit did not publish it, does not find it.
    browser_as("operator").get(address, status=404)
    browser_as("banner_clerk").get(address, status=404)


def test_a_notice_for_nobody_is_refused(app):
    with transaction(), pytest.raises(Refusal, match="no liaison officer"):
        services.publish_notice(world.agency(), "示例", "示例", by=world.user("clerk"))


def test_coverage_counts_what_its_lists_show(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        clerk = world.user("clerk")
        create_agency(
            "示例社区居委会", "community", "150602001001", world.agency("示例街道办事处"), by=SYSTEM
        )
        bodies = len(db.session.execute(queries.gap(clerk, "organizations_officer")).all())
        assert len(db.session.execute(queries.gap(clerk, "units_officer")).all()) == 2
        appointed()
        services.appoint(
            world.agency(),
            clerk.person,
            clock.today() - timedelta(days=9),
            organization=world.organization(),
            by=SYSTEM,
        )
        assert len(db.session.execute(queries.gap(clerk, "organizations_officer")).all()) == bodies - 1
    browser = browser_as("clerk")
    page = browser.get("/units").click("覆盖情况")
    for link in page.html.select("a.figure-link"):
        rows = browser.get(link["href"]).html.select("tbody tr")
        assert len(rows) == int(link.text)
    assert "示例社区居委会" in browser.get("/liaison/coverage/units_officer").text
    assert (
        "示例社区居委会"
        not in browser_as("township_clerk").get("/liaison/coverage/organizations_officer").text
    )
