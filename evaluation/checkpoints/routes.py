"""Pages of checkpoints: planned for one project or a whole call, reported, graded, re-checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import joinedload

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.files.models import StoredFile
from core.files.services import serve
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from evaluation.checkpoints import queries, rules, services
from evaluation.checkpoints.forms import PlanForm, ReportForm, SignForm
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.reports import CHECKPOINTS, SHOWN, known_facts, report_facts
from evaluation.reviews import rules as sheets
from evaluation.reviews.forms import Sheet
from projects.agreements import queries as agreements
from projects.agreements.models import Project
from projects.supervision.queries import rectifications_of

bp = Blueprint("checkpoints", __name__, url_prefix="/checkpoints")

LISTERS = ("checkpoint.read", "checkpoint.evaluate", "checkpoint.report")

navigation.add_entry(
    "checkpoints.list",
    N_("Evaluations"),
    icon="flag",
    group="projects",
    order=60,
    permissions=LISTERS,
)

EVENTS = {
    "planned": N_("Evaluation planned"),
    "self_reported": N_("Self report sent"),
    "sign_handed_in": N_("Photo of the sign handed in"),
    "review_begun": N_("Evaluation begun"),
    "graded": N_("Graded"),
    "rectification_asked": N_("Rectification asked for"),
    "rechecked": N_("Re-checked"),
    "concluded": N_("Concluded"),
}
TASKS = {
    "planned": (N_("Self report: %(kind)s of %(project)s"), N_("Report")),
    "self_reported": (N_("%(kind)s of %(project)s"), N_("Evaluate")),
    "under_review": (N_("%(kind)s of %(project)s"), N_("Evaluate")),
    "rectifying": (N_("Re-check: %(kind)s of %(project)s"), N_("Re-check")),
}
# The verdict is shown once given; drafts are the evaluator's own.


def tasks(user: Any) -> Iterator[navigation.Task]:
    """Self reports of the organization, evaluations of the evaluator."""
    for item in queries.waiting_for(user):
        title, action = TASKS[item.state]
        yield navigation.Task(
            title=Message(title, {"kind": Message(rules.KINDS[item.kind]), "project": item.project.title}),
            url=url_for("checkpoints.show", checkpoint_id=item.id),
            action=Message(action),
            due=item.due_on,
            meta=Message("%(number)s", {"number": item.project.number}),
        )


navigation.add_tasks("checkpoints", tasks)


def _on_project_page(project: Project, user: Any) -> dict[str, Any] | None:
    rows = [item for item in queries.checkpoints_of(project)]
    may_plan = project.agency_id in user.agency_ids("checkpoint.plan") and project.agreement.application
    missing = [kind for kind in rules.KINDS if kind not in {item.kind for item in rows}]
    if any(item.kind == "midterm" and item.state != "final" for item in rows):
        missing = []  # the final evaluation follows the concluded mid-term
    if not rows and not may_plan:
        return None
    return {
        "checkpoints": rows,
        "kinds": rules.KINDS,
        "grades": rules.GRADES,
        "shown": SHOWN,
        "plan": missing[0] if may_plan and missing and project.state in ("running", "closing") else None,
    }


agreements.add_panel("checkpoints", "checkpoints/panel.html", _on_project_page, order=60)


@bp.get("/")
@allow(*LISTERS)
def list() -> Any:
    """Batches for staff; one's own checkpoints for organization and evaluator."""
    staff = current_user.may_somewhere("checkpoint.read")
    table = tables.show(
        CHECKPOINTS, current_user, joinedload(Checkpoint.project).joinedload(Project.organization)
    )
    return render_template(
        "checkpoints/list.html",
        batches=queries.batches(current_user) if staff else [],
        table=table,
        rows=[] if staff else table.page.rows,
        staff=staff,
        kinds=rules.KINDS,
        grades=rules.GRADES,
        shown=SHOWN,
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("checkpoint.plan")
def plan() -> Any:
    """Plan one project's checkpoint, or that of all running projects of a call."""
    kind = request.args.get("kind", "midterm")
    if kind not in rules.KINDS:
        abort(404)
    call, projects = _to_plan(kind)
    people = queries.evaluators(current_user)
    form = PlanForm(
        kind=kind, due_on=clock.today() + timedelta(days=28), projects=[item.id for item in projects]
    )
    form.kind.choices = [(key, say(label)) for key, label in rules.KINDS.items()]
    form.evaluator.choices = [(user.id, f"{user.name} · {queries.firm_of(user)}") for user in people]
    form.projects.choices = [(item.id, f"{item.number} {item.title}") for item in projects]
    if request.method == "POST" and form.validate():
        evaluator = next(user for user in people if user.id == form.evaluator.data)
        made = services.plan_batch(
            [item for item in projects if item.id in form.projects.data],
            form.kind.data,
            due_on=form.due_on.data,
            evaluator=evaluator,
            by=current_user,
        )
        flash(_("%(count)s evaluations are planned.", count=len(made)), "ok")
        if call is not None:
            return redirect(url_for("checkpoints.batch", call_id=call.id, kind=form.kind.data), code=303)
        return redirect(url_for("checkpoints.show", checkpoint_id=made[0].id), code=303)
    shown = render_template(
        "checkpoints/plan.html", form=form, call=call, projects=projects, kind=kind, kinds=rules.KINDS
    )
    return shown, 422 if form.errors else 200


def _to_plan(kind: str) -> tuple[Any, Any]:
    """(call or None, projects): from ``?call=`` or ``?project=``, else everything that lacks one."""
    call_id, project_id = request.args.get("call", type=int), request.args.get("project", type=int)
    if project_id:
        project = queries.project_to_plan(current_user, project_id)
        if project is None:
            abort(404)
        return None, [project]
    call = queries.call_to_plan(current_user, call_id) if call_id else None
    if call_id and call is None:
        abort(404)
    return call, queries.unplanned(current_user, kind, call_id=call_id)


@bp.get("/batch/<int:call_id>/<kind>")
@allow("checkpoint.read")
def batch(call_id: int, kind: str) -> Any:
    """How far the checkpoints of one call are: 19/19."""
    rows = queries.batch(current_user, call_id, kind)
    if not rows:
        abort(404)
    return render_template(
        "checkpoints/batch.html",
        call=queries.call_of(call_id),
        kind=rules.KINDS[kind],
        rows=rows,
        done=sum(item.state == "final" for item in rows),
        reported=sum(item.state != "planned" for item in rows),
        counts={
            grade: sum(item.grade == grade and item.state in SHOWN for item in rows) for grade in rules.GRADES
        },
        grades=rules.GRADES,
        shown=SHOWN,
        left=queries.unplanned(current_user, kind, call_id=call_id)
        if current_user.may_somewhere("checkpoint.plan")
        else [],
        kind_code=kind,
    )


def _checkpoint(checkpoint_id: int) -> Checkpoint:
    checkpoint = queries.checkpoint_in_scope(current_user, checkpoint_id)
    if checkpoint is None:
        abort(404)
    return checkpoint


@bp.get("/<int:checkpoint_id>")
@allow("checkpoint.read", "checkpoint.evaluate", "checkpoint.report", "own.read")
def show(checkpoint_id: int) -> Any:
    return _show_page(_checkpoint(checkpoint_id), SignForm())


def _show_page(checkpoint: Checkpoint, sign_form: SignForm) -> str:
    return render_template(
        "checkpoints/show.html",
        checkpoint=checkpoint,
        project=checkpoint.project,
        kind=rules.KINDS[checkpoint.kind],
        grades=rules.GRADES,
        shown=checkpoint.state in SHOWN,
        facts=known_facts(checkpoint),
        given={row.criterion_id: row for row in checkpoint.scores},
        first=checkpoint.facts.get("first")
        if checkpoint.state in ("rectifying", "rechecked", "final")
        else None,
        rectifications=rectifications_of(checkpoint.project) if checkpoint.kind == "midterm" else [],
        evaluator=queries.person_name(checkpoint.evaluator_id),
        mine=checkpoint.evaluator_id == current_user.id,
        may_recheck=checkpoint.state == "rectifying" and not queries.being_put_right(checkpoint.project),
        may_report=checkpoint.state == "planned"
        and checkpoint.organization_id in current_user.organization_ids("checkpoint.report"),
        sign=queries.sign_finding(checkpoint),
        evidence=queries.evidence_of(checkpoint),
        records_with_sign=queries.records_with_sign_for(checkpoint),
        sign_form=sign_form
        if checkpoint.state in services.SIGN_TAKEN
        and checkpoint.organization_id in current_user.organization_ids("checkpoint.report")
        else None,
        events=history_of(checkpoint),
        words=EVENTS,
        may_list=any(current_user.may_somewhere(permission) for permission in LISTERS),
        pdf=pdf_available(),
    )


@bp.get("/<int:checkpoint_id>/document.pdf")
@allow("checkpoint.read", "checkpoint.evaluate", "checkpoint.report", "own.read")
def document(checkpoint_id: int) -> Any:
    """The evaluation report, once there is a verdict."""
    checkpoint = _checkpoint(checkpoint_id)
    if checkpoint.state not in SHOWN:
        raise Refusal(
            Message(N_("There is no report yet: the evaluation is not graded.")),
            whose_turn=Message(N_("the evaluator")),
            status=409,
        )
    name = f"{checkpoint.project.number} {say(rules.KINDS[checkpoint.kind])}"
    return print_out("checkpoints/document.html", report_facts(checkpoint), name)


@bp.route("/<int:checkpoint_id>/report", methods=["GET", "POST"])
@allow("checkpoint.report")
def report(checkpoint_id: int) -> Any:
    """The organization's self report."""
    checkpoint = queries.checkpoint_to_report(current_user, checkpoint_id)
    if checkpoint is None:
        abort(404)
    if checkpoint.state != "planned" and request.method == "GET":
        return redirect(url_for("checkpoints.show", checkpoint_id=checkpoint.id))
    form = ReportForm()
    if request.method == "POST" and form.validate():
        photo = form.sign.data
        services.report(
            checkpoint,
            form.text.data,
            sign=(photo.stream, photo.filename) if photo and photo.filename else None,
            by=current_user,
        )
        flash(_("The self report is sent. The evaluator takes it from here."), "ok")
        return redirect(url_for("checkpoints.show", checkpoint_id=checkpoint.id), code=303)
    shown = render_template(
        "checkpoints/report.html",
        form=form,
        checkpoint=checkpoint,
        project=checkpoint.project,
        kind=rules.KINDS[checkpoint.kind],
        facts=known_facts(checkpoint),
        sign=queries.sign_finding(checkpoint),
    )
    return shown, 422 if form.errors else 200


@bp.post("/<int:checkpoint_id>/sign")
@allow("checkpoint.report")
def hand_in(checkpoint_id: int) -> Any:
    """A photo of the lottery's sign, also after the self report was sent."""
    checkpoint = queries.checkpoint_to_report(current_user, checkpoint_id)
    if checkpoint is None:
        abort(404)
    form = SignForm()
    if not form.validate():
        return _show_page(checkpoint, form), 422
    photo = form.sign.data
    services.hand_in_sign(checkpoint, (photo.stream, photo.filename), by=current_user)
    flash(_("The photo is handed in."), "ok")
    return redirect(url_for("checkpoints.show", checkpoint_id=checkpoint.id) + "#sign", code=303)


@bp.get("/<int:checkpoint_id>/evidence/<int:evidence_id>")
@allow("checkpoint.read", "checkpoint.evaluate", "checkpoint.report", "own.read")
def evidence(checkpoint_id: int, evidence_id: int) -> Any:
    """A photo handed in with a self report, after the checkpoint's own access check."""
    row = queries.evidence_in_scope(current_user, checkpoint_id, evidence_id)
    if row is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, row.file_id), inline_image=True)


