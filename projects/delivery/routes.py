"""Pages of service records: on the spot with a phone, and the list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.audit.queries import history_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve
from core.text import N_
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from projects.agreements.models import Project
from projects.agreements.queries import add_panel, names_of, own_projects, project_in_scope
from projects.delivery import queries, services
from projects.delivery.forms import RecordForm
from projects.delivery.models import ServiceRecord

bp = Blueprint("delivery", __name__)

navigation.add_entry(
    "delivery.mine",
    N_("Service records"),
    icon="camera",
    group="projects",
    order=30,
    permissions=("delivery.record",),
)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "delivery.mine" if current_user.is_authenticated and _records() else "agreements.projects"


def _records() -> bool:
    return bool(current_user.may_somewhere("delivery.record"))


def _project_or_404(project_id: int) -> Project:
    return project_in_scope(current_user, project_id) or abort(404)


@bp.get("/service-records")
@allow("delivery.record")
def mine() -> str:
    """My organization's running projects, each with its way to record, and the latest records."""
    projects = own_projects(current_user)
    latest = db.session.scalars(
        select(ServiceRecord)
        .where(ServiceRecord.organization_id.in_(current_user.organization_ids("own.read")))
        .options(joinedload(ServiceRecord.project))
        .order_by(ServiceRecord.id.desc())
        .limit(20)
    ).all()
    running = [project for project in projects if project.state == "running"]
    return render_template("delivery/mine.html", running=running, latest=latest)


@bp.get("/projects/<int:project_id>/records")
@allow("project.read", "own.read")
def list(project_id: int) -> str:
    project = _project_or_404(project_id)
    return render_template(
        "delivery/list.html",
        project=project,
        page=paginate(queries.records_of(project), (ServiceRecord.held_on, True), (ServiceRecord.id, True)),
        totals=queries.totals(project),
        may_record=_may_record(project),
    )


@bp.route("/projects/<int:project_id>/records/new", methods=["GET", "POST"])
@allow("delivery.record")
def record(project_id: int) -> Any:
    project = _project_or_404(project_id)
    form = RecordForm()
    if form.validate_on_submit():
        photo = form.photo.data
        services.add_record(
            project,
            held_on=form.held_on.data,
            title=form.title.data,
            place=form.place.data,
            persons=form.persons.data,
            person_times=form.person_times.data,
            volunteers=form.volunteers.data or 0,
            account=form.account.data or "",
            photo=(photo.stream, photo.filename) if photo and photo.filename else None,
            shows_sign=bool(form.shows_sign.data),
            by=current_user,
        )
        flash(gettext("The activity is recorded."), "ok")
        return redirect(url_for("delivery.list", project_id=project.id), code=303)
    page = render_template("delivery/record.html", form=form, project=project, sign=queries.sign_of(project))
    return page, 422 if form.errors else 200


@bp.get("/service-records/<int:record_id>")
@allow("project.read", "own.read")
def show(record_id: int) -> str:
    row = queries.record_in_scope(current_user, record_id) or abort(404)
    return render_template(
        "delivery/show.html",
        record=row,
        project=row.project,
        recorded_by=names_of(row.recorded_by).get(row.recorded_by, ""),
        history=history_of(row),
    )


@bp.get("/service-records/<int:record_id>/photo")
@allow("project.read", "own.read")
def photo(record_id: int) -> Response:
    """The photo itself, after the record's own access check."""
    row = queries.record_in_scope(current_user, record_id) or abort(404)
    if row.photo_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, row.photo_id), inline_image=True)


def _may_record(project: Project) -> bool:
    return project.state == "running" and current_user.may(
        "delivery.record", organization_id=project.organization_id
    )


def _panel(project: Project, user: Any) -> dict[str, Any]:
    return {"totals": queries.totals(project), "may_record": _may_record(project)}


add_panel("delivery", "delivery/_panel.html", _panel, order=20)
