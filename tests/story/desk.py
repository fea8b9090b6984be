"""People at their browsers on the days of a story: what they open, fill in, send and read.

Everything goes over HTTP. A person finds the next step on the own worklist, opens the page, fills
the form that is there and sends it; nothing is posted that the page did not offer, except by
:meth:`Desk.forces`, which shows that the server refuses it as well.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Flask
from flask_babel import force_locale, gettext
from webtest import TestApp, TestResponse, Upload
from webtest.forms import Checkbox, Form

from core import clock


class Desk:
    """The office of the story: a clock that can be moved, and a browser for everybody."""

    def __init__(self, app: Flask, browser_as: Callable[[str], TestApp], traveller: Any) -> None:
        self.app, self._browser_as, self._traveller = app, browser_as, traveller

    def on(self, day: date, hour: int = 10, minute: int = 0) -> None:
        """The server's clock says this wall time in Asia/Shanghai from now on."""
        self._traveller.move_to(clock.at_local(day, hour, minute))

    def opens(self, login: str, path: str, **options: Any) -> TestResponse:
        """The page at ``path`` in this person's browser; ``""`` is somebody without an account."""
        return self._browser_as(login).get(path, **options)

    def takes(self, login: str, path: str, *, about: str = "") -> TestResponse:
        """Open the task on this person's worklist whose page is ``path`` (a pattern)."""
        home = self.opens(login, "/home")
        for link in home.html.select("a.task__title"):
            if re.fullmatch(path, re.sub(r"\?.*", "", link["href"])) and about in _words(link.parent):
                return home.goto(link["href"])
        raise AssertionError(f"nothing like {path} {about} waits for {login}: {seen(home)}")

    def has_no_task(self, login: str, path: str, *, about: str = "") -> bool:
        home = self.opens(login, "/home")
        return not any(
            re.fullmatch(path, re.sub(r"\?.*", "", link["href"])) and about in _words(link.parent)
            for link in home.html.select("a.task__title")
        )

    def forces(self, login: str, path: str, **fields: str) -> TestResponse:
        """Post to ``path`` although no page offers it, with a token and a key that are valid."""
        form = self.opens(login, "/home").forms["sign-out"]
        form.action = path
        values = [*form.submit_fields(), *fields.items()]
        return form.response.goto(path, method="POST", params=values, expect_errors=True)

    def words(self, sentence: str, **values: Any) -> str:
        """An English message id as the pages say it."""
        with self.app.test_request_context(), force_locale("zh_Hans_CN"):
            return gettext(sentence, **values) if values else gettext(sentence).replace("%%", "%")


def send(
    page: TestResponse,
    form_id: str,
    values: dict[str, Any] | None = None,
    *,
    button: tuple[str, str] | None = None,
    **more: Any,
) -> TestResponse:
    """Fill the form, send it, and read the page that follows."""
    answer = _submit(page, form_id, {**(values or {}), **more}, button)
    assert answer.status_int == 303, f"{answer.status}: {_complaint(answer)}"
    return answer.follow()


def refused(
    page: TestResponse,
    form_id: str,
    values: dict[str, Any] | None = None,
    *,
    button: tuple[str, str] | None = None,
    **more: Any,
) -> TestResponse:
    """Fill the form and send it; the server says no and shows why."""
    answer = _submit(page, form_id, {**(values or {}), **more}, button)
    assert 400 <= answer.status_int < 500, f"{answer.status} instead of a refusal"
    return answer


def _submit(
    page: TestResponse, form_id: str, values: dict[str, Any], button: tuple[str, str] | None
) -> TestResponse:
    form = page.forms[form_id]
    fill(form, values)
    name, value = button or (None, None)
    return form.submit(name, value=value, expect_errors=True)


def fill(form: Form, values: dict[str, Any]) -> None:
    """Type into a form. A set ticks the boxes of these values; :class:`Picked` chooses by the words shown."""
    for name, value in values.items():
        if isinstance(value, set):
            for box in form.fields[name]:
                assert isinstance(box, Checkbox)
                box.checked = box._value in value
        elif isinstance(value, Picked):
            offered = [code for code, _chosen, text in form[name].options if value.words in text]
            assert len(offered) == 1, f"{name}: {form[name].options}"
            form[name] = offered[0]
        else:
            form[name] = value


class Picked:
    """The one choice whose words contain these."""

    def __init__(self, words: str) -> None:
        self.words = words


def seen(page: TestResponse) -> str:
    """What a person reads, without the rail."""
    return _words(page.html.main or page.html)


def _words(element: Any) -> str:
    return " ".join(element.get_text(" ").split())


def _complaint(page: TestResponse) -> str:
    summary = page.html.select_one(".error-summary, .refusal") if "html" in page.content_type else None
    return _words(summary) if summary else page.text[:2000]


def reads(page: TestResponse, *words: str) -> None:
    """Each of these stands on the page."""
    text = seen(page)
    for expected in words:
        assert expected in text, f"“{expected}” is not on {page.request.path}: {text}"


def lacks(page: TestResponse, *words: str) -> None:
    """None of these stands on the page."""
    for unexpected in words:
        assert unexpected not in seen(page), f"“{unexpected}” stands on {page.request.path}"


def number_in(page: TestResponse, pattern: str = r"/(\d+)") -> int:
    """The number in the address of a page."""
    found = re.search(pattern, page.request.path)
    assert found is not None, page.request.path
    return int(found[1])


def most_points(page: TestResponse) -> dict[str, int]:
    """The criteria of a score sheet with the most that each gives, as printed beside the field."""
    return {
        field["name"]: int(field.find_next("span").get_text().replace("/", "").strip())
        for field in page.html.select("#sheet input[name^=points-]")
    }


def points(page: TestResponse, total: float) -> dict[str, str]:
    """Points in half steps that sum to ``total``, taken off one criterion after the other."""
    most = most_points(page)
    assert sum(most.values()) == 100
    off = round((100 - total) * 2)
    given = {}
    for name, value in most.items():
        taken = min(off, value * 2)
        off -= taken
        given[name] = str((value * 2 - taken) / 2)
    return given


def picture() -> Upload:
    """A photograph of one red pixel, a real PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
        + chunk(b"IEND", b"")
    )
    return Upload("活动照片.png", content, "image/png")
