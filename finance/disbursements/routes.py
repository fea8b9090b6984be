"""Pages of payments and payee accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields import SelectChoice

from core import clock
from core.access.policy import Refusal
from core.audit.queries import entries_of, history_of
from core.db import db
from core.lifecycle import lifecycle_of
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow, keep
from core.web.paging import paginate
from core.web.words import say
from finance.commitments.models import Commitment
from finance.commitments.queries import backs_of, committed_balance, tell_requests
from finance.commitments.rules import CONDITIONS
from finance.disbursements import policy, services
from finance.disbursements.forms import AccountForm, AgainForm, LimitForm, PaidForm, ReasonForm, RequestForm
from finance.disbursements.lifecycle import DISBURSEMENT, findings_now
from finance.disbursements.models import Disbursement, PayeeAccount, PaymentLimit
from finance.disbursements.queries import (
    BEFORE_APPROVAL,
    accounts_to_confirm,
    approving_people,
    confirmed_accounts,
    cools_until,
    disbursement_in_scope,
    disbursement_of,
    limit_for,
    limit_in_scope,
    limits_to_confirm,
    names_of,
    only_payable,
    payable_organizations,
    payee_account_in_scope,
    people_of,
    programme_limits,
    stuck_payments,
    successor_of,
    totals,
    tranche_to_request,
    unit_parameters,
    visible_disbursements,
    visible_limits,
    visible_payee_accounts,
    waiting_for,
)
from finance.disbursements.reports import DISBURSEMENTS, STEPS, view_of
from finance.disbursements.rules import above
from finance.ledger.queries import postings_of, transfers_about
from registry.factors.forms import ProofForm
from registry.factors.services import prove
from registry.organizations.queries import named

bp = Blueprint("disbursements", __name__, url_prefix="/disbursements")

navigation.add_entry(
    "disbursements.list",
    N_("Payments"),
    icon="send",
    group="money",
    order=40,
    permissions=("disbursement.read", "own.read"),
)

ACTIONS = {
    "requested": N_("Review"),
    "reviewed": N_("Approve"),
    "first_approved": N_("Approve as the second leader"),
    "approved": N_("Release"),
    "released": N_("Record the payment"),
    "returned": N_("Issue again"),
}
# state → the step that is next and the place its person fills
NEXT = {
    "requested": ("review", "reviewed"),
    "reviewed": ("approve", "approved"),
    "first_approved": ("approve", "second_approved"),
    "approved": ("release", "released"),
}
OPEN = (*NEXT, "released")
# What is done to several payments at once: the service, and the states it starts from.
IN_BULK = {
    "review": (services.review, ("requested",), "disbursement.review"),
    "approve": (services.approve, ("reviewed", "first_approved"), "disbursement.approve"),
}
BULK_LIMIT = 200
EVENTS = {
    "requested": N_("Payment requested"),
    "reviewed": N_("Reviewed"),
    "first_approved": N_("Approved by the first leader"),
    "second_approved": N_("Approved by the second leader"),
    "approved": N_("Approved"),
    "released": N_("Released to the bank"),
    "paid": N_("Paid"),
    "returned": N_("Returned by the bank"),
    "cancelled": N_("Cancelled"),
    "recovered": N_("Recovered"),
    "stuck_noted": N_("No answer of the bank in time"),
}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Payments at this person's step, and accounts to confirm."""
    if any(user.may_somewhere(step) for step in STEPS):
        query = visible_disbursements(user).where(waiting_for(user)).order_by(Disbursement.id).limit(100)
        for item in db.session.scalars(query):
            yield navigation.Task(
                title=Message(
                    N_("Payment %(number)s: %(title)s"),
                    {"number": item.number, "title": item.commitment.title},
                ),
                url=url_for("disbursements.show", disbursement_id=item.id),
                action=Message(ACTIONS[item.state]),
                meta=Message(N_("no answer of the bank in time"))
                if item.stuck_noted_on is not None and item.state == "released"
                else Message(item.commitment.organization.name),
                due=item.stuck_noted_on if item.state == "released" else None,
                amount=item.amount,
            )
    if user.may_somewhere("limit.set"):
        for limit in db.session.scalars(limits_to_confirm(user).limit(20)):
            yield navigation.Task(
                title=Message(N_("Limit of %(name)s to confirm"), {"name": limit.user.name}),
                url=url_for("disbursements.limits"),
                action=Message(N_("Confirm")),
                amount=limit.amount,
            )
    if user.may_somewhere("account.payee") or user.may_somewhere("disbursement.review"):
        for account in db.session.scalars(accounts_to_confirm(user).limit(100)):
            yield navigation.Task(
                title=Message(
                    N_("Account of %(name)s to confirm, ending in %(digits)s"),
                    {"name": account.organization.name, "digits": account.last_four},
                ),
                url=url_for("disbursements.account", account_id=account.id),
                action=Message(N_("Compare and confirm")),
            )


