"""The box over everything: what it finds, for whom, and what it never tells."""

from __future__ import annotations

import pytest

from core.db import transaction
from tests.grants.stage import TITLE, published, submitted


@pytest.fixture
def handed_in(bare_app):
    """An application of one organization, at the city's bureau."""
    with bare_app.app_context(), transaction():
        row = submitted(published())
        return row.id, row.title, row.number


def test_names_numbers_codes_and_initials_lead_to_their_pages(browser_as, handed_in):
    number, title, code = handed_in
    browser = browser_as("clerk")
    for words, url in (
        (title[:4], f"/applications/{number}"),
        (code[-8:], f"/applications/{number}"),
        (TITLE[:6], "/calls/"),
        ("暖邻", "/organizations/"),
        ("slnl", "/organizations/"),
    ):
        page = browser.get("/search", params={"q": words})
        assert url in page.text, words
    # The box of every page asks here.
    form = browser.get("/home").forms[0]
    assert form.action == "/search"
    form["q"] = title
    assert f"/applications/{number}" in form.submit().text


def test_a_stranger_finds_nothing_of_it(browser_as, handed_in):
    number, title, code = handed_in
    for login in ("operator2", "banner_clerk", "admin"):
        for words in (title, code):
            page = browser_as(login).get("/search", params={"q": words})
            assert f'/applications/{number}"' not in page.text, login
            assert "没有找到" in page.text


def test_too_little_and_nothing_are_said_plainly(browser_as, bare_app):
    browser = browser_as("clerk")
    assert "至少 2 个字" in browser.get("/search", params={"q": "示"}).text
    assert "至少 2 个字" in browser.get("/search").text
    assert "没有找到" in browser.get("/search", params={"q": "没有的东西"}).text
    assert browser.get("/search", params={"q": "%_'\"<" + "长" * 500}).status_int == 200
