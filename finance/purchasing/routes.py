"""Tables of purchased services: uploaded, looked through, taken; and services that go on under another name.

The figure over them has its pages in the room above.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.access.policy import Refusal
from core.db import db
from core.jobs.models import Job
from core.jobs.services import cancel as cancel_job
from core.jobs.services import refusal_of, worker_seen
from core.money import Money
from core.text import N_, Message
from core.web.gate import allow
from core.web.paging import paginate
from finance.continuations.queries import Proposal, continuations_of, links_in_scope, proposals
from finance.continuations.services import confirm_continuation, dismiss_continuation, undo_continuation
from finance.contracts.imports import COLUMNS, heading_text, in_other_unit
from finance.contracts.models import PurchaseImport, ServiceContinuation
from finance.contracts.queries import division_labels, importable_divisions
from finance.figures.queries import years_with_rows
from finance.purchasing.forms import ImportForm
from finance.purchasing.jobs import look_or_queue, take_or_queue
from finance.purchasing.queries import visible_imports
from finance.purchasing.services import discard_import, open_import, remember_headings
from registry.agencies.models import Agency
from registry.agencies.rules import DivisionError, normalise_division

bp = Blueprint("purchasing", __name__, url_prefix="/purchasing")

STATES = {
    "looking": (N_("being looked through"), "active"),
    "wrong": (N_("has mistakes"), "wrong"),
    "ready": (N_("ready to be taken"), "waiting"),
    "taking": (N_("being taken"), "active"),
    "taken": (N_("taken"), "done"),
    "stopped": (N_("stopped"), "closed"),
}


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "ratios.show"


@bp.app_template_filter("fen_money")
def fen_money(fen: int) -> Money:
    """Fen of a kept preview as money."""
    return Money(fen)


def _units() -> Sequence[Agency]:
    """The units a person may import for, their own first."""
    ids = current_user.agency_ids("purchase.import")
    units = db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()
    own = current_user.main_assignment.agency_id if current_user.main_assignment else None
    return sorted(units, key=lambda unit: unit.id != own)


def _import_or_404(number: int) -> PurchaseImport:
    return db.session.scalar(
        visible_imports(current_user)
        .where(PurchaseImport.id == number)
        .options(joinedload(PurchaseImport.file), joinedload(PurchaseImport.agency))
    ) or abort(404)


@bp.route("/import", methods=["GET", "POST"], endpoint="import")
@allow("purchase.import")
def import_() -> Any:
    """Upload a purchase table; nothing of it counts before it was looked through and taken."""
    units = _units()
    earlier = db.session.scalars(
        visible_imports(current_user)
        .where(PurchaseImport.taken_at.is_not(None))
        .order_by(PurchaseImport.id.desc())
        .limit(50)
    ).all()
    form = ImportForm()
    form.agency.choices = [(unit.id, unit.name) for unit in units]
    form.replaces.choices = [
        (0, _("No: it is a table of its own")),
        *(
            (batch.id, f"{batch.file_name} · {batch.imported_at:%Y-%m-%d} · {batch.rows}")
            for batch in earlier
        ),
    ]
    if request.method == "GET":
        form.replaces.data = request.args.get("replaces", 0, type=int)
    if form.validate_on_submit():
        batch = open_import(
            form.file.data.stream,
            form.file.data.filename or "table",
            agency=next(unit for unit in units if unit.id == form.agency.data),
            replaces=next((item for item in earlier if item.id == form.replaces.data), None),
            by=current_user,
        )
        look_or_queue(batch, by=current_user)
        return redirect(url_for("purchasing.show", import_id=batch.id), code=303)
    return render_template("purchasing/import.html", form=form, columns=COLUMNS), 422 if form.errors else 200


@bp.get("/imports")
@allow("purchase.import")
def list() -> str:
    """The tables of one's units, newest first."""
    page = paginate(
        visible_imports(current_user).options(joinedload(PurchaseImport.agency)),
        (PurchaseImport.id, True),
        size=30,
    )
    jobs = _jobs([batch.job_id for batch in page.rows if batch.job_id and batch.taken_at is None])
    states = {batch.id: _state(batch, jobs.get(batch.job_id)) for batch in page.rows}
    return render_template("purchasing/list.html", page=page, states=states, words=STATES)


def _jobs(numbers: Any) -> dict[int | None, Job]:
    return {job.id: job for job in db.session.scalars(select(Job).where(Job.id.in_(numbers)))}


def _state(batch: PurchaseImport, job: Job | None) -> str:
    if batch.taken_at is not None:
        return "taken"
    if job is not None and job.state in ("queued", "running"):
        return "taking" if job.kind == "purchase take" else "looking"
    if batch.preview:
        preview = json.loads(batch.preview)
        return "wrong" if preview["errors"] or preview["refusals"] else "ready"
    return "stopped"


@bp.get("/imports/<int:import_id>")
@allow("purchase.import")
def show(import_id: int) -> Any:
    """What a look through the table found, and after that what it did."""
    batch = _import_or_404(import_id)
    job = db.session.get(Job, batch.job_id) if batch.job_id else None
    state = _state(batch, job)
    preview = json.loads(batch.preview) if batch.preview else None
    return render_template(
        "purchasing/show.html",
        batch=batch,
        job=job,
        state=state,
        words=STATES,
        going=state in ("looking", "taking"),
        stuck=job is not None and job.state == "queued" and not worker_seen(),
        refusal=refusal_of(job) if job is not None and job.state == "failed" else None,
        preview=preview,
        messages=_messages(preview) if preview else {},
        columns=COLUMNS,
        replaced=db.session.get(PurchaseImport, batch.replaces_id) if batch.replaces_id else None,
        same_file=db.session.scalar(
            visible_imports(current_user)
            .where(
                PurchaseImport.sha256 == batch.sha256,
                PurchaseImport.taken_at.is_not(None),
                PurchaseImport.id != batch.id,
            )
            .order_by(PurchaseImport.id.desc())
            .limit(1)
        ),
    ), 200