navigation.add_tasks("disbursements", _tasks)


@bp.get("/")
@allow("disbursement.read", "own.read")
def list() -> Any:
    """Payments with saved views; the totals row is of the whole view."""
    table = tables.show(DISBURSEMENTS, current_user)
    page = table.page
    counts = tables.counts_by(
        visible_disbursements(current_user), Disbursement.state, [*DISBURSEMENT.by_state]
    )
    total_count, sums = tables.summary(table.query, Disbursement.amount)
    return render_template(
        "disbursements/list.html",
        table=table,
        page=page,
        view=view_of(current_user, tables.arguments()),
        acts=any(current_user.may_somewhere(step) for step in STEPS),
        counts=counts,
        all_states=tables.total_of(counts),
        states=DISBURSEMENT.states,
        total_count=total_count,
        sums=sums,
        findings={row.id: _stored(row) for row in page.rows},
        people=people_of(page.rows),
        steps=totals(current_user, Disbursement.state.in_(OPEN)),
        bulk=[
            step
            for step, (_service, sources, permission) in IN_BULK.items()
            if current_user.may_somewhere(permission) and any(row.state in sources for row in page.rows)
        ],
        bulk_states={state for step in IN_BULK for state in IN_BULK[step][1]},
    )


@bp.route("/bulk", methods=["GET", "POST"])
@allow("disbursement.review", "disbursement.approve")
def bulk() -> Any:
    """Several payments at once: count and total first, then each with its own result."""
    given = request.form if request.method == "POST" else request.args
    name = given.get("step", "")
    if name not in IN_BULK:
        abort(404)
    service, sources, permission = IN_BULK[name]
    ids = {int(item) for item in given.getlist("disbursement") if item.isdecimal() and len(item) < 19}
    if len(ids) > BULK_LIMIT:
        raise Refusal(Message(N_("At most %(limit)s payments at once."), {"limit": BULK_LIMIT}))
    rows = db.session.scalars(
        visible_disbursements(current_user)
        .where(Disbursement.id.in_(ids), Disbursement.agency_id.in_(current_user.agency_ids(permission)))
        .order_by(Disbursement.id)
    ).all()
    outcomes = None
    if request.method == "POST":
        outcomes = services.each(service, rows, by=current_user._get_current_object())
        keep()
    return render_template(
        "disbursements/bulk.html",
        step=name,
        rows=rows,
        ready=[item for item in rows if item.state in sources and _barred(item) is None],
        barred={item.id: _barred(item) for item in rows} if outcomes is None else {},
        findings={item.id: findings_now(item, current_user) for item in rows} if outcomes is None else {},
        outcomes=outcomes,
    )


def _barred(disbursement: Disbursement) -> Refusal | None:
    """Why this person cannot take the next step, as far as people go."""
    place = NEXT.get(disbursement.state, ("", ""))[1]
    return policy.may_step(current_user, disbursement, place) if place else None


@bp.get("/stuck")
@allow("disbursement.read")
def stuck() -> Any:
    """Released payments that the bank has not answered in time."""
    rows = stuck_payments(visible_disbursements(current_user))
    return render_template(
        "disbursements/stuck.html",
        rows=rows,
        total=sum((item.disbursement.amount for item in rows), Money(0)),
    )


def _stored(disbursement: Disbursement) -> Sequence[Finding]:
    """The findings the last decision was taken on."""
    return [Finding.from_dict(item) for item in json.loads(disbursement.findings)]


def _load(disbursement_id: int) -> Disbursement:
    return disbursement_in_scope(current_user, disbursement_id) or abort(404)


