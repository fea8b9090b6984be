"""Accounts: own password, administration within the subtree, roles that separate duties."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.access.policy import ADMINISTRATORS, ROLES, Refusal, reads
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.accounts import services
from registry.accounts.models import User
from registry.accounts.queries import sign_in_locked_until, user_of_session
from registry.interests.queries import conflict
from registry.persons.services import record_person
from tests import world

NEW = "another long phrase 新密码"


def change(browser, current, new, again=None):
    form = browser.get("/account/password").forms["password"]
    form["current"], form["new"], form["again"] = current, new, again or new
    return form.submit(expect_errors=True)


def test_a_new_password_ends_every_other_session(browser_as):
    here, elsewhere = browser_as("clerk"), browser_as("clerk")
    assert elsewhere.get("/account").status_int == 200
    answer = change(here, world.PASSWORD, NEW)
    assert answer.status_int == 303
    assert "密码已修改" in answer.follow().text
    assert "/sign-in" in elsewhere.get("/account").location
    assert here.get("/account").status_int == 200


def test_the_old_password_no_longer_opens(app, monkeypatch, own_hasher):
    """With the work that a hash costs outside the tests: that of RFC 9106 for little memory."""
    monkeypatch.setattr(services, "_hasher", own_hasher)
    user = world.user("clerk")
    token = user.get_id()
    with transaction():
        services.set_password(world.user("clerk"), NEW, by=world.user("clerk"))
    assert world.user("clerk").password_hash.startswith("$argon2id$v=19$m=65536,t=3,")
    assert services.password_fits(world.user("clerk"), NEW)
    assert not services.password_fits(world.user("clerk"), world.PASSWORD)
    assert user_of_session(token) is None


@pytest.mark.parametrize(
    ("current", "new", "again", "sentence"),
    [
        ("not the present one", NEW, None, "现在的密码不正确"),
        (world.PASSWORD, "short", None, "密码至少 12 个字符"),
        (world.PASSWORD, NEW, "something different", "两次输入的密码不一致"),
    ],
)
def test_a_refused_password_change_says_why_and_changes_nothing(browser_as, current, new, again, sentence):
    browser, other = browser_as("clerk"), browser_as("clerk")
    answer = change(browser, current, new, again)
    assert answer.status_int == 422
    assert sentence in answer.text
    assert other.get("/account").status_int == 200


def test_guessing_the_present_password_locks_like_signing_in(browser_as):
    browser = browser_as("clerk")
    for _ in range(5):
        change(browser, "wrong wrong wrong", NEW)
    answer = change(browser, world.PASSWORD, NEW)
    assert answer.status_int == 422
    assert "密码输错次数过多" in answer.text


def test_full_width_and_composed_forms_are_the_same_password(app):
    with transaction():
        services.set_password(world.user("clerk"), "ｃｏｒｒｅｃｔ horse café", by=SYSTEM)
    assert services.password_fits(world.user("clerk"), "correct horse cafe\u0301")


def test_the_language_is_kept_on_the_account(bare_app, browser_as):
    browser = browser_as("clerk")
    form = browser.get("/account").forms["language"]
    form["locale"] = "en"
    assert "My account" in form.submit().follow().text
    with bare_app.app_context():
        assert world.user("clerk").locale == "en"
    assert "My account" in browser_as("clerk").get("/account").text


def open_account(browser, **values):
    form = browser.get("/accounts/new").forms["account"]
    filled = {"name": "示例新人", "phone": "13700000001", "login": "newcomer"} | values
    for name, value in filled.items():
        if name == "agency":
            form[name].select(text=value)
        else:
            form[name] = value
    return form.submit(expect_errors=True)


def empower(browser, path, *, role, agency=None, organization="", password=NEW):
    """The security administrator's two acts on the page of an account."""
    form = browser.get(path).forms["grant"]
    form["role"], form["organization"] = role, organization
    if agency:
        form["agency"].select(text=agency)
    answer = form.submit(expect_errors=True)
    if answer.status_int != 303:
        return answer
    form = browser.get(path).forms["reset"]
    form["new"] = form["again"] = password
    return form.submit(expect_errors=True)


