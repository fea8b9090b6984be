"""A clerk leaves: what is open is listed, goes to a colleague with the same role, and is on record."""

from __future__ import annotations

import pytest

from app.handover.queries import open_work
from app.handover.services import hand_over
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.audit.services import SYSTEM
from core.db import db, transaction
from grants.calls.models import Call
from registry.accounts import services
from registry.persons.services import record_person
from tests import world
from tests.grants import stage

NEW = "another long phrase 新密码"


@pytest.fixture
def leaving(bare_app):
    """The clerk has a draft; one colleague has the same role at the same unit, one elsewhere."""
    with bare_app.app_context(), transaction():
        call = stage.draft()
        for login, unit in (("colleague", "示例市民政局"), ("elsewhere", "示例西旗民政局")):
            person = record_person(f"示例{login}", phone="13700000005", by=SYSTEM)
            user = services.create_user(person, login, NEW, by=SYSTEM)
            services.grant_role(user, "funder_clerk", agency=world.agency(unit), by=SYSTEM)
        return call.id, world.user("clerk").id


def test_open_work_goes_to_a_colleague_and_waits_there(bare_app, browser_as, leaving):
    call, clerk = leaving
    admin = browser_as("admin")
    page = admin.get(f"/accounts/{clerk}").forms["close"].submit().follow()
    assert page.request.path == f"/accounts/{clerk}/handover"
    form = page.forms["handover"]
    names = [words for _value, _chosen, words in form["successor"].options]
    assert "示例colleague" in names
    assert "示例elsewhere" not in names
    assert "示例李建国" not in names, "a reviewing officer holds another role"
    form["successor"].select(text="示例colleague")
    page = form.submit(status=303).follow()
    assert "示例colleague" in page.text
    home = browser_as("colleague").get("/home")
    assert any(
        link["href"] == f"/calls/{call}" and "接手" in link.get_text() for link in home.html.select("a")
    )
    assert "接手" not in browser_as("elsewhere").get("/home").text
    with bare_app.app_context():
        row = db.session.get_one(Call, call)
        assert row.drafted_by == clerk, "who prepared it is a fact"
        for thing in (row, world.user("clerk"), world.user("colleague")):
            assert history_of(thing)[0].event == "handed_over"


def test_a_role_taken_back_leads_to_the_handover_too(browser_as, leaving):
    _call, clerk = leaving
    page = browser_as("security").get(f"/accounts/{clerk}")
    revoke = next(form for name, form in page.forms.items() if str(name).startswith("revoke-"))
    assert "handover" in revoke.submit().follow().forms


def test_nothing_goes_to_somebody_without_the_role(bare_app, leaving):
    with bare_app.app_context():
        work = open_work(world.user("clerk"))
        assert [item.source.object_type for item in work] == ["call"]
        for login in ("elsewhere", "reviewer", "operator"):
            with pytest.raises(Refusal, match="same role"), transaction():
                hand_over(world.user("clerk"), open_work(world.user("clerk")), world.user(login), by=SYSTEM)


def test_what_is_handed_over_leaves_the_worklist_when_it_is_done_or_goes_on(bare_app, browser_as, leaving):
    with bare_app.app_context(), transaction():
        hand_over(world.user("clerk"), open_work(world.user("clerk")), world.user("colleague"), by=SYSTEM)
    assert "接手" in browser_as("colleague").get("/home").text
    with bare_app.app_context(), transaction() as session:
        session.get_one(Call, leaving[0]).state = "cancelled"
    assert "接手" not in browser_as("colleague").get("/home").text
    with bare_app.app_context():
        assert open_work(world.user("clerk")) == []


def test_handing_over_is_for_administrators_of_the_unit(browser_as, leaving):
    _call, clerk = leaving
    for login in ("clerk", "leader", "auditor"):
        browser_as(login).get(f"/accounts/{clerk}/handover", status=403)
    form = browser_as("admin").get(f"/accounts/{clerk}/handover").forms["handover"]
    form["successor"] = ""
    assert form.submit(status=422)
