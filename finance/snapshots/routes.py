"""Pages of frozen years: freezing, the three steps, the document, and what everybody sees."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.documents.services import pdf_available, print_out
from core.files.services import serve, store
from core.lifecycle import available
from core.text import N_
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import asked_year
from core.web.words import say
from finance.contracts.queries import division_labels, lies_in, visible_divisions
from finance.contracts.rules import R30_SOURCES
from finance.figures.queries import figures, years_with_rows
from finance.figures.rules import BASIS_WORDS, LABELS
from finance.snapshots import queries, services
from finance.snapshots.forms import FreezeForm
from finance.snapshots.models import RatioSnapshot
from finance.snapshots.reports import document_facts
from finance.snapshots.rules import COLUMN_WORDS, text_row
from registry.agencies.rules import DivisionError, normalise_division

EVENTS = {
    "frozen": N_("Frozen"), "reviewed": N_("Reviewed"), "published": N_("Published"),
    "withdrawn": N_("Withdrawn"), "replaced": N_("Replaced by a later version"),
}  # fmt: skip

ACTIONS = {"review": N_("Review"), "publish": N_("Publish")}

bp = Blueprint("snapshots", __name__)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "ratios.show"


# The figure ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The level and year of an address, with the divisions of the person and the years that have rows."""

    division: str
    year: int
    offered: list[str]
    years: list[int]


def what_is_asked() -> Asked | None:
    """What is asked for, inside the person's reach; ``None`` when there is no division at all."""
    offered = visible_divisions(current_user)
    text = request.args.get("division") or (offered[0] if offered else "")
    if not text:
        return None
    try:
        code = normalise_division(text)
    except DivisionError:
        abort(404)
    if not lies_in(code, offered):
        abort(404)
    years = years_with_rows(code)
    year = asked_year(next(iter(years), clock.today().year))
    return Asked(code, year, offered, years)


def asked_level() -> tuple[str, int] | None:
    asked = what_is_asked()
    return None if asked is None else (asked.division, asked.year)


# Frozen years ----------------------------------------------------------------------------------


@bp.route("/ratio/freeze", methods=["GET", "POST"])
@allow("ratio.prepare")
def freeze() -> Any:
    """Freeze a closed year; below the threshold with a reason."""
    level = asked_level() or abort(404)
    division, year = level
    form = FreezeForm(queries.accepted_reasons(division, year))
    result = figures(division, year, exact=True)
    if form.validate_on_submit():
        try:
            upload = form.reason_file.data
            file = store(upload.stream, upload.filename or "file", by=current_user) if upload else None
            snapshot = services.freeze(
                division,
                year,
                by=current_user,
                reason=form.reason.data,
                reason_text=form.reason_text.data or "",
                reason_file=file,
            )
        except Refusal as refusal:
            if refusal.status == 403:
                raise
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Frozen. The finance head reviews it next."), "ok")
            return redirect(url_for("snapshots.show", snapshot_id=snapshot.id), code=303)
    status = 422 if form.errors or form.form_errors else 200
    return render_template(
        "snapshots/freeze.html",
        form=form,
        result=result,
        figure=result.figures["own"],
        label=division_labels({division})[division],
        earlier=queries.snapshots_of(division, year=year),
        due=queries.due_day(division, year),
        R30_SOURCES=R30_SOURCES,
    ), status


