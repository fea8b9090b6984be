"""Bringing in tables of facts about organizations: upload, what it would change, taking it."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from core.access.policy import Refusal
from core.db import db
from core.jobs.models import Job
from core.jobs.services import refusal_of, worker_seen
from core.spreadsheets import plain_heading
from core.text import N_, Message
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from registry.agencies.models import Agency
from registry.factsheets import queries, services
from registry.factsheets.imports import LIST_KIND, read_again, read_facts
from registry.factsheets.jobs import ask_to_take
from registry.factsheets.models import FactRow, FactSheet
from registry.factsheets.reports import column_word, marked_workbook, sample_workbook, sentences, told
from registry.factsheets.rules import COLUMNS, MAX_ROWS, YEAR_HEADING
from registry.intake.services import remember_headings
from registry.organizations.models import Organization
from registry.rosters.forms import RosterForm
from registry.rosters.rules import draft_of

bp = Blueprint("factsheets", __name__, url_prefix="/organizations/facts")

STATES = {
    "taking": (N_("being taken"), "active"),
    "read": (N_("ready to be taken"), "waiting"),
    "wrong": (N_("cannot be taken"), "wrong"),
    "taken": (N_("taken"), "done"),
}
EVENTS = {
    "uploaded": N_("Uploaded"),
    "taken": N_("Taken into the register"),
    "discarded": N_("Discarded"),
}
SHOWN = 100
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "directory.list"


def _sheet_or_404(number: int) -> FactSheet:
    sheet = db.session.scalar(
        queries.visible_sheets(current_user)
        .options(joinedload(FactSheet.agency))
        .where(FactSheet.id == number)
    )
    if sheet is None:
        abort(404)
    return sheet


def _job(sheet: FactSheet) -> Job | None:
    return db.session.get(Job, sheet.job_id) if sheet.job_id else None


def _state(sheet: FactSheet, job: Job | None) -> str:
    going = job is not None and job.state in ("queued", "running")
    return "taking" if going and sheet.state == "read" else sheet.state


@bp.get("/", endpoint="list")
@allow("organization.edit")
def list_sheets() -> str:
    """The tables of one's units, the newest first."""
    page = paginate(
        queries.visible_sheets(current_user).options(joinedload(FactSheet.agency)),
        (FactSheet.id, True),
        size=30,
    )
    numbers = [sheet.job_id for sheet in page.rows if sheet.job_id and sheet.state != "taken"]
    jobs = (
        {job.id: job for job in db.session.scalars(select(Job).where(Job.id.in_(numbers)))} if numbers else {}
    )
    states = {sheet.id: _state(sheet, jobs.get(sheet.job_id)) for sheet in page.rows}
    return render_template("factsheets/list.html", page=page, states=states, words=STATES)


