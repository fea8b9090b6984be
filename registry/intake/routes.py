"""Bringing lists in: upload, what a reading found, what it would change, taking it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from core.access.policy import Refusal
from core.db import db
from core.jobs.models import Job
from core.jobs.services import cancel as cancel_job
from core.jobs.services import refusal_of, worker_seen
from core.spreadsheets import plain_heading
from core.text import N_, Message
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import day, say
from registry.agencies.models import Agency
from registry.agencies.queries import division_names
from registry.directory.rules import FACETS
from registry.duplicates.queries import uncompared
from registry.intake import queries, services
from registry.intake.forms import ImportForm
from registry.intake.imports import header_of
from registry.intake.jobs import ask_to_read, ask_to_take
from registry.intake.models import ImportRow, RegisterImport
from registry.intake.reports import column_word, marked_workbook, sentences
from registry.intake.rules import COLUMNS, REQUIRED
from registry.keys.queries import waiting

bp = Blueprint("intake", __name__, url_prefix="/organizations/imports")

STATES = {
    "reading": (N_("being read"), "active"),
    "taking": (N_("being taken"), "active"),
    "stopped": (N_("stopped"), "wrong"),
    "read": (N_("ready to be taken"), "waiting"),
    "wrong": (N_("cannot be taken"), "wrong"),
    "taken": (N_("taken"), "done"),
}
SHOWN = 100
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "directory.list"


def _import_or_404(number: int) -> RegisterImport:
    return db.session.scalar(
        queries.visible_imports(current_user)
        .options(joinedload(RegisterImport.agency))
        .where(RegisterImport.id == number)
    ) or abort(404)


def _job(batch: RegisterImport) -> Job | None:
    return db.session.get(Job, batch.job_id) if batch.job_id else None


def _state(batch: RegisterImport, job: Job | None) -> str:
    going = job is not None and job.state in ("queued", "running")
    if batch.state == "reading":
        return "reading" if going else "stopped"
    if batch.state == "read" and going:
        return "taking"
    return batch.state


@bp.get("/", endpoint="list")
@allow("organization.edit")
def list_imports() -> str:
    """The lists of one's units, the newest first."""
    page = paginate(
        queries.visible_imports(current_user).options(joinedload(RegisterImport.agency)),
        (RegisterImport.id, True),
        size=30,
    )
    numbers = [batch.job_id for batch in page.rows if batch.job_id and batch.state != "taken"]
    jobs = (
        {job.id: job for job in db.session.scalars(select(Job).where(Job.id.in_(numbers)))} if numbers else {}
    )
    states = {batch.id: _state(batch, jobs.get(batch.job_id)) for batch in page.rows}
    return render_template("intake/list.html", page=page, states=states, words=STATES)


