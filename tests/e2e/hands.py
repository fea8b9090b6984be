"""The people of the stories at a real browser: what they fill in and send goes through its forms.

A page that is only read is fetched as before. To send a form, its page is opened in Chromium, the
fields are filled where they stand, the button is pressed, and what Chromium then shows is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page
from webtest import TestApp, TestRequest, TestResponse, Upload
from webtest.forms import Checkbox, File, Form, Hidden, Radio, Select, Submit

from core import clock
from tests.story.desk import Desk


class Shown(TestResponse):
    """A page; its forms are sent by the browser."""

    after: Shown | None = None
    refused = in_browser = False

    @property
    def forms(self) -> Any:
        if not hasattr(self, "read_forms"):
            self.read_forms = super().forms
            for form in self.read_forms.values():
                form.typed = {id(item): _value(item) for items in form.fields.values() for item in items}
                form.submit = partial(self.test_app.presses, self, form)
        return self.read_forms

    def follow(self, **options: Any) -> TestResponse:
        return self.after if self.after is not None else super().follow(**options)


def _value(item: Any) -> Any:
    return item.checked if isinstance(item, Checkbox) else item.value


class _Request(TestRequest):
    ResponseClass = Shown


class Hands(TestApp):
    """One person's browser: reads over WSGI, sends forms through Chromium."""

    RequestClass = _Request

    def at(self, screen: Screen) -> Hands:
        self.screen = screen
        return self

    def do_request(self, *arguments: Any, **options: Any) -> TestResponse:
        shown = super().do_request(*arguments, **options)
        shown.seen_at = clock.now()
        return shown

    def presses(
        self,
        shown: Shown,
        form: Form,
        name: str | None = None,
        index: int | None = None,
        value: str | None = None,
        **_: Any,
    ) -> Shown:
        """Fill the form where it stands and press its button (the one called ``name=value``)."""
        # Each kind of form goes through the browser once; its like are sent as their page stands.
        kind = (re.sub(r"\d+", "#", shown.request.path), form.id, name, value)
        if kind in self.screen.kinds and not shown.in_browser:
            return type(form).submit(form, name, index, value, expect_errors=True)
        self.screen.kinds.add(kind)
        # A refused page that is turned back to comes empty: all that stood there is typed again.
        again = shown.refused and self.screen.showing is not shown
        page = self.screen.turn_to(self, shown)
        # What is folded away is opened as a reader would.
        folded = page.locator(
            f"details:not([open]):has(form#{form.id}) > summary, form#{form.id} details:not([open]) > summary"
        )
        while folded.count():
            folded.first.click()
        for items in form.fields.values():
            for item in items:
                if again or form.typed.get(id(item)) != _value(item) or isinstance(item, File):
                    _fill(page, form.id, item)
        wanted = f'[name="{name}"][value="{value}"]' if name else ""
        button = page.locator(
            f'form#{form.id} button[type=submit]{wanted}, button[form="{form.id}"]{wanted}'
        ).first
        with page.expect_navigation() as moved:
            button.click()
        answer = moved.value
        return self.screen.shows(self, page, answer)


def _fill(page: Page, form: str, item: Any) -> None:
    if item.name is None or isinstance(item, (Hidden, Submit)):
        return
    place = f'form#{form} [name="{item.name}"]'
    if isinstance(item, Checkbox):
        page.locator(f'{place}[value="{item._value}"]').set_checked(item.checked)
    elif isinstance(item, Radio):
        page.locator(f'{place}[value="{item.value}"]').check()
    elif isinstance(item, Select):
        page.locator(place).select_option(value=item.value)
    elif isinstance(item, File):
        if isinstance(item.value, Upload):
            page.locator(place).set_input_files(
                {
                    "name": item.value.filename,
                    "mimeType": item.value.content_type or "",
                    "buffer": item.value.content,
                }
            )
    else:
        page.locator(place).fill(str(item.value))


class Screen:
    """The Chromium window that everybody uses in turn."""

    def __init__(self, browser: Browser, base: str, traveller: Any, *, script: bool) -> None:
        self.traveller = traveller
        self.kinds: set[tuple[Any, ...]] = set()
        self.base, self.sent = base, 0
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900}, java_script_enabled=script, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.messages: list[str] = []
        self.page.on(
            "console", lambda message: self.messages.append(message.text) if message.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.showing: Shown | None = None

    def turn_to(self, person: Hands, shown: Shown) -> Page:
        """The window shows this page to this person; a page just refused is shown already, as it was filled in."""
        if self.showing is not shown:
            self.context.clear_cookies()
            if "session" in person.cookies:
                self.context.add_cookies(
                    [{"name": "session", "value": person.cookies["session"], "url": self.base}]
                )
            # A page may have been opened before the hour struck.
            now = clock.now()
            earlier = (now - shown.seen_at).total_seconds() > 45
            if earlier:
                self.traveller.move_to(shown.seen_at)
            self.page.goto(self.base + shown.request.path_qs)
            if earlier:
                self.traveller.move_to(now)
        return self.page

    def shows(self, person: Hands, page: Page, answer: Any) -> Shown:
        self.sent += 1
        target = urlsplit(page.url)
        path = target.path + (f"?{target.query}" if target.query else "")
        shown = Shown(
            body=page.content().encode(), status=answer.status, content_type="text/html", charset="utf-8"
        )
        shown.request, shown.test_app = _Request.blank(path), person
        shown.seen_at, shown.in_browser = clock.now(), True
        self.showing = shown
        if answer.request.redirected_from is None:
            shown.refused = True
            return shown
        first = Shown(status=303, location=path, content_type="text/html", charset="utf-8")
        first.request, first.test_app, first.after = _Request.blank(path), person, shown
        return first


def desk_with(screen: Screen, app: Any, sign_in: Callable[[Hands, str], None], traveller: Any) -> Desk:
    """The desk of the stories with this screen on it."""

    def browser_as(login: str) -> TestApp:
        person = Hands(app).at(screen)
        if login:
            sign_in(person, login)
        return person

    return Desk(app, browser_as, traveller)
