"""Units over the years: terms, successors, and the one responsible department of an organization."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.agencies.models import Agency
from registry.agencies.queries import present_unit, tree_on, units_of_division
from registry.agencies.services import add_section, change_agency, create_agency, dissolve_agency
from registry.custody.models import CustodyTransfer
from registry.custody.queries import department_on
from registry.custody.services import accept_transfer, propose_transfer
from registry.organizations.models import Organization
from registry.proof.queries import checks
from tests import world

TURN = date(2020, 7, 1)


def broken():
    return [str(item) for check in checks() for item in check.broken()]


def county_becomes_district():
    """新津县 (510132) ends, 新津区 (510118) stands for it; a township and an organization come along."""
    root = create_agency("示例成都市民政局", "civil_affairs_bureau", "510100", by=SYSTEM)
    old = create_agency("示例新津县民政局", "civil_affairs_bureau", "510132", root, by=SYSTEM)
    town = create_agency("示例五津街道", "subdistrict", "510132001", old, by=SYSTEM)
    body = world.organization()
    body.agency_id = old.id
    new = create_agency(
        "示例新津区民政局", "civil_affairs_bureau", "510118", root, valid_from=TURN, by=SYSTEM
    )
    dissolve_agency(old, new, TURN, basis="国函〔示例〕1号", by=world.user("admin"))
    return root, old, new, town, body


class Everybody:
    """Reads the whole tree."""

    def agency_ids(self, _permission):
        return {row.id for row in db.session.query(Agency)}


def test_history_resolves_as_of_a_day(app):
    with transaction():
        _root, old, new, town, body = county_becomes_district()
        before = {place.agency.id: place for place in tree_on(Everybody(), TURN - timedelta(days=1))}
        after = {place.agency.id: place for place in tree_on(Everybody(), TURN)}
        assert old.id in before and new.id not in before
        assert new.id in after and old.id not in after
        assert (before[town.id].depth, after[town.id].depth) == (2, 2)
        assert [place.name for place in units_of_division(Everybody(), "510132", date(2019, 1, 1))] == [
            "示例新津县民政局"
        ]
        assert units_of_division(Everybody(), "510132", TURN) == []
        assert present_unit(old).id == new.id
        # The successor reads what the old unit left, and the township stands under it now.
        assert old.is_within(new) and town.is_within(new) and not town.is_within(old)
        assert body.agency_id == new.id
        assert department_on(body, TURN - timedelta(days=1)).id == old.id
        assert department_on(body, TURN).id == new.id
    # The keys an organization is found by are renewed as a transaction ends.
    assert broken() == []


def test_a_change_keeps_what_was_and_moves_everything_below(app):
    with transaction():
        banner, town = world.agency("示例东旗民政局"), world.agency("示例街道办事处")
        west = world.agency("示例西旗民政局")
        day = clock.today() - timedelta(days=30)
        with pytest.raises(Refusal, match="does not lie in"):
            change_agency(
                town, day, name=town.name, division_code="150602001", parent=west, basis="文", by=SYSTEM
            )
        change_agency(
            town,
            day,
            name="示例新名街道",
            division_code="150603001",
            parent=west,
            basis="示例文〔1〕号",
            by=SYSTEM,
        )
        assert town.is_within(west) and not town.is_within(banner)
        then = {place.agency.id: place for place in tree_on(world.user("clerk"), day - timedelta(days=1))}
        now = {place.agency.id: place for place in tree_on(world.user("clerk"), clock.today())}
        assert (then[town.id].name, then[town.id].division_code) == ("示例街道办事处", "150602001")
        assert (now[town.id].name, now[town.id].division_code) == ("示例新名街道", "150603001")
        for words, told in (
            ("Nothing would change", {}),
            ("comes after that day", {"name": "示例又名", "on": day}),
            ("not before", {"name": "示例又名", "on": clock.today() + timedelta(days=1)}),
        ):
            facts = {"on": clock.today(), "name": town.name, **told}
            with pytest.raises(Refusal, match=words):
                change_agency(
                    town,
                    facts.pop("on"),
                    division_code=town.division_code,
                    parent=west,
                    basis="文",
                    by=SYSTEM,
                    **facts,
                )
        with pytest.raises(Refusal, match="under itself"):
            change_agency(
                west,
                clock.today(),
                name=west.name,
                division_code="150603",
                parent=town,
                basis="文",
                by=SYSTEM,
            )
        assert broken() == []


def test_broken_trees_are_named(app):
    with transaction() as session:
        town, banner = world.agency("示例街道办事处"), world.agency("示例东旗民政局")
        banner.valid_to = clock.today() - timedelta(days=1)
        town.path = "/9/9/"
        world.organization().agency_id = banner.id
        session.flush()
        names = {line.split(" ")[0] for line in broken()}
        assert len(broken()) >= 3 and any("示例街道办事处" in name for name in names | set(broken()))
        assert any("示例暖邻社区服务中心 has no responsible department" in line for line in broken())


def test_a_department_takes_over_only_what_it_accepts(bare_app, browser_as):
    with bare_app.app_context():
        number, east = world.organization().id, world.agency("示例东旗民政局").id
    browser = browser_as("clerk")
    form = browser.get(f"/organizations/{number}").click("责任部门").click("移交责任").forms["form"]
    form["to"], form["reason"] = str(east), "属地管理"
    page = form.submit().follow()
    assert "accept" not in page.forms and "withdraw" in page.forms
    address = page.request.path
    browser_as("township_clerk").get(address, status=404)
    taker = browser_as("banner_clerk")
    assert "移交示例暖邻社区服务中心" in taker.get("/home").text
    taker.get(address).forms["accept"].submit().follow()
    with bare_app.app_context():
        body = db.session.get(Organization, number)
        assert body.agency_id == east
        assert department_on(body, clock.today() - timedelta(days=1)).name == "示例市民政局"
    # Done is done, and the old department cannot take it back alone.
    with bare_app.app_context(), transaction(), pytest.raises(Refusal):
        accept_transfer(db.session.query(CustodyTransfer).one(), by=world.user("banner_clerk"))


def test_one_offer_at_a_time_and_the_proposer_never_accepts(app):
    with transaction() as session:
        clerk, body = world.user("clerk"), world.organization()
        row = propose_transfer(body, world.agency("示例东旗民政局"), reason="属地管理", by=clerk)
        with pytest.raises(Refusal, match="waiting already"):
            propose_transfer(body, world.agency("示例西旗民政局"), reason="属地管理", by=clerk)
        with pytest.raises(Refusal, match="take the organization over answers"):
            accept_transfer(row, by=clerk)
        assert session.get(Organization, body.id).agency_id == world.agency().id


def test_an_administrator_keeps_units_and_sections(bare_app, browser_as):
    with bare_app.app_context():
        number = world.agency("示例街道办事处").id
    browser = browser_as("admin")
    page = browser.get("/units").click("示例街道办事处")
    form = page.click("增设科室").forms["form"]
    form["name"], form["duty"] = "社会事务办", "社会组织与公益创投"
    page = form.submit().follow()
    assert "社会事务办" in page.text
    assert (
        page.forms[next(name for name in page.forms if str(name).startswith("close-"))]
        .submit()
        .follow()
        .status_int
        == 200
    )
    form = page.click("登记更名、区划或隶属变更").forms["form"]
    form["name"], form["basis"] = "示例新街道办事处", "示例文〔2〕号"
    assert "示例新街道办事处" in form.submit().follow().text
    tree = browser.get(
        "/agencies/tree", {"on": (clock.today() - timedelta(days=1)).isoformat(), "code": "150602001"}
    )
    assert "示例街道办事处" in tree.text and "现为：示例新街道办事处" in tree.text
    browser_as("clerk").get(f"/agencies/{number}/change", status=403)
    browser_as("banner_clerk").get("/liaison/units/999999", status=404)
    with bare_app.app_context(), transaction(), pytest.raises(Refusal, match="of this name already"):
        add_section(world.agency("示例新街道办事处"), "社会事务办", by=SYSTEM)


def test_a_township_runs_its_own_round_and_units_above_only_read(bare_app, browser_as):
    """S0-22: the acts are held at the very unit; the page says who takes which step there."""
    with bare_app.app_context():
        town = world.agency("示例街道办事处").id
        assert world.user("township_clerk").may("call.draft", agency_id=town)
        assert not world.user("clerk").may("call.draft", agency_id=town)
        assert world.user("clerk").may("call.read", agency_id=town)
    page = browser_as("clerk").get(f"/liaison/units/{town}")
    assert "示例巴图" in page.text and "上级单位只能查阅" in page.text
