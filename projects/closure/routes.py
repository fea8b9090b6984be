"""Pages of the closing account and the archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
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
from projects.agreements.models import Project
from projects.agreements.queries import add_panel, names_of, project_in_scope
from projects.claims.rules import surplus
from projects.closure import policy, queries, services
from projects.closure.forms import ReportForm, ReturnForm, SettleForm
from projects.closure.models import Closure
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
        surplus=closure.surplus
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
    if closure.surplus and not (form.returned_on.data and (form.voucher.data or "").strip()):
        form.voucher.errors = [gettext("The surplus comes back first: give the day and the voucher.")]
        return _show(closure, settle_form=form), 422
    services.settle(
        closure, returned_on=form.returned_on.data, voucher=form.voucher.data or "", by=current_user
    )
    return _back(closure, gettext("The project is settled. The programme officer seals the archive."))


@bp.post("/projects/<int:project_id>/archive")
@allow("closure.handle")
def archive(project_id: int) -> Any:
    closure = _closure_or_404(project_id)
    services.archive(closure.project, by=current_user)
    return _back(closure, gettext("The archive is sealed and was read back file by file."))


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
    closure = queries.archived_closure(archive)
    name = f"{closure.project.number} {gettext('Archive index')}"
    return print_out("closure/document.html", index_facts(closure, archive), name)


@bp.get("/projects/<int:project_id>/closure/audit")
@allow("project.read", "own.read")
def audit(project_id: int) -> Response:
    closure = _closure_or_404(project_id)
    if closure.audit_file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, closure.audit_file_id))


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
