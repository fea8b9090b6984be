"""Bringing in lists of social workers and volunteers: upload, what it would change, taking it in."""

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
from core.web.gate import allow, keep
from core.web.paging import paginate
from core.web.words import day, say
from registry.agencies.models import Agency
from registry.intake.services import remember_headings
from registry.organizations.models import Organization
from registry.persons.rules import masked_identity
from registry.rosters import queries, services
from registry.rosters.forms import RosterForm
from registry.rosters.imports import read_again, read_roster
from registry.rosters.jobs import KEEP_ROWS, ask_to_take
from registry.rosters.models import KINDS, Roster, RosterRow
from registry.rosters.reports import marked_workbook, sample_workbook, sentences
from registry.rosters.rules import COLUMNS, DAYS, MAX_ROWS, REQUIRED, TIME_WORDS, WORDS
from registry.workforce.models import LEVELS, SKILLS

bp = Blueprint("rosters", __name__, url_prefix="/workforce/lists")

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
    "marked_workbook_made": N_("Refused rows handed out in a workbook"),
}
SHOWN = 100
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    kind = (request.view_args or {}).get("kind") or request.args.get("kind")
    g.menu_entry = "workforce.volunteers" if kind == "volunteers" else "workforce.workers"


def _roster_or_404(number: int) -> Roster:
    roster = db.session.scalar(
        queries.visible_rosters(current_user).options(joinedload(Roster.agency)).where(Roster.id == number)
    )
    if roster is None:
        abort(404)
    g.menu_entry = f"workforce.{roster.kind}"
    return roster


def _job(roster: Roster) -> Job | None:
    return db.session.get(Job, roster.job_id) if roster.job_id else None


def _state(roster: Roster, job: Job | None) -> str:
    going = job is not None and job.state in ("queued", "running")
    return "taking" if going and roster.state == "read" else roster.state


@bp.get("/<any(workers, volunteers):kind>", endpoint="list")
@allow("workforce.edit")
def list_rosters(kind: str) -> str:
    """The lists of one's units of a kind, the newest first."""
    page = paginate(
        queries.visible_rosters(current_user).where(Roster.kind == kind).options(joinedload(Roster.agency)),
        (Roster.id, True),
        size=30,
    )
    numbers = [roster.job_id for roster in page.rows if roster.job_id and roster.state != "taken"]
    jobs = {job.id: job for job in db.session.scalars(select(Job).where(Job.id.in_(numbers)))} if numbers else {}  # fmt: skip
    states = {roster.id: _state(roster, jobs.get(roster.job_id)) for roster in page.rows}
    return render_template(
        "rosters/list.html", kind=kind, page=page, states=states, words=STATES, kinds=KINDS
    )


@bp.route("/<any(workers, volunteers):kind>/new", methods=["GET", "POST"])
@allow("workforce.edit")
def new(kind: str) -> Answer:
    """Upload a list; it is only read first."""
    form = RosterForm(queries.units_for_rosters(current_user))
    if form.validate_on_submit():
        try:
            roster = read_roster(
                form.file.data.stream,
                form.file.data.filename or "table",
                agency=db.session.get_one(Agency, int(form.agency.data)),
                kind=kind,
                by=current_user,
            )
            return redirect(url_for("rosters.show", roster_id=roster.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "rosters/new.html", form=form, kind=kind, kinds=KINDS, columns=COLUMNS[kind], required=REQUIRED[kind],
        most=MAX_ROWS, days=KEEP_ROWS.days,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@bp.get("/<any(workers, volunteers):kind>/sample.xlsx")
@allow("workforce.edit")
def sample(kind: str) -> Response:
    """A workbook with the columns and a few fictional people."""
    return send_file(
        sample_workbook(kind), mimetype=WORKBOOK, as_attachment=True,
        download_name=f"{say(KINDS[kind])}-{gettext('sample')}.xlsx",
    )  # fmt: skip


@bp.get("/<int:roster_id>")
@allow("workforce.edit")
def show(roster_id: int) -> str:
    """What was found, and what may be done next."""
    roster = _roster_or_404(roster_id)
    job = _job(roster)
    state = _state(roster, job)
    refused = _drafts(queries.rows_of(roster, "refused").order_by(RosterRow.number).limit(SHOWN))
    columns = COLUMNS[roster.kind]
    return render_template(
        "rosters/show.html",
        roster=roster,
        job=job,
        state=state,
        words=STATES,
        kinds=KINDS,
        mine=job is not None and job.queued_by == current_user.id,
        stuck=job is not None and job.state == "queued" and not worker_seen(),
        refusal=refusal_of(job) if job is not None and job.state == "failed" else None,
        refusals=[say(Message.from_dict(item)) for item in roster.refusals],
        problems=[] if roster.refusals else [(draft, sentences(draft)) for draft in refused],
        place=roster.columns.get("name"),
        columns=columns,
        missing=[name for name in REQUIRED[roster.kind] if name not in roster.columns],
        keep_until=roster.opened_at + KEEP_ROWS,
    )


def _drafts(query: Any) -> list[Any]:
    return [queries.opened(row) for row in db.session.scalars(query)]


@bp.get("/<int:roster_id>/rows/<any(new, changed):action>")
@allow("workforce.edit")
def rows(roster_id: int, action: str) -> str:
    """The people a list brings in, or what it changes of those who are in the register; gone once it is taken."""
    roster = _roster_or_404(roster_id)
    if roster.state != "read":
        abort(404)
    page = paginate(queries.rows_of(roster, action), (RosterRow.number, False))
    drafts = [queries.opened(row) for row in page.rows]
    numbers = {draft.values["organization"] for draft in drafts if "organization" in draft.values}
    names: dict[int, str] = dict(
        db.session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(numbers))).all()  # type: ignore[arg-type]
    )  # fmt: skip
    return render_template(
        "rosters/changed.html" if action == "changed" else "rosters/new_rows.html",
        roster=roster,
        page=page,
        drafts=drafts,
        bodies=names,
        told=_told,
        words=WORDS,
        kinds=KINDS,
    )