def _page(disbursement: Disbursement, status: int = 200, **forms: Any) -> Any:
    """The page of one payment; ``forms`` are those shown again with their errors."""
    official = current_user.may("disbursement.read", agency_id=disbursement.agency_id)
    steps, blocked = _steps(disbursement)
    stopped = disbursement.state in ("returned", "cancelled")
    after = successor_of(disbursement) if stopped else None
    again = None
    if (
        stopped
        and after is None
        and disbursement_of(disbursement.tranche) is None
        and current_user.may("disbursement.request", agency_id=disbursement.agency_id)
    ):
        again = forms.get("again") or _again_form(disbursement)
    transfers = transfers_about("disbursement", disbursement.id) if official else []
    return render_template(
        "disbursements/show.html",
        disbursement=disbursement,
        official=official,
        findings=findings_now(disbursement, current_user if steps else None)
        if disbursement.state in NEXT
        else _stored(disbursement),
        second=_second(disbursement, steps),
        steps=steps,
        blocked=blocked,
        after=after,
        backs=[
            item
            for item in backs_of(current_user, disbursement.commitment_id)
            if item.payment_id == disbursement.id
        ],
        proof_form=forms.get("proof") or ProofForm(current_user, formdata=None),
        may_cancel=disbursement.state in NEXT
        and policy.may_cancel(current_user, disbursement) is None
        and policy.may_take_part(current_user, disbursement.commitment) is None,
        paid_form=forms.get("paid") or PaidForm(formdata=None, paid_on=clock.today()),
        returned_form=forms.get("returned") or ReasonForm(formdata=None, prefix="returned-"),
        cancel_form=forms.get("cancel") or ReasonForm(formdata=None, prefix="cancel-"),
        again_form=again,
        people=people_of([disbursement]),
        times={entry.event: entry.at for entry in entries_of(disbursement, newest_first=False)},
        history=history_of(disbursement) if official else [],
        words=EVENTS,
        transfers=transfers,
        sides=postings_of(item.id for item in transfers),
        committed=committed_balance(disbursement.commitment) if official else None,
        before_approval=disbursement.state in BEFORE_APPROVAL,
        table=lifecycle_of(disbursement),
    ), status


def _steps(disbursement: Disbursement) -> tuple[set[str], Refusal | None]:
    """The steps that this person may take now, and why not where only a person stands against it."""
    held = {
        item.name
        for item in DISBURSEMENT.transitions
        if disbursement.state in item.sources
        and item.permission
        and current_user.may(item.permission, agency_id=disbursement.agency_id)
    }
    if disbursement.state not in NEXT:
        return held, None
    name, place = NEXT[disbursement.state]
    if not held:
        return set(), None
    blocked = policy.may_step(current_user, disbursement, place)
    return ({name} if blocked is None else set()), blocked


def _second(disbursement: Disbursement, steps: set[str]) -> bool:
    """Whether two leaders approve: they did, they are at it, or this reader's approval would not be enough."""
    if disbursement.second_approved_by is not None or disbursement.state == "first_approved":
        return True
    return (
        disbursement.state == "reviewed"
        and "approve" in steps
        and above(disbursement.amount, limit_for(disbursement, current_user))
    )


def _again_form(disbursement: Disbursement, formdata: Any = None) -> AgainForm:
    form = AgainForm(formdata=formdata, receipt_number=disbursement.receipt_number, prefix="again-")
    form.payee_account_id.choices = _choices(_accounts_for(disbursement.commitment))
    return form


def _accounts_for(commitment: Commitment) -> dict[int, PayeeAccount]:
    return {item.id: item for item in confirmed_accounts(commitment.organization, commitment)}


def _choices(accounts: dict[int, PayeeAccount]) -> Sequence[SelectChoice]:
    return [
        SelectChoice(item.id, f"{item.account_name} {item.bank} ····{item.last_four}")
        for item in accounts.values()
    ]


def _requests(user: Any, commitment: Commitment) -> dict[int, tuple[str, dict[str, Any]]]:
    """The tranche of a commitment without a project here that this person may ask for now."""
    return {
        item.id: ("disbursements.new", {"tranche_id": item.id})
        for item in commitment.tranches
        if policy.may_request(user, item) is None
    }


tell_requests(_requests)


@bp.route("/tranches/<int:tranche_id>/new", methods=["GET", "POST"])
@allow("disbursement.request")
def new(tranche_id: int) -> Any:
    """Ask for a tranche of what ran already when the books were opened."""
    tranche = tranche_to_request(current_user, tranche_id) or abort(404)
    refusal = policy.may_request(current_user, tranche)
    if refusal is not None:
        raise refusal
    accounts = _accounts_for(tranche.commitment)
    form = RequestForm()
    form.payee_account_id.choices = _choices(accounts)
    if form.validate_on_submit():
        try:
            made = services.request_running(
                tranche,
                payee_account=accounts[form.payee_account_id.data],
                receipt_number=form.receipt_number.data,
                basis=form.basis.data,
                by=current_user,
            )
            return _done(made, _("The payment is asked for. The finance reviewer is next."))
        except Refusal as problem:
            form.form_errors.append(say(problem.sentence))
    return render_template(
        "disbursements/new.html",
        form=form,
        tranche=tranche,
        commitment=tranche.commitment,
        accounts=accounts,
        condition=CONDITIONS.get(tranche.condition, tranche.condition),
        committed=committed_balance(tranche.commitment),
    ), 422 if form.is_submitted() else 200