def test_it_takes_two_administrators_to_let_somebody_in(bare_app, browser_as):
    answer = open_account(browser_as("admin"), agency="示例东旗民政局")
    assert answer.status_int == 303, answer.text
    path = answer.location
    with bare_app.app_context():
        user = world.user("newcomer")
        assert user.roles == []
        assert not services.password_fits(user, NEW)
    assert "grant" not in browser_as("admin").get(path).forms
    assert "close" not in browser_as("security").get(path).forms
    answer = empower(browser_as("security"), path, role="funder_clerk", agency="示例东旗民政局")
    assert answer.status_int == 303, answer.text
    with bare_app.app_context():
        user = world.user("newcomer")
        assert user.may("organization.edit", agency_id=world.agency("示例东旗民政局").id)
        assert not user.may("organization.edit", agency_id=world.agency().id)
        assert services.password_fits(user, NEW)


def test_a_role_of_an_organization_is_granted_by_its_code(bare_app, browser_as):
    with bare_app.app_context():
        organization = world.organization()
        code, identity = organization.credit_code, organization.id
    path = open_account(browser_as("admin"), agency="示例市民政局").location
    answer = empower(browser_as("security"), path, role="so_operator", organization=code)
    assert answer.status_int == 303, answer.text
    with bare_app.app_context():
        user = world.user("newcomer")
        assert user.organization_ids("own.read") == {identity}
        # Who acts for an organization is tied to it: no draw or approval overlooks it.
        assert conflict(user.person_id, identity, on=clock.today()) is not None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"login": "clerk"}, "已有账号"),
        ({"login": "no blanks allowed"}, "登录名为 1 至 60 个"),
        ({"agency": "—"}, "请填写"),
    ],
)
def test_a_refused_account_keeps_what_was_typed(bare_app, browser_as, values, sentence):
    answer = open_account(browser_as("admin"), **({"agency": "示例市民政局"} | values))
    assert answer.status_int == 422
    assert sentence in answer.text
    assert answer.forms["account"]["name"].value == "示例新人"
    with bare_app.app_context():
        assert db.session.query(User).count() == len(world.PERSONAS)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"role": "funder_clerk", "agency": "示例市民政局", "password": "newcomernewcomer"},
            "密码与登录名或姓名过于接近",
        ),
        ({"role": "so_operator"}, "社会组织或评估机构：请填写其全称"),
        ({"role": "so_operator", "organization": "示例没有此组织"}, "没有登记这个名称或代码的组织"),
        ({"role": "funder_clerk"}, "请选择单位"),
    ],
)
def test_a_refused_role_or_password_says_why(browser_as, values, sentence):
    path = open_account(browser_as("admin"), agency="示例市民政局").location
    answer = empower(browser_as("security"), path, **values)
    assert answer.status_int == 422
    assert sentence in answer.text


@pytest.fixture
def banner_admin(bare_app):
    with bare_app.app_context(), transaction():
        person = record_person("示例旗管理员", phone="13700000009", by=SYSTEM)
        user = services.create_user(person, "banner_admin", NEW, by=SYSTEM)
        services.grant_role(user, "security_admin", agency=world.agency("示例东旗民政局"), by=SYSTEM)
        person = record_person("示例旗系统管理员", phone="13700000010", by=SYSTEM)
        user = services.create_user(person, "banner_system", NEW, by=SYSTEM)
        services.grant_role(user, "system_admin", agency=world.agency("示例东旗民政局"), by=SYSTEM)


