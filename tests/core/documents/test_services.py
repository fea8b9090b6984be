"""A document is printed whole, in our fonts, from nothing but itself; without Pango it says why."""

from __future__ import annotations

import pytest
from flask import Flask

from core.access.policy import Refusal
from core.documents import services


@pytest.fixture
def page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> str:
    def render(template: str, **context: object) -> str:
        return f"<h1>{context['title']}</h1><p>正文</p>{context.get('more', '')}"

    monkeypatch.setattr(services, "render_template", render)
    return "any.html"


needs_pango = pytest.mark.skipif(not services.pdf_available(), reason="Pango is not installed")


@needs_pango
def test_the_same_document_gives_the_same_bytes_in_our_fonts(page: str) -> None:
    first = services.render_pdf(page, {"title": "公益创投项目协议书"})
    assert first.startswith(b"%PDF-") and first == services.render_pdf(page, {"title": "公益创投项目协议书"})
    assert b"/BaseFont" in first


@needs_pango
def test_a_document_loads_nothing_from_anywhere(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    kept = services._no_fetching

    def watch(url: str, *args: object, **kwargs: object) -> object:
        asked.append(url)
        return kept(url, *args, **kwargs)

    monkeypatch.setattr(services, "_no_fetching", watch)
    more = '<img src="file:///etc/hostname"><img src="http://127.0.0.1:9/x.png">'
    assert services.render_pdf(page, {"title": "题", "more": more}).startswith(b"%PDF-")
    assert asked and all(url.startswith(("file:", "http:")) for url in asked)


def test_without_pango_the_reason_is_said(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "pdf_available", lambda: False)
    with pytest.raises(Refusal, match="Pango") as refused:
        services.render_pdf(page, {"title": "题"})
    assert refused.value.status == 503
