"""What belongs to no room: health, language, own static files."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session
from sqlalchemy import text
from werkzeug.wrappers import Response

from core.db import db
from core.web.gate import allow
from core.web.urls import local_target
from core.web.words import LOCALES

bp = Blueprint("web", __name__)


@bp.get("/healthz")
@allow.public
def healthz() -> tuple[dict[str, str], int]:
    """200 when the database answers."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}, 200


@bp.get("/language/<code>")
@allow.public
def set_language(code: str) -> Response:
    """Remember the language for this browser; no database is written."""
    if code in LOCALES:
        session["locale"] = code
    return redirect(local_target(request.args.get("next")), code=303)
