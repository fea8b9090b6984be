"""Pages of fund alerts: the list, a case, and its steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.lifecycle import available
from core.text import N_, Message
from core.web import charts, navigation, tables
from core.web.gate import allow
from core.web.words import say
from finance.alerts import policy, queries, services
from finance.alerts.forms import AgainForm, AnswerForm, AssignForm, CloseForm, OpenForm
from finance.alerts.lifecycle import ALERT
from finance.alerts.models import FundAlert
from finance.alerts.reports import ALERTS
from finance.alerts.rules import KINDS
from finance.commitments.models import Commitment
from finance.funds.models import Budget
from finance.funds.queries import budget_name
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("alerts", __name__, url_prefix="/alerts")

navigation.add_entry(
    "alerts.list", N_("Fund alerts"), icon="warn", group="money", order=80, permissions=("alert.read",)
)

EVENTS = {
    "opened": N_("Alert opened"),
    "grew": N_("Found again, graver"),
    "assigned": N_("Assigned"),
    "answered": N_("Answered"),
    "asked_again": N_("Asked again"),
    "closed": N_("Closed"),
}
ACTIONS = {"opened": N_("Assign it"), "assigned": N_("Answer it"), "answered": N_("Judge the answer")}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    for alert in queries.waiting_for(user):
        yield navigation.Task(
            title=Message(
                N_("Fund alert: %(kind)s, %(unit)s"),
                {"kind": Message(KINDS[alert.kind]), "unit": alert.agency.name},
            ),
            url=url_for("alerts.show", alert_id=alert.id),
            action=Message(ACTIONS[alert.state]),
            due=alert.due_on if alert.state == "assigned" else None,
        )


navigation.add_tasks("alerts", _tasks)


@bp.get("/")
@allow("alert.read")
def list() -> Any:
    """Alerts of the units in scope and of those asked to answer, newest first."""
    args = tables.arguments()
    table = tables.show(ALERTS, current_user)
    everything = queries.visible_alerts(current_user)
    by_kind = tables.counts_by(everything, FundAlert.kind, [*KINDS])
    return render_template(
        "alerts/list.html",
        table=table,
        page=table.page,
        subjects=queries.subjects_of(table.page.rows),
        sentence=services.sentence_of,
        kinds=KINDS,
        chart=_kinds_chart(by_kind) if by_kind else None,
        states=ALERT.states,
        counts=tables.counts_by(everything, FundAlert.state, [item.name for item in ALERT.states]),
        by_kind=by_kind,
        state=args.get("state", ""),
        kind=args.get("kind", ""),
        may_open=current_user.may_somewhere("alert.open"),
    )


def _kinds_chart(counts: dict[str, tables.Count]) -> charts.Chart:
    codes = [code for code in KINDS if code in counts]
    urls = [url_for("alerts.list", kind=code) for code in codes]
    return charts.bars(
        _("Alerts by kind"),
        charts.COUNT,
        [say(KINDS[code]) for code in codes],
        [charts.Series("", [counts[code].number for code in codes], urls)],
        horizontal=True,
        head=_("Kind of alert"),
    )


@bp.route("/new", methods=["GET", "POST"], endpoint="open")
@allow("alert.open")
def open_() -> Any:
    """A case about a budget or a commitment of one's unit."""
    form = OpenForm(subject=request.args.get("subject", ""))
    offered = _subjects()
    form.subject.choices = [(key, label) for key, (label, _unit) in offered.items()]
    if form.validate_on_submit():
        kind, _sep, number = form.subject.data.partition("-")
        made = services.report_alert(
            db.session.get_one(Agency, offered[form.subject.data][1]),
            kind=form.kind.data,
            subject=(kind, int(number)),
            text=form.text.data,
            source=form.source.data,
            by=current_user,
        )
        flash(_("The alert is open. It is assigned to a unit next."), "ok")
        return redirect(url_for("alerts.show", alert_id=made.id), code=303)
    return render_template("alerts/open.html", form=form), 422 if form.errors else 200


