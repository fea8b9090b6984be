"""Pages of outcomes: the list, a case and its steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.clock import add_months
from core.lifecycle import available
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.delegations.queries import names_of
from registry.organizations.queries import editable_organization
from registry.outcomes import queries, services
from registry.outcomes.forms import ProposalForm, StepForm
from registry.outcomes.models import GROUNDS, OUTCOMES, OutcomeCase
from registry.outcomes.reports import CASES
from registry.outcomes.rules import closing_findings

bp = Blueprint("outcomes", __name__, url_prefix="/outcomes")

navigation.add_entry(
    "outcomes.list",
    N_("Outcomes"),
    icon="flag",
    group="register",
    order=45,
    permissions=("organization.read",),
)

EVENTS = {
    "proposed": N_("Outcome proposed"),
    "reviewed": N_("Facts confirmed"),
    "decided": N_("Outcome decided"),
    "closed": N_("Winding-up finished"),
    "dropped": N_("Proposal dropped"),
}
ACTIONS = {
    "proposed": N_("Confirm the facts"),
    "reviewed": N_("Decide the outcome"),
    "winding_up": N_("Finish the winding-up"),
}
DONE = {
    "review": N_("The facts are confirmed. The leader decides."),
    "decide": N_("The outcome is decided; what follows stands below."),
    "close": N_("The entry is closed."),
    "drop": N_("The proposal is dropped."),
}
Answer = str | tuple[str, int] | Response


def tasks(user: Any) -> Iterator[navigation.Task]:
    for case in queries.waiting_for(user):
        yield navigation.Task(
            title=Message(
                N_("%(name)s: %(outcome)s"),
                {"name": case.organization.name, "outcome": Message(OUTCOMES[case.outcome])},
            ),
            url=url_for("outcomes.show", case_id=case.id),
            action=Message(ACTIONS[case.state]),
            due=case.liquidation_until if case.state == "winding_up" else None,
        )


navigation.add_tasks("outcomes", tasks)


@bp.get("/", endpoint="list")
@allow("organization.read", "own.read")
def list_cases() -> str:
    """Cases of the units in scope, the latest first."""
    table = tables.show(CASES, current_user)
    everything = queries.visible_cases(current_user)
    return render_template(
        "outcomes/list.html",
        table=table,
        page=table.page,
        outcomes=OUTCOMES,
        grounds=GROUNDS,
        counts=tables.counts_by(everything, OutcomeCase.outcome, [*OUTCOMES]),
        outcome=request.args.get("outcome", ""),
    )


@bp.route("/new/<int:organization_id>", methods=["GET", "POST"])
@allow("organization.edit")
def propose(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "organization.edit")
    if organization is None:
        abort(404)
    form = ProposalForm(data={"liquidation_until": add_months(clock.today(), 3)})
    if form.validate_on_submit():
        try:
            case = services.propose(
                organization,
                form.outcome.data,
                ground=form.ground.data,
                facts=form.facts.data,
                document=form.document.data or "",
                liquidator=form.liquidator.data or "",
                liquidator_phone=form.liquidator_phone.data or "",
                liquidation_until=form.liquidation_until.data,
                by=current_user,
            )
            flash(gettext("The case is open. A reviewing officer confirms the facts."), "ok")
            return redirect(url_for("outcomes.show", case_id=case.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "outcomes/propose.html",
            organization=organization,
            form=form,
            findings=[services.finding_of(organization, ground) for ground in ("zombie", "abnormal")],
        ),
        422 if form.is_submitted() else 200,
    )


@bp.get("/<int:case_id>")
@allow("organization.read", "own.read")
def show(case_id: int) -> str:
    return _page(_in_scope(case_id), StepForm())


def _in_scope(case_id: int) -> OutcomeCase:
    case = queries.case_in_scope(current_user, case_id)
    if case is None:
        abort(404)
    return case


def _page(case: OutcomeCase, form: StepForm) -> str:
    steps = {item.name for item in available(case, current_user)}
    people = {case.proposed_by, case.reviewed_by, case.decided_by}
    return render_template(
        "outcomes/show.html",
        case=case,
        organization=case.organization,
        outcomes=OUTCOMES,
        grounds=GROUNDS,
        finding=services.finding_of(case.organization, case.ground),
        measures=queries.measures(case, current_user),
        closing=closing_findings(queries.open_matters(case.organization))
        if case.state == "winding_up"
        else [],
        step=next(
            (name for name in ("review", "reactivate", "wind_up", "close") if _mine(case, name, steps)), ""
        ),
        may_drop="drop" in steps,
        form=form,
        names=names_of({who for who in people if who is not None}),
        history=history_of(case),
        events=EVENTS,
    )


def _mine(case: OutcomeCase, name: str, steps: set[str]) -> bool:
    """Whether the step is this person's: the three people differ, and the outcome decides which way it goes."""
    if name not in steps or (name == "reactivate") != (
        case.outcome == "reactivated" and case.state == "reviewed"
    ):
        return False
    if name == "close":
        return True
    return current_user.id not in (case.proposed_by, case.reviewed_by)


@bp.post("/<int:case_id>/<any(review, decide, close, drop):step>")
@allow("organization.verify", "outcome.decide", "organization.edit")
def act(case_id: int, step: str) -> Answer:
    """The next step of the case, with a note."""
    case = _in_scope(case_id)
    form = StepForm()
    note = form.note.data or ""
    if form.validate():
        try:
            if step == "drop":
                services.drop(case, reason=note, by=current_user)
            else:
                {"review": services.review, "decide": services.decide, "close": services.close}[step](
                    case, note=note, by=current_user
                )
            flash(gettext(DONE[step]), "ok")
            return redirect(url_for("outcomes.show", case_id=case.id), code=303)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.form_errors.append(say(refusal.sentence))
    return _page(case, form), 422
