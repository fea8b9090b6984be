"""The lists of the product: as many queries for three rows as for one, pages both ways, saved views, export."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import python_calamine
from flask import Flask
from sqlalchemy import Index, event, inspect, select
from webtest import TestApp

from core import clock
from core.db import db, transaction
from core.files.services import read
from core.jobs.models import Job
from core.jobs.services import run_next
from core.web import paging, tables
from core.web.models import SavedView
from core.web.tables import LISTINGS
from registry.accounts.models import User
from registry.organizations.models import Organization
from tests import world
from tests.app.told import demo, url_of
from tests.conftest import _put_session, dispose, make_app

# Who reads every list of the demonstration world.
LOGIN = "supervisor"
# The lists of a dossier are about one organization: the first of that world, with payments, projects, applications.
OF_ONE = {"organization": "1"}


@pytest.fixture
def told_app(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Flask]:
    shutil.copytree(demo(tmp_path_factory), tmp_path / "instance")
    app = make_app(url_of(tmp_path / "instance"), tmp_path / "instance")
    yield app
    dispose(app)


def browser_of(app: Flask, login: str) -> TestApp:
    browser = TestApp(app)
    with app.app_context():
        _put_session(app, browser, db.session.scalar(select(User).where(User.login == login)).get_id())
    return browser


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        # The calendar is asked once, by the first row with a due day.
        if "calendar_day" not in statement:
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def address(name: str, app: Flask) -> str:
    with app.test_request_context():
        url = app.url_for(name)
    if name.startswith("dossier."):
        return f"{url}?organization={OF_ONE['organization']}"
    return url + ("?view=all" if name in ("disbursements.list", "recoveries.list") else "")


def test_three_rows_cost_as_many_queries_as_one(told_app, monkeypatch):
    browser = browser_of(told_app, LOGIN)
    for name in LISTINGS:
        url, costs = address(name, told_app), {}
        for size in (1, 3):
            monkeypatch.setattr(paging, "PAGE_SIZE", size)
            with counted(told_app) as seen:
                page = browser.get(url)
            if name != "checkpoints.list":  # staff see batches there
                # Nobody of that world has three projects and three applications.
                least = min(size, 2) if name.startswith("dossier.") else size
                assert (
                    len(page.html.select("table.sheet:has(+ *) tbody tr, table.sheet tbody tr")) >= least
                ), name
            costs[size] = len(seen)
        assert costs[1] == costs[3], (name, costs)
        assert costs[3] <= 14, (name, costs)


def test_pages_lead_forth_and_back_over_every_row_once(told_app, monkeypatch):
    monkeypatch.setattr(paging, "PAGE_SIZE", 4)
    browser = browser_of(told_app, LOGIN)
    for sort in ("", "&sort=amount", "&sort=-amount"):
        page, forth = browser.get("/disbursements/?view=all" + sort), []
        while True:
            forth.append([row.text for row in page.html.select("tbody th a")])
            following = page.html.select_one("a[rel=next]")
            if following is None:
                break
            page = page.goto(following["href"])
        back = [forth[-1]]
        while (previous := page.html.select_one("a[rel=prev]")) is not None:
            page = page.goto(previous["href"])
            back.append([row.text for row in page.html.select("tbody th a")])
        assert back[::-1] == forth and len(forth) > 3
        assert page.html.select_one("a[rel=first]") is None


def test_every_order_and_every_export_works(told_app):
    with told_app.test_request_context():
        user = db.session.scalar(select(User).where(User.login == LOGIN))
        for listing in LISTINGS.values():
            for order in listing.orders:
                for sign in ("", "-"):
                    target = io.BytesIO()
                    args = {"sort": sign + order, "view": "all", **OF_ONE}
                    count = tables.write_workbook(listing, user, args, target, step=lambda *_: None)
                    target.seek(0)
                    rows = (
                        python_calamine.CalamineWorkbook.from_filelike(target)
                        .get_sheet_by_index(0)
                        .to_python()
                    )
                    assert len(rows) == count + 1 and count > 0, (listing.name, order)


def test_each_order_has_an_index_led_by_the_owner_scope(app):
    """Or is that of the key itself, which each list has anyway."""
    for listing in LISTINGS.values():
        for order, keys in listing.orders.items():
            names = [column.key for column, _down in keys]
            table = inspect(keys[0][0].class_).local_table
            unique = [column.name for column in table.primary_key.columns]
            assert names[-len(unique) :] == unique, "the order must be total"
            if len(names) > len(unique):
                found = [[c.name for c in item.columns] for item in table.indexes if isinstance(item, Index)]
                # Sides of movements bear no unit: their accounts do.
                # Nor do persons: what ties them to a unit does.
                scope = [] if table.name in ("posting", "person") else ["agency_id"]
                assert [*scope, *names] in found, (listing.name, order)


def test_counts_stop_at_the_cap_and_go_on_when_asked(app, monkeypatch):
    monkeypatch.setattr(tables, "CAP", 2)
    query = select(Organization)
    assert str(tables.summary(query, whole=False)[0]) == "2+"
    whole, sums = tables.summary(query, whole=True)
    assert whole.number == db.session.query(Organization).count() and sums == []
    counts = tables.counts_by(query, Organization.kind, ["social_service_agency", "enterprise", "hospital"])
    assert {kind: str(count) for kind, count in counts.items()} == {
        "social_service_agency": "2",
        "enterprise": "1",
    }


def test_an_export_holds_what_the_asker_sees_and_nothing_else(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        organization = world.organization()
        organization.name = '=HYPERLINK("http://example.org")'
        foreign = Organization(
            agency_id=world.agency("示例西旗民政局").id, kind="enterprise", name="示例别处企业", sort_key="x",
            division_code="150603",
            credit_code=world.credit_code("91", "150603", 77),
        )  # fmt: skip
        db.session.add(foreign)
        code = organization.credit_code
    browser = browser_as("banner_clerk")
    with bare_app.app_context(), transaction():
        # The banner keeps one organization; the city's and the other banner's are not its own.
        world.organization("示例企业甲").agency_id = world.agency("示例东旗民政局").id
    for login, names in (("banner_clerk", {"示例企业甲"}), ("clerk", None)):
        browser = browser_as(login)
        answer = browser.get("/organizations/").forms["export"].submit(status=303)
        with bare_app.app_context():
            assert run_next()
        page = browser.get(answer.location)
        assert "已完成" in page
        file = browser.get(page.html.select_one(".buttons a.btn-primary")["href"])
        assert file.headers["Content-Disposition"].startswith("attachment")
        rows = (
            python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(file.body))
            .get_sheet_by_index(0)
            .to_python()
        )
        if names is not None:
            assert {row[0] for row in rows[1:]} == names
        else:
            # Formulas and codes of eighteen digits are text.
            by_name = {row[0]: row for row in rows[1:]}
            assert by_name['=HYPERLINK("http://example.org")'][1] == code and "示例别处企业" in by_name
    browser_as("banner_clerk").get(f"{answer.location}/result", status=404)


def test_rights_are_those_at_the_time_of_the_work(bare_app, browser_as):
    answer = browser_as("clerk").get("/organizations/").forms["export"].submit(status=303)
    with bare_app.app_context():
        with transaction():
            for role in world.user("clerk").roles:
                role.revoked_at = clock.now()
        run_next()
        job = db.session.query(Job).one()
        assert job.state == "failed" and job.result_id is None
    assert answer.status_int == 303


def test_an_export_asked_for_a_list_one_may_not_see_is_not_found(browser_as):
    browser = browser_as("operator")
    form = browser.get("/applications/mine").forms["sign-out"]
    fields = {name: form[name].value for name in ("csrf_token", "_key")}
    browser.post("/work/exports", {**fields, "listing": "directory.list"}, status=404)
    browser.post("/work/exports", {**fields, "listing": "nothing"}, status=404)


def test_a_view_is_saved_shown_and_deleted_by_its_owner_alone(bare_app, browser_as):
    browser = browser_as("clerk")
    page = browser.get("/organizations/?kind=enterprise&evil=1")
    form = page.click(href="/work/views/new").forms["view"]
    form.submit(status=422)
    form["name"] = "企业"
    page = form.submit(status=303).follow()
    assert page.request.query_string == "kind=enterprise" and "企业" in page.html.select_one(".views").text
    with bare_app.app_context():
        view = db.session.query(SavedView).one()
        assert (view.query, view.listing) == ("kind=enterprise", "directory.list")
    assert "企业" not in browser_as("reviewer").get("/work/views").html.select_one("main").text
    mine = browser.get("/work/views").forms[f"delete-{view.id}"]
    fields = {name: mine[name].value for name in ("csrf_token", "_key")}
    browser_as("reviewer").post(f"/work/views/{view.id}/delete", fields, status="*")
    with bare_app.app_context():
        assert db.session.query(SavedView).count() == 1
    mine.submit(status=303)
    with bare_app.app_context():
        assert db.session.query(SavedView).count() == 0


def test_a_stranger_finds_no_job_of_mine(bare_app, browser_as):
    answer = browser_as("clerk").get("/organizations/").forms["export"].submit(status=303)
    stranger = browser_as("reviewer")
    stranger.get(answer.location, status=404)
    stranger.get(f"{answer.location}/result", status=404)
    with bare_app.app_context():
        job = db.session.query(Job).one()
        assert job.result is None
        run_next()
        db.session.expire_all()
        assert read(db.session.query(Job).one().result)[:2] == b"PK"
