"""Pages of a project's team."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from projects.agreements.models import Project
from projects.agreements.queries import add_panel, project_in_scope
from projects.team import forms, queries, services
from projects.team.models import KINDS
from projects.team.policy import may_keep, may_note_hours
from registry.workforce.models import LEVELS, SKILLS, SocialWorker, Volunteer, VolunteerHours, WorkerHours

bp = Blueprint("team", __name__)
WORK_SHOWN = 200
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "agreements.projects"


def _project(project_id: int) -> Project:
    return project_in_scope(current_user, project_id) or abort(404)


def _kept(project_id: int) -> Project:
    """A project whose team the person may change today."""
    project = _project(project_id)
    return project if may_keep(current_user, project) else abort(404)


def _place(project: Project) -> list[dict[str, str]]:
    return [
        {"label": project.title, "url": url_for("agreements.project", project_id=project.id)},
        {"label": gettext("Team"), "url": url_for("team.show", project_id=project.id)},
    ]


def _form_page(form: Any, project: Project, act: str, intro: str) -> Answer:
    page = render_template(
        "components/form_page.html", form=form, title=act, act=act, intro=intro, place=_place(project),
        back=url_for("team.show", project_id=project.id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _told(form: Any, refusal: Refusal) -> None:
    source = f" ({refusal.rule} {refusal.source})" if refusal.rule else ""
    form.form_errors.append(f"{say(refusal.sentence)}{source}")


@bp.get("/projects/<int:project_id>/team")
@allow("project.read", "own.read")
def show(project_id: int) -> str:
    """Who works in the project, the hours that volunteers gave, and the time of social workers."""
    project = _project(project_id)
    people = queries.members(project)
    return render_template(
        "team/show.html",
        project=project,
        members=people,
        insured=queries.insured(
            [item.row.volunteer_id for item in people if item.row.volunteer_id], clock.today()
        ),
        page=paginate(
            queries.hours_in(project), (VolunteerHours.served_on, True), (VolunteerHours.id, True),
            size=20,
        ),
        work=db.session.scalars(
            queries.work_in(project).order_by(WorkerHours.worked_on.desc(), WorkerHours.id.desc()).limit(WORK_SHOWN)
        ).all(),
        kinds=KINDS,
        skills=SKILLS,
        levels=LEVELS,
        may_keep=may_keep(current_user, project),
        may_note=may_note_hours(current_user, project),
    )  # fmt: skip


@bp.get("/projects/<int:project_id>/team/candidates")
@allow("delivery.record")
def candidates(project_id: int) -> str:
    """Persons of the register who consented, to be picked."""
    project = _kept(project_id)
    form = forms.CandidatesFilter(request.args)
    words = request.args.get("q", "")
    if request.args.get("kind") == "workers":
        page = paginate(
            queries.free_workers(project, words=words, level=request.args.get("level", "")),
            (SocialWorker.id, False),
        )
        covered: set[int] = set()
    else:
        page = paginate(
            queries.free_volunteers(project, words=words, skill=request.args.get("skill", "")),
            (Volunteer.id, False),
        )
        covered = queries.insured([row.id for row in page.rows], clock.today())
    return render_template(
        "team/candidates.html", project=project, form=form, page=page, insured=covered, skills=SKILLS,
        levels=LEVELS, kind="workers" if request.args.get("kind") == "workers" else "volunteers",
        place=_place(project),
    )  # fmt: skip


@bp.route("/projects/<int:project_id>/team/<any(volunteers, workers):kind>/<int:row_id>", methods=["GET", "POST"])  # fmt: skip
@allow("delivery.record")
def pick(project_id: int, kind: str, row_id: int) -> Answer:
    project = _kept(project_id)
    entry = queries.candidate(project, kind, row_id) or abort(404)
    first = max(clock.today(), project.agreement.starts_on)
    form = forms.PickForm(data={"since": min(first, project.agreement.ends_on)})
    if form.validate_on_submit():
        try:
            services.pick(project, entry, task=form.task.data, since=form.since.data, by=current_user)
            flash(gettext("%(name)s is in the team.", name=entry.person.name), "ok")
            return redirect(url_for("team.show", project_id=project.id), code=303)
        except Refusal as refusal:
            _told(form, refusal)
    return _form_page(form, project, gettext("Take into the team"), entry.person.name)


@bp.route("/projects/<int:project_id>/team/members/<int:member_id>/release", methods=["GET", "POST"])
@allow("delivery.record")
def release(project_id: int, member_id: int) -> Answer:
    project = _kept(project_id)
    member = queries.member_of(project, member_id) or abort(404)
    form = forms.ReleaseForm()
    if form.validate_on_submit():
        try:
            services.release(member, form.on.data, by=current_user)
            flash(gettext("The last day in the team is noted."), "ok")
            return redirect(url_for("team.show", project_id=project.id), code=303)
        except Refusal as refusal:
            _told(form, refusal)
    return _form_page(form, project, gettext("Note the last day in the team"), member.entry.person.name)


@bp.route("/projects/<int:project_id>/team/hours", methods=["GET", "POST"])
@allow("delivery.record")
def hours(project_id: int) -> Answer:
    project = _project(project_id)
    if not may_note_hours(current_user, project):
        abort(404)
    active = [item for item in queries.members(project) if item.standing == "active"]
    form = forms.TeamHoursForm(active)
    if form.validate_on_submit():
        chosen = [item.row for item in active if str(item.row.id) in form.members.data]
        try:
            done = services.give_hours(
                project, chosen, form.on.data, form.minutes.data, form.activity.data,
                dangerous=form.dangerous.data, by=current_user,
            )  # fmt: skip
            flash(gettext("The hours of %(count)s persons stand in the register.", count=len(done)), "ok")
            return redirect(url_for("team.show", project_id=project.id), code=303)
        except Refusal as refusal:
            _told(form, refusal)
    return _form_page(form, project, gettext("Note hours of the team"), project.title)


def _panel(project: Project, user: Any) -> dict[str, Any]:
    people = queries.members(project)
    return {
        "members": [item for item in people if item.standing in ("active", "ended")],
        "minutes": sum(item.minutes for item in people if item.row.volunteer_id),
        "worked": sum(item.minutes for item in people if item.row.worker_id),
        "may_keep": may_keep(user, project),
    }


add_panel("team", "team/_panel.html", _panel, order=25)