def _subjects() -> dict[str, tuple[str, int]]:
    """Budgets and running commitments of the units one may open alerts for: key → (name, unit)."""
    units = current_user.agency_ids("alert.open")
    budgets = db.session.scalars(
        select(Budget)
        .where(Budget.agency_id.in_(units))
        .options(joinedload(Budget.fund_source))
        .order_by(Budget.fiscal_year.desc(), Budget.id)
        .limit(200)
    )
    found = {f"budget-{row.id}": (budget_name(row), row.agency_id) for row in budgets}
    commitments = db.session.scalars(
        select(Commitment).where(Commitment.agency_id.in_(units)).order_by(Commitment.id.desc()).limit(500)
    )
    return found | {
        f"commitment-{row.id}": (f"{row.number} {row.title}", row.agency_id) for row in commitments
    }


def _alert(alert_id: int) -> FundAlert:
    return queries.alert_in_scope(current_user, alert_id) or abort(404)


@bp.get("/<int:alert_id>")
@allow("alert.read")
def show(alert_id: int) -> Any:
    return _page(_alert(alert_id))


def _page(alert: FundAlert, **forms: Any) -> str:
    steps = {item.name for item in available(alert, current_user)}
    units = queries.units_to_ask(alert.agency) if "assign" in steps else []
    assign = forms.get("assign") or AssignForm(
        unit_id=alert.assigned_agency_id or alert.agency_id,
        due_on=alert.due_on or clock.today() + timedelta(days=14),
    )
    assign.unit_id.choices = [(unit.id, unit.name) for unit in units]
    judge = policy.may_close(current_user, alert) is None
    ids = {alert.opened_by, alert.assigned_by, alert.answered_by, alert.closed_by} - {None}
    return render_template(
        "alerts/show.html",
        alert=alert,
        kind=KINDS[alert.kind],
        finding=services.sentence_of(alert),
        subject=queries.subjects_of([alert]).get((alert.subject_type, alert.subject_id)),
        may_follow=alert.agency_id in current_user.agency_ids("fund.read"),
        assign=assign if "assign" in steps else None,
        answer=(forms.get("answer") or AnswerForm())
        if "answer" in steps and policy.may_answer(current_user, alert) is None
        else None,
        close=(forms.get("close") or CloseForm()) if "close" in steps and judge else None,
        again=(forms.get("again") or AgainForm()) if "ask_again" in steps and judge else None,
        people={row.id: row.name for row in db.session.scalars(select(User).where(User.id.in_(ids)))},
        history=history_of(alert),
        events=EVENTS,
    )


@bp.post("/<int:alert_id>/assign")
@allow("alert.assign")
def assign(alert_id: int) -> Any:
    alert = _alert(alert_id)
    form = AssignForm()
    units = {unit.id: unit for unit in queries.units_to_ask(alert.agency)}
    form.unit_id.choices = [(unit.id, unit.name) for unit in units.values()]
    if not form.validate():
        return _page(alert, assign=form), 422
    services.assign(
        alert, units[form.unit_id.data], due_on=form.due_on.data, note=form.note.data or "", by=current_user
    )
    return _done(alert, _("The case is assigned to %(unit)s.", unit=units[form.unit_id.data].name))


@bp.post("/<int:alert_id>/answer")
@allow("alert.answer")
def answer(alert_id: int) -> Any:
    alert = _alert(alert_id)
    form = AnswerForm()
    if not form.validate():
        return _page(alert, answer=form), 422
    services.answer(alert, form.text.data, by=current_user)
    return _done(alert, _("The case is answered; somebody else judges the answer."))


@bp.post("/<int:alert_id>/again")
@allow("alert.close")
def ask_again(alert_id: int) -> Any:
    alert = _alert(alert_id)
    form = AgainForm()
    if not form.validate():
        return _page(alert, again=form), 422
    services.ask_again(alert, note=form.note.data, by=current_user)
    return _done(alert, _("The unit is asked again."))


@bp.post("/<int:alert_id>/close")
@allow("alert.close")
def close(alert_id: int) -> Any:
    alert = _alert(alert_id)
    form = CloseForm()
    if not form.validate():
        return _page(alert, close=form), 422
    services.close(alert, form.outcome.data, by=current_user)
    return _done(alert, _("The case is closed."))


def _done(alert: FundAlert, sentence: str) -> Any:
    flash(sentence, "ok")
    return redirect(url_for("alerts.show", alert_id=alert.id), code=303)