@bp.get("/<int:checkpoint_id>/records/<int:record_id>/photo")
@allow("checkpoint.read", "checkpoint.evaluate", "checkpoint.report", "own.read")
def record_photo(checkpoint_id: int, record_id: int) -> Any:
    """The sign on a service record's photo: who judges the checkpoint need not read the whole project."""
    shown = {item.id: item for item in queries.records_with_sign_for(_checkpoint(checkpoint_id))}
    record = shown.get(record_id)
    if record is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, record.photo_id), inline_image=True)


def _to_evaluate(checkpoint_id: int) -> Checkpoint:
    checkpoint = queries.checkpoint_to_evaluate(current_user, checkpoint_id)
    if checkpoint is None:
        abort(404)
    return checkpoint


@bp.post("/<int:checkpoint_id>/begin")
@allow("checkpoint.evaluate")
def begin(checkpoint_id: int) -> Any:
    checkpoint = _to_evaluate(checkpoint_id)
    services.begin(checkpoint, by=current_user)
    return redirect(url_for("checkpoints.grade", checkpoint_id=checkpoint.id), code=303)


@bp.route("/<int:checkpoint_id>/grade", methods=["GET", "POST"])
@allow("checkpoint.evaluate")
def grade(checkpoint_id: int) -> Any:
    """Points by the rubric beside the facts; saved as draft, graded once, re-checked once."""
    checkpoint = _to_evaluate(checkpoint_id)
    waits = checkpoint.state == "rectifying" and queries.being_put_right(checkpoint.project)
    if waits or checkpoint.state not in ("under_review", "rectifying"):
        if request.method == "GET":
            return redirect(url_for("checkpoints.show", checkpoint_id=checkpoint.id))
        abort(409)
    lines = [sheets.Line(item.id, item.l2, item.points) for item in checkpoint.rubric.criteria]
    if request.method == "GET":
        return _grade_page(checkpoint, Sheet.of(lines, checkpoint.scores, checkpoint.opinion))
    sheet = Sheet(lines, request.form)
    submitting = request.form.get("act") == "submit"
    if submitting and sheet.finished() and not sheet.comment:
        sheet.comment_error = Message(N_("Write the evaluator's opinion."))
    if not sheet.ok:
        return _grade_page(checkpoint, sheet), 422
    services.save_scores(
        checkpoint, points=sheet.points, reasons=sheet.reasons, opinion=sheet.comment, by=current_user
    )
    if not submitting:
        flash(_("The draft is saved."), "ok")
        return redirect(url_for("checkpoints.grade", checkpoint_id=checkpoint.id), code=303)
    verdict = services.grade(checkpoint, by=current_user)
    flash(_("Graded: %(grade)s.", grade=say(rules.GRADES[verdict])), "warn" if verdict == "fail" else "ok")
    return redirect(url_for("checkpoints.show", checkpoint_id=checkpoint.id), code=303)


def _grade_page(checkpoint: Checkpoint, sheet: Sheet) -> str:
    return render_template(
        "checkpoints/grade.html",
        checkpoint=checkpoint,
        project=checkpoint.project,
        kind=rules.KINDS[checkpoint.kind],
        criteria=checkpoint.rubric.criteria,
        sheet=sheet,
        facts=known_facts(checkpoint),
        again=checkpoint.state == "rectifying",
        rectifications=rectifications_of(checkpoint.project),
        sign=queries.sign_finding(checkpoint),
        evidence=queries.evidence_of(checkpoint),
        records_with_sign=queries.records_with_sign_for(checkpoint),
    )
