"""Pages of the closing account and the archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.files.models import StoredFile
from core.files.services import serve
from core.money import Money
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from finance.commitments.queries import paid_total
from finance.recoveries.queries import SHOWN_TO_ORGANIZATION, asked_for, cases_of
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import add_panel, names_of, project_in_scope, projects_to_end
from projects.claims.rules import surplus
from projects.closure import policy, queries, services
from projects.closure.forms import DecideForm, ReportForm, ReturnForm, SettleForm, TerminationForm
from projects.closure.lifecycle import TERMINATION
from projects.closure.models import Closure, Termination
from projects.closure.reports import index_facts
from projects.spending.queries import spent_total

bp = Blueprint("closure", __name__)

EVENTS = {
    "reported": N_("closing account reported"),
    "reported again": N_("closing account reported again"),
    "returned": N_("closing account returned"),
    "checked": N_("closing account checked"),
    "settled": N_("settlement approved"),
}


TERMINATION_EVENTS = {
    "proposed": N_("early end proposed"),
    "legally reviewed": N_("reason confirmed by legal"),
    "reviewed by finance": N_("account confirmed by finance"),
    "decided": N_("early end decided"),
    "dropped": N_("early end dropped"),
}


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "agreements.projects"


def _project_or_404(project_id: int) -> Project:
    return project_in_scope(current_user, project_id) or abort(404)


def _closure_or_404(project_id: int) -> Closure:
    return queries.closure_of(_project_or_404(project_id)) or abort(404)


def _paid(project: Project) -> Money:
    commitment = project.agreement.commitment
    return paid_total(commitment) if commitment is not None else Money(0)


@bp.route("/projects/<int:project_id>/closure/report", methods=["GET", "POST"])
@allow("closure.report")
def report(project_id: int) -> Any:
    project = _project_or_404(project_id)
    closure = queries.closure_of(project)
    form = ReportForm(obj=closure)
    purchase = project.agreement.track == "service_purchase"
    if purchase and not form.is_submitted():
        form.eligible_cost.data = project.agreement.amount
    if form.validate_on_submit():
        file = form.audit_file.data
        services.report_closure(
            project,
            summary=form.summary.data,
            eligible_cost=form.eligible_cost.data,
            audit_file=(file.stream, file.filename) if file and file.filename else None,
            by=current_user,
        )
        flash(gettext("The closing account is reported. The programme officer checks it."), "ok")
        return redirect(url_for("closure.show", project_id=project.id), code=303)
    return render_template(
        "closure/report.html",
        form=form,
        project=project,
        closure=closure,
        paid=_paid(project),
        spent=spent_total(project),
    ), 422 if form.errors else 200


@bp.get("/projects/<int:project_id>/closure")
@allow("project.read", "own.read")
def show(project_id: int) -> str:
    return _show(_closure_or_404(project_id))


def _show(closure: Closure, **forms: Any) -> str:
    project = closure.project
    # What came back is no longer on the paid account; the page shows what had been paid.
    paid = _paid(project) + (closure.surplus if closure.state == "settled" else Money(0))
    handling = current_user.may("closure.handle", agency_id=closure.agency_id)
    return render_template(
        "closure/show.html",
        closure=closure,
        project=project,
        paid=paid,
        spent=spent_total(project),
        surplus=services.surplus_due(closure)
        if closure.state in ("checked", "settled")
        else surplus(eligible=closure.eligible_cost, paid=paid),
        names=names_of(closure.reported_by, closure.checked_by, closure.approved_by),
        history=history_of(closure),
        words=EVENTS,
        may_check=handling and closure.state == "reported",
        may_settle=closure.state == "checked" and policy.may_settle(current_user, closure),
        may_archive=handling and project.state == "settled",
        may_report=closure.state == "returned"
        and current_user.may("closure.report", organization_id=closure.organization_id),
        archive=queries.archive_in_scope(current_user, project.id),
        retention=services.RETENTION_YEARS,
        pdf=pdf_available(),
        return_form=forms.get("return_form") or ReturnForm(formdata=None),
        settle_form=forms.get("settle_form") or SettleForm(formdata=None),
    )


def _back(closure: Closure, message: str) -> Any:
    flash(message, "ok")
    return redirect(url_for("closure.show", project_id=closure.project_id), code=303)


@bp.post("/projects/<int:project_id>/closure/check")
@allow("closure.handle")
def check(project_id: int) -> Any:
    closure = _closure_or_404(project_id)
    services.check_closure(closure, by=current_user)
    return _back(
        closure, gettext("The closing account is confirmed. Another person approves the settlement.")
    )


@bp.post("/projects/<int:project_id>/closure/return")
@allow("closure.handle")
def send_back(project_id: int) -> Any:
    closure = _closure_or_404(project_id)
    form = ReturnForm()
    if not form.validate_on_submit():
        return _show(closure, return_form=form), 422
    services.return_closure(closure, reason=form.reason.data, by=current_user)
    return _back(closure, gettext("The closing account is returned with its reason."))


@bp.post("/projects/<int:project_id>/closure/settle")
@allow("closure.approve", "closure.review")
def settle(project_id: int) -> Any:
    closure = _closure_or_404(project_id)
    form = SettleForm()
    if not form.validate_on_submit():
        return _show(closure, settle_form=form), 422
    if services.surplus_due(closure) and not (form.returned_on.data and (form.voucher.data or "").strip()):
        form.voucher.errors = [gettext("The surplus comes back first: give the day and the voucher.")]
        return _show(closure, settle_form=form), 422
    services.settle(
        closure, returned_on=form.returned_on.data, voucher=form.voucher.data or "", by=current_user
    )
    return _back(closure, gettext("The project is settled. The programme officer seals the archive."))


@bp.post("/projects/<int:project_id>/archive")
@allow("closure.handle")
def archive(project_id: int) -> Any:
    project = project_in_scope(current_user, project_id) or abort(404)
    told = gettext("The archive is sealed and was read back file by file.")
    early = queries.termination_of(project)
    if early is not None and project.state == "terminated":
        services.archive(project, by=current_user)
        return _ended(early, told)
    closure = _closure_or_404(project_id)
    services.archive(project, by=current_user)
    return _back(closure, told)


@bp.get("/projects/<int:project_id>/archive.zip")
@allow("disbursement.read")
def download(project_id: int) -> Response:
    stored = queries.archive_in_scope(current_user, project_id) or abort(404)
    return serve(stored)


@bp.get("/projects/<int:project_id>/archive-index.pdf")
@allow("disbursement.read")
def document(project_id: int) -> Response:
    """The index of the sealed archive, for the folder and for whoever receives the archive."""
    archive = queries.archive_in_scope(current_user, project_id) or abort(404)
    ended = queries.sealed_by(archive)
    name = f"{ended.project.number} {gettext('Archive index')}"
    return print_out("closure/document.html", index_facts(ended, archive), name)


@bp.get("/projects/<int:project_id>/closure/audit")
@allow("project.read", "own.read")
def audit(project_id: int) -> Response:
    closure = _closure_or_404(project_id)
    if closure.audit_file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, closure.audit_file_id))


# Early ends -------------------------------------------------------------------------------------


@bp.route("/projects/<int:project_id>/termination/new", methods=["GET", "POST"])
@allow("project.terminate")
def terminate(project_id: int) -> Any:
    """Propose to end a project early; payments are stopped from then on."""
    project = _project_or_404(project_id)
    if not current_user.may("project.terminate", agency_id=project.agency_id):
        abort(404)
    form = TerminationForm(accepted_cost=spent_total(project))
    if form.validate_on_submit():
        made = services.propose_termination(
            project,
            reason=form.reason.data,
            accepted_cost=form.accepted_cost.data,
            due_on=form.due_on.data,
            by=current_user,
        )
        flash(gettext("The early end is proposed; payments are stopped. Legal looks at it next."), "ok")
        return redirect(url_for("closure.termination", termination_id=made.id), code=303)
    commitment = project.agreement.commitment
    paid, asked = asked_for(commitment) if commitment is not None else (Money(0), Money(0))
    return render_template(
        "closure/terminate.html",
        form=form,
        project=project,
        paid=paid,
        asked=asked,
        spent=spent_total(project),
        pending=queries.termination_of(project),
    ), 422 if form.errors else 200


def _termination(termination_id: int) -> Termination:
    return queries.termination_in_scope(current_user, termination_id) or abort(404)


@bp.get("/terminations/<int:termination_id>")
@allow("project.read", "own.read")
def termination(termination_id: int) -> Any:
    return _termination_page(_termination(termination_id))


def _termination_page(item: Termination, **forms: Any) -> Any:
    project = item.project
    official = current_user.may("project.read", agency_id=item.agency_id)
    commitment = project.agreement.commitment
    assert commitment is not None
    paid, asked = asked_for(commitment)
    return render_template(
        "closure/termination.html",
        termination=item,
        project=project,
        commitment=commitment,
        official=official,
        paid=paid,
        asked=asked,
        unspent=services.to_come_back(item) if item.state != "decided" else None,
        names=names_of(item.proposed_by, item.legal_reviewed_by, item.money_reviewed_by, item.decided_by),
        history=history_of(item) if official else [],
        words=TERMINATION_EVENTS,
        steps={
            name
            for name, step in TERMINATION.by_name.items()
            if item.state in step.sources
            and step.permission
            and current_user.may(step.permission, agency_id=item.agency_id)
        },
        may_drop=item.state in TERMINATION.by_name["drop"].sources and policy.may_drop(current_user, item),
        decide_form=forms.get("decide") or DecideForm(formdata=None, prefix="decide-"),
        drop_form=forms.get("drop") or ReturnForm(formdata=None, prefix="drop-"),
        may_archive=item.state == "decided"
        and project.state == "terminated"
        and current_user.may("closure.handle", agency_id=item.agency_id),
        archive=queries.archive_in_scope(current_user, project.id) if item.archived_at else None,
        pdf=pdf_available(),
    )


def _ended(item: Termination, sentence: str) -> Any:
    flash(sentence, "ok")
    return redirect(url_for("closure.termination", termination_id=item.id), code=303)


@bp.post("/terminations/<int:termination_id>/review")
@allow("termination.review")
def review_termination(termination_id: int) -> Any:
    item = _termination(termination_id)
    services.review_termination(item, by=current_user)
    return _ended(item, gettext("The reason is confirmed. Finance looks at the account next."))


@bp.post("/terminations/<int:termination_id>/review-money")
@allow("termination.review_money")
def review_termination_money(termination_id: int) -> Any:
    item = _termination(termination_id)
    services.review_termination_money(item, by=current_user)
    return _ended(item, gettext("The account is confirmed. The leader decides next."))


@bp.post("/terminations/<int:termination_id>/decide")
@allow("termination.decide")
def decide_termination(termination_id: int) -> Any:
    item = _termination(termination_id)
    form = DecideForm(prefix="decide-")
    if not form.validate():
        return _termination_page(item, decide=form), 422
    case = services.decide_termination(item, basis=form.basis.data, by=current_user)
    if case is not None:
        flash(
            gettext(
                "The project has ended; %(amount)s yuan are to be recovered.", amount=case.amount.format()
            ),
            "ok",
        )
        return redirect(url_for("recoveries.show", recovery_id=case.id), code=303)
    return _ended(item, gettext("The project has ended; nothing has to come back."))


@bp.post("/terminations/<int:termination_id>/drop")
@allow(*policy.TERMINATING)
def drop_termination(termination_id: int) -> Any:
    item = _termination(termination_id)
    form = ReturnForm(prefix="drop-")
    if not form.validate():
        return _termination_page(item, drop=form), 422
    services.drop_termination(item, reason=form.reason.data, by=current_user)
    return _ended(item, gettext("The early end is dropped; the project goes on."))


def _termination_panel(project: Project, user: Any) -> dict[str, Any] | None:
    """An early end under way or decided, its cases, and what a failed evaluation asks for."""
    official = user.may("project.read", agency_id=project.agency_id)
    found = queries.termination_of(project)
    shown = found if found is not None and (official or found.state == "decided") else None
    commitment = project.agreement.commitment
    cases = (
        [
            case
            for case in cases_of(commitment.id)
            if user.may("recovery.read", agency_id=project.agency_id)
            or (not official and case.state in SHOWN_TO_ORGANIZATION)
        ]
        if commitment is not None
        else []
    )
    may_propose = (
        found is None
        and project.state in ("running", "suspended")
        and user.may("project.terminate", agency_id=project.agency_id)
    )
    may_recover = user.may("recovery.propose", agency_id=project.agency_id)
    finding = services.fail_finding(project) if official else None
    if shown is None and not cases and not may_propose and finding is None:
        return None
    return {
        "termination": shown,
        "cases": cases,
        "may_propose": may_propose,
        "finding": finding,
        "may_recover": may_recover,
        "commitment": commitment,
    }


add_panel("termination", "closure/_termination.html", _termination_panel, order=95)


def _termination_tasks(user: Any) -> Iterator[navigation.Task]:
    """Early ends at this person's step, and failed projects whose unspent money nobody has asked back."""
    steps = {
        "proposed": ("termination.review", N_("Confirm the reason")),
        "legal_reviewed": ("termination.review_money", N_("Confirm the account")),
        "money_reviewed": ("termination.decide", N_("Decide on the early end")),
    }
    waiting = [
        (Termination.state == state) & Termination.agency_id.in_(user.agency_ids(permission))
        for state, (permission, _action) in steps.items()
        if user.agency_ids(permission)
    ]
    if waiting:
        rows = db.session.scalars(
            select(Termination)
            .where(or_(*waiting))
            .options(joinedload(Termination.project))
            .order_by(Termination.id)
            .limit(100)
        )
        for row in rows:
            if user.id in (row.proposed_by, row.legal_reviewed_by, row.money_reviewed_by):
                continue
            yield navigation.Task(
                title=Message(N_("Early end of “%(title)s”"), {"title": row.project.title}),
                url=url_for("closure.termination", termination_id=row.id),
                action=Message(steps[row.state][1]),
                meta=Message("%(number)s", {"number": row.project.number}),
            )
    handling = user.agency_ids("closure.handle")
    if handling:
        ended = (
            select(Termination)
            .join(Project, Project.id == Termination.project_id)
            .where(
                Termination.state == "decided",
                Termination.agency_id.in_(handling),
                Project.state == "terminated",
            )
            .options(joinedload(Termination.project))
        )
        for row in db.session.scalars(ended.order_by(Termination.id).limit(50)):
            yield navigation.Task(
                title=Message(N_("Archive to seal: %(title)s"), {"title": row.project.title}),
                url=url_for("closure.termination", termination_id=row.id),
                action=Message(N_("Seal the archive")),
                meta=Message("%(number)s", {"number": row.project.number}),
            )
    proposing = user.agency_ids("recovery.propose")
    if proposing:
        failed = (
            select(Project)
            .where(
                Project.agency_id.in_(proposing),
                Project.final_grade == "fail",
                Project.state.in_(("running", "closing")),
            )
            .options(joinedload(Project.agreement).joinedload(Agreement.commitment))
        )
        for project in db.session.scalars(failed.order_by(Project.id).limit(20)):
            finding = services.fail_finding(project)
            if finding is not None:
                yield navigation.Task(
                    title=Message(
                        N_("Unspent money of a failed project: %(title)s"), {"title": project.title}
                    ),
                    url=url_for("agreements.project", project_id=project.id) + "#termination",
                    action=Message(N_("Propose the recovery")),
                    meta=Message("%(number)s", {"number": project.number}),
                    amount=Money(finding.facts["left"]),
                )
    for project in projects_to_end(user, "project.terminate"):
        if queries.termination_of(project) is None:
            yield navigation.Task(
                title=Message(
                    N_("%(organization)s is being wound up: %(title)s"),
                    {"organization": project.organization.name, "title": project.title},
                ),
                url=url_for("closure.terminate", project_id=project.id),
                action=Message(N_("Propose the early end")),
                meta=Message("%(number)s", {"number": project.number}),
            )


