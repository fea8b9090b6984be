"""One-time keys: the same form twice is one change; a refused form stays usable."""

from __future__ import annotations

import threading
from pathlib import Path

from webtest import Upload

from core.db import db
from finance.contracts.models import PurchaseImport
from registry.accounts.models import User

TABLE = Path(__file__).parents[1] / "data" / "worked" / "purchases.csv"


def test_the_same_form_twice_gives_the_first_answer(bare_app, browser_as):
    browser = browser_as("finance")
    form = browser.get("/purchasing/import").forms["import"]
    form["file"] = Upload("purchases.csv", TABLE.read_bytes())
    first = form.submit(status=303)
    second = form.submit(status=303)
    assert first.location == second.location
    with bare_app.app_context():
        assert db.session.query(PurchaseImport).count() == 1


def test_two_at_once_make_one(bare_app, browser_as):
    browser = browser_as("finance")
    form = browser.get("/purchasing/import").forms["import"]
    form["file"] = Upload("purchases.csv", TABLE.read_bytes())
    answers: list[int] = []
    barrier = threading.Barrier(6)

    def send() -> None:
        barrier.wait()
        answers.append(form.submit(expect_errors=True).status_int)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {303}
    with bare_app.app_context():
        assert db.session.query(PurchaseImport).count() == 1


def test_a_refused_form_keeps_its_key(browser_as):
    browser = browser_as("finance")
    form = browser.get("/purchasing/import").forms["import"]
    key = form["_key"].value
    answer = form.submit(status=422)
    assert answer.forms["import"]["_key"].value == key


def test_a_form_without_key_is_refused(browser_as):
    form = browser_as("finance").get("/purchasing/import").forms["import"]
    form["_key"] = ""
    assert "一次性密钥" in form.submit(status=400)


def test_a_form_without_csrf_token_is_refused(browser_as):
    form = browser_as("finance").get("/purchasing/import").forms["import"]
    form["csrf_token"] = "forged"
    form.submit(status=400)


def test_every_page_needs_an_account_and_a_role(client_as, bare_app):
    assert client_as("").get("/ratio/").status_code == 302
    assert client_as("operator").get("/ratio/").status_code == 403
    with bare_app.app_context():
        assert db.session.query(User).count() > 10