@bp.get("/<int:disbursement_id>")
@allow("disbursement.read", "own.read")
def show(disbursement_id: int) -> Any:
    return _page(_load(disbursement_id))


def _done(disbursement: Disbursement, sentence: str) -> Any:
    flash(sentence)
    return redirect(url_for("disbursements.show", disbursement_id=disbursement.id), code=303)


@bp.post("/<int:disbursement_id>/review")
@allow("disbursement.review")
def review(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
    services.review(item, by=current_user)
    return _done(item, _("Reviewed. The leader approves next."))


@bp.post("/<int:disbursement_id>/approve")
@allow("disbursement.approve")
def approve(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
    services.approve(item, by=current_user)
    if item.state == "first_approved":
        return _done(item, _("Approved by you. A second leader approves next."))
    return _done(item, _("Approved: %(amount)s yuan. Finance releases it next.", amount=item.amount.format()))


@bp.post("/<int:disbursement_id>/release")
@allow("disbursement.pay")
def release(disbursement_id: int) -> Any:
    """Money leaves: who is there is asked once more."""
    item = _load(disbursement_id)
    may = current_user.may("disbursement.pay", agency_id=item.agency_id)
    if not may or item.state != "approved" or _barred(item) is not None:
        # Whoever cannot take the step is not asked who they are.
        services.release(item, by=current_user)
    form = ProofForm(current_user)
    if not form.validate():
        return _page(item, 422, proof=form)
    problem = prove(current_user._get_current_object(), form.proof.data, address=request.remote_addr or "")
    if problem is not None:
        form.proof.errors = [say(problem)]
        keep()
        return _page(item, 422, proof=form)
    services.release(item, by=current_user)
    return _done(item, _("Released to the bank. Record the payment when the voucher is here."))


@bp.post("/<int:disbursement_id>/paid")
@allow("disbursement.pay")
def paid(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
    form = PaidForm()
    if not form.validate():
        return _page(item, 422, paid=form)
    services.mark_paid(
        item, paid_on=form.paid_on.data, voucher_number=form.voucher_number.data, by=current_user
    )
    return _done(item, _("Paid: %(amount)s yuan.", amount=item.amount.format()))


@bp.post("/<int:disbursement_id>/returned")
@allow("disbursement.pay")
def returned(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
    form = ReasonForm(prefix="returned-")
    if not form.validate():
        return _page(item, 422, returned=form)
    services.mark_returned(item, reason=form.reason.data, by=current_user)
    return _done(item, _("The money is committed again. The programme officer may issue the payment again."))


@bp.post("/<int:disbursement_id>/cancel")
@allow(*policy.CANCELLING)
def cancel(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
    form = ReasonForm(prefix="cancel-")
    if not form.validate():
        return _page(item, 422, cancel=form)
    services.cancel(item, reason=form.reason.data, by=current_user)
    return _done(item, _("The payment was cancelled."))


@bp.post("/<int:disbursement_id>/again")
@allow("disbursement.request")
def again(disbursement_id: int) -> Any:
    """Issue a payment that came back or was cancelled again, as a new one."""
    item = _load(disbursement_id)
    form, accounts = _again_form(item, request.form), _accounts_for(item.commitment)
    if not form.validate():
        return _page(item, 422, again=form)
    made = services.reissue(
        item,
        payee_account=accounts[form.payee_account_id.data],
        receipt_number=form.receipt_number.data,
        by=current_user,
    )
    return _done(made, _("Issued again as a new payment. The finance reviewer is next."))


@bp.get("/accounts")
@allow("disbursement.read", "own.read")
def accounts() -> Any:
    page = paginate(visible_payee_accounts(current_user), (PayeeAccount.id, True))
    return render_template(
        "disbursements/accounts.html",
        page=page,
        may_record=current_user.may_somewhere("account.payee") or current_user.may_somewhere("own.edit"),
    )


@bp.route("/accounts/new", methods=["GET", "POST"])
@allow("account.payee", "own.edit")
def new_account() -> Any:
    only = only_payable(current_user)
    form = AccountForm(data={"organization": only.name if only else ""})
    organization = None
    if form.validate_on_submit():
        organization = named(payable_organizations(current_user), form.organization.data)
        if organization is None:
            form.organization.errors = [
                _("No organization of this name or code is among those you may record an account for.")
            ]
    if organization is not None:
        account = services.record_payee_account(
            organization,
            account_name=form.account_name.data,
            bank=form.bank.data,
            number=form.number.data,
            by=current_user,
        )
        flash(_("The account was recorded. A second person confirms it before money can go there."))
        return redirect(url_for("disbursements.account", account_id=account.id), code=303)
    return render_template("disbursements/new_account.html", form=form), 422 if form.is_submitted() else 200


def _account(account_id: int) -> PayeeAccount:
    return payee_account_in_scope(current_user, account_id) or abort(404)


def _account_page(account: PayeeAccount, number: str | None = None) -> Any:
    return render_template(
        "disbursements/account.html",
        account=account,
        number=number,
        people=names_of({account.recorded_by, account.confirmed_by}),
        cools=_cooling(account),
        may_confirm=account.confirmed_by is None
        and account.closed_on is None
        and policy.may_confirm(current_user, account) is None,
        may_reveal=policy.may_reveal(current_user, account) is None,
    )


def _cooling(account: PayeeAccount) -> Any:
    """The first day on which money may leave to it, while that day lies ahead."""
    day = cools_until(account, unit_parameters(account.organization.agency_id))
    return day if day is not None and day > clock.today() else None


@bp.get("/accounts/<int:account_id>")
@allow("disbursement.read", "own.read")
def account(account_id: int) -> Any:
    return _account_page(_account(account_id))


@bp.post("/accounts/<int:account_id>/confirm")
@allow("account.payee", "disbursement.review")
def confirm_account(account_id: int) -> Any:
    found = _account(account_id)
    services.confirm_payee_account(found, by=current_user)
    flash(_("The account is confirmed; money can go there."))
    return redirect(url_for("disbursements.account", account_id=found.id), code=303)


@bp.post("/accounts/<int:account_id>/close")
@allow("account.payee", "disbursement.review", "own.edit")
def close_account(account_id: int) -> Any:
    found = _account(account_id)
    services.close_payee_account(found, by=current_user)
    flash(_("The account is closed; nothing more is paid there."))
    return redirect(url_for("disbursements.account", account_id=found.id), code=303)


@bp.post("/accounts/<int:account_id>/number")
@allow("account.payee", "disbursement.review", "own.edit")
def reveal(account_id: int) -> Any:
    """Show the full number once; the look is written down, so it is a POST that commits."""
    found = _account(account_id)
    number = services.reveal_number(found, by=current_user)
    keep()
    return _account_page(found, number)


@bp.route("/limits", methods=["GET", "POST"])
@allow("disbursement.read")
def limits() -> Any:
    """Up to how much each leader approves alone: set by one person of finance, confirmed by another."""
    units = current_user.agency_ids("limit.set")
    people = {item.id: item for item in approving_people(units) if item.user_id != current_user.id}
    form = LimitForm()
    form.assignment.choices = [
        SelectChoice(item.id, f"{item.user.name} · {item.unit_name}") for item in people.values()
    ]
    if request.method == "POST" and not units:
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if form.validate_on_submit():
        chosen = people[form.assignment.data]
        services.set_limit(chosen.user, chosen.agency_id or 0, form.amount.data, by=current_user)
        flash(_("The limit waits for another person of finance."))
        return redirect(url_for("disbursements.limits"), code=303)
    page = paginate(visible_limits(current_user), (PaymentLimit.id, True))
    return render_template(
        "disbursements/limits.html",
        page=page,
        form=form if people else None,
        confirmable={item.id for item in page.rows if _confirmable(item)},
        people=names_of({who for item in page.rows for who in (item.set_by, item.confirmed_by)}),
        programmes=programme_limits(current_user),
    ), (422 if form.is_submitted() else 200)


def _confirmable(limit: PaymentLimit) -> bool:
    waits = limit.confirmed_by is None and limit.ended_on is None
    return waits and policy.may_confirm_limit(current_user, limit) is None


@bp.post("/limits/<int:limit_id>/confirm")
@allow("limit.set")
def confirm_limit(limit_id: int) -> Any:
    limit = limit_in_scope(current_user, limit_id) or abort(404)
    services.confirm_limit(limit, by=current_user)
    flash(_("The limit is in force."))
    return redirect(url_for("disbursements.limits"), code=303)
