"""The audit trail in pages: scope, search, the object's chain, and taking a table away."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from app.trail import routes
from core.audit.models import AuditEntry
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from registry.accounts import services
from registry.persons.services import record_person
from tests import world
from tests.tampering import drop_triggers


@pytest.fixture
def trail(bare_app):
    """Entries at the city, at the banner under it, and about nobody's person."""
    with bare_app.app_context(), transaction():
        clerk = world.user("clerk")
        record(
            world.organization(), "registered", by=clerk, details={"from": "a", "to": "b", "note": "示例说明"}
        )
        record(world.organization(), "verified", by=world.user("reviewer"), details={"grade": "3A"})
        record(world.agency("示例东旗民政局"), "renamed", by=world.user("banner_clerk"), details={})
        record(world.user("township_clerk"), "signed_in", by=world.user("township_clerk"), details={})
        person = record_person("示例旗监督", phone="13700000003", by=SYSTEM)
        user = services.create_user(person, "banner_auditor", "another long phrase 新密码", by=SYSTEM)
        services.grant_role(user, "supervisor", agency=world.agency("示例东旗民政局"), by=SYSTEM)
        return world.organization().id


@pytest.mark.parametrize("login", ["supervisor", "auditor"])
def test_the_auditor_reads_who_did_what(browser_as, trail, login):
    page = browser_as(login).get("/trail/")
    assert "示例暖邻社区服务中心" in page.text
    assert "示例陈静" in page.text
    assert "示例说明" in page.text
    assert "a → b" in page.text


def test_an_auditor_below_reads_only_what_lies_below(browser_as, trail):
    browser = browser_as("banner_auditor")
    page = browser.get("/trail/")
    assert "示例其木格" in page.text
    assert "示例巴图" in page.text
    assert "示例陈静" not in page.text
    assert "示例暖邻" not in page.text
    browser.get(f"/trail/organization/{trail}", status=404)
    assert "示例暖邻" not in browser.get("/trail/?kind=organization").text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("actor=示例陈静", "registered", "verified"),
        ("actor=clerk", "registered", "verified"),
        ("kind=agency", "renamed", "registered"),
        ("event=verified", "verified", "renamed"),
        ("kind=organization&number={id}", "verified", "renamed"),
        ("kind=organization&number=999999", "", "verified"),
        ("since=2000-01-01&until=2000-02-01", "", "registered"),
        ("since=2000-01-01", "registered", ""),
        ("number=abc", "", "registered"),
        ("kind=nonsense", "", "registered"),
        ("since=soon", "", "registered"),
        ("since=2020-02-02&until=2020-01-01", "", "registered"),
    ],
)
def test_searching(browser_as, trail, query, shown, hidden):
    page = browser_as("auditor").get("/trail/?" + quote(query.format(id=trail), safe="=&"))
    words = " ".join(cell.get_text() for cell in page.html.select("tbody td"))
    english = {"registered": "示例说明", "verified": "示例李建国", "renamed": "示例其木格"}
    if shown:
        assert english[shown] in words
    if hidden:
        assert english[hidden] not in words


