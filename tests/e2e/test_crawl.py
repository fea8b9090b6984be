"""Every page that a role is led to, looked at in a browser: each endpoint once per width and language.

The whole matrix (more addresses of each kind, every role, both languages at both widths) is
``python3 run.py soak crawl``.
"""

from __future__ import annotations

import pytest
from flask import url_for
from playwright.sync_api import Browser

from tests.e2e import walk
from tests.e2e.live import Live

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("width", "language"), [(1280, "zh"), (390, "en")])
def test_every_page_is_whole(
    live: Live, walked: walk.Findings, chromium: Browser, width: int, language: str
) -> None:
    found = walked
    places = walk.one_of_each(found.pages, live.app)
    assert len(places) >= 90, "the walk found fewer pages than the product has"
    wrong = [
        *found.wrong,
        *walk.walk(live, chromium, places, width=width, language=language, speech=walk.Language(live.app)),
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("login", ["", "clerk", "so01"])
def test_refusals_and_errors_are_pages(live: Live, chromium: Browser, login: str) -> None:
    speech = walk.Language(live.app)
    wrong = []
    for width, language in ((1280, "en"), (390, "zh")):
        context = live.context(chromium, login, width=width, language=language)
        looker = walk.Looker(context, live, language, speech)
        pages = {"/nowhere": 404, "/public/calls/999999": 404}
        if login:
            pages |= {"/accounts/new": 403, "/projects/999999": 404}
        for url, status in pages.items():
            wrong += [f"{login} {width} {language} {url}: {item}" for item in looker.look(url, status=status)]
        context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (390, "zh")])
def test_what_an_objector_is_told(live: Live, chromium: Browser, width: int, language: str) -> None:
    context = live.context(chromium, "", width=width, language=language)
    with live.app.test_request_context():
        url = url_for("portal.objected", number="YY-1")
    wrong = walk.Looker(context, live, language, walk.Language(live.app)).look(url)
    context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [1280, 390])
def test_every_component_in_every_state(live: Live, chromium: Browser, width: int) -> None:
    context = live.context(chromium, "", width=width, language="en")
    wrong = walk.Looker(context, live, "en", walk.Language(live.app)).look("/dev/components")
    context.close()
    assert not wrong, "\n".join(wrong)
