"""Pages of decisions: ranking and amounts, four people, then the public notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import joinedload, selectinload

from core.audit.queries import history_of
from core.documents.services import pdf_available, print_out
from core.money import Money
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from evaluation.decisions import queries, rules, services
from evaluation.decisions.forms import Amounts, NoteForm, NoticeForm
from evaluation.decisions.models import Decision
from evaluation.decisions.reports import checks, effect_of, form_facts
from evaluation.panels.queries import panel_of
from finance.funds.reports import WhatIf
from grants.calls.queries import call_in_scope
from registry.organizations.queries import readable
from registry.particulars.models import LEVELS

bp = Blueprint("decisions", __name__, url_prefix="/decisions")

navigation.add_entry(
    "decisions.list",
    N_("Funding decisions"),
    icon="check",
    group="grants",
    order=60,
    permissions=("commitment.read",),
)

EVENTS = {
    "proposed": N_("Decision proposed"),
    "amounts_set": N_("Amounts settled"),
    "proposal_reviewed": N_("Proposal reviewed"),
    "budget_reviewed": N_("Budget reviewed"),
    "approved": N_("Decision approved"),
    "sent_back": N_("Sent back to the proposal"),
}
STEPS = {
    "draft": (N_("Review the proposal for “%(call)s”"), N_("Review")),
    "reviewed": (N_("Review the budget for “%(call)s”"), N_("Review")),
    "budget_reviewed": (N_("Decide on “%(call)s”"), N_("Decide")),
    "approved": (N_("Publish the notice for “%(call)s”"), N_("Publish")),
}


def tasks(user: Any) -> Iterator[navigation.Task]:
    """Proposals to make, to review, to decide and to publish."""
    if user.may_somewhere("decision.propose"):
        for call, panel in queries.calls_to_decide(user):
            yield navigation.Task(
                title=Message(N_("Propose the decision on “%(call)s”"), {"call": call.title}),
                url=url_for("reviews.results", panel_id=panel.id),
                action=Message(N_("Propose")),
            )
    for decision in queries.decisions_awaiting(user):
        if user.id in (decision.proposed_by, decision.reviewed_by, decision.budget_reviewed_by) and (
            decision.state != "approved"
        ):
            continue
        title, action = STEPS[decision.state]
        yield navigation.Task(
            title=Message(title, {"call": decision.call.title}),
            url=url_for("decisions.show", decision_id=decision.id),
            action=Message(action),
        )


navigation.add_tasks("decisions", tasks)


@bp.get("/")
@allow("commitment.read")
def list() -> Any:
    page = paginate(
        queries.visible_decisions(current_user).options(
            joinedload(Decision.call), selectinload(Decision.items)
        ),
        (Decision.id, True),
    )
    return render_template("decisions/list.html", page=page, waiting=queries.calls_to_decide(current_user))


@bp.post("/propose")
@allow("decision.propose")
def propose() -> Any:
    """Rank a call whose sheets are all in."""
    call = call_in_scope(current_user, request.form.get("call", 0, type=int))
    if call is None or call.agency_id not in current_user.agency_ids("decision.propose"):
        abort(404)
    decision = services.propose_decision(call, by=current_user)
    flash(_("The ranking is made. Settle the amounts, then the section head reviews them."), "ok")
    return redirect(url_for("decisions.show", decision_id=decision.id), code=303)


def _decision(decision_id: int, permission: str = "commitment.read") -> Decision:
    decision = queries.decision_in_scope(current_user, decision_id, permission)
    if decision is None:
        abort(404)
    return decision


@bp.get("/<int:decision_id>")
@allow("commitment.read")
def show(decision_id: int) -> Any:
    return _page(_decision(decision_id), NoteForm())


def _page(decision: Decision, form: NoteForm) -> str:
    shares = queries.shares(decision)
    pot = queries.pot(decision.call)
    people = queries.handlers(decision)
    notice = queries.notice_of(decision.call_id)
    return render_template(
        "decisions/show.html",
        decision=decision,
        panel=panel_of(decision.call),
        passed={share.application: share.passed for share in shares},
        levels=LEVELS,
        readable=readable(current_user, (item.application.organization_id for item in decision.items)),
        total=sum((share.amount for share in shares), Money(0)),
        requested=sum((share.requested for share in shares), Money(0)),
        funded=sum(bool(share.amount) for share in shares),
        pot=pot,
        people=people,
        findings=checks(decision, people),
        notice=notice,
        form=form,
        events=history_of(decision),
        words=EVENTS,
        here=decision.agency_id,
        pdf=pdf_available(),
    )


@bp.get("/<int:decision_id>/document.pdf")
@allow("commitment.read")
def document(decision_id: int) -> Any:
    """The approval form."""
    decision = _decision(decision_id)
    name = f"{_('Approval form')} {decision.call.title}"
    return print_out("decisions/document.html", form_facts(decision), name)


@bp.route("/<int:decision_id>/edit", methods=["GET", "POST"])
@allow("decision.propose")
def edit(decision_id: int) -> Any:
    """Settle the amounts within request, cap and pot."""
    decision = _decision(decision_id, "decision.propose")
    if decision.state != "draft":
        return redirect(url_for("decisions.show", decision_id=decision.id))
    if request.method == "GET":
        typed = Amounts(decision.items)
        return _edit_page(decision, typed, decision.note, effect_of(decision, typed.amounts))
    typed = Amounts(decision.items, request.form)
    note = request.form.get("note", "").strip()[:2000]
    if not typed.errors:
        shares = [
            rules.Share(
                share.application,
                share.passed,
                share.requested,
                typed.amounts[share.application],
                typed.reasons[share.application],
            )
            for share in queries.shares(decision)
        ]
        typed.errors = rules.problems(shares, pot=queries.pot(decision.call), cap=decision.call.project_cap)
    if typed.errors:
        return _edit_page(decision, typed, note), 422
    if "check" in request.form:
        return _edit_page(decision, typed, note, effect_of(decision, typed.amounts))
    services.set_amounts(decision, typed.amounts, reasons=typed.reasons, note=note, by=current_user)
    flash(_("The amounts are settled. Now the section head reviews them."), "ok")
    return redirect(url_for("decisions.show", decision_id=decision.id), code=303)


@bp.get("/<int:decision_id>/what-if")
@allow("decision.propose")
def what_if(decision_id: int) -> Any:
    """What reserving and granting these amounts would change; reads only. The amounts come as the query."""
    decision = _decision(decision_id, "decision.propose")
    typed = Amounts(decision.items, request.args)
    return render_template(
        "decisions/what_if.html",
        decision=decision,
        effect=None if typed.errors else effect_of(decision, typed.amounts),
    )


def _edit_page(decision: Decision, typed: Amounts, note: str, effect: WhatIf | None = None) -> str:
    pass_score = decision.call.selection_rubric.pass_score
    return render_template(
        "decisions/edit.html",
        decision=decision,
        typed=typed,
        note=note,
        pot=queries.pot(decision.call),
        passed={item.application_id: rules.passes(item.mean, pass_score) for item in decision.items},
        total=sum(typed.amounts.values(), Money(0)),
        effect=effect,
    )


def _stepped(decision: Decision, sentence: str) -> Any:
    flash(sentence, "ok")
    return redirect(url_for("decisions.show", decision_id=decision.id), code=303)


@bp.post("/<int:decision_id>/review")
@allow("decision.review")
def review(decision_id: int) -> Any:
    decision = _decision(decision_id, "decision.review")
    services.review_decision(decision, by=current_user)
    return _stepped(decision, _("The proposal is confirmed. Now finance reviews the budget."))


@bp.post("/<int:decision_id>/budget-review")
@allow("decision.review_budget")
def budget_review(decision_id: int) -> Any:
    decision = _decision(decision_id, "decision.review_budget")
    services.budget_review(decision, by=current_user)
    return _stepped(decision, _("The budget is confirmed. Now the leader decides."))


@bp.post("/<int:decision_id>/approve")
@allow("decision.approve")
def approve(decision_id: int) -> Any:
    decision = _decision(decision_id, "decision.approve")
    services.approve_decision(decision, by=current_user)
    return _stepped(decision, _("Decided: the money is reserved. Now the notice can be published."))


@bp.post("/<int:decision_id>/send-back")
@allow("decision.propose", "decision.review", "decision.review_budget", "decision.approve")
def send_back(decision_id: int) -> Any:
    decision = _decision(decision_id)
    form = NoteForm()
    if not form.validate():
        return _page(decision, form), 422
    services.send_back(decision, note=form.note.data, by=current_user)
    return _stepped(decision, _("Sent back to the proposal."))


@bp.route("/<int:decision_id>/notice", methods=["GET", "POST"])
@allow("notice.publish")
def notice(decision_id: int) -> Any:
    """Publish the notice of what is to be funded."""
    decision = _decision(decision_id, "notice.publish")
    if decision.state != "approved" or queries.notice_of(decision.call_id) is not None:
        return redirect(url_for("decisions.show", decision_id=decision.id))
    form = NoticeForm(contact=decision.call.contact)
    if request.method == "POST" and form.validate():
        services.publish_result(
            decision,
            contact=form.contact.data,
            supervision_phone=form.supervision_phone.data,
            by=current_user,
        )
        return _stepped(decision, _("The notice is published."))
    shown = render_template(
        "decisions/notice.html",
        decision=decision,
        form=form,
        experts=queries.expert_names(decision.call_id),
        funded=[item for item in decision.items if item.amount],
    )
    return shown, 422 if form.errors else 200
