"""A document is printed whole, in our fonts, from nothing but itself; without Pango it says why."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from flask import Flask

from core.access.policy import Refusal
from core.documents import services
from tests.projects.road import picture


@pytest.fixture
def template(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    def render(name: str, **context: object) -> str:
        return f"<h1>{context['title']}</h1><p>正文</p>{context.get('more', '')}"

    monkeypatch.setattr(services, "render_template", render)
    return "any.html"


needs_pango = pytest.mark.skipif(not services.pdf_available(), reason="Pango is not installed")


@needs_pango
def test_the_same_document_gives_the_same_bytes_in_our_fonts(template: str) -> None:
    first = services.render_pdf(template, {"title": "公益创投项目协议书"})
    assert first.startswith(b"%PDF-") and first == services.render_pdf(
        template, {"title": "公益创投项目协议书"}
    )
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", first, re.S)
    objects = b"".join(zlib.decompress(stream) for stream in streams if stream[:1] == b"x")
    # Embedded, so that it looks the same on any computer and in fifteen years.
    assert re.search(rb"/BaseFont ?/\w+\+Shanzhi-Song", objects) and b"/FontFile" in objects


@needs_pango
def test_a_document_loads_nothing_from_anywhere(template: str, tmp_path: Path) -> None:
    there = tmp_path / "photo-a.png"
    there.write_bytes(picture())

    def printed(path: Path) -> bytes:
        return services.render_pdf(template, {"title": "题", "more": f'<img src="{path.as_uri()}">'})

    assert printed(there) == printed(tmp_path / "photo-b.png")


def test_without_pango_the_reason_is_said(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "pdf_available", lambda: False)
    with pytest.raises(Refusal, match="Pango") as refused:
        services.render_pdf(template, {"title": "题"})
    assert refused.value.status == 503
