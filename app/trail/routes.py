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
from app.trail.words import DETAILS
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
from finance.alerts import routes as alerts
from finance.batches import routes as batches
from finance.books import routes as books
from finance.disbursements import routes as disbursements
from finance.funds import routes as funds
from finance.hosting import routes as hosting
from finance.lottery import routes as lottery
from finance.recoveries import routes as recoveries
from finance.snapshots import routes as snapshots
from grants.applications import routes as applications
from grants.calls import routes as calls
from grants.notices import routes as notices
from projects.agreements import routes as agreements
from projects.claims import routes as claims
from projects.closure import routes as closure
from projects.supervision import routes as supervision
from registry.accounts import routes as accounts
from registry.credit import routes as credit
from registry.custody import routes as custody
from registry.experts import routes as experts
from registry.incubation import routes as incubation
from registry.liaison import routes as liaison
from registry.organizations import routes as organizations
from registry.party import routes as party
from registry.party_orgs import routes as party_orgs
from registry.persons import routes as persons
from registry.rosters import routes as rosters
from registry.workforce import routes as workforce

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
    "incubator": incubation.EVENTS,
    "incubation_service": incubation.SERVICE_EVENTS,
    "space_booking": incubation.BOOKING_EVENTS,
    "coverage_target": incubation.TARGET_EVENTS,
    "party_org": party_orgs.EVENTS,
    "party_worker": party.WORKER_EVENTS,
    "credit_proposal": credit.EVENTS,
    "credit_removal": credit.EVENTS,
    "disbursement": disbursements.EVENTS,
    "fund_alert": alerts.EVENTS,
    "lottery_notice": lottery.PLAN_EVENTS,
    "lottery_plan": lottery.PLAN_EVENTS,
    "opening_import": books.EVENTS,
    "payment_batch": batches.EVENTS,
    "ratio_snapshot": snapshots.EVENTS,
    "receipt_file": batches.EVENTS,
    "agency": liaison.UNIT_EVENTS,
    "custody_transfer": custody.EVENTS,
    "liaison_notice": liaison.EVENTS,
    "liaison_officer": liaison.EVENTS,
    "person": persons.EVENTS,
    "roster": rosters.EVENTS,
    "social_worker": workforce.EVENTS,
    "training": workforce.EVENTS,
    "training_plan": workforce.EVENTS,
    "volunteer": workforce.EVENTS,
    "hosted_outflow": hosting.OUTFLOW_EVENTS,
    "hosting": hosting.EVENTS,
    "recovery": recoveries.EVENTS,
    "rectification": supervision.EVENTS,
    "termination": closure.TERMINATION_EVENTS,
    "user_account": accounts.EVENTS,
    "book_year": books.EVENTS,
    "budget": funds.EVENTS,
    "budget_adjustment": funds.EVENTS,
}

# Events of rooms without words of their own, and of every kind of object.
GENERAL = {
    "activated": N_("Activated"), "added": N_("Added"), "amounts noted": N_("Amounts noted"),
    "applied": N_("Receipts applied"), "approved": N_("Approved"), "asked_again": N_("Asked again"),
    "assigned": N_("Assigned"), "brought_in": N_("Brought in"),
    "cancelled in part": N_("Cancelled in part"), "changed": N_("Changed"), "closed": N_("Closed"),
    "committed": N_("Committed"), "confirmed": N_("Confirmed"), "corrected": N_("Corrected"),
    "corrected many": N_("Several rows corrected"), "created": N_("Created"),
    "data_exported": N_("Personal data exported"), "declared": N_("Interest declared"),
    "department_changed": N_("Responsible department changed"), "discarded": N_("Discarded"),
    "dismissed": N_("Dismissed"), "dissent_recorded": N_("Dissent recorded"),
    "due_days_set": N_("Due days set"), "edited": N_("Edited"),
    "email_changed": N_("E-mail address changed"), "employment_ended": N_("Employment ended"),
    "employment_recorded": N_("Employment recorded"), "ended": N_("Ended"), "erased": N_("Erased"),
    "evidence_filed": N_("Evidence filed"), "examined": N_("Examined"),
    "export_asked": N_("Export asked for"), "exported": N_("Exported"), "file_fetched": N_("File fetched"),
    "file_layout_set": N_("Layout of the file set"), "file_made": N_("File made"),
    "first_approved": N_("First approval given"), "frozen": N_("Frozen"), "given_up": N_("Given up"),
    "granted": N_("Granted"), "grew": N_("Grew worse"), "handed_over": N_("Work handed over"),
    "headings remembered": N_("Headings remembered"), "held": N_("Held"), "hold_lifted": N_("Hold lifted"),
    "identity_entered": N_("Identity number entered"), "identity_read": N_("Identity number read in full"),
    "imported": N_("Imported"), "item_dropped": N_("Row left out"), "kept_closed": N_("Kept closed"),
    "kinship_ended": N_("Kinship ended"), "kinship_recorded": N_("Kinship recorded"), "made": N_("Entered"),
    "made_again": N_("Made again"), "merged": N_("Merged"), "merged_away": N_("Merged into another entry"),
    "number_revealed": N_("Full number revealed"), "opened": N_("Opened"), "paid": N_("Paid"),
    "payment_layout_set": N_("Layout of payment files set"), "people_excluded": N_("People excluded"),
    "planned": N_("Planned"), "postings_exported": N_("Postings exported"),
    "put_in_force": N_("Put in force"), "read": N_("File read"),
    "receipt taken": N_("Receipt taken into the books"), "recorded": N_("Recorded"),
    "recovered": N_("Recovered"), "released": N_("Released"),
    "remainder_released": N_("Remainder released"), "removed": N_("Removed"),
    "reopened": N_("Opened again"), "reopening_asked": N_("Reopening asked for"),
    "replaced": N_("Replaced"), "requested": N_("Requested"), "returned": N_("Returned"),
    "reviewed": N_("Reviewed"), "saved": N_("Saved"), "second_approved": N_("Second approval given"),
    "set": N_("Limit set"), "sheet_submitted": N_("Score sheet submitted"),
    "stuck_noted": N_("Noted as stuck"), "surplus_returned": N_("Surplus returned"),
    "taken": N_("Taken into the books"), "taken back": N_("Taken back"),
    "trail_exported": N_("Audit trail exported"), "tranche_reduced": N_("Tranche reduced"),
    "undone": N_("Undone"), "uploaded": N_("Uploaded"), "verified": N_("Verified"),
    "written": N_("Drawn up"),
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
        detail_words=DETAILS,
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