navigation.add_tasks("terminations", _termination_tasks)


def _panel(project: Project, user: Any) -> dict[str, Any] | None:
    closure = queries.closure_of(project)
    may_report = (
        (closure is None and project.state == "running" and project.final_grade)
        or (closure is not None and closure.state == "returned")
    ) and user.may("closure.report", organization_id=project.organization_id)
    if closure is None and not may_report:
        return None
    return {
        "closure": closure,
        "may_report": may_report,
        "archive": queries.archive_in_scope(user, project.id) if closure is not None else None,
    }


add_panel("closure", "closure/_panel.html", _panel, order=90)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Accounts to report, to check or to approve, settled projects to archive, returned accounts to mend."""
    handling = user.agency_ids("closure.handle")
    settling = set().union(*(user.agency_ids(item) for item in policy.SETTLING))
    reporting = user.organization_ids("closure.report")
    if not (handling or settling or reporting):
        return
    rows = db.session.scalars(
        select(Closure)
        .join(Project, Project.id == Closure.project_id)
        .where(
            ((Closure.state == "reported") & Closure.agency_id.in_(handling))
            | ((Closure.state == "checked") & Closure.agency_id.in_(settling))
            | ((Closure.state == "settled") & (Project.state == "settled") & Closure.agency_id.in_(handling))
            | ((Closure.state == "returned") & Closure.organization_id.in_(reporting))
        )
        .options(joinedload(Closure.project))
        .order_by(Closure.id)
        .limit(100)
    )
    words = {
        "reported": (N_("Closing account to check: %(title)s"), N_("Check the closing account")),
        "checked": (N_("Settlement to approve: %(title)s"), N_("Approve the settlement")),
        "settled": (N_("Archive to seal: %(title)s"), N_("Seal the archive")),
        "returned": (N_("Closing account returned: %(title)s"), N_("Report again")),
    }
    for row in rows:
        if row.state == "checked" and user.id in (row.checked_by, row.reported_by):
            continue
        title, action = words[row.state]
        endpoint = "closure.report" if row.state == "returned" else "closure.show"
        yield navigation.Task(
            title=Message(title, {"title": row.project.title}),
            url=url_for(endpoint, project_id=row.project_id),
            action=Message(action),
            meta=Message("%(number)s", {"number": row.project.number}),
            amount=row.surplus or None,
        )
    for project in queries.unreported(reporting):
        yield navigation.Task(
            title=Message(N_("Closing account to report: %(title)s"), {"title": project.title}),
            url=url_for("closure.report", project_id=project.id),
            action=Message(N_("Report the closing account")),
            meta=Message("%(number)s", {"number": project.number}),
            due=project.agreement.ends_on + timedelta(days=services.REPORT_DAYS),
        )


navigation.add_tasks("closure", _tasks)
