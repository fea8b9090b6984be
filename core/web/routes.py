"""What belongs to no room: health, language, own static files."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, session
from flask_babel import force_locale
from sqlalchemy import text
from werkzeug.wrappers import Response as AnyResponse

from core.db import db
from core.web import drawing, samples
from core.web.gate import allow
from core.web.urls import CARRIED, carried_content, local_target
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
def set_language(code: str) -> AnyResponse:
    """Remember the language for this browser; no database is written."""
    if code in LOCALES:
        session["locale"] = code
    return redirect(local_target(request.args.get("next")), code=303)


@bp.get("/dev/components")
@allow.public
def components() -> str:
    """Every component in every state; for developers."""
    if current_app.config["APP_ENV"] == "production":
        abort(404)
    with force_locale("en"):
        return render_template("web/components.html", **samples.context())


@bp.get("/chart.svg")
@allow.public
def chart() -> Response:
    """A chart as a picture, to those whose page named this address; drawn where no script runs, and to be kept."""
    asked = drawing.read(request.args.get("of", ""))
    if asked is None:
        abort(404)
    option, height = asked
    picture = drawing.svg(json.dumps(option, ensure_ascii=False, sort_keys=True), drawing.WIDTH, height)
    response = Response(picture, mimetype="image/svg+xml")
    # Opened by itself it is a document; it may style its own words and nothing more.
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


@bp.get("/carried/<name>")
@allow.public
def carried(name: str) -> Response:
    """A style sheet or script of another package; its address has its digest, so it is kept for ever."""
    if name not in CARRIED or not carried_content(name):
        abort(404)
    response = Response(_packed(name), mimetype=CARRIED[name][0])
    if request.accept_encodings["gzip"] > 0:
        response.content_encoding = "gzip"
    else:
        response.set_data(carried_content(name))
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.vary.add("Accept-Encoding")
    return response


@lru_cache(maxsize=8)
def _packed(name: str) -> bytes:
    return gzip.compress(carried_content(name), mtime=0)
