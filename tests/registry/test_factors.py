"""The second factor: set up by who knows the password, each code once, guesses count."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from finance.disbursements import services as till
from registry.accounts import services as accounts
from registry.accounts.rules import FAILURES_PER_LOGIN
from registry.factors import services
from tests import world
from tests.finance.money import make_request

HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts._nobody.cache_clear()
    yield
    accounts._nobody.cache_clear()


@pytest.fixture(autouse=True)
def still_clock() -> Iterator[None]:
    """A code is good for half a minute: a test that runs over its end must not see the next one."""
    with clock.at(clock.now()):
        yield


def code_at(secret: str, seconds: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()) + seconds)


def set_up(login: str) -> str:
    """With a code of half a minute ago, so that the present one is still unused."""
    user = world.user(login)
    services.begin_factor(user, by=user)
    secret = services.secret_of(user)
    assert services.confirm_factor(user, code_at(secret, -30), address=HERE, by=user) is None
    return secret


def test_a_code_counts_once_and_none_before_it(app: Flask) -> None:
    user = world.user("finance")
    with transaction():
        secret = set_up("finance")
    with transaction():
        assert services.prove(user, world.PASSWORD, address=HERE) is not None, "the password is not enough"
        assert services.prove(user, code_at(secret), address=HERE) is None
    with transaction():
        assert services.prove(user, code_at(secret), address=HERE) is not None, "used"
        assert services.prove(user, code_at(secret, -30), address=HERE) is not None, "older than the last"
        assert services.prove(user, code_at(secret, 30), address=HERE) is None, "half a minute early"
        assert services.prove(user, code_at(secret, 3600), address=HERE) is not None


def test_an_old_code_is_no_better_after_a_new_set_up(app: Flask) -> None:
    user = world.user("finance")
    with transaction():
        secret = set_up("finance")
        assert services.prove(user, code_at(secret), address=HERE) is None
        step = user.factor_step
        services.remove_factor(user, by=user)
        assert services.prove(user, world.PASSWORD, address=HERE) is None
        services.begin_factor(user, by=user)
        assert services.secret_of(user) != secret and user.factor_step == step


def test_guesses_lock_as_at_the_door(app: Flask) -> None:
    user = world.user("finance")
    with transaction():
        secret = set_up("finance")
    for _turn in range(FAILURES_PER_LOGIN):
        with transaction():
            assert services.prove(user, "000000x", address=HERE) is not None
    with transaction():
        told = services.prove(user, code_at(secret), address=HERE)
        assert told is not None and "try again after" in told.english()


def test_the_secret_lies_sealed_and_only_its_owner_sets_it_up(app: Flask) -> None:
    user = world.user("finance")
    with pytest.raises(Refusal, match="owner alone"), transaction():
        services.begin_factor(user, by=world.user("admin"))
    with transaction():
        secret = set_up("finance")
        assert secret not in (user.factor_sealed or "")
    with pytest.raises(Refusal, match="already"), transaction():
        services.begin_factor(user, by=user)
    with pytest.raises(Refusal), transaction():
        services.reset_factor(user, by=user)
    with transaction():
        services.reset_factor(user, by=world.user("security"))
    assert user.factor_sealed is None


def test_the_pages_of_a_second_factor(bare_app: Flask, browser_as) -> None:
    browser = browser_as("finance")
    page = browser.get("/account").click(href="/account/factor$", index=0)
    form = page.forms["begin"]
    form["proof"] = "wrong wrong wrong"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422
    page.forms["begin"]["proof"] = world.PASSWORD
    page = page.forms["begin"].submit().follow()
    with bare_app.app_context():
        secret = services.secret_of(world.user("finance"))
    assert secret in page.text and page.headers["Cache-Control"] == "no-store"
    drawing = browser.get("/account/factor.svg")
    assert drawing.content_type == "image/svg+xml" and b"<svg" in drawing.body
    assert b"style=" not in drawing.body and b"<script" not in drawing.body
    page.forms["confirm"]["code"] = "000 00"
    page = page.forms["confirm"].submit(expect_errors=True)
    assert page.status_int == 422
    page.forms["confirm"]["code"] = f" {code_at(secret, -30)[:3]} {code_at(secret, -30)[3:]}"
    page = page.forms["confirm"].submit().follow()
    assert secret not in page.text
    assert browser.get("/account/factor.svg", expect_errors=True).status_int == 404
    page.forms["remove"]["proof"] = code_at(secret)
    assert "begin" in page.forms["remove"].submit().follow().forms


def test_the_security_administrator_takes_a_lost_one_away(bare_app: Flask, browser_as) -> None:
    with bare_app.app_context():
        with transaction():
            set_up("finance")
        number = world.user("finance").id
    page = browser_as("security").get(f"/accounts/{number}")
    page.forms["factor"].submit().follow()
    with bare_app.app_context():
        assert world.user("finance").factor_sealed is None
        db.session.rollback()


def test_money_is_released_with_the_code(bare_app: Flask, browser_as) -> None:
    with bare_app.app_context(), transaction():
        payment = make_request()
        till.review(payment, by=world.user("finreview"))
        till.approve(payment, by=world.user("leader"))
        secret, number = set_up("finance"), payment.id
    page = browser_as("finance").get(f"/disbursements/{number}")
    for wrong in ("", world.PASSWORD, "123456"):
        page.forms["release"]["proof"] = wrong
        told = page.forms["release"].submit(expect_errors=True)
        assert told.status_int == 422 and "release" in told.forms
        page = told
    page.forms["release"]["proof"] = code_at(secret)
    page = page.forms["release"].submit().follow()
    assert "paid" in page.forms
