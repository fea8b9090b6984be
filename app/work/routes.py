"""A person's work in the background with its results, and saved views of lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.work import services
from app.work.forms import ViewForm
from core.db import db
from core.files.services import serve
from core.jobs.models import Job
from core.jobs.services import cancel as cancel_job
from core.jobs.services import own_job, own_jobs, refusal_of, worker_seen
from core.mail.models import Mail
from core.mail.services import written
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.models import SavedView
from core.web.paging import paginate
from core.web.tables import LISTINGS
from core.web.words import in_english, say

bp = Blueprint("work", __name__, url_prefix="/work")

navigation.add_entry("work.list", N_("My jobs"), icon="inbox", group="", order=90, permissions=())

navigation.add_entry(
    "work.outbox", N_("Outbox"), icon="send", group="register", order=96, permissions=("account.manage",)
)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "work.list"


STATES = {
    "queued": (N_("waiting"), "waiting"),
    "running": (N_("running"), "active"),
    "done": (N_("done"), "done"),
    "failed": (N_("failed"), "wrong"),
    "cancelled": (N_("cancelled"), "closed"),
}
MAIL_STATES = {
    "queued": (N_("waiting"), "waiting"),
    "sent": (N_("sent"), "done"),
    "kept": (N_("kept"), "draft"),
    "failed": (N_("failed"), "wrong"),
}
OPEN = ("queued", "running")


@bp.app_template_filter("job_title")
def job_title(job: Job) -> str:
    return say(Message.from_dict(job.title)) if job.title else job.kind


def _job_or_404(number: int) -> Job:
    return own_job(current_user.id, number) or abort(404)


@bp.get("/")
@allow.signed_in
def list() -> str:
    page = paginate(own_jobs(current_user.id).options(joinedload(Job.result)), (Job.id, True), size=20)
    going = any(job.state in OPEN for job in page.rows)
    return render_template(
        "work/list.html", page=page, states=STATES, going=going, stuck=going and not worker_seen()
    )


@bp.get("/<int:job_id>")
@allow.signed_in
def show(job_id: int) -> str:
    job = _job_or_404(job_id)
    return render_template(
        "work/show.html",
        job=job,
        states=STATES,
        going=job.state in OPEN,
        refusal=refusal_of(job),
        stuck=job.state == "queued" and not worker_seen(),
    )


@bp.get("/<int:job_id>/result")
@allow.signed_in
def result(job_id: int) -> Response:
    job = _job_or_404(job_id)
    return serve(job.result) if job.result is not None else abort(404)


@bp.post("/<int:job_id>/cancel")
@allow.signed_in
def cancel(job_id: int) -> Any:
    job = _job_or_404(job_id)
    cancel_job(job, by=current_user)
    flash(gettext("The job stops at its next step.") if job.state == "running" else gettext("Done."), "ok")
    return redirect(url_for("work.show", job_id=job.id), code=303)


@bp.post("/exports")
@allow.signed_in
def export() -> Any:
    """Start the export of a list as it is filtered."""
    listing = services.listing_for(current_user, request.form.get("listing", "")) or abort(404)
    job = services.ask_for_export(
        listing,
        request.form.get("query", ""),
        locale="en" if in_english() else "zh",
        by=current_user,
        columns=request.form.getlist("column", type=int),
        form="csv" if request.form.get("form") == "csv" else "xlsx",
    )
    return redirect(url_for("work.show", job_id=job.id), code=303)


@bp.get("/exports/new")
@allow.signed_in
def new_export() -> str:
    """Which columns the file has, and whether it is for Excel or for another system."""
    listing = services.listing_for(current_user, request.args.get("listing", "")) or abort(404)
    return render_template(
        "work/new_export.html",
        listing=listing,
        query=urlencode(listing.kept(dict(parse_qsl(request.args.get("query", ""))))),
    )


@bp.get("/views")
@allow.signed_in
def views() -> str:
    """All saved views of a person, to open and to delete."""
    rows = db.session.scalars(
        select(SavedView)
        .where(SavedView.user_id == current_user.id)
        .order_by(SavedView.listing, SavedView.name)
    ).all()
    return render_template(
        "work/views.html", rows=[row for row in rows if row.listing in LISTINGS], listings=LISTINGS
    )


@bp.route("/views/new", methods=["GET", "POST"])
@allow.signed_in
def new_view() -> Any:
    form = ViewForm(request.form if request.method == "POST" else request.args)
    listing = services.listing_for(current_user, form.listing.data or "") or abort(404)
    if request.method == "POST" and form.validate():
        view = services.save_view(listing, form.name.data.strip(), form.query.data or "", by=current_user)
        flash(gettext("The view “%(name)s” is saved.", name=view.name), "ok")
        return redirect(f"{url_for(listing.name)}?{view.query}", code=303)
    return render_template("work/new_view.html", form=form, listing=listing), 422 if form.errors else 200


@bp.post("/views/<int:view_id>/delete")
@allow.signed_in
def delete_view(view_id: int) -> Any:
    view = db.session.scalar(
        select(SavedView).where(SavedView.id == view_id, SavedView.user_id == current_user.id)
    ) or abort(404)  # fmt: skip
    services.delete_view(view)
    flash(gettext("The view is deleted."), "ok")
    return redirect(url_for("work.views"), code=303)


@bp.get("/outbox")
@allow("account.manage")
def outbox() -> str:
    """The mail of the administrator's units: what was sent, what waits, what is kept or failed."""
    g.menu_entry = "work.outbox"
    query = select(Mail).where(Mail.agency_id.in_(current_user.agency_ids("account.read")))
    page = paginate(query, (Mail.id, True))
    return render_template(
        "work/outbox.html",
        page=page,
        states=MAIL_STATES,
        texts={mail.id: subject_of(mail) for mail in page.rows},
        server=bool(current_app.config.get("MAIL_SERVER")),
    )


def subject_of(mail: Mail) -> str:
    """The subject as it was sent, or as it would be."""
    return mail.subject or written(mail)[0]