def test_every_page_of_the_list_goes_on_where_the_last_ended(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        for number in range(120):
            record(world.organization(), "noted", by=SYSTEM, details={"note": f"n{number:03d}"})
        total = db.session.query(AuditEntry).count()
    browser = browser_as("auditor")
    page, seen = browser.get("/trail/"), []
    while True:
        seen += [row.get_text(" ", strip=True) for row in page.html.select("tbody tr")]
        following = page.html.select_one('a[rel="next"]')
        if following is None:
            break
        page = browser.get("/trail/" + following["href"])
    assert len(seen) == total
    notes = [word for row in seen for word in row.split() if word.startswith("n") and word[1:].isdigit()]
    assert len(notes) == len(set(notes)) == 120


def test_the_page_of_an_object_shows_each_link_and_a_broken_one(bare_app, browser_as, trail):
    browser = browser_as("supervisor")
    page = browser.get(f"/trail/organization/{trail}")
    assert "完整" in page.text
    assert "3A" in page.text
    with bare_app.app_context(), transaction() as session:
        first = session.get(AuditEntry, ("organization", trail, 1))
        assert first.hash[:14] in page.text
        drop_triggers(session)
        session.execute(
            text(
                "UPDATE audit_entry SET details = '{}' WHERE object_type = 'organization' AND object_id = :id AND seq = 1"
            ),
            {"id": trail},
        )
    page = browser.get(f"/trail/organization/{trail}")
    assert "已被改动" in page.text
    # It is linked from the object's own page, and back.
    assert f"/trail/organization/{trail}" in browser.get(f"/organizations/{trail}").text
    assert f"/organizations/{trail}" in page.text
    assert "/trail/" not in browser_as("clerk").get(f"/organizations/{trail}").text


def test_what_was_forged_into_the_details_is_shown_not_run(bare_app, browser_as, trail):
    with bare_app.app_context(), transaction() as session:
        drop_triggers(session)
        session.execute(
            text(
                "UPDATE audit_entry SET details = 'no json <script>' WHERE object_type = 'organization' AND object_id = :id"
            ),
            {"id": trail},
        )
    for path in ("/trail/", f"/trail/organization/{trail}"):
        assert "<script>alert" not in browser_as("auditor").get(path, status=200).text


def test_a_table_is_taken_away_and_that_is_on_record(bare_app, browser_as, trail):
    with bare_app.app_context(), transaction() as session:
        record(world.organization(), "noted", by=SYSTEM, details={})
        drop_triggers(session)
        session.execute(text("UPDATE audit_entry SET actor_name = '=1+1' WHERE event = 'noted'"))
    browser = browser_as("auditor")
    answer = browser.get("/trail/?kind=organization").forms["export"].submit()
    assert answer.content_type.startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert {row["object_type"] for row in rows} == {"organization"}
    assert len(rows) == 3
    assert rows[0]["actor"] == "'=1+1", "no formula reaches a spreadsheet"
    page = browser.get("/trail/?actor=auditor")
    assert "示例沈明察" in page.text
    with bare_app.app_context():
        entry = db.session.query(AuditEntry).filter_by(event="trail_exported").one()
        assert '"rows":3' in entry.details


def test_nobody_else_reads_the_trail(browser_as, trail):
    for login in ("clerk", "leader", "admin", "security", "operator", "expert1"):
        for path in ("/trail/", f"/trail/organization/{trail}"):
            browser_as(login).get(path, status=403)


def test_the_audit_administrator_reads_the_trail_and_nothing_else(browser_as):
    browser = browser_as("auditor")
    links = {link["href"] for link in browser.get("/home").html.select("nav.rail a.rail__link")}
    assert {link for link in links if link not in ("/home", "/account", "/work/jobs")} == {
        "/trail/"
    } or "/trail/" in links
    for path in ("/calls/", "/accounts", "/units", "/organizations/", "/funds/", "/applications/"):
        browser.get(path, status=403)


def _events_in_code():
    """Every event the code writes down: of ``record``, ``append`` and the lifecycles' tables."""
    places = {"record": 1, "append": 2, "Transition": 4}
    root = Path(routes.__file__).parents[2]
    for floor in ("core", "registry", "finance", "grants", "projects", "evaluation", "app"):
        for path in (root / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                at = places.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
                if at is None:
                    continue
                given = {word.arg: word.value for word in node.keywords}.get("event") or dict(
                    enumerate(node.args)
                ).get(at)
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value, path.relative_to(root)


def test_every_event_has_words_for_its_reader():
    known = set(routes.GENERAL).union(*routes.EVENTS.values())
    without = sorted({f"{event} ({path})" for event, path in _events_in_code() if event not in known})
    assert not without, f"give these words in app.trail.routes.GENERAL: {without}"
