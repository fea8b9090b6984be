"""The register: codes checked at the form, four eyes, scope in the query, lists that do not slip."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.organizations import services
from registry.organizations.models import Organization
from registry.organizations.queries import (
    grade_on,
    organization_in_scope,
    own_organizations,
    visible_organizations,
)
from registry.persons.rules import sort_key
from tests import world

GOOD = world.credit_code("52", "150602", 77)


def fill(form, **values):
    filled = {
        "name": "示例新芽社会工作服务中心", "kind": "social_service_agency", "register_class": "registered",
        "credit_code": GOOD, "registered_on": "2021年3月9日", "division_code": "150602", "leader": "示例新法人",
        "leader_phone": "13600000001", "business_scope": "社区服务",
    } | values  # fmt: skip
    for name, value in filled.items():
        form[name] = value
    return form.submit(expect_errors=True)


def count(bare_app):
    with bare_app.app_context():
        return db.session.query(Organization).count()


def test_an_organization_is_registered_verified_by_another_and_found(bare_app, browser_as):
    clerk = browser_as("clerk")
    page = fill(
        clerk.get("/organizations/new").forms["organization"], credit_code=f" {GOOD[:9].lower()} {GOOD[9:]} "
    ).follow()
    assert GOOD in page.text
    assert "verify" not in page.forms
    with bare_app.app_context():
        made = db.session.query(Organization).filter_by(credit_code=GOOD).one()
        identity = made.id
        assert made.sort_key.startswith("shi li xin ya")
        assert made.registered_on == date(2021, 3, 9)
        assert made.legal_representative.name == "示例新法人"
        assert made.recorded_by == world.user("clerk").id
    reviewer = browser_as("reviewer")
    assert "示例新芽社会工作服务中心" in reviewer.get(f"/organizations/?q={GOOD[:12]}").text
    page = reviewer.get(f"/organizations/{identity}").forms["verify"].submit().follow()
    assert "已复核" in page.text
    with bare_app.app_context():
        assert db.session.get(Organization, identity).verified_by == world.user("reviewer").id


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"credit_code": GOOD[:-1]}, "credit_code", "统一社会信用代码为 18 位"),
        ({"credit_code": GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")}, "credit_code", "最后一位"),
        ({"credit_code": "O" + GOOD[1:]}, "credit_code", "不会出现"),
        ({"credit_code": ""}, "credit_code", "请按登记证书填写"),
        ({"credit_code": world.credit_code("51", "150602", 77)}, "credit_code", "代码以 51 开头"),
        ({"credit_code": world.credit_code("52", "150602", 1)}, "credit_code", "已有使用此统一社会信用代码"),
        ({"register_class": "filed"}, "register_class", "同时选择或同时不选"),
        ({"registered_on": ""}, "registered_on", "请填写登记日期"),
        ({"registered_on": "2999-01-01"}, "registered_on", ""),
        ({"registered_on": "昨天"}, "registered_on", ""),
        ({"division_code": "159999"}, "division_code", "不是行政区划代码"),
        ({"name": " "}, "name", ""),
        ({"host": "示例没有此组织"}, "host", "没有这个名称或代码的组织"),
    ],
)
def test_a_wrong_fact_is_told_at_its_field_and_nothing_is_lost(bare_app, browser_as, values, field, sentence):
    before = count(bare_app)
    page = fill(browser_as("clerk").get("/organizations/new").forms["organization"], **values)
    assert page.status_int == 422
    form = page.forms["organization"]
    errors = page.html.find(id=f"{field}-error") if hasattr(page, "html") else None
    assert f'id="{field}-error"' in page.text
    assert sentence in page.text
    assert errors is None or sentence in errors.text
    assert form["business_scope"].value == "社区服务"
    assert form["leader_phone"].value == "13600000001"
    assert count(bare_app) == before


def test_a_corrected_form_goes_through_with_the_same_key(bare_app, browser_as):
    page = fill(browser_as("clerk").get("/organizations/new").forms["organization"], credit_code="x")
    page.forms["organization"]["credit_code"] = GOOD
    assert page.forms["organization"].submit().status_int == 303


@pytest.mark.parametrize("code", ["52150602MJ0000077", "", None, world.credit_code("52", "150602", 1)])
def test_the_service_refuses_what_the_form_refuses(app, code):
    with pytest.raises(Refusal), transaction():
        register(credit_code=code)


def register(**values):
    facts = {
        "agency": world.agency(), "kind": "social_service_agency", "name": "示例服务中心", "credit_code": GOOD,
        "division_code": "150602", "registered_on": date(2020, 1, 1), "by": world.user("clerk"),
    } | values  # fmt: skip
    return services.register_organization(**facts)


def test_a_filed_organization_has_no_code_and_a_registered_host(app):
    with transaction():
        filed = register(
            kind="filed_community_so",
            register_class="filed",
            credit_code="",
            registered_on=None,
            host=world.organization(),
        )
        assert filed.credit_code is None
    with pytest.raises(Refusal), transaction():
        register(host=db.session.merge(filed))


def test_the_recorder_cannot_verify_and_nobody_verifies_twice(app):
    with transaction():
        identity = register().id
    with pytest.raises(Refusal) as refusal, transaction():
        services.verify_organization(db.session.get(Organization, identity), by=world.user("clerk"))
    assert refusal.value.rule == "RAP-2"
    with transaction():
        services.verify_organization(db.session.get(Organization, identity), by=world.user("reviewer"))
    with pytest.raises(Refusal), transaction():
        services.verify_organization(db.session.get(Organization, identity), by=world.user("finreview"))


def test_the_database_refuses_one_person_as_recorder_and_verifier(app):
    with transaction():
        organization = register()
        identity, clerk = organization.id, world.user("clerk").id
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(Organization).where(Organization.id == identity).values(verified_by=clerk))


def test_a_changed_entry_has_to_be_verified_anew(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        organization = register()
        services.verify_organization(organization, by=world.user("reviewer"))
        identity = organization.id
    form = browser_as("clerk").get(f"/organizations/{identity}/edit").forms["organization"]
    assert form["credit_code"].value == GOOD
    assert form["agency"].value == str(1)
    form["name"] = "示例改名服务中心"
    assert form.submit().status_int == 303
    with bare_app.app_context():
        changed = db.session.get(Organization, identity)
        assert changed.name == "示例改名服务中心"
        assert changed.verified_by is None
        assert "gai ming" in changed.sort_key


def test_the_own_contact_needs_no_new_verification(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        services.verify_organization(world.organization(), by=world.user("reviewer"))
        own, other = world.organization().id, world.organization("示例企业甲").id
    browser = browser_as("operator")
    form = browser.get(f"/organizations/{own}/contact").forms["record"]
    form["phone"] = "0477-8588228"
    assert "0477-8588228" in form.submit().follow().text
    browser.get(f"/organizations/{other}/contact", status=404)
    with bare_app.app_context():
        assert world.organization().verified_by is not None


@pytest.mark.parametrize("login", ["township_clerk", "banner_clerk", "operator2", "so_leader3"])
def test_a_stranger_neither_sees_nor_opens_nor_changes(bare_app, browser_as, login):
    with bare_app.app_context():
        identity = world.organization().id
        user = world.user(login)
        assert organization_in_scope(user, identity) is None
        assert identity not in {item.id for item in db.session.scalars(visible_organizations(user))}
    browser = browser_as(login)
    listing = browser.get("/organizations/", expect_errors=True)
    assert "示例暖邻" not in listing.text
    for path in ("", "/edit", "/grade", "/inspection", "/status", "/contact"):
        page = browser.get(f"/organizations/{identity}{path}", expect_errors=True)
        assert page.status_int in (403, 404)
        assert "示例暖邻" not in page.text
    for path in (f"/credit/of/{identity}", f"/credit/of/{identity}/new", f"/interests/of/{identity}"):
        assert browser.get(path, expect_errors=True).status_int in (403, 404)
    assert browser.get(f"/organizations/{identity}", expect_errors=True).status_int == 404


def test_reading_reaches_down_acting_does_not(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        identity = register(agency=world.agency("示例街道办事处"), by=world.user("township_clerk")).id
    city = browser_as("clerk")
    assert city.get(f"/organizations/{identity}").status_int == 200
    city.get(f"/organizations/{identity}/edit", status=404)
    page = browser_as("reviewer").get(f"/organizations/{identity}")
    assert "verify" not in page.forms
    assert browser_as("township_clerk").get(f"/organizations/{identity}/edit").status_int == 200


def test_an_organization_sees_its_own_page(bare_app, browser_as):
    page = browser_as("operator").get("/organizations/own").follow()
    assert "示例暖邻社区服务中心" in page.text
    assert '/edit"' not in page.text
    with bare_app.app_context():
        assert [item.name for item in own_organizations(world.user("operator"))] == ["示例暖邻社区服务中心"]


def test_facts_that_eligibility_reads_are_noted_with_their_days(bare_app, browser_as):
    with bare_app.app_context():
        identity = world.organization("示例童伴儿童关爱协会").id
    browser, base = browser_as("clerk"), f"/organizations/{identity}"
    today = clock.today()
    form = browser.get(f"{base}/grade").forms["record"]
    form["grade"], form["valid_from"], form["valid_to"] = (
        "4",
        today.isoformat(),
        (today + timedelta(days=900)).isoformat(),
    )
    assert form.submit().status_int == 303
    form = browser.get(f"{base}/inspection").forms["record"]
    form["year"], form["result"] = str(today.year - 1), "failed"
    assert form.submit().status_int == 303
    form = browser.get(f"{base}/status").forms["record"]
    form["status"], form["reason"], form["under_investigation"] = "abnormal", "示民罚〔2026〕3号", True
    page = form.submit().follow()
    assert "示民罚〔2026〕3号" in page.text
    with bare_app.app_context():
        organization = db.session.get(Organization, identity)
        assert grade_on(organization, today).grade == 4
        assert grade_on(organization, today - timedelta(days=1)) is None
        years = {item.year: item.result for item in organization.inspections}
        assert years[today.year - 1] == "failed"
        assert years[today.year - 2] == "qualified"
        assert (organization.status, organization.under_investigation) == ("abnormal", True)
        assert [event.event for event in history_of(organization)] == [
            "status_changed", "inspection_recorded", "grade_recorded",
        ]  # fmt: skip


def test_an_inspection_of_the_same_year_is_corrected_not_doubled(app):
    organization = world.organization()
    year = clock.today().year - 1
    with transaction():
        services.record_inspection(organization, year, "failed", by=SYSTEM)
    assert [item.result for item in world.organization().inspections if item.year == year] == ["failed"]


@pytest.mark.parametrize(
    "act",
    [
        lambda it: services.record_grade(it, 6, date(2025, 1, 1), date(2026, 1, 1), by=SYSTEM),
        lambda it: services.record_grade(it, 3, date(2025, 1, 2), date(2025, 1, 1), by=SYSTEM),
        lambda it: services.record_inspection(it, clock.today().year + 1, "qualified", by=SYSTEM),
        lambda it: services.record_inspection(it, 2018, "qualified", by=SYSTEM),
        lambda it: services.record_party_facts(
            it, full_members=-1, party_org_kind="none", party_in_charter=False, commitment_on=None, by=SYSTEM
        ),
        lambda it: services.set_status(it, "abnormal", under_investigation=False, reason=" ", by=SYSTEM),
    ],
)
def test_impossible_facts_are_refused(app, act):
    with pytest.raises(Refusal), transaction():
        act(world.organization())


def test_pages_follow_one_another_without_slip(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        for number in range(100, 165):
            register(name=f"示例同名中心{number % 7}", credit_code=world.credit_code("52", "150602", number))
    browser, seen = browser_as("clerk"), []
    page = browser.get("/organizations/?kind=social_service_agency")
    while True:
        rows = page.html.select("tbody th a")
        seen += [row["href"] for row in rows]
        following = page.html.select_one('a[rel="next"]')
        if following is None:
            break
        # Somebody adds one in front while we read: nothing is shown twice or left out.
        with bare_app.app_context(), transaction():
            register(name="示例A", credit_code=world.credit_code("52", "150602", 900 + len(seen)))
        page = browser.get("/organizations/" + following["href"])
    assert len(seen) == len(set(seen)) == 65 + 2


def test_the_list_filters_by_kind_status_and_words(bare_app, browser_as):
    browser = browser_as("clerk")
    assert "示例企业甲" not in browser.get("/organizations/?kind=foundation").text
    assert "没有符合条件的组织" in browser.get("/organizations/?kind=foundation").text
    assert (
        "示例企业甲"
        in browser.get("/organizations/", params={"kind": "enterprise", "status": "normal", "q": "企业"}).text
    )
    assert "示例企业甲" not in browser.get("/organizations/?q=%25").text
    assert browser.get("/organizations/?kind=nonsense&after=broken").status_int == 200


@pytest.mark.parametrize(
    ("name", "personal", "key"),
    [
        ("重庆社工", False, "chong qing she gong"),
        ("单文静", True, "shan wen jing"),
        ("尉迟恭", True, "yu chi gong"),
        ("仇英", True, "qiu ying"),
        ("ABC中心", False, "abc zhong xin"),
    ],
)
def test_names_sort_as_they_are_read(name, personal, key):
    assert sort_key(name, personal=personal) == key