def _messages(preview: dict[str, Any]) -> dict[str, Any]:
    """The kept sentences as messages, for the page to translate."""
    return {
        "errors": [item | {"message": Message.from_dict(item["message"])} for item in preview["errors"]],
        "refusals": [Message.from_dict(item) for item in preview["refusals"]],
        "warnings": [
            item | {"message": Message.from_dict(item["message"])} for item in preview.get("warnings", [])
        ],
    }


@bp.post("/imports/<int:import_id>/headings")
@allow("purchase.import")
def headings(import_id: int) -> Any:
    """Say once what the unit's own names of columns mean, and look through the table again."""
    batch = _import_or_404(import_id)
    preview = json.loads(batch.preview) if batch.preview else abort(404)
    chosen: dict[str, str] = {}
    for place, heading in enumerate(preview["unknown"]):
        name = request.form.get(f"column-{place}", "")
        if name not in ("", *COLUMNS):
            abort(422)
        if name.endswith("_yuan") and in_other_unit(heading):
            raise Refusal(
                Message(
                    N_(
                        "“%(heading)s” is not in yuan: write the amounts in yuan into the file and upload it again."
                    ),
                    {"heading": heading},
                )
            )
        chosen[heading_text(heading)] = name
    agency = batch.agency or abort(404)
    remember_headings(agency, chosen, by=current_user)
    look_or_queue(batch, by=current_user)
    return redirect(url_for("purchasing.show", import_id=batch.id), code=303)


@bp.post("/imports/<int:import_id>/take")
@allow("purchase.import")
def take(import_id: int) -> Any:
    """Take the table: all of its rows or none."""
    batch = _import_or_404(import_id)
    if take_or_queue(batch, by=current_user) is None:
        flash(
            _(
                "%(rows)s rows taken, %(replaced)s of them stood there before, %(removed)s taken back.",
                rows=batch.rows,
                replaced=batch.replaced,
                removed=batch.removed,
            ),
            "ok",
        )
    return redirect(url_for("purchasing.show", import_id=batch.id), code=303)


@bp.post("/imports/<int:import_id>/discard")
@allow("purchase.import")
def discard(import_id: int) -> Any:
    """Forget a table that was not taken; its work stops at the next step."""
    batch = _import_or_404(import_id)
    job = db.session.get(Job, batch.job_id) if batch.job_id else None
    if job is not None and job.state in ("queued", "running"):
        cancel_job(job, by=current_user)
    discard_import(batch, by=current_user)
    flash(_("The table is discarded; nothing of it was taken."), "ok")
    return redirect(url_for("purchasing.list"), code=303)


def _level() -> tuple[str, int]:
    """The level and year that continuations are asked for, inside the person's reach."""
    offered = importable_divisions(current_user)
    text = request.values.get("division") or (offered[0] if offered else abort(404))
    try:
        code = normalise_division(text)
    except DivisionError:
        abort(404)
    if code not in offered:
        abort(404)
    year = request.values.get("year", type=int) or next(iter(years_with_rows(code)), 0)
    return code, year if 1995 <= year <= 2100 else abort(404) if year else 0


@bp.get("/continuations")
@allow("purchase.import")
def continuations() -> str:
    """Services that ended and services that began: which go on under another name, code or department."""
    offered = importable_divisions(current_user)
    code, year = _level()
    links = continuations_of(current_user, year)
    found = proposals(code, year) if year else []
    divisions = {division for item in found for division in (item.earlier[0], item.later[0])}
    divisions |= {division for link in links for division in (link.earlier_division, link.later_division)}
    return render_template(
        "purchasing/continuations.html",
        division=code,
        year=year,
        years=years_with_rows(code),
        divisions=offered,
        labels=division_labels(divisions | set(offered)),
        proposals=found,
        links=links,
    )


def _proposal(code: str, year: int) -> Proposal:
    """The proposal that a form names; proposals are made anew, so that nobody confirms what never was one."""
    token = request.form.get("pair", "")
    return next((item for item in proposals(code, year) if item.token == token), None) or abort(404)


@bp.post("/continuations/confirm")
@allow("purchase.import")
def confirm() -> Any:
    code, year = _level()
    item = _proposal(code, year)
    confirm_continuation(item.earlier, item.later, fiscal_year=year, by=current_user)
    flash(_("“%(name)s” continues the earlier service; the figure follows.", name=item.later_name), "ok")
    return redirect(url_for("purchasing.continuations", division=code, year=year), code=303)


@bp.post("/continuations/dismiss")
@allow("purchase.import")
def dismiss() -> Any:
    code, year = _level()
    item = _proposal(code, year)
    dismiss_continuation(item.earlier, item.later, fiscal_year=year, by=current_user)
    flash(_("The two stay different services and are not proposed again."), "ok")
    return redirect(url_for("purchasing.continuations", division=code, year=year), code=303)


@bp.post("/continuations/<int:link_id>/undo")
@allow("purchase.import")
def undo(link_id: int) -> Any:
    link = db.session.scalar(links_in_scope(current_user).where(ServiceContinuation.id == link_id)) or abort(
        404
    )
    year, division = link.fiscal_year, link.later_division
    undo_continuation(link, by=current_user)
    flash(_("The two are different services again; the figure follows."), "ok")
    return redirect(url_for("purchasing.continuations", division=division, year=year), code=303)
