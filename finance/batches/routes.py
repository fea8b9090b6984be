"""Pages of batches to the treasury and of the bank's answers."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.money import Money
from core.text import N_, Message
from core.web import tables
from core.web.gate import allow, keep
from core.web.paging import paginate
from core.web.words import say
from finance.batches import queries, services
from finance.batches.forms import AnswersForm, LayoutForm, TotalForm
from finance.batches.imports import read_answers
from finance.batches.lifecycle import BATCH
from finance.batches.models import Batch, BatchItem, ReceiptFile
from finance.batches.reports import BATCHES, columns_of, payment_file
from finance.batches.rules import FIELDS, SOURCE
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import visible_disbursements
from registry.agencies.models import Agency
from registry.factors.forms import ProofForm
from registry.factors.services import prove

bp = Blueprint("batches", __name__, url_prefix="/batches")

EVENTS = {
    "made": N_("Put together"),
    "item_dropped": N_("A payment taken out"),
    "exported": N_("Sent to the treasury"),
    "file_made": N_("File made"),
    "file_fetched": N_("File fetched"),
    "answered": N_("Answered"),
    "dropped": N_("Dissolved"),
    "read": N_("Read in"),
    "applied": N_("Applied"),
    "discarded": N_("Discarded"),
}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "disbursements.list"


@bp.get("/")
@allow("disbursement.read")
def list() -> Any:
    table = tables.show(BATCHES, current_user)
    counts = tables.counts_by(queries.visible_batches(current_user), Batch.state, [*BATCH.by_state])
    total_count, sums = tables.summary(table.query, Batch.total)
    return render_template(
        "batches/list.html",
        table=table,
        page=table.page,
        view=tables.arguments().get("view", "all"),
        counts=counts,
        all_states=tables.total_of(counts),
        states=BATCH.states,
        total_count=total_count,
        sums=sums,
        may_make=current_user.may_somewhere("disbursement.pay"),
    )


def _agency() -> Agency:
    """The unit that a batch is made for: the one asked for among the person's, else the first."""
    units = queries.paying_agencies(current_user)
    asked = request.values.get("agency", "")
    if asked:
        return next((item for item in units if str(item.id) == asked), None) or abort(404)
    return units[0] if units else abort(404)


@bp.route("/new", methods=["GET", "POST"])
@allow("disbursement.pay")
def new() -> Any:
    """What may go out, with count and total; what stays out, with the reason."""
    agency = _agency()
    problem = None
    if request.method == "POST":
        ids = {
            int(item) for item in request.form.getlist("disbursement") if item.isdecimal() and len(item) < 19
        }
        chosen = db.session.scalars(
            visible_disbursements(current_user).where(
                Disbursement.id.in_(ids), Disbursement.agency_id == agency.id
            )
        ).all()
        try:
            batch = services.make_batch(agency, chosen, by=current_user._get_current_object())
            flash(_("Put together. Look at count and total; then send it."))
            return redirect(url_for("batches.show", batch_id=batch.id), code=303)
        except Refusal as refusal:
            problem = refusal
    found = queries.candidates(agency.id, current_user._get_current_object())
    ready = [item.disbursement for item in found if item.reason is None]
    return render_template(
        "batches/new.html",
        agency=agency,
        units=queries.paying_agencies(current_user),
        ready=ready,
        out=[item for item in found if item.reason is not None],
        total=sum((item.amount for item in ready), Money(0)),
        chosen={str(item) for item in request.form.getlist("disbursement")} if problem else None,
        problem=problem,
    ), (422 if problem else 200)


def _load(batch_id: int) -> Batch:
    return queries.batch_in_scope(current_user, batch_id) or abort(404)


def _page(batch: Batch, status: int = 200, **forms: Any) -> Any:
    items = queries.items_of(batch, living=batch.state != "dropped")
    acts = current_user.may("disbursement.pay", agency_id=batch.agency_id)
    made = batch.state == "made"
    user = current_user._get_current_object()
    state = request.args.get("state", "")
    shown = state if any(item.disbursement.state == state for item in items) else ""
    return render_template(
        "batches/show.html",
        batch=batch,
        items=items,
        shown=shown,
        outcomes=[] if made else queries.outcomes(items),
        reasons={item.id: queries.why_not(item.disbursement, user) for item in items}
        if made and acts
        else {},
        acts=acts,
        made=made,
        columns=columns_of(batch.agency_id),
        fields=FIELDS,
        total_form=forms.get("total") or TotalForm(formdata=None),
        proof_form=forms.get("proof") or ProofForm(current_user, formdata=None),
        people=queries.names_of([batch.made_by, batch.exported_by]),
        history=history_of(batch),
        words=EVENTS,
    ), status


@bp.get("/<int:batch_id>")
@allow("disbursement.read")
def show(batch_id: int) -> Any:
    return _page(_load(batch_id))


@bp.post("/<int:batch_id>/export")
@allow("disbursement.pay")
def export(batch_id: int) -> Any:
    """Money leaves: the total is typed, and who is there is asked once more."""
    batch = _load(batch_id)
    total, proof = TotalForm(), ProofForm(current_user)
    valid = total.validate()
    if not proof.validate() or not valid:
        return _page(batch, 422, total=total, proof=proof)
    if total.total.data != batch.total:
        total.total.errors = [_("This is not the total of the batch: compare it again.")]
        return _page(batch, 422, total=total, proof=proof)
    user = current_user._get_current_object()
    problem = prove(user, proof.proof.data, address=request.remote_addr or "")
    if problem is not None:
        proof.proof.errors = [say(problem)]
        keep()
        return _page(batch, 422, total=total, proof=proof)
    services.export_batch(batch, total=total.total.data, make=payment_file, by=user)
    flash(
        _(
            "Sent: %(count)s payments, %(total)s yuan. Fetch the file now.",
            count=batch.count,
            total=batch.total.format(),
        )
    )
    return redirect(url_for("batches.show", batch_id=batch.id), code=303)


