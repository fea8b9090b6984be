"""The box at the top of each page: organizations, calls, applications, projects, agreements, payments."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, has_request_context, render_template, request, url_for
from flask_login import current_user

from app.search import queries
from core.web.gate import allow

bp = Blueprint("search", __name__)

LONGEST = 60


@bp.app_context_processor
def box() -> dict[str, Any]:
    """Where the box of the page's frame asks."""
    return {"search_url": url_for("search.show")} if has_request_context() else {}


@bp.get("/search")
@allow.signed_in
def show() -> str:
    words = request.args.get("q", "").strip()[:LONGEST]
    enough = len(words) >= queries.LEAST
    return render_template(
        "search/show.html",
        words=words,
        enough=enough,
        groups=queries.found(current_user, words) if enough else [],
        least=queries.LEAST,
    )
