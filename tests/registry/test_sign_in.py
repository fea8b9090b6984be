"""Signing in: throttled per login and per address, the same answer for strangers, a fresh session."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import clock
from core.audit.models import AuditEntry
from core.audit.queries import verify
from core.db import db, transaction
from registry.accounts import services
from registry.accounts.models import SignInAttempt
from registry.accounts.queries import sign_in_locked_until
from registry.accounts.rules import (
    FAILURES_PER_ADDRESS,
    FAILURES_PER_LOGIN,
    WINDOW,
    locked_until,
    password_problem,
)
from tests import world

WRONG = "登录名或密码不正确"
LOCKED = "登录失败次数过多"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(services, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    services._nobody.cache_clear()
    yield
    services._nobody.cache_clear()


def attempt(browser, login, password, *, path="/sign-in"):
    page = browser.get(path)
    form = page.forms["sign-in"]
    form["login"], form["password"] = login, password
    return form.submit(expect_errors=True)


def test_the_right_password_opens_the_page_that_was_asked_for(browser_as):
    browser = browser_as("")
    stopped = browser.get("/organizations/")
    assert "/sign-in?next=" in stopped.location
    answer = attempt(browser, " Clerk ", world.PASSWORD, path=stopped.location)
    assert answer.status_int == 303
    assert answer.location.endswith("/organizations/")
    assert "示例陈静" in answer.follow().text


@pytest.mark.parametrize("target", ["//evil.example/x", "https://evil.example", "/\\evil.example", "x"])
def test_the_next_page_stays_on_this_host(browser_as, target):
    browser = browser_as("")
    page = browser.get("/sign-in", params={"next": target})
    form = page.forms["sign-in"]
    form["login"], form["password"] = "clerk", world.PASSWORD
    assert form.submit().location in ("/", "http://localhost:80/", "http://localhost/")


def test_a_stranger_and_a_wrong_password_get_the_same_answer(bare_app, browser_as):
    def answer(login):
        page = attempt(browser_as(""), login, "something else entirely")
        text = re.sub(r'value="[^"]*"', "", page.text)
        return page.status_int, text

    known, unknown = answer("clerk"), answer("nobody-here")
    assert known[0] == unknown[0] == 422
    assert WRONG in known[1]
    assert known[1] == unknown[1]


def test_an_unknown_login_is_hashed_as_well(app, monkeypatch):
    tried = []

    class Counting:
        def hash(self, password):
            return "hash"

        def verify(self, stored, password):
            tried.append(stored)
            raise services.VerificationError

    monkeypatch.setattr(services, "_hasher", Counting())
    assert services.password_fits(None, "x") is False
    assert tried == ["hash"]


def test_a_hash_that_happens_to_fit_is_nobody(app):
    assert services.password_fits(None, "nobody has this password") is False


def test_five_failures_lock_the_login_even_for_the_right_password(bare_app, browser_as):
    browser = browser_as("")
    for _ in range(FAILURES_PER_LOGIN):
        assert attempt(browser, "clerk", "wrong wrong wrong").status_int == 422
    locked = attempt(browser, "clerk", world.PASSWORD)
    assert locked.status_int == 429
    assert LOCKED in locked.text
    with bare_app.app_context():
        until = sign_in_locked_until("clerk", "192.0.2.9")
        assert f"{clock.local(until):%H:%M}" in locked.text
        assert sign_in_locked_until("leader", "192.0.2.9") is None
    # Another login from the same address still may.
    assert attempt(browser, "leader", world.PASSWORD).status_int == 303


def test_a_lock_holds_for_unknown_logins_too(browser_as):
    browser = browser_as("")
    for _ in range(FAILURES_PER_LOGIN):
        attempt(browser, "nobody-here", "wrong wrong wrong")
    assert attempt(browser, "nobody-here", "wrong wrong wrong").status_int == 429


def test_the_lock_ends_after_the_window(app):
    with transaction() as session:
        for minute in range(FAILURES_PER_LOGIN):
            at = clock.now() - WINDOW - timedelta(minutes=minute, seconds=1)
            session.add(SignInAttempt(login="clerk", address="192.0.2.1", succeeded=False, at=at))
    assert sign_in_locked_until("clerk", "192.0.2.1") is None


def test_a_success_forgets_the_failures_of_the_login(app):
    user = world.user("clerk")
    for _ in range(3):
        for right in (False, False, False, True):
            with transaction():
                assert services.record_sign_in("clerk", user, right=right, address="192.0.2.1") is None
    assert sign_in_locked_until("clerk", "192.0.2.1") is None


def test_an_address_that_tries_many_logins_is_locked(app):
    for number in range(FAILURES_PER_ADDRESS):
        with transaction():
            services.record_sign_in(f"guess{number}", None, right=False, address="192.0.2.7")
    assert sign_in_locked_until("clerk", "192.0.2.7") is not None
    assert sign_in_locked_until("clerk", "192.0.2.8") is None


def test_the_lock_is_asked_again_when_attempts_were_checked_at_the_same_time(app):
    """Six guesses whose passwords were all checked before the first was recorded: the sixth, though right, fails."""
    user = world.user("clerk")
    answers = []
    for right in [False] * FAILURES_PER_LOGIN + [True]:
        with transaction():
            answers.append(services.record_sign_in("clerk", user, right=right, address="192.0.2.1"))
    assert answers[:-1] == [None] * FAILURES_PER_LOGIN
    assert answers[-1] is not None
    assert db.session.scalar(select(SignInAttempt).where(SignInAttempt.succeeded)) is None


def test_a_closed_account_cannot_sign_in_and_its_session_ends(bare_app, browser_as):
    browser = browser_as("clerk")
    assert browser.get("/account").status_int == 200
    with bare_app.app_context(), transaction():
        services.close_account(world.user("clerk"), by=world.user("admin"))
    assert "/sign-in" in browser.get("/account").location
    assert WRONG in attempt(browser_as(""), "clerk", world.PASSWORD).text


def test_nothing_of_the_session_before_signing_in_lives_on(bare_app, client_as):
    client = client_as("")
    page = client.get("/sign-in").text
    with client.session_transaction() as session:
        session["planted"] = "by a stranger"
        session["locale"] = "en"
        before = session["csrf_token"]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    answer = client.post("/sign-in", data={"csrf_token": token, "login": "clerk", "password": world.PASSWORD})
    assert answer.status_code == 303
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before
        assert session["locale"] == "en"
        assert session["_user_id"]


def test_each_attempt_is_on_record(bare_app, browser_as):
    attempt(browser_as(""), "clerk", "wrong wrong wrong")
    attempt(browser_as(""), "clerk", world.PASSWORD)
    with bare_app.app_context():
        user = world.user("clerk")
        events = db.session.scalars(
            select(AuditEntry.event)
            .where(AuditEntry.object_type == "user_account", AuditEntry.object_id == user.id)
            .order_by(AuditEntry.seq)
        ).all()
        assert events == ["sign_in_refused", "signed_in"]
        assert verify() == []


def test_signing_out_ends_the_session(browser_as):
    browser = browser_as("clerk")
    page = browser.get("/account")
    answer = page.forms["sign-out"].submit()
    assert answer.location.endswith("/sign-in")
    assert "/sign-in" in browser.get("/account").location


def test_the_door_without_a_password_exists_only_in_the_demonstration(bare_app, browser_as):
    browser = browser_as("")
    page = browser.get("/sign-in")
    assert "personas" not in page.forms
    token = page.forms["sign-in"]["csrf_token"].value
    browser.post("/sign-in/as", {"csrf_token": token, "persona": "clerk"}, status=404)
    bare_app.config["APP_DEMO"] = True
    page = browser.get("/sign-in")
    assert "示例陈静" in page.text
    answer = page.forms["personas"].submit("persona", value="clerk")
    assert answer.status_int == 303
    assert "示例陈静" in browser.get("/account").text


def test_the_personas_are_loaded_in_a_bounded_number_of_queries(bare_app, browser_as):
    bare_app.config["APP_DEMO"] = True
    counted = []
    with bare_app.app_context():
        engine = db.engine
    from sqlalchemy import event

    event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    browser_as("").get("/sign-in")
    assert len(counted) <= 3


# Rules without a database

INSTANT = datetime(2026, 5, 13, 8, tzinfo=UTC)


@given(st.lists(st.integers(0, 3600), max_size=40), st.integers(1, 10), st.integers(0, 7200))
def test_a_lock_is_exactly_enough_failures_within_the_window(seconds, limit, later):
    failures = sorted((INSTANT + timedelta(seconds=item) for item in seconds), reverse=True)
    now = (failures[0] if failures else INSTANT) + timedelta(seconds=later)
    lock = locked_until(failures[:limit], limit=limit, now=now)
    recent = [item for item in failures if failures[0] - item < WINDOW] if failures else []
    assert (lock is not None) == (len(recent) >= limit and timedelta(seconds=later) < WINDOW)
    if lock is not None:
        assert now < lock == failures[0] + WINDOW


@pytest.mark.parametrize(
    "password",
    [
        "short", "十一个字的密码太短了呀", "clerk.chen2026", "示例陈静的密码123", "password1234", "PassWord-1234",
        "１２３４５６７８９０１２", "aaaaaaaaaaaaaaaa", "abcdefghijklmnop", "9876543210987", "x" * 201,
    ],
)  # fmt: skip
def test_weak_passwords_are_refused(password):
    assert password_problem(password, login="clerk.chen", name="示例陈静") is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery 善治",
        "春眠不觉晓处处闻啼鸟夜来",
        "Zk7!pQ2#vL9x",
        "my name is clerk.chen but the rest is long",
    ],
)
def test_long_passphrases_pass(password):
    assert password_problem(password, login="clerk.chen", name="示例陈静") is None
