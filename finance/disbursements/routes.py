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
from core.audit.queries import entries_of
from core.db import db
from core.lifecycle import lifecycle_of
from core.rules.rules import Finding
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow, keep
from core.web.paging import paginate
from finance.commitments.queries import committed_balance
from finance.disbursements import policy, services
from finance.disbursements.forms import AccountForm, AgainForm, PaidForm, ReasonForm
from finance.disbursements.lifecycle import DISBURSEMENT, findings_now
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.queries import (
    BEFORE_APPROVAL,
    accounts_to_confirm,
    confirmed_accounts,
    disbursement_in_scope,
    disbursement_of,
    names_of,
    payable_organizations,
    payee_account_in_scope,
    people_of,
    visible_disbursements,
    visible_payee_accounts,
    waiting_for,
)
from finance.disbursements.reports import DISBURSEMENTS, STEPS, view_of
from finance.ledger.queries import postings_of, transfers_about

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
    "approved": N_("Release"),
    "released": N_("Record the payment"),
    "returned": N_("Request again"),
}
PLACES = {"review": "reviewed", "approve": "approved", "release": "released"}


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
                meta=Message(item.commitment.organization.name),
                amount=item.amount,
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
    )


def _stored(disbursement: Disbursement) -> Sequence[Finding]:
    """The findings the last decision was taken on."""
    return [Finding.from_dict(item) for item in json.loads(disbursement.findings)]


def _load(disbursement_id: int) -> Disbursement:
    return disbursement_in_scope(current_user, disbursement_id) or abort(404)


def _page(disbursement: Disbursement, status: int = 200, **forms: Any) -> Any:
    """The page of one payment; ``forms`` are those shown again with their errors."""
    official = current_user.may("disbursement.read", agency_id=disbursement.agency_id)
    steps = {
        item.name
        for item in DISBURSEMENT.transitions
        if disbursement.state in item.sources
        and item.permission
        and current_user.may(item.permission, agency_id=disbursement.agency_id)
    }
    blocked: Refusal | None = None
    for name, place in PLACES.items():
        if name in steps and (refusal := policy.may_step(current_user, disbursement, place)) is not None:
            steps.discard(name)
            blocked = refusal
    alive = disbursement_of(disbursement.tranche)
    again = None
    if (
        disbursement.state == "returned"
        and alive is None
        and current_user.may("disbursement.request", agency_id=disbursement.agency_id)
    ):
        again = forms.get("again") or _again_form(disbursement)
    transfers = transfers_about("disbursement", disbursement.id) if official else []
    return render_template(
        "disbursements/show.html",
        disbursement=disbursement,
        official=official,
        findings=findings_now(disbursement, None)
        if disbursement.state in ("requested", "reviewed", "approved")
        else _stored(disbursement),
        steps=steps,
        blocked=blocked,
        may_cancel=disbursement.state in DISBURSEMENT.by_name["cancel"].sources
        and policy.may_cancel(current_user, disbursement) is None
        and policy.may_take_part(current_user, disbursement.commitment) is None,
        paid_form=forms.get("paid") or PaidForm(formdata=None, paid_on=clock.today()),
        returned_form=forms.get("returned") or ReasonForm(formdata=None, prefix="returned-"),
        cancel_form=forms.get("cancel") or ReasonForm(formdata=None, prefix="cancel-"),
        again_form=again,
        people=people_of([disbursement]),
        times={entry.event: entry.at for entry in entries_of(disbursement, newest_first=False)},
        history=entries_of(disbursement) if official else [],
        transfers=transfers,
        sides=postings_of(item.id for item in transfers),
        committed=committed_balance(disbursement.commitment) if official else None,
        before_approval=disbursement.state in BEFORE_APPROVAL,
        table=lifecycle_of(disbursement),
    ), status


def _again_form(disbursement: Disbursement, formdata: Any = None) -> AgainForm:
    form = AgainForm(formdata=formdata, receipt_number=disbursement.receipt_number, prefix="again-")
    form.payee_account_id.choices = [
        SelectChoice(account.id, f"{account.account_name} {account.bank} ····{account.last_four}")
        for account in confirmed_accounts(disbursement.commitment.organization, disbursement.commitment)
    ]
    return form


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
    return _done(item, _("Approved: %(amount)s yuan. Finance releases it next.", amount=item.amount.format()))


@bp.post("/<int:disbursement_id>/release")
@allow("disbursement.pay")
def release(disbursement_id: int) -> Any:
    item = _load(disbursement_id)
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
    return _done(item, _("The money is committed again. The programme officer may request it anew."))


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
    """Request a payment that the bank returned once more, with a mended account."""
    item = _load(disbursement_id)
    if item.state != "returned":
        raise Refusal(Message(N_("Only a payment that the bank returned is requested again.")), status=409)
    form = _again_form(item, request.form)
    accounts = {
        account.id: account for account in confirmed_accounts(item.commitment.organization, item.commitment)
    }
    if not form.validate():
        return _page(item, 422, again=form)
    made = services.request_disbursement(
        item.tranche,
        payee_account=accounts[form.payee_account_id.data],
        receipt_number=form.receipt_number.data,
        by=current_user,
    )
    return _done(made, _("Requested again. The finance reviewer is next."))


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
    organizations = {item.id: item for item in payable_organizations(current_user)}
    form = AccountForm()
    form.organization_id.choices = [SelectChoice(item.id, item.name) for item in organizations.values()]
    if form.validate_on_submit():
        account = services.record_payee_account(
            organizations[form.organization_id.data],
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
        may_confirm=account.confirmed_by is None
        and account.closed_on is None
        and policy.may_confirm(current_user, account) is None,
        may_reveal=policy.may_reveal(current_user, account) is None,
    )


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