@bp.post("/<int:batch_id>/drop")
@allow("disbursement.pay")
def drop(batch_id: int) -> Any:
    batch = _load(batch_id)
    services.drop_batch(batch, by=current_user)
    flash(_("Dissolved. Its payments may go into another batch."))
    return redirect(url_for("batches.show", batch_id=batch.id), code=303)


@bp.post("/<int:batch_id>/items/<int:item_id>/drop")
@allow("disbursement.pay")
def drop_item(batch_id: int, item_id: int) -> Any:
    batch = _load(batch_id)
    item = db.session.get(BatchItem, item_id)
    if item is None or item.batch_id != batch.id:
        abort(404)
    services.drop_item(item, by=current_user)
    flash(_("Taken out; count and total follow."))
    return redirect(url_for("batches.show", batch_id=batch.id), code=303)


@bp.post("/<int:batch_id>/file/<kind>")
@allow("disbursement.pay")
def fetch(batch_id: int, kind: str) -> Any:
    """The file as it was made, the same bytes each time; the fetching is written down."""
    batch = _load(batch_id)
    if kind not in TYPES:
        abort(404)
    data = services.fetch_file(batch, kind, by=current_user)
    keep()
    answer = make_response(data)
    answer.headers["Content-Type"] = TYPES[kind]
    answer.headers["Content-Disposition"] = f'attachment; filename="{batch.number}.{kind}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.route("/layout", methods=["GET", "POST"])
@allow("account.payee")
def layout() -> Any:
    """The columns of the file that a unit's treasury takes."""
    agency = _agency()
    given = columns_of(agency.id)
    form = LayoutForm(
        data={"columns": [{"heading": i.heading, "field": i.field, "fixed": i.fixed} for i in given]}
    )
    if form.validate_on_submit():
        try:
            services.set_layout(agency, form.headings(), by=current_user)
            flash(_("The columns are kept; files made before stay as they are."))
            return redirect(url_for("batches.layout", agency=agency.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template(
        "batches/layout.html", form=form, agency=agency, units=queries.paying_agencies(current_user)
    ), (422 if form.is_submitted() else 200)


# The bank's answers --------------------------------------------------------------------------------


@bp.get("/answers")
@allow("disbursement.read")
def receipts() -> Any:
    page = paginate(queries.visible_receipts(current_user), (ReceiptFile.id, True))
    return render_template(
        "batches/receipts.html",
        page=page,
        people=queries.names_of([item.read_by for item in page.rows]),
        may_read=current_user.may_somewhere("disbursement.pay"),
    )


@bp.route("/answers/new", methods=["GET", "POST"])
@allow("disbursement.pay")
def read_receipts() -> Any:
    """Read a table of the bank; one with a mistake is not taken at all."""
    agency = _agency()
    form, errors = AnswersForm(), []
    if form.validate_on_submit():
        data = form.file.data.read()
        name = form.file.data.filename or ""
        result = read_answers(io.BytesIO(data), name)
        errors = result.errors
        if not errors:
            try:
                file = services.keep_answers(agency, name, data, result, by=current_user)
                flash(_("Read and compared. Nothing has moved yet: look at the result, then apply it."))
                return redirect(url_for("batches.receipt", file_id=file.id), code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return render_template(
        "batches/read_receipts.html",
        form=form,
        errors=errors,
        agency=agency,
        units=queries.paying_agencies(current_user),
    ), (422 if form.is_submitted() else 200)


def _receipt(file_id: int) -> ReceiptFile:
    return queries.receipt_in_scope(current_user, file_id) or abort(404)


@bp.get("/answers/<int:file_id>")
@allow("disbursement.read")
def receipt(file_id: int) -> Any:
    """Request, receipt and posting side by side: matched, different, not compared."""
    file = _receipt(file_id)
    lines = queries.lines_of(file)
    missing = queries.unanswered(file) if file.state == "read" else []
    shown = request.args.get("verdict", "")
    return render_template(
        "batches/receipt.html",
        file=file,
        lines=[line for line in lines if shown in ("", line.verdict)],
        shown=shown,
        counts={
            name: sum(line.verdict == name for line in lines)
            for name in ("matched", "different", "not_compared")
        },
        differences={line.id: [Message.from_dict(item) for item in line.differences] for line in lines},
        posted=queries.posted_amounts({line.disbursement_id for line in lines if line.disbursement_id}),
        total=sum((line.amount for line in lines if line.verdict == "matched"), Money(0)),
        missing=missing,
        source=SOURCE,
        acts=file.state == "read" and current_user.may("disbursement.pay", agency_id=file.agency_id),
        people=queries.names_of([file.read_by, file.applied_by]),
        history=history_of(file),
        words=EVENTS,
    )


@bp.post("/answers/<int:file_id>/apply")
@allow("disbursement.pay")
def apply(file_id: int) -> Any:
    file = _receipt(file_id)
    moved = services.apply_answers(file, by=current_user._get_current_object())
    flash(_("Applied: %(count)s payments have their end. What differs stays as it was.", count=moved))
    return redirect(url_for("batches.receipt", file_id=file.id), code=303)


@bp.post("/answers/<int:file_id>/discard")
@allow("disbursement.pay")
def discard(file_id: int) -> Any:
    file = _receipt(file_id)
    services.discard_answers(file, by=current_user)
    flash(_("Discarded. The table may be read in again."))
    return redirect(url_for("batches.receipts"), code=303)
