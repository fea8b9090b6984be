"""Pages of spending: the book and a voucher more."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user

from core.db import db
from core.files.models import StoredFile
from core.files.services import serve
from core.money import Money
from core.rules.rules import Finding
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from finance.lines.rules import LINES, MEANS
from projects.agreements.models import Project
from projects.agreements.queries import add_panel, budget_lines, project_in_scope
from projects.spending import queries, services
from projects.spending.forms import ExpenseForm
from projects.spending.models import Expense

bp = Blueprint("spending", __name__)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "agreements.projects"


def _project_or_404(project_id: int) -> Project:
    return project_in_scope(current_user, project_id) or abort(404)


@bp.get("/projects/<int:project_id>/spending")
@allow("project.read", "own.read")
def list(project_id: int) -> str:
    project = _project_or_404(project_id)
    page = paginate(queries.expenses_of(project), (Expense.spent_on, True), (Expense.id, True))
    return render_template(
        "spending/list.html",
        project=project,
        page=page,
        told={row.id: [Finding.from_dict(item) for item in row.findings] for row in page.rows},
        means=MEANS,
        **_facts(project),
    )


@bp.route("/projects/<int:project_id>/spending/new", methods=["GET", "POST"])
@allow("delivery.record")
def book(project_id: int) -> Any:
    project = _project_or_404(project_id)
    form = ExpenseForm()
    lines = queries.lines_of(project)
    form.line_code.choices = [
        (
            line.code,
            gettext(
                "%(line)s (%(left)s yuan left)",
                line=gettext(LINES.get(line.code, line.code)),
                left=line.left.format(),
            ),
        )
        for line in lines
        if line.budget
    ]
    if form.validate_on_submit():
        forbidden = queries.never_paid_here(project, form.purpose.data)
        if queries.voucher_used(project, form.voucher_number.data.strip()):
            form.voucher_number.errors = [gettext("This number is already booked: one invoice pays once.")]
        elif forbidden:
            form.purpose.errors = [say(item.sentence) for item in forbidden]
        else:
            return _book(project, form)
    return render_template("spending/book.html", form=form, project=project), 422 if form.errors else 200


def _book(project: Project, form: ExpenseForm) -> Any:
    file = form.file.data
    expense = services.add_expense(
        project,
        line_code=form.line_code.data,
        spent_on=form.spent_on.data,
        amount=form.amount.data,
        payee=form.payee.data,
        voucher_number=form.voucher_number.data,
        purpose=form.purpose.data,
        means=form.means.data,
        invoice_title=form.invoice_title.data or "",
        units=form.units.data,
        file=(file.stream, file.filename) if file and file.filename else None,
        by=current_user,
    )
    if expense.findings:
        flash(gettext("Booked. The budget rules have something to say about it: see the findings."), "warn")
    else:
        flash(gettext("The voucher is booked."), "ok")
    return redirect(url_for("spending.list", project_id=project.id), code=303)


@bp.get("/spending/<int:expense_id>/file")
@allow("project.read", "own.read")
def file(expense_id: int) -> Response:
    expense = queries.expense_in_scope(current_user, expense_id) or abort(404)
    if expense.file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, expense.file_id))


def _facts(project: Project) -> dict[str, Any]:
    lines = queries.lines_of(project)
    return {
        "lines": lines,
        "budget": sum((line.budget for line in lines), Money(0)),
        "spent": sum((line.spent for line in lines), Money(0)),
        "warnings": queries.line_findings(project),
        "labels": LINES,
        "may_book": project.state in ("running", "closing")
        and project.audited_cost is None
        and bool(budget_lines(project))
        and current_user.may("delivery.record", organization_id=project.organization_id),
    }


def _panel(project: Project, user: Any) -> dict[str, Any] | None:
    facts = _facts(project)
    return facts if facts["lines"] else None


add_panel("spending", "spending/_panel.html", _panel, order=30)
