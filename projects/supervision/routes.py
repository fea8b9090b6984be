"""Pages of supervision: who accompanies a project, what must be put right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from projects.agreements.models import Project
from projects.agreements.queries import add_panel, names_of, project_in_scope
from projects.supervision import queries, services
from projects.supervision.forms import AgainForm, AnswerForm, AppointForm, OpenForm
from projects.supervision.models import Rectification

bp = Blueprint("supervision", __name__)

PARTS = {"supervisor": N_("supervisor of delivery"), "evaluator": N_("evaluator")}
EVENTS = {
    "opened": N_("rectification opened"),
    "answered": N_("answer sent"),
    "asked again": N_("more asked for"),
    "closed": N_("confirmed as put right"),
    "failed": N_("recorded as not put right"),
}
# Fifteen to thirty days are usual; the longer one is offered (DOMAIN 2.4 step 20).
USUAL_DAYS = 30


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "agreements.projects"


def _project_or_404(project_id: int) -> Project:
    return project_in_scope(current_user, project_id) or abort(404)


def _rectification_or_404(rectification_id: int) -> Rectification:
    return queries.rectification_in_scope(current_user, rectification_id) or abort(404)


@bp.route("/projects/<int:project_id>/appointments/new", methods=["GET", "POST"])
@allow("project.follow")
def appoint(project_id: int) -> Any:
    project = _project_or_404(project_id)
    people = {user.id: user for role in PARTS for user in queries.candidates(role, by=current_user)}
    form = AppointForm()
    form.role.choices = [(key, gettext(label)) for key, label in PARTS.items()]
    form.person.choices = [(user.id, _person_label(user)) for user in people.values()]
    if form.validate_on_submit():
        services.appoint(project, people[form.person.data], form.role.data, by=current_user)
        flash(gettext("The appointment is made."), "ok")
        return redirect(url_for("agreements.project", project_id=project.id), code=303)
    return render_template("supervision/appoint.html", form=form, project=project), (
        422 if form.errors else 200
    )


def _person_label(user: Any) -> str:
    held = user.main_assignment
    unit = (held.agency or held.organization).name if held else ""
    return f"{user.name} · {unit}" if unit else user.name


@bp.route("/projects/<int:project_id>/rectifications/new", methods=["GET", "POST"])
@allow("rectification.open")
def open(project_id: int) -> Any:
    project = _project_or_404(project_id)
    form = OpenForm()
    if form.validate_on_submit():
        row = services.open_rectification(
            project, items=form.items.data, due_on=form.due_on.data, by=current_user
        )
        flash(gettext("The organization is told; nothing is paid until it is put right."), "ok")
        return redirect(url_for("supervision.show", rectification_id=row.id), code=303)
    if not form.is_submitted():
        form.due_on.data = clock.today() + timedelta(days=USUAL_DAYS)
    return render_template("supervision/open.html", form=form, project=project), 422 if form.errors else 200


@bp.get("/rectifications/<int:rectification_id>")
@allow("project.read", "own.read")
def show(rectification_id: int) -> str:
    return _show(_rectification_or_404(rectification_id))


def _show(row: Rectification, **forms: Any) -> str:
    names = names_of(row.opened_by, row.answered_by, row.closed_by)
    may_judge = current_user.may("rectification.open", agency_id=row.agency_id)
    return render_template(
        "supervision/show.html",
        rectification=row,
        project=row.project,
        names=names,
        history=history_of(row),
        words=EVENTS,
        may_answer=row.state == "open"
        and current_user.may("checkpoint.report", organization_id=row.organization_id),
        may_judge=may_judge and row.state == "answered",
        may_fail=may_judge and row.state in ("open", "answered"),
        answer_form=forms.get("answer_form") or AnswerForm(formdata=None),
        again_form=forms.get("again_form") or AgainForm(formdata=None),
    )


def _back(row: Rectification, message: str) -> Any:
    flash(message, "ok")
    return redirect(url_for("supervision.show", rectification_id=row.id), code=303)


@bp.post("/rectifications/<int:rectification_id>/answer")
@allow("checkpoint.report")
def answer(rectification_id: int) -> Any:
    row = _rectification_or_404(rectification_id)
    form = AnswerForm()
    if not form.validate_on_submit():
        return _show(row, answer_form=form), 422
    file = form.file.data
    services.answer_rectification(
        row,
        answer=form.answer.data,
        file=(file.stream, file.filename) if file and file.filename else None,
        by=current_user,
    )
    return _back(row, gettext("Your answer is sent. The programme officer checks it."))


@bp.post("/rectifications/<int:rectification_id>/again")
@allow("rectification.open")
def again(rectification_id: int) -> Any:
    row = _rectification_or_404(rectification_id)
    form = AgainForm()
    if not form.validate_on_submit():
        return _show(row, again_form=form), 422
    services.ask_again(row, reason=form.reason.data, due_on=form.due_on.data, by=current_user)
    return _back(row, gettext("The organization is asked again."))


@bp.post("/rectifications/<int:rectification_id>/<any(close,fail):step>")
@allow("rectification.open")
def judge(rectification_id: int, step: str) -> Any:
    row = _rectification_or_404(rectification_id)
    if step == "close":
        services.close_rectification(row, by=current_user)
        return _back(row, gettext("Put right. Payments may go on."))
    services.fail_rectification(row, by=current_user)
    return _back(row, gettext("Recorded as not put right; payments stay on hold."))


@bp.get("/rectifications/<int:rectification_id>/file")
@allow("project.read", "own.read")
def file(rectification_id: int) -> Response:
    row = _rectification_or_404(rectification_id)
    if row.file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, row.file_id))


def _panel(project: Project, user: Any) -> dict[str, Any]:
    going = project.state in ("running", "suspended", "closing")
    return {
        "appointments": queries.appointments_of(project),
        "rectifications": queries.rectifications_of(project),
        "parts": PARTS,
        "may_appoint": going and user.may("project.follow", agency_id=project.agency_id),
        "may_open": going and user.may("rectification.open", agency_id=project.agency_id),
    }


add_panel("supervision", "supervision/_panel.html", _panel, order=50)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    own, offices = user.organization_ids("checkpoint.report"), user.agency_ids("rectification.open")
    if not own and not offices:
        return
    rows = db.session.scalars(
        select(Rectification)
        .where(
            ((Rectification.state == "open") & Rectification.organization_id.in_(own))
            | ((Rectification.state == "answered") & Rectification.agency_id.in_(offices))
        )
        .options(joinedload(Rectification.project))
        .order_by(Rectification.due_on, Rectification.id)
        .limit(100)
    )
    for row in rows:
        answering = row.state == "open"
        yield navigation.Task(
            title=Message(
                N_("Put right: %(title)s") if answering else N_("Check what was put right: %(title)s"),
                {"title": row.project.title},
            ),
            url=url_for("supervision.show", rectification_id=row.id),
            action=Message(N_("Answer") if answering else N_("Check the answer")),
            due=row.due_on,
            meta=Message("%(number)s", {"number": row.project.number}),
        )


navigation.add_tasks("supervision", _tasks)