@bp.get("/ratio/frozen/<int:snapshot_id>")
@allow("purchase.read")
def show(snapshot_id: int) -> Any:
    """A frozen year with its digest, the three people, and what was corrected since."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    now = figures(found.division_code, found.fiscal_year, exact=True)
    frozen = queries.frozen(found)
    present: list[Any] = []
    if frozen.content["rows"]["count"] <= queries.COMPARED_ROWS:
        today = [text_row(row) for row in queries.rows_of_year(found.division_code, found.fiscal_year)]
        present = queries.corrections(found, {queries.identity_of(row): row for row in today})
    return render_template(
        "snapshots/show.html",
        **document_facts(found),
        now=now,
        changes=present,
        CHANGED=queries.CHANGED,
        COLUMN_WORDS=COLUMN_WORDS,
        steps=[item for item in available(found, current_user) if item.name in ACTIONS],
        may_withdraw=found.state in ("prepared", "reviewed")
        and any(
            current_user.may(permission, agency_id=found.agency_id)
            for permission in ("ratio.prepare", "ratio.review", "ratio.publish")
        ),
        history=history_of(found),
        pdf=pdf_available(),
        due=queries.due_day(found.division_code, found.fiscal_year),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        EVENTS=EVENTS,
    )


@bp.post("/ratio/frozen/<int:snapshot_id>/<any(review, publish, withdraw):step>")
@allow("ratio.prepare", "ratio.review", "ratio.publish")
def step(snapshot_id: int, step: str) -> Any:
    """Review, publish or withdraw a frozen figure."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    services.take_step(found, step, by=current_user, note=request.form.get("note", "").strip()[:400])
    done = {
        "review": _("Reviewed. The leader publishes it next."),
        "publish": _("Published. Everybody can see the figure and its rows now."),
        "withdraw": _("Withdrawn. The year can be frozen again."),
    }
    flash(done[step], "ok")
    return redirect(url_for("snapshots.show", snapshot_id=found.id), code=303)


@bp.get("/ratio/frozen/<int:snapshot_id>/document.pdf")
@allow("purchase.read")
def document(snapshot_id: int) -> Any:
    """The official table of a frozen figure, with three places to sign."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    return print_out("snapshots/document.html", document_facts(found), _name(found))


@bp.get("/ratio/frozen/<int:snapshot_id>/figure.json")
@allow("purchase.read")
def figure_json(snapshot_id: int) -> Response:
    return _json(queries.snapshot_in_scope(current_user, snapshot_id) or abort(404))


@bp.get("/ratio/frozen/<int:snapshot_id>/rows.csv")
@allow("purchase.read")
def frozen_rows(snapshot_id: int) -> Response:
    return _csv(queries.snapshot_in_scope(current_user, snapshot_id) or abort(404))


@bp.get("/ratio/frozen/<int:snapshot_id>/reason")
@allow("purchase.read")
def reason_file(snapshot_id: int) -> Response:
    """The attachment of the reason."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    return serve(found.reason_file or abort(404))


def _name(found: RatioSnapshot) -> str:
    return f"R30-{found.division_code}-{found.fiscal_year}-v{found.version}"


def _json(found: RatioSnapshot) -> Response:
    """The canonical JSON itself: its SHA-256 is the digest."""
    return send_file(
        io.BytesIO(found.content.encode()),
        mimetype="application/json",
        as_attachment=True,
        download_name=f"{_name(found)}.json",
    )


def _csv(found: RatioSnapshot) -> Response:
    return send_file(
        io.BytesIO(queries.frozen_rows(found)),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"{_name(found)}-rows.csv",
    )


# For everybody ---------------------------------------------------------------------------------


@bp.get("/public/ratio")
@allow.public
def published() -> str:
    """Published figures, newest first."""
    page = paginate(
        queries.published_snapshots(), (RatioSnapshot.published_at, True), (RatioSnapshot.id, True)
    )
    found = {row.id: queries.frozen(row) for row in page.rows}
    return render_template(
        "snapshots/published.html",
        page=page,
        found=found,
        labels=division_labels({row.division_code for row in page.rows}),
    )


@bp.get("/public/ratio/<int:snapshot_id>")
@allow.public
def published_figure(snapshot_id: int) -> str:
    """A published figure with how to check it."""
    found = queries.published_snapshot(snapshot_id) or abort(404)
    return render_template(
        "snapshots/published_figure.html",
        **document_facts(found),
        pdf=pdf_available(),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
    )


@bp.get("/public/ratio/<int:snapshot_id>/figure.json")
@allow.public
def published_json(snapshot_id: int) -> Response:
    return _json(queries.published_snapshot(snapshot_id) or abort(404))


@bp.get("/public/ratio/<int:snapshot_id>/rows.csv")
@allow.public
def published_rows(snapshot_id: int) -> Response:
    return _csv(queries.published_snapshot(snapshot_id) or abort(404))


@bp.get("/public/ratio/<int:snapshot_id>/document.pdf")
@allow.public
def published_document(snapshot_id: int) -> Any:
    found = queries.published_snapshot(snapshot_id) or abort(404)
    return print_out("snapshots/document.html", document_facts(found), _name(found), public=True)