def test_an_administrator_sees_only_the_own_subtree(bare_app, browser_as, banner_admin):
    with bare_app.app_context():
        city, township = world.user("clerk").id, world.user("township_clerk").id
        role = world.user("clerk").roles[0].id
    browser = browser_as("banner_admin")
    page = browser.get("/accounts")
    assert "示例巴图" in page.text
    assert "示例陈静" not in page.text
    browser.get(f"/accounts/{township}", status=200)
    browser.get(f"/accounts/{city}", status=404)
    form = browser.get(f"/accounts/{township}").forms["grant"]
    assert "示例市民政局" not in form.text
    token, key = form["csrf_token"].value, form["_key"].value
    for path in (
        f"/accounts/{city}/lock",
        f"/accounts/{city}/unlock",
        f"/accounts/{city}/password",
        f"/accounts/{city}/roles",
        f"/accounts/roles/{role}/revoke",
    ):
        browser.post(path, {"csrf_token": token, "_key": key}, status=404)
    other = browser_as("banner_system")
    form = other.get(f"/accounts/{township}").forms["close"]
    token, key = form["csrf_token"].value, form["_key"].value
    for path in (f"/accounts/{city}/close", f"/accounts/{city}/reopen", f"/accounts/{city}/handover"):
        other.post(path, {"csrf_token": token, "_key": key}, status=404)


def test_a_unit_outside_cannot_be_posted(bare_app, browser_as, banner_admin):
    with bare_app.app_context():
        township, city = world.user("township_clerk").id, world.agency().id
    form = browser_as("banner_admin").get(f"/accounts/{township}").forms["grant"]
    form["role"] = "funder_leader"
    form["agency"].force_value(str(city))
    assert form.submit(expect_errors=True).status_int == 422
    with bare_app.app_context():
        assert not world.user("township_clerk").may_somewhere("call.approve")


def test_who_also_acts_outside_is_not_taken_over_from_below(bare_app, browser_as, banner_admin):
    """A banner's administrator may not reset the password of somebody who is also a city leader."""
    with bare_app.app_context(), transaction():
        leader = world.user("leader")
        services.grant_role(leader, "funder_leader", agency=world.agency("示例东旗民政局"), by=SYSTEM)
        identity = leader.id
    form = browser_as("banner_admin").get(f"/accounts/{identity}").forms["reset"]
    form["new"] = form["again"] = NEW
    assert form.submit(expect_errors=True).status_int == 403
    with bare_app.app_context():
        assert services.password_fits(world.user("leader"), world.PASSWORD)


def test_closing_reopening_and_revoking_act_at_once(bare_app, browser_as):
    with bare_app.app_context():
        identity = world.user("clerk").id
    path = f"/accounts/{identity}"
    admin, clerk, security = browser_as("admin"), browser_as("clerk"), browser_as("security")
    admin.get(path).forms["close"].submit(status=303)
    assert "/sign-in" in clerk.get("/organizations/").location
    admin.get(path).forms["reopen"].submit(status=303)
    assert clerk.get("/organizations/").status_int == 200
    page = security.get(path)
    revoke = next(form for name, form in page.forms.items() if str(name).startswith("revoke-"))
    assert "未办结" in revoke.submit().follow().text
    assert clerk.get("/organizations/", expect_errors=True).status_int == 403


def test_a_locked_account_is_out_at_once_and_unlocking_forgets_failures(bare_app, browser_as):
    with bare_app.app_context():
        identity = world.user("clerk").id
    clerk, security = browser_as("clerk"), browser_as("security")
    security.get(f"/accounts/{identity}").forms["lock"].submit(status=303)
    assert "/sign-in" in clerk.get("/organizations/").location
    for _ in range(5):
        with bare_app.app_context(), transaction():
            services.record_sign_in("clerk", world.user("clerk"), right=True, address="192.0.2.7")
    with bare_app.app_context():
        assert sign_in_locked_until("clerk", "192.0.2.8") is not None
    security.get(f"/accounts/{identity}").forms["unlock"].submit(status=303)
    with bare_app.app_context():
        assert sign_in_locked_until("clerk", "192.0.2.8") is None
    assert clerk.get("/organizations/").status_int == 200


