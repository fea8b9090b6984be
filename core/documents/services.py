"""Printing documents: a page template becomes a PDF in the layout of official documents.

WeasyPrint needs the system library Pango. Where it is missing the product runs without PDFs and
says why; nothing else depends on it.
"""

from __future__ import annotations

import io
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import Response, current_app, render_template, send_file
from flask_babel import force_locale

from core.access.policy import Refusal
from core.documents.fonts import HEI_STACK, SONG_STACK, font_faces
from core.documents.printer import Busy, Printers
from core.text import N_, Message

CHINESE = "zh_Hans_CN"
STYLESHEET = "css/document.css"
PUBLIC_KEPT = 32


@cache
def pdf_available() -> bool:
    """Whether this server can print: WeasyPrint loads, that is, Pango is there."""
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def pdf_refusal() -> Refusal:
    """What to say instead of a PDF where none can be made."""
    return Refusal(
        Message(
            N_(
                "PDF files are off on this server because the system library Pango is missing. "
                "The page itself can be printed."
            )
        ),
        whose_turn=Message(
            N_(
                "the administrator of this server: apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
            )
        ),
        status=503,
    )


def render_pdf(template: str, context: dict[str, Any], *, public: bool = False) -> bytes:
    """The PDF of ``template``, in Chinese, A4, in the layout of static/css/document.css.

    A ``public`` document is kept for the next who asks, as long as it says the same: nobody from
    outside can keep the printers busy with one page. Raises :class:`Refusal` (503) where printing is
    off or too many documents wait.
    """
    if not pdf_available():
        raise pdf_refusal()
    page, rules = document_page(template, context), document_rules()
    try:
        if public:
            return _kept(current_app.instance_path, page, rules)
        return _printers(current_app.instance_path).render(page, rules)
    except Busy as error:
        raise Refusal(
            Message(N_("Many documents are being printed just now. Try again in a minute.")), status=503
        ) from error


def print_out(template: str, context: dict[str, Any], name: str, *, public: bool = False) -> Response:
    """The answer that shows the PDF of ``template`` in the browser, as ``name`` when it is saved."""
    pdf = render_pdf(template, context, public=public)
    return send_file(io.BytesIO(pdf), mimetype="application/pdf", download_name=f"{name}.pdf", max_age=None)


def document_page(template: str, context: dict[str, Any]) -> str:
    """The page that is laid out: HTML, in Chinese whatever the reader's language."""
    with force_locale(CHINESE):
        return render_template(template, **context)


def document_rules() -> str:
    """The stylesheet of printed documents with its fonts."""
    return _rules(current_app.instance_path, str(current_app.static_folder))


@lru_cache(maxsize=PUBLIC_KEPT)
def _kept(instance: str, page: str, rules: str) -> bytes:
    return _printers(instance).render(page, rules)


@cache
def _printers(instance: str) -> Printers:
    return Printers(Path(instance) / "printers")


@cache
def _rules(instance: str, static: str) -> str:
    rules = (Path(static) / STYLESHEET).read_text(encoding="utf-8")
    faces = font_faces(Path(instance))
    return f"{faces}\nhtml {{ font-family: {SONG_STACK}; }}\nh1, h2, h3, th {{ font-family: {HEI_STACK}; }}\n{rules}"
