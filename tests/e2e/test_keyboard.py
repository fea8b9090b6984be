"""Without a mouse: past the menu, into the menu and out again, and always seen where one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.live import Live

pytestmark = pytest.mark.e2e

SEEN = """() => {
  const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect();
  return { name: node.textContent.trim().slice(0, 30), line: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.bottom > 0 && box.right > 0 && box.width > 0 };
}"""


def test_the_first_key_leads_past_the_menu_and_each_stop_is_seen(live: Live, chromium: Browser) -> None:
    context = live.context(chromium, "clerk", width=1280, language="zh")
    page = context.new_page()
    page.goto(f"{live.base}/applications/")
    stops = []
    for _ in range(25):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(SEEN))
    assert not [stop for stop in stops if not (stop["line"] and stop["inside"])]
    page.goto(f"{live.base}/applications/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    context.close()


def test_escape_closes_the_menu_and_goes_back_to_its_button(live: Live, chromium: Browser) -> None:
    context = live.context(chromium, "clerk", width=390, language="zh")
    page = context.new_page()
    page.goto(f"{live.base}/home")
    page.locator(".topbar__menu").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#menu")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null"), "the next stop is in the menu"
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    assert page.evaluate("document.activeElement.className") == "topbar__menu"
    context.close()


def test_a_chart_is_drawn_or_is_a_picture_and_leads_to_its_rows(live: Live, chromium: Browser) -> None:
    for script in (True, False):
        context = live.context(chromium, "clerk", width=390, language="zh", java_script_enabled=script)
        page = context.new_page()
        page.goto(f"{live.base}/ratio/")
        if script:
            expect(page.locator(".chart__plot svg")).to_be_visible()
            expect(page.locator(".chart__plot svg text").first).to_be_visible()
        else:
            picture = page.locator("img.chart__picture")
            assert picture.bounding_box()["height"] > 100
        page.locator(".chart__table summary").click()
        page.locator(".chart__table a.figure-link").first.click()
        assert "year=" in page.url
        context.close()