@bp.route("/new", methods=["GET", "POST"])
@allow("organization.edit")
def new() -> Answer:
    """Upload a table; it is only read first."""
    form = RosterForm(queries.units_for_facts(current_user))
    if form.validate_on_submit():
        try:
            sheet = read_facts(
                form.file.data.stream,
                form.file.data.filename or "table",
                agency=db.session.get_one(Agency, int(form.agency.data)),
                by=current_user,
            )
            return redirect(url_for("factsheets.show", sheet_id=sheet.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "factsheets/new.html", form=form, columns=COLUMNS, most=MAX_ROWS, year_heading=YEAR_HEADING
    )
    return page, 422 if form.is_submitted() else 200


@bp.get("/sample.xlsx")
@allow("organization.edit")
def sample() -> Response:
    """A workbook with every column and a fictional row."""
    return send_file(
        sample_workbook(),
        mimetype=WORKBOOK,
        as_attachment=True,
        download_name=f"{gettext('Facts')}-{gettext('sample')}.xlsx",
    )


@bp.get("/<int:sheet_id>")
@allow("organization.edit")
def show(sheet_id: int) -> str:
    """What was found, and what may be done next."""
    sheet = _sheet_or_404(sheet_id)
    job = _job(sheet)
    state = _state(sheet, job)
    refused = db.session.scalars(queries.rows_of(sheet, "refused").order_by(FactRow.number).limit(SHOWN))
    return render_template(
        "factsheets/show.html",
        sheet=sheet,
        job=job,
        state=state,
        words=STATES,
        stuck=job is not None and job.state == "queued" and not worker_seen(),
        refusal=refusal_of(job) if job is not None and job.state == "failed" else None,
        refusals=[say(Message.from_dict(item)) for item in sheet.refusals],
        problems=[] if sheet.refusals else [(draft, sentences(draft)) for draft in (draft_of(row.number, row.told) for row in refused)],
        columns=COLUMNS,
        found=[(sheet.header[place], column_word(name)) for name, place in sheet.columns.items()],
    )  # fmt: skip


@bp.get("/<int:sheet_id>/changes")
@allow("organization.edit")
def changes(sheet_id: int) -> str:
    """What the table changes, fact by fact; after it was taken, what it changed."""
    sheet = _sheet_or_404(sheet_id)
    page = paginate(queries.rows_of(sheet, "changed"), (FactRow.number, False))
    numbers = [row.organization_id for row in page.rows]
    names: dict[int, str] = dict(
        db.session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(numbers))).all()  # type: ignore[arg-type]
    )  # fmt: skip
    return render_template(
        "factsheets/changes.html",
        sheet=sheet,
        page=page,
        lines=[(row, draft_of(row.number, row.told).changes) for row in page.rows],
        names=names,
        told=told,
        column_word=column_word,
    )


@bp.get("/<int:sheet_id>/marked.xlsx")
@allow("organization.edit")
def marked(sheet_id: int) -> Response:
    """The rows that cannot be taken with what is wrong, to be mended and uploaded again."""
    sheet = _sheet_or_404(sheet_id)
    rows = db.session.scalars(queries.rows_of(sheet, "refused").order_by(FactRow.number)).all()
    if not rows or sheet.refusals:
        abort(404)
    stem = sheet.file_name.rsplit(".", 1)[0]
    return send_file(
        marked_workbook(sheet, [draft_of(row.number, row.told) for row in rows]), mimetype=WORKBOOK, as_attachment=True,
        download_name=f"{stem}-{gettext('to be mended')}.xlsx",
    )  # fmt: skip


@bp.post("/<int:sheet_id>/headings")
@allow("organization.edit")
def headings(sheet_id: int) -> Response:
    """Say once what the unit's own names of columns mean, and read the rows again."""
    sheet = _sheet_or_404(sheet_id)
    chosen: dict[str, str] = {}
    for place, heading in enumerate(sheet.unknown):
        name = request.form.get(f"column-{place}", "")
        if name not in ("", *COLUMNS):
            abort(422)
        chosen[plain_heading(heading)] = name
    remember_headings(sheet.agency, chosen, list_kind=LIST_KIND, by=current_user)
    read_again(sheet, by=current_user)
    return redirect(url_for("factsheets.show", sheet_id=sheet.id), code=303)


@bp.post("/<int:sheet_id>/read")
@allow("organization.edit")
def read(sheet_id: int) -> Response:
    """Compare the kept rows again, after the register has changed."""
    sheet = _sheet_or_404(sheet_id)
    read_again(sheet, by=current_user)
    return redirect(url_for("factsheets.show", sheet_id=sheet.id), code=303)


@bp.post("/<int:sheet_id>/take")
@allow("organization.edit")
def take(sheet_id: int) -> Response:
    """Take what can be taken, all of it or nothing."""
    sheet = _sheet_or_404(sheet_id)
    if sheet.state != "read" or not sheet.changed_rows:
        raise Refusal(
            Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
        )
    ask_to_take(sheet, by=current_user)
    return redirect(url_for("factsheets.show", sheet_id=sheet.id), code=303)


@bp.post("/<int:sheet_id>/discard")
@allow("organization.edit")
def discard(sheet_id: int) -> Response:
    """Forget a table that was not taken."""
    services.discard_sheet(_sheet_or_404(sheet_id), by=current_user)
    flash(gettext("The table is discarded; nothing of it was taken."), "ok")
    return redirect(url_for("factsheets.list"), code=303)
