"""URLs: digest names for own files, and targets that stay on this host."""

from __future__ import annotations

import hashlib
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_bootstrap
from flask import abort, current_app, request, url_for
from werkzeug.routing import IntegerConverter, Map

# Endpoints of files that are the same for everybody: no session, no cookie.
FILES = frozenset({"static", "bootstrap.static", "web.carried"})

# Files that other packages carry: name, type and place. See requirements.txt and assets.txt.
_ASSETS = Path(sys.prefix) / "assets"
CARRIED: dict[str, tuple[str, Path]] = {
    "bootstrap.css": (
        "text/css",
        Path(str(flask_bootstrap.__file__)).parent / "static" / "bootstrap5" / "css" / "bootstrap.min.css",
    ),
    "htmx.js": ("text/javascript", _ASSETS / "django_htmx" / "static" / "django_htmx" / "htmx-2.min.js"),
    "echarts.js": ("text/javascript", _ASSETS / "instaui_echarts" / "static" / "echarts.esm.min.js"),
}


class RowNumber(IntegerConverter):
    """The number of a row in an address; what no table can hold is no address."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": 2**63 - 1, **kwargs})


YEARS = range(1995, 2101)


def asked_year(default: int) -> int:
    """The year that the address asks for, else ``default``; an address with a year beyond any books is none (404)."""
    year: int = request.args.get("year", default, type=int)
    if year not in YEARS:
        abort(404)
    return year


def local_target(target: str | None) -> str:
    """``target`` when it is a path on this host, else the front page."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")):
        parts = urlsplit(target)
        if not parts.scheme and not parts.netloc and not any(ord(character) < 32 for character in target):
            return target
    return "/"


def asset(name: str) -> str:
    """URL of an own static file; its digest makes it cacheable for ever."""
    return url_for(
        "static", filename=name, v=_digest(str(current_app.static_folder), name, current_app.debug)
    )


@lru_cache(maxsize=256)
def _digest(folder: str, name: str, debug: bool) -> str:
    path = Path(folder) / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def carried(name: str) -> str:
    """URL of a file that another package carries, "" where it is not installed."""
    content = carried_content(name)
    return url_for("web.carried", name=name, v=hashlib.sha256(content).hexdigest()[:12]) if content else ""


@lru_cache(maxsize=8)
def carried_content(name: str) -> bytes:
    """The file as it is served: the content policy knows no pictures inside a style sheet."""
    path = CARRIED[name][1]
    if not path.is_file():
        return b""
    content = path.read_bytes()
    if name.endswith(".css"):
        content = re.sub(rb"""url\(("|')?data:.*?\1\)""", b"none", content)
    return content