@bp.route("/new", methods=["GET", "POST"])
@allow("organization.edit")
def new() -> Answer:
    """Upload a list; it is only read first."""
    units = queries.units_for_import(current_user)
    form = ImportForm()
    form.agency.choices = [(str(unit.id), unit.name) for unit in units]
    if form.validate_on_submit():
        try:
            batch = services.open_import(
                form.file.data.stream,
                form.file.data.filename or "table",
                agency=db.session.get_one(Agency, int(form.agency.data)),
                by=current_user,
            )
            ask_to_read(batch, by=current_user)
            return redirect(url_for("intake.show", import_id=batch.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("intake/new.html", form=form, columns=COLUMNS, required=REQUIRED),
        422 if form.is_submitted() else 200,
    )


@bp.get("/<int:import_id>")
@allow("organization.edit")
def show(import_id: int) -> str:
    """How far it is, what was found, and what may be done next."""
    batch = _import_or_404(import_id)
    job = _job(batch)
    state = _state(batch, job)
    problems = queries.problems_of(batch, limit=SHOWN)
    examples = _examples(batch) if state in ("read", "taken") else []
    return render_template(
        "intake/show.html",
        batch=batch,
        job=job,
        state=state,
        words=STATES,
        going=state in ("reading", "taking"),
        stuck=job is not None and job.state == "queued" and not worker_seen(),
        refusal=refusal_of(job) if job is not None and job.state == "failed" else None,
        refusals=[say(Message.from_dict(item)) for item in batch.refusals],
        problems=[(problem, sentences(problem)) for problem in problems],
        columns=COLUMNS,
        missing=[name for name in REQUIRED if name not in batch.columns]
        if batch.columns or batch.unknown
        else [],
        column_word=column_word,
        examples=examples,
        places=division_names([row.division_code for row in examples]),
        mine=job is not None and job.queued_by == current_user.id,
        behind=batch.state == "taken" and _behind(),
    )


def _behind() -> bool:
    """Whether entries in reach still wait for what follows an import: keys to be found by, similar names."""
    return bool(waiting(current_user).number or uncompared(current_user).number)


def _examples(batch: RegisterImport) -> list[ImportRow]:
    return list(
        db.session.scalars(
            select(ImportRow)
            .where(ImportRow.import_id == batch.id, ImportRow.action == "new")
            .order_by(ImportRow.number)
            .limit(5)
        )
    )


@bp.get("/<int:import_id>/changes")
@allow("organization.edit")
def changes(import_id: int) -> str:
    """What the table changes of organizations on the register, field by field; gone once it is taken."""
    batch = _import_or_404(import_id)
    if batch.state != "read":
        abort(404)
    page = paginate(
        select(ImportRow).where(ImportRow.import_id == batch.id, ImportRow.action == "changed"),
        (ImportRow.number, False),
    )
    found = queries.differences(batch, [row.number for row in page.rows])
    units = {
        unit.id: unit.name
        for unit in db.session.scalars(select(Agency).where(Agency.path.startswith(batch.agency.path)))
    }
    return render_template(
        "intake/changes.html",
        batch=batch,
        page=page,
        differences=found,
        words_for=lambda column, value: _words(column, value, units),
        column_word=column_word,
    )


def _words(column: str, value: Any, units: dict[int, str]) -> str:
    """A stored value as people read it."""
    facet = {"kind": "kind", "register_class": "class", "status": "status"}.get(column)
    if value in (None, "", []):
        return "—"
    if facet is not None:
        return say(FACETS[facet].get(value, value))
    if column == "fields":
        return "、".join(say(FACETS["field"].get(item, item)) for item in value)
    if column == "agency_id":
        return units.get(value, "—")
    if column == "division_code":
        return f"{division_names([value]).get(value, '')} {value}".strip()
    return day(value) if isinstance(value, date) else str(value)


@bp.get("/<int:import_id>/marked.xlsx")
@allow("organization.edit")
def marked(import_id: int) -> Response:
    """The rows that were left out, with what is wrong, to be mended and uploaded again."""
    batch = _import_or_404(import_id)
    problems = queries.problems_of(batch, limit=services.MAX_PROBLEMS)
    if not problems:
        abort(404)
    stem = batch.file_name.rsplit(".", 1)[0]
    return send_file(
        marked_workbook(batch.columns, header_of(batch), problems),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"{stem}-{gettext('to be mended')}.xlsx",
    )


@bp.post("/<int:import_id>/headings")
@allow("organization.edit")
def headings(import_id: int) -> Response:
    """Say once what the unit's own names of columns mean, and read the table again."""
    batch = _import_or_404(import_id)
    chosen: dict[str, str] = {}
    for place, heading in enumerate(batch.unknown):
        name = request.form.get(f"column-{place}", "")
        if name not in ("", *COLUMNS):
            abort(422)
        chosen[plain_heading(heading)] = name
    services.remember_headings(batch.agency, chosen, by=current_user)
    services.read_again(batch, by=current_user)
    ask_to_read(batch, by=current_user)
    return redirect(url_for("intake.show", import_id=batch.id), code=303)


@bp.post("/<int:import_id>/read")
@allow("organization.edit")
def read(import_id: int) -> Response:
    """Go on with a reading that was stopped, or read again what was read before the register changed."""
    batch = _import_or_404(import_id)
    if batch.state != "reading":
        services.read_again(batch, by=current_user)
    ask_to_read(batch, by=current_user)
    return redirect(url_for("intake.show", import_id=batch.id), code=303)


@bp.post("/<int:import_id>/take")
@allow("organization.edit")
def take(import_id: int) -> Response:
    """Take what can be taken, all of it or nothing."""
    batch = _import_or_404(import_id)
    if batch.state != "read":
        raise Refusal(
            Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
        )
    ask_to_take(batch, by=current_user)
    return redirect(url_for("intake.show", import_id=batch.id), code=303)


@bp.post("/<int:import_id>/cancel")
@allow("organization.edit")
def cancel(import_id: int) -> Response:
    """Stop the work at its next step; what was read stays and can be gone on with."""
    batch = _import_or_404(import_id)
    job = _job(batch)
    if job is None:
        abort(404)
    cancel_job(job, by=current_user)
    flash(gettext("The work stops at its next step. You can go on with it or discard the table."), "ok")
    return redirect(url_for("intake.show", import_id=batch.id), code=303)


@bp.post("/<int:import_id>/discard")
@allow("organization.edit")
def discard(import_id: int) -> Response:
    """Forget a table that was not taken."""
    batch = _import_or_404(import_id)
    job = _job(batch)
    if job is not None and job.state in ("queued", "running") and job.queued_by == current_user.id:
        cancel_job(job, by=current_user)
    services.discard_import(batch, by=current_user)
    flash(gettext("The table is discarded; nothing of it was taken."), "ok")
    return redirect(url_for("intake.list"), code=303)
