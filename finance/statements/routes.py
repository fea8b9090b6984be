"""Pages of the reports; each opens to its rows and can be taken as a workbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from core import clock
from core.money import Money
from core.text import N_
from core.web import navigation
from core.web.gate import allow
from core.web.reporting import Report, text_of, workbook
from core.web.urls import asked_year
from core.web.words import say
from finance.exports.reports import month_of
from finance.statements import reports, rules
from finance.statements.forms import TaxForm
from finance.statements.queries import fees_together, fiscal_years

bp = Blueprint("statements", __name__, url_prefix="/statements")

navigation.add_entry(
    "statements.execution", N_("Reports"), icon="ratio", group="money", order=54, permissions=("fund.read",)
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILTERS = ("year", "view", "division", "month", "line")
TABS = {
    "execution": N_("Budget execution"),
    "advances": N_("Ageing of advances"),
    "calendar": N_("Tranche calendar"),
    "variance": N_("Variance by budget line"),
    "input": N_("Input of three years"),
    "labour_tax": N_("Tax on labour remuneration"),
}


def _year(newest: int | None = None) -> int:
    return asked_year(newest or clock.today().year)


def _execution() -> Report:
    years = fiscal_years(current_user)
    view = request.args.get("view", "source")
    if view not in reports.EXECUTION_VIEWS:
        view = "source"
    division = request.args.get("division", "")[:12]
    return reports.execution(current_user, _year(years[0] if years else None), view, division)


def _calendar() -> Report:
    span = month_of(request.args.get("month", ""))
    return reports.calendar(current_user, span[0] if span else None)


REPORTS: dict[str, Callable[[], Report]] = {
    "execution": _execution,
    "advances": lambda: reports.advances(current_user),
    "calendar": _calendar,
    "variance": lambda: reports.variance(current_user, request.args.get("line", "")[:32]),
    "input": lambda: reports.years_input(current_user, _year()),
    "labour_tax": lambda: reports.labour_tax(current_user),
}


def _show(name: str, years: Any = ()) -> str:
    report = REPORTS[name]()
    kept = {key: request.args[key] for key in FILTERS if request.args.get(key)}
    return render_template(
        "statements/report.html",
        report=report,
        name=name,
        tabs=TABS,
        text_of=text_of,
        years=years,
        year=request.args.get("year", years[0] if years else None, type=int),
        export_url=f"{url_for('statements.workbook_of', name=name)}?{urlencode(kept)}",
    )


@bp.get("/execution")
@allow("fund.read")
def execution() -> Any:
    """Budget execution by source, level, month or budget."""
    return _show("execution", fiscal_years(current_user))


@bp.get("/advances")
@allow("fund.read")
def advances() -> Any:
    """What was paid and is not shown as spent yet, by age."""
    return _show("advances")


@bp.get("/calendar")
@allow("fund.read")
def calendar() -> Any:
    """What falls due, and the cash it needs by month."""
    return _show("calendar")


@bp.get("/variance")
@allow("fund.read")
def variance() -> Any:
    """Planned and spent by budget line."""
    return _show("variance")


@bp.get("/input", endpoint="input")
@allow("fund.read")
def input_() -> Any:
    """What each source put in over three years."""
    this = clock.today().year
    return _show("input", [this - place for place in range(4)])


@bp.get("/<name>.xlsx")
@allow("fund.read")
def workbook_of(name: str) -> Any:
    """A report as XLSX, as it is filtered."""
    if name not in REPORTS:
        abort(404)
    report = REPORTS[name]()
    return send_file(
        workbook(report),
        mimetype=XLSX,
        as_attachment=True,
        download_name=f"{say(report.title)}-{clock.today().isoformat()}.xlsx",
    )


@bp.get("/labour-tax")
@allow("fund.read")
def labour_tax() -> Any:
    """What is withheld from remuneration, worked out for an amount and for the fees that projects booked."""
    form = TaxForm(formdata=MultiDict(request.args) if request.args else None)
    asked = None
    if request.args and form.validate() and form.income.data is not None and form.income.data >= Money(0):
        asked = rules.labour_tax(form.income.data)
    groups = [
        (month, payee, fees, rules.labour_tax(sum((fee.amount for fee in fees), Money(0))))
        for (month, payee, _commitment), fees in fees_together(current_user).items()
    ]
    return render_template(
        "statements/labour_tax.html",
        form=form,
        asked=asked,
        groups=groups,
        brackets=rules.BRACKETS,
        source=rules.SOURCE_TAX,
        tabs=TABS,
        charts=reports.labour_tax(current_user).charts,
        export_url=url_for("statements.workbook_of", name="labour_tax"),
    )