def _told(column: str, value: Any) -> str:
    """A stored value as people read it."""
    if value in (None, "", []):
        return "—"
    if column == "identity":
        return masked_identity(value)
    if column == "level":
        return say(LEVELS[value])
    if column == "full_time":
        return say(TIME_WORDS[value])
    if column == "skills":
        return gettext(", ").join(say(SKILLS[name]) for name in value)
    if column == "hours":
        return f"{value / 60:.1f}"
    if column in DAYS:
        return day(date.fromisoformat(value))
    if column == "unit":
        return db.session.get_one(Agency, value).name
    return str(value)


@bp.post("/<int:roster_id>/marked.xlsx")
@allow("workforce.edit")
def marked(roster_id: int) -> Response:
    """The refused rows with what is wrong, to be mended and uploaded again; it is on record who took them along."""
    roster = _roster_or_404(roster_id)
    drafts = _drafts(queries.rows_of(roster, "refused").order_by(RosterRow.number))
    if not drafts or roster.refusals:
        abort(404)
    services.note_handed_out(roster, by=current_user)
    keep()
    stem = roster.file_name.rsplit(".", 1)[0]
    return send_file(
        marked_workbook(roster, drafts), mimetype=WORKBOOK, as_attachment=True,
        download_name=f"{stem}-{gettext('to be mended')}.xlsx",
    )  # fmt: skip


@bp.post("/<int:roster_id>/headings")
@allow("workforce.edit")
def headings(roster_id: int) -> Response:
    """Say once what the unit's own names of columns mean, and read the rows again."""
    roster = _roster_or_404(roster_id)
    chosen: dict[str, str] = {}
    for place, heading in enumerate(roster.unknown):
        name = request.form.get(f"column-{place}", "")
        if name not in ("", *COLUMNS[roster.kind]):
            abort(422)
        chosen[plain_heading(heading)] = name
    remember_headings(roster.agency, chosen, list_kind=roster.kind, by=current_user)
    read_again(roster, by=current_user)
    return redirect(url_for("rosters.show", roster_id=roster.id), code=303)


@bp.post("/<int:roster_id>/read")
@allow("workforce.edit")
def read(roster_id: int) -> Response:
    """Read the kept rows again, after the register has changed."""
    roster = _roster_or_404(roster_id)
    read_again(roster, by=current_user)
    return redirect(url_for("rosters.show", roster_id=roster.id), code=303)


@bp.post("/<int:roster_id>/take")
@allow("workforce.edit")
def take(roster_id: int) -> Response:
    """Take in what can be taken in, all of it or nothing."""
    roster = _roster_or_404(roster_id)
    if roster.state != "read":
        raise Refusal(
            Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
        )
    ask_to_take(roster, by=current_user)
    return redirect(url_for("rosters.show", roster_id=roster.id), code=303)


@bp.post("/<int:roster_id>/cancel")
@allow("workforce.edit")
def cancel(roster_id: int) -> Response:
    """Call the taking off before it begins; the list stays as it was read."""
    roster = _roster_or_404(roster_id)
    job = _job(roster)
    if job is None:
        abort(404)
    cancel_job(job, by=current_user)
    flash(gettext("The work stops at its next step. You can go on with it or discard the table."), "ok")
    return redirect(url_for("rosters.show", roster_id=roster.id), code=303)


@bp.post("/<int:roster_id>/discard")
@allow("workforce.edit")
def discard(roster_id: int) -> Response:
    """Forget a list that was not taken in."""
    roster = _roster_or_404(roster_id)
    kind, job = roster.kind, _job(roster)
    if job is not None and job.state in ("queued", "running") and job.queued_by == current_user.id:
        cancel_job(job, by=current_user)
    services.discard_roster(roster, by=current_user)
    flash(gettext("The table is discarded; nothing of it was taken."), "ok")
    return redirect(url_for("rosters.list", kind=kind), code=303)
