"""URLs: digest names for own files, and targets that stay on this host."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app, url_for


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
