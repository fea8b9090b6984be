"""Printing documents: a page template becomes a PDF in the layout of official documents.

WeasyPrint needs the system library Pango. Where it is missing the product runs without PDFs and
says why; nothing else depends on it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app, render_template
from flask_babel import force_locale

from core.access.policy import Refusal
from core.documents.fonts import HEI_STACK, SONG_STACK, font_faces
from core.text import N_, Message

CHINESE = "zh_Hans_CN"
STYLESHEET = "css/document.css"


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


def render_pdf(template: str, context: dict[str, Any]) -> bytes:
    """The PDF of ``template``, in Chinese, A4, in the layout of static/css/document.css.

    Raises :class:`Refusal` (503) where printing is off.
    """
    if not pdf_available():
        raise pdf_refusal()
    import weasyprint
    from weasyprint.urls import URLFetcher

    with force_locale(CHINESE):
        page = render_template(template, **context)
    fonts, sheets = _layout(current_app.instance_path, str(current_app.static_folder))
    # A document is whole in itself: it loads nothing from anywhere.
    nothing = URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=page, url_fetcher=nothing)
    return document.write_pdf(stylesheets=sheets, font_config=fonts)


@cache
def _layout(instance: str, static: str) -> tuple[Any, list[Any]]:
    """One font configuration for all documents: reading the fonts costs more than a page."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    rules = (Path(static) / STYLESHEET).read_text(encoding="utf-8")
    faces = font_faces(Path(instance))
    text = f"{faces}\nhtml {{ font-family: {SONG_STACK}; }}\nh1, h2, h3, th {{ font-family: {HEI_STACK}; }}\n{rules}"
    return fonts, [weasyprint.CSS(string=text, font_config=fonts)]
