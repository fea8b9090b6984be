"""The audit trail in pages: the auditor's search, and everything that happened to one object.

Whoever holds ``audit.read`` at a unit reads what happened there and below. Nothing here changes
anything; taking a table away is itself on record. Entries are kept for good: no command deletes one.
"""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Response, abort, g, render_template, request, send_file, url_for
from flask_login import current_user
from sqlalchemy import select

from app.trail import queries
from app.trail.forms import SearchForm
from app.trail.reports import as_csv
from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.services import record
from core.db import db
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow, keep
from core.web.paging import paginate
from evaluation.checkpoints import routes as checkpoints
from evaluation.decisions import routes as decisions
from evaluation.panels import routes as panels
from finance.funds import routes as funds
from finance.hosting import routes as hosting
from finance.recoveries import routes as recoveries
from grants.applications import routes as applications
from grants.calls import routes as calls
from grants.notices import routes as notices
from projects.agreements import routes as agreements
from projects.claims import routes as claims
from projects.closure import routes as closure
from projects.supervision import routes as supervision
from registry.accounts import routes as accounts
from registry.experts import routes as experts
from registry.organizations import routes as organizations

bp = Blueprint("trail", __name__, url_prefix="/trail")

navigation.add_entry(
    "trail.list", N_("Audit trail"), icon="log", group="register", order=95, permissions=("audit.read",)
)

MOST_ROWS = 50_000

# The rooms' own words for their events; the same event may be called otherwise elsewhere.
EVENTS: dict[str, dict[str, str]] = {
    "agreement": agreements.EVENTS,
    "project": agreements.EVENTS,
    "application": applications.EVENTS,
    "call": calls.EVENTS,
    "checkpoint": checkpoints.EVENTS,
    "claim": claims.EVENTS,
    "closure": closure.EVENTS,
    "decision": decisions.EVENTS,
    "expert": experts.EVENTS,
    "notice": notices.EVENTS,
    "objection": notices.EVENTS,
    "organization": organizations.EVENTS,
    "panel": panels.EVENTS,
    "hosted_outflow": hosting.OUTFLOW_EVENTS,
    "hosting": hosting.EVENTS,
    "recovery": recoveries.EVENTS,
    "rectification": supervision.EVENTS,
    "termination": closure.TERMINATION_EVENTS,
    "user_account": accounts.EVENTS,
    "budget": funds.EVENTS,
    "budget_adjustment": funds.EVENTS,
}

# Events of rooms without words of their own, and of every kind of object.
GENERAL = {
    "activated": N_("Activated"), "added": N_("Added"), "approved": N_("Approved"), "changed": N_("Changed"),
    "closed": N_("Closed"), "confirmed": N_("Confirmed"), "created": N_("Created"), "edited": N_("Edited"),
    "ended": N_("Ended"), "frozen": N_("Frozen"), "handed_over": N_("Work handed over"), "held": N_("Held"),
    "hold_lifted": N_("Hold lifted"), "imported": N_("Imported"), "made": N_("Set aside"),
    "number_revealed": N_("Full number revealed"), "opened": N_("Opened"), "paid": N_("Paid"),
    "people_excluded": N_("People excluded"), "planned": N_("Planned"), "recorded": N_("Recorded"),
    "released": N_("Released"), "remainder_released": N_("Remainder released"), "removed": N_("Removed"),
    "receipt taken": N_("Receipt taken into the books"), "requested": N_("Requested"), "returned": N_("Returned"), "reviewed": N_("Reviewed"), "saved": N_("Saved"),
    "surplus_returned": N_("Surplus returned"), "trail_exported": N_("Audit trail exported"),
    "verified": N_("Verified"),
}  # fmt: skip


# Fields that entries name, with their words (English ids).
FIELDS: dict[str, dict[str, str]] = {"application": applications.FIELDS}


def words_for(entry: AuditEntry) -> str:
    """The event in words, an English id; an event without words as it is written."""
    own = EVENTS.get(entry.object_type, {}).get(entry.event)
    return own or GENERAL.get(entry.event) or entry.event.replace("_", " ")


def _event_choices() -> list[tuple[str, str]]:
    """The events on record with their words (English ids)."""
    own = {name: words for events in EVENTS.values() for name, words in events.items()}
    return [(name, GENERAL.get(name) or own.get(name) or name.replace("_", " ")) for name in queries.events()]


@bp.get("/", endpoint="list")
@allow("audit.read")
def list_entries() -> str:
    form = SearchForm(request.args, events=_event_choices())
    # A filter that cannot be read shows nothing rather than everything.
    found = queries.search(current_user, **form.criteria()) if form.validate() else None
    page = paginate(found, *queries.ORDER) if found is not None else None
    rows = page.rows if page is not None else []
    return render_template(
        "trail/list.html",
        form=form,
        page=page,
        lines=[queries.line(row) for row in rows],
        names=queries.names((row.object_type, row.object_id) for row in rows),
        words_for=words_for,
    )


@bp.get("/<object_type>/<int:object_id>")
@allow("audit.read")
def show(object_type: str, object_id: int) -> str:
    """Who, when, what, before and after, and whether each hash fits, for one object."""
    entries = list(
        db.session.scalars(
            queries.visible_entries(current_user)
            .where(AuditEntry.object_type == object_type, AuditEntry.object_id == object_id)
            .order_by(AuditEntry.seq)
        )
    )
    if not entries:
        abort(404)
    named = queries.names([(object_type, object_id)])[object_type, object_id]
    lines = queries.lines_of(entries)
    return render_template(
        "trail/show.html",
        named=named,
        lines=lines[::-1],
        broken=[line.entry.seq for line in lines if not line.genuine],
        field_words=FIELDS.get(object_type, {}),
        opens=bool(named.endpoint) and queries.opens(current_user, named.endpoint),
        words_for=words_for,
    )


@bp.post("/export")
@allow("audit.read")
def export() -> Response:
    """The entries that fit the filters as CSV; who took which table is on record."""
    form = SearchForm(request.form, events=_event_choices())
    if not form.validate():
        abort(400)
    criteria = form.criteria()
    query = queries.search(current_user, **criteria)
    order = [column.desc() if descending else column for column, descending in queries.ORDER]
    rows = db.session.scalars(query.order_by(*order).limit(MOST_ROWS + 1)).all()
    if len(rows) > MOST_ROWS:
        raise Refusal(
            Message(
                N_("More than %(most)s entries fit: narrow the period and take several tables."),
                {"most": MOST_ROWS},
            )
        )
    table = as_csv(rows)
    record(
        current_user._get_current_object(),
        "trail_exported",
        by=current_user,
        details={"rows": len(rows), "filters": {k: v for k, v in criteria.items() if v}},
    )
    keep()
    return send_file(
        io.BytesIO(table),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"audit-{clock.today():%Y%m%d}.csv",
    )


# The link from an object's own page

_BY_ENDPOINT = {kind.endpoint: (name, kind) for name, kind in queries.KINDS.items() if kind.endpoint}


@bp.app_template_global()
def trail_url() -> str | None:
    """The audit page of the object that this page shows, for those who may read it."""
    found = _BY_ENDPOINT.get(request.endpoint or "")
    if found is None or not current_user.is_authenticated or not current_user.may_somewhere("audit.read"):
        return None
    name, kind = found
    value: Any = (request.view_args or {}).get(kind.argument)
    if kind.key != "id":
        model = queries.model_of(name)
        value = (
            db.session.scalar(select(model.id).where(getattr(model, kind.key) == value)) if model else None
        )
    return url_for("trail.show", object_type=name, object_id=value) if value is not None else None


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "trail.list"
