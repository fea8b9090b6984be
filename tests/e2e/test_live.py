"""What htmx adds to the pages: the same rows, the same address, the way back, and nothing in the console."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from core.db import db, transaction
from core.jobs.models import Job
from core.web import paging
from evaluation.reviews.models import Review
from finance.funds.models import Budget, Earmark
from registry.accounts.models import User
from tests.conftest import dispose, make_app
from tests.e2e import live as world

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(need_browser: None, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[world.Live]:
    """A copy of the demonstration world that the test may write to, served beside it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    instance = tmp_path / "demo"
    shutil.copytree(world.tell_the_world(folder), instance)
    app = make_app(f"sqlite:///{instance / 'shanzhi.db'}", instance)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield world.Live(f"http://127.0.0.1:{server.port}", app)
    server.shutdown()
    thread.join(10)
    server.server_close()
    dispose(app)


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    page, heard = context.new_page(), []
    page.on(
        "console",
        lambda message: heard.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(address)
    page.evaluate("window.same = true")
    return page, heard


def rows(page: Page) -> list[str]:
    return page.locator("main tbody tr").all_inner_texts()


def stays(page: Page) -> bool:
    return page.evaluate("window.same === true")


def test_a_list_changes_in_place_and_is_the_same_as_without_script(
    own: world.Live, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 4)
    context = own.context(chromium, "clerk", width=1280, language="zh")
    plain = own.context(chromium, "clerk", width=1280, language="zh", java_script_enabled=False).new_page()
    page, heard = opened(context, f"{own.base}/applications/")
    first = rows(page)
    address = page.url

    def same() -> None:
        plain.goto(page.url)
        assert rows(plain) == rows(page)

    page.locator(".pager [rel=next]").click()
    page.wait_for_url("**/?*after=*")
    expect(page.locator(".pager [rel=prev]")).to_be_visible()
    assert stays(page) and rows(page) != first
    same()
    expect(page.locator("#voice")).to_contain_text("4")
    assert page.evaluate("document.activeElement.className") == "sheet-frame"
    assert "after%3D" in page.locator("#other-language").get_attribute("href"), (
        "the language switch leads to this page"
    )

    page.locator("thead a").first.click()
    page.wait_for_url("**sort=*")
    expect(page.locator("th[aria-sort]")).to_be_visible()
    assert stays(page)
    same()
    assert page.evaluate("document.activeElement.closest('thead') !== null"), "the focus stays on the head"

    page.locator("#f-q").fill("居家")
    page.locator("#f-q").press("Enter")
    page.wait_for_url("**q=*")
    assert stays(page) and page.evaluate("document.activeElement.id") == "f-q"
    same()

    for part in ("sort=", "after=", ""):
        with page.expect_event("load"):
            page.evaluate("history.back()")
        assert part in page.url and ("?" in page.url) == bool(part)
        same()
    assert page.url == address
    expect(page.locator(".pager [rel=next]")).to_be_visible()
    assert rows(page) == first
    assert not heard, heard
    context.close()
    plain.context.close()


def test_an_ended_session_is_told_on_a_page_of_its_own(own: world.Live, chromium: Browser) -> None:
    context = own.context(chromium, "clerk", width=1280, language="zh")
    page, _heard = opened(context, f"{own.base}/applications/")
    context.clear_cookies()
    page.locator(".views a").nth(1).click()
    page.wait_for_url("**/sign-in**")
    assert page.locator("h1").count() == 1 and not page.evaluate("window.same === true")
    context.close()


def test_a_draft_saves_itself_and_is_still_sent_by_its_button(own: world.Live, chromium: Browser) -> None:
    with own.app.app_context():
        review = db.session.scalars(select(Review).where(Review.state == "open")).first()
        login = db.session.scalars(select(User.login).where(User.person_id == review.person_id)).one()
        number = review.id
    context = own.context(chromium, login, width=1280, language="en")
    page, heard = opened(context, f"{own.base}/reviews/{number}/score")
    before = page.locator("#sheet-sum").inner_text()
    page.locator(".criterion__score input").first.fill("1")
    page.locator("#comment").fill("Typed and never sent.")
    expect(page.locator(".autosave--saved")).to_contain_text("Draft saved", timeout=15_000)
    assert stays(page) and page.locator("#sheet-sum").inner_text() != before
    with own.app.app_context():
        assert db.session.get(Review, number).comment == "Typed and never sent."
    page.locator(".criterion__score input").first.fill("9999")
    expect(page.locator(".autosave--failed")).to_contain_text("Not saved yet", timeout=15_000)
    page.locator(".criterion__score input").first.fill("1")
    page.locator("button[value=save]").click()
    expect(page.locator(".flash--ok")).to_be_visible()
    assert not [text for text in heard if "422" not in text], heard
    context.close()


def test_work_is_followed_until_it_is_done_and_wakes_nobody(own: world.Live, chromium: Browser) -> None:
    with own.app.app_context(), transaction():
        job = db.session.scalars(select(Job)).first()
        login = db.session.get(User, job.queued_by).login
        number, result = job.id, job.result_id
        job.state, job.result_id = "running", None
    context = own.context(chromium, login, width=1280, language="en")
    page, heard = opened(context, f"{own.base}/work/{number}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("polling", "")))
    with page.expect_response(lambda answer: answer.url.endswith(f"/work/{number}")):
        pass
    with own.app.app_context(), transaction():
        job = db.session.get(Job, number)
        job.state, job.result_id = "done", result
    expect(page.locator("#job-result")).to_be_visible(timeout=15_000)
    assert stays(page) and set(asked) == {"1"}
    assert page.locator("#job").get_attribute("hx-get") is None
    expect(page.locator("#voice")).to_have_text("done")
    assert not heard, heard
    context.close()


def test_what_saving_would_change_follows_the_amount_and_nothing_is_saved(
    own: world.Live, chromium: Browser
) -> None:
    with own.app.app_context():
        budget = db.session.scalars(
            select(Budget).where(Budget.state == "approved").order_by(Budget.id)
        ).first()
        number, kept = budget.id, db.session.scalar(select(func.count()).select_from(Earmark))
    context = own.context(chromium, "finance", width=1280, language="en")
    page, heard = opened(context, f"{own.base}/funds/budgets/{number}/earmarks/new")
    region = page.locator("#what-if")
    expect(region).to_have_attribute("aria-live", "polite")
    expect(region.locator("table")).to_have_count(0)
    page.locator("#title").fill("Community kitchen")
    purpose = page.locator("#purpose option").nth(1)
    page.locator("#purpose").select_option(purpose.get_attribute("value"))
    page.locator("#amount").fill("1234.56")
    expect(region.locator("table").first).to_be_visible(timeout=15_000)
    first = region.locator("tbody td").all_inner_texts()
    page.locator("#amount").fill("2345.67")
    expect(region.locator("tbody td").nth(1)).not_to_have_text(first[1], timeout=15_000)
    # What was typed and the place of the reader stay; the button asks the same of the server.
    assert stays(page) and page.evaluate("document.activeElement.id") == "amount"
    told = region.locator("tbody td").all_inner_texts()
    page.locator("button[name=check]").click()
    expect(region.locator("table").first).to_be_visible()
    assert not stays(page) and region.locator("tbody td").all_inner_texts() == told
    with own.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Earmark)) == kept
    assert not heard, heard
    context.close()


def test_an_organization_is_offered_while_it_is_typed(own: world.Live, chromium: Browser) -> None:
    context = own.context(chromium, "clerk", width=390, language="zh")
    page, heard = opened(context, f"{own.base}/organizations/new")
    box = page.locator("#host")
    offers = page.locator("#host-offers option")
    expect(offers).to_have_count(0)
    box.press_sequentially("sl")
    expect(offers.first).to_be_attached(timeout=15_000)
    first = offers.first.get_attribute("value")
    # Chosen by keyboard or by hand, the name stands in the box and nothing else on the page has changed.
    box.fill(first)
    expect(offers).to_have_count(1, timeout=15_000)
    assert stays(page) and page.evaluate("document.activeElement.id") == "host"
    assert not heard, heard
    context.close()