def test_nobody_administers_the_own_account(app):
    admin = world.user("admin")
    with pytest.raises(Refusal), transaction():
        services.grant_role(
            world.user("admin"), "system_admin", agency=world.agency("示例西旗民政局"), by=admin
        )
    for act in (
        services.close_account,
        services.reopen_account,
        services.lock_account,
        services.unlock_account,
    ):
        with pytest.raises(Refusal), transaction():
            act(world.user("admin"), by=admin)


@pytest.mark.parametrize(
    ("login", "role"),
    [
        *(("clerk", role) for role in sorted(ADMINISTRATORS)),
        ("admin", "funder_leader"),
        ("admin", "security_admin"),
        ("security", "audit_admin"),
        ("auditor", "system_admin"),
        ("auditor", "supervisor"),
    ],
)
def test_three_administrators_are_three_people_without_business(app, login, role):
    with pytest.raises(Refusal, match="three people"), transaction():
        services.grant_role(world.user(login), role, agency=world.agency(), by=SYSTEM)


def test_no_administrator_carries_a_business_permission():
    business = frozenset().union(
        *(role.permissions for name, role in ROLES.items() if name not in ADMINISTRATORS)
    )
    acts = {name: {p for p in ROLES[name].permissions if not reads(p)} for name in ADMINISTRATORS}
    assert all(not permissions & business for permissions in acts.values())
    assert not acts["system_admin"] & acts["security_admin"]
    assert ROLES["audit_admin"].permissions == {"audit.read"}


def test_a_role_is_held_at_a_unit_of_its_kind(app):
    with pytest.raises(Refusal), transaction():
        services.grant_role(world.user("clerk"), "so_operator", agency=world.agency(), by=SYSTEM)
    with pytest.raises(Refusal), transaction():
        services.grant_role(
            world.user("operator"), "funder_clerk", organization=world.organization(), by=SYSTEM
        )


@pytest.mark.parametrize(
    ("since", "until", "revoked", "alive"),
    [
        (-1, None, False, True),
        (0, 0, False, True),
        (1, None, False, False),
        (-5, -1, False, False),
        (-5, None, True, False),
    ],
)
def test_a_role_counts_only_on_its_days(app, since, until, revoked, alive):
    today = clock.today()
    with transaction():
        item = world.user("clerk").roles[0]
        item.valid_from = today + timedelta(days=since)
        item.valid_to = None if until is None else today + timedelta(days=until)
        item.revoked_at = clock.now() if revoked else None
    assert world.user("clerk").may_somewhere("call.draft") is alive
    assert bool(world.user("clerk").agency_ids("call.read")) is alive


def test_revoking_the_last_role_ends_the_tie_but_not_its_three_years(app):
    with transaction():
        user, organization = world.user("clerk"), world.organization()
        assignment = services.grant_role(user, "so_operator", organization=organization, by=SYSTEM)
    with transaction():
        services.revoke_role(db.session.merge(assignment), by=SYSTEM)
    person, body = world.user("clerk").person_id, world.organization().id
    assert conflict(person, body, on=clock.today()).until == clock.today()
    assert conflict(person, body, on=clock.add_months(clock.today(), 37)) is None


@pytest.mark.parametrize("login", ["clerk", "leader", "operator", "expert1", "supervisor"])
def test_accounts_are_for_administrators(browser_as, login):
    browser = browser_as(login)
    for path in ("/accounts", "/accounts/new", "/agencies/new"):
        assert browser.get(path, expect_errors=True).status_int == 403


def test_the_list_of_accounts_costs_the_same_for_many(bare_app, browser_as):
    browser = browser_as("admin")
    with bare_app.app_context():
        engine = db.engine
    from sqlalchemy import event

    counted = []
    event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    browser.get("/accounts?q=clerk")
    few = len(counted)
    counted.clear()
    browser.get("/accounts")
    assert len(counted) <= few


def test_the_tree_shows_who_holds_which_role(browser_as):
    page = browser_as("banner_clerk").get("/units")
    assert "示例街道办事处" in page.text
    assert "示例巴图" in page.text
    assert "示例西旗民政局" not in page.text
    assert "示例周正" not in page.text
