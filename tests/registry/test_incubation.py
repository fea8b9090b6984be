"""Incubation: levels, operators that are hubs, one place at a time, the ledger, half days of a space, coverage."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from registry.incubation import queries, services
from registry.incubation.models import HostedStay, IncubationService, Incubator, IncubatorSpace, SpaceBooking
from registry.incubation.rules import DIGITS, ORDER, coverage_finding, level_problem, operator_finding
from registry.organizations.models import OrganizationTag
from tests import world

HUB, OTHER = "示例童伴儿童关爱协会", "示例夕阳红为老服务中心"


def tag(name=HUB, kind="hub"):
    db.session.add(
        OrganizationTag(
            organization_id=world.organization(name).id, tag=kind, since=clock.today() - timedelta(days=400)
        )
    )
    db.session.flush()


def place(level="base", code="150600", unit="示例市民政局", **facts):
    return services.open_place(
        world.agency(unit), level=level, name=f"示例{level}", division_code=code,
        opened_on=clock.today() - timedelta(days=100), by=world.user("clerk"), **facts,
    )  # fmt: skip


@given(st.sampled_from(ORDER), st.sampled_from((6, 9, 12)), st.none() | st.sampled_from(ORDER))
def test_a_place_stands_on_its_level_under_a_higher_one(level, digits, parent):
    fits = DIGITS[level] == digits and (parent is None or ORDER.index(parent) < ORDER.index(level))
    assert (level_problem(level, "1" * digits, parent) is None) == fits


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        ({"hub"}, Verdict.PASS),
        ({"support", "charity"}, Verdict.PASS),
        ({"federation"}, Verdict.PASS),
        ({"charity"}, Verdict.FAIL),
        (set(), Verdict.FAIL),
    ],
)
def test_an_operator_is_a_hub_or_a_support_organization(tags, verdict):
    finding = operator_finding(tags)
    assert finding.verdict is verdict and finding.source


@settings(max_examples=60)
@given(st.integers(0, 30), st.integers(0, 30), st.none() | st.integers(1, 30))
def test_coverage_is_met_by_as_many_stations_as_shall_be(covered, more, target):
    wanted = target if target is not None else covered + more
    found = coverage_finding(covered, covered + more, target).verdict
    if wanted == 0:
        assert found is Verdict.NOT_APPLICABLE
    else:
        assert (found is Verdict.PASS) == (covered >= wanted)


def test_operators_hosting_and_the_ledger(app):
    today, clerk = clock.today(), world.user("clerk")
    with transaction():
        row = place()
        identity = row.id
    with pytest.raises(Refusal, match="neither") as told, transaction():
        services.set_operator(
            db.session.get_one(Incubator, identity), world.organization(HUB), since=today, by=clerk
        )
    assert told.value.rule == "I1" and told.value.source
    with transaction():
        tag()
        tag(OTHER, "support")
        row = db.session.get_one(Incubator, identity)
        services.set_operator(row, world.organization(HUB), since=today - timedelta(days=9), by=clerk)
        services.set_operator(row, world.organization(OTHER), since=today, by=clerk)
        stay = services.admit(row, world.organization(), since=today - timedelta(days=5), by=clerk).id
        second = place("park", "150602", parent=row).id
    row = db.session.get_one(Incubator, identity)
    assert queries.operator_of(row).organization.name == OTHER
    assert [item.until for item in row.operators] == [today, None]
    with pytest.raises(Refusal, match="already"), transaction():
        services.admit(db.session.get_one(Incubator, second), world.organization(), since=today, by=clerk)
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            HostedStay(incubator_id=second, organization_id=world.organization().id, since=today, outcome="")
        )
    with pytest.raises(Refusal, match="still hosted"), transaction():
        services.close_place(db.session.get_one(Incubator, identity), reason="停用", by=clerk)
    with transaction():
        services.leave(db.session.get_one(HostedStay, stay), until=today, outcome="graduated", by=clerk)
        services.admit(db.session.get_one(Incubator, second), world.organization(), since=today, by=clerk)
        made = services.record_service(
            db.session.get_one(Incubator, identity), kind="training", title="培训", served_on=today, minutes=90,
            people=12, organization=world.organization(), by=clerk,
        ).id  # fmt: skip
    before = queries.figures(world.user("clerk"), today.year)
    assert (before["services"], before["minutes"], before["hosted"]) == (1, 90, 1)
    with transaction():
        services.strike_service(db.session.get_one(IncubationService, made), why="重复", by=clerk)
    after = queries.figures(world.user("clerk"), today.year)
    assert (after["services"], after["minutes"]) == (0, 0)
    assert db.session.get_one(IncubationService, made).struck_why == "重复"
    with transaction():
        services.close_place(db.session.get_one(Incubator, identity), reason="搬迁", by=clerk)
    assert queries.operator_of(db.session.get_one(Incubator, identity)) is None
    assert app.test_cli_runner().invoke(args=["registry", "check"]).exit_code == 0


def test_half_a_day_is_booked_once(app):
    today, clerk = clock.today(), world.user("clerk")
    with transaction():
        space = services.offer_space(
            place(), name="会议室", seats=20, terms="reduced", price=Money.yuan("60"), by=clerk
        )
        first = services.book_space(
            space, world.organization(), day=today, slot="morning", purpose="培训", by=world.user("operator")
        )
        services.book_space(
            space, world.organization(OTHER), day=today, slot="evening", purpose="培训", by=clerk
        )
        identity, booking = space.id, first.id

    def book(**facts):
        with transaction():
            services.book_space(
                db.session.get_one(IncubatorSpace, identity), world.organization(OTHER),
                **{"day": today, "slot": "morning", "purpose": "培训", "by": clerk, **facts},
            )  # fmt: skip

    for facts in ({}, {"day": today - timedelta(days=1)}, {"slot": "afternoon", "purpose": " "}):
        with pytest.raises(Refusal):
            book(**facts)
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            SpaceBooking(
                space_id=identity, organization_id=world.organization().id, day=today, slot="morning", purpose="x",
                booked_by=clerk.id,
            )
        )  # fmt: skip
    with transaction():
        services.cancel_booking(db.session.get_one(SpaceBooking, booking), by=clerk)
    book()
    with transaction():
        services.withdraw_space(db.session.get_one(IncubatorSpace, identity), by=clerk)
    with pytest.raises(Refusal):
        book(slot="afternoon")


@pytest.mark.parametrize(
    "act",
    [
        lambda by: place(uses=()),
        lambda by: place("station", "150600"),
        lambda by: place("park", "150602", parent=place("point", "150602001001")),
        lambda by: services.admit(
            place(), world.organization(), since=clock.today() - timedelta(days=200), by=by
        ),
        lambda by: services.offer_space(place(), name="室", seats=5, terms="reduced", by=by),
        lambda by: services.offer_space(
            place(), name="室", seats=5, terms="free", price=Money.yuan("1"), by=by
        ),
        lambda by: services.record_service(
            place(), kind="training", title="培训", served_on=clock.today(), minutes=1, people=1, by=by
        ),
        lambda by: services.record_service(
            place(), kind="training", title="培训", served_on=clock.today() - timedelta(days=101), minutes=1,
            people=1, recipient="居民", by=by,
        ),
        lambda by: services.set_target(world.agency(), year=2026, stations=0, source="文件", by=by),
    ],
)  # fmt: skip
def test_impossible_facts_are_refused(app, act):
    with pytest.raises(Refusal), transaction():
        act(world.user("clerk"))


def test_the_proof_names_what_is_broken(bare_app):
    with bare_app.app_context(), transaction() as session:
        tag()
        row = place()
        services.set_operator(row, world.organization(HUB), since=clock.today(), by=world.user("clerk"))
        services.admit(row, world.organization(), since=clock.today(), by=world.user("clerk"))
        session.scalars(select(OrganizationTag)).one().tag = "charity"
        row.until, row.division_code = clock.today(), "150602001"
    told = bare_app.test_cli_runner().invoke(args=["registry", "check"]).output
    for name in ("incubation-operator", "incubation-closed", "incubation-level"):
        assert f"{name}: 示例base" in told


def test_the_pages(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        tag()
        tag("示例暖邻社区服务中心", "support")
    browser = browser_as("clerk")
    form = browser.get("/incubation/new").forms["open"]
    form["name"], form["level"], form["opened_on"] = "示例孵化基地", "station", clock.today().isoformat()
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and "行政区划代码应为 9 位" in page.text
    page.forms["open"]["level"] = "base"
    page = page.forms["open"].submit().follow()
    base = page.request.path
    form = browser.get(f"{base}/operator").forms["record"]
    form["organization"] = OTHER
    refused = form.submit(expect_errors=True)
    assert "I1" in refused.text and "未认定为枢纽型" in refused.text
    refused.forms["record"]["organization"] = "示例暖邻社区服务中心"
    refused.forms["record"].submit().follow()
    form = browser.get(f"{base}/hosted/new").forms["record"]
    form["organization"] = HUB
    assert "在驻" in form.submit().follow().text
    # The operator's own people keep the ledger of the place; strangers do not find it.
    own = browser_as("operator")
    form = own.get(f"{base}/services/new").forms["record"]
    form["title"], form["minutes"], form["organization"] = "入驻辅导", "60", HUB
    page = form.submit().follow()
    assert "入驻辅导" in page.text
    browser_as("operator2").get(base, status=404)
    browser_as("banner_clerk").get(base, status=404)
    line = page.click(description="入驻辅导")
    own.get(f"{line.request.path}/strike", status=403)
    form = browser.get(f"{line.request.path}/strike").forms["record"]
    form["why"] = "重复登记"
    assert "重复登记" in form.submit().follow().text
    form = browser.get(f"{base}/spaces/new").forms["record"]
    form["name"], form["seats"] = "培训厅", "40"
    space = form.submit().follow().click(description="培训厅").request.path
    stranger = browser_as("operator2")
    form = stranger.get(f"{space}/book").forms["record"]
    form["purpose"], form["organization"] = "志愿者培训", "示例暖邻社区服务中心"
    assert form.submit(expect_errors=True).status_int == 422
    form["organization"] = OTHER
    page = form.submit().follow()
    assert OTHER in page.text
    # Whoever may not read the place sees that it is booked, not by whom.
    assert OTHER not in browser_as("operator3").get(space).text
    cancel = next(item for name, item in page.forms.items() if str(name).startswith("booking-"))
    assert "近期没有预约" in cancel.submit().follow().text
    page = browser.get("/incubation/coverage")
    assert "示例街道办事处" in page.text and "未建孵化站" in page.text
    form = browser.get("/incubation/coverage/target").forms["record"]
    form["stations"], form["source"] = "12", "示例实施方案"
    assert "0/12" in form.submit().follow().text
    assert browser.get("/incubation/hosted?state=now").html.select("tbody tr")
    assert "入驻辅导" in browser.get("/incubation/ledger").text
