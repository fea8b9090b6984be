"""Pages of recovery cases: what has to come back, who ordered it, and what has come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.lifecycle import state_of
from core.money import Money
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import commitment_in_scope
from finance.disbursements.queries import names_of
from finance.ledger.queries import postings_of, transfers_about
from finance.recoveries import policy, queries, services
from finance.recoveries.forms import DropForm, OffsetForm, OrderForm, ProposeForm, ReturnForm
from finance.recoveries.lifecycle import RECOVERY
from finance.recoveries.models import Recovery
from finance.recoveries.reports import RECOVERIES, STEPS, VIEWS, document_facts, view_of
from finance.recoveries.rules import GROUNDS, amount_finding
from registry.agencies.models import Agency

bp = Blueprint("recoveries", __name__, url_prefix="/recoveries")

navigation.add_entry(
    "recoveries.list",
    N_("Recoveries"),
    icon="left",
    group="money",
    order=45,
    permissions=("recovery.read", "own.read"),
)

EVENTS = {
    "proposed": N_("recovery proposed"),
    "legally reviewed": N_("ground confirmed by legal"),
    "reviewed by finance": N_("amount confirmed by finance"),
    "ordered": N_("recovery ordered"),
    "booked": N_("part booked"),
    "settled": N_("everything came back"),
    "dropped": N_("case dropped"),
}
ACTIONS = {
    "proposed": N_("Confirm the ground"),
    "legal_reviewed": N_("Confirm the amount"),
    "reviewed": N_("Order the recovery"),
    "ordered": N_("Book what comes back"),
}
PLACES = {"review_legal": "legal", "review_money": "finance", "order": "ordered"}


@bp.get("/")
@allow("recovery.read", "own.read")
def list() -> str:
    table = tables.show(RECOVERIES, current_user)
    total, sums = tables.summary(table.query, Recovery.amount, Recovery.recovered)
    return render_template(
        "recoveries/list.html",
        table=table,
        page=table.page,
        view=view_of(current_user, tables.arguments()),
        views_offered=VIEWS,
        acts=any(current_user.may_somewhere(step) for step in STEPS),
        grounds=GROUNDS,
        total=total,
        sums=sums,
    )


def _load(recovery_id: int) -> Recovery:
    return queries.recovery_in_scope(current_user, recovery_id) or abort(404)


def _commitment(commitment_id: int) -> Commitment:
    """A commitment of a unit where the reader may propose cases."""
    commitment = commitment_in_scope(current_user, commitment_id) or abort(404)
    if not current_user.may("recovery.propose", agency_id=commitment.agency_id):
        abort(404)
    return commitment


@bp.route("/of/<int:commitment_id>", methods=["GET", "POST"])
@allow("recovery.propose")
def propose(commitment_id: int) -> Any:
    """Propose a case about a commitment, or about one of its payments."""
    commitment = _commitment(commitment_id)
    payments = {item.id: item for item in queries.paid_disbursements(commitment)}
    form = ProposeForm(
        disbursement_id=request.args.get("disbursement", 0, type=int), **_wished(request.args.to_dict())
    )
    form.disbursement_id.choices = [
        SelectChoice(0, _("an amount of the whole commitment")),
        *(
            SelectChoice(item.id, _("payment %(number)s, %(amount)s yuan", number=item.number, amount=item.amount.format()))
            for item in payments.values()
        ),
    ]  # fmt: skip
    if form.validate_on_submit():
        payment = payments.get(form.disbursement_id.data)
        for thing in (None, payment) if payment else (None,):
            paid, asked = queries.asked_for(commitment, thing)
            finding = amount_finding(form.amount.data, paid=paid, asked=asked)
            if finding.verdict == "fail":
                form.amount.errors = [say(finding.sentence)]
                break
        else:
            made = services.propose(
                commitment,
                disbursement=payment,
                ground=form.ground.data,
                amount=form.amount.data,
                due_on=form.due_on.data,
                reason=form.reason.data,
                by=current_user,
            )
            flash(_("The case is proposed. The legal review comes next."))
            return redirect(url_for("recoveries.show", recovery_id=made.id), code=303)
    paid, asked = queries.asked_for(commitment)
    return render_template(
        "recoveries/propose.html",
        form=form,
        commitment=commitment,
        paid=paid,
        asked=asked,
        cases=queries.cases_of(commitment.id),
        grounds=GROUNDS,
    ), 422 if form.errors else 200


def _wished(args: dict[str, str]) -> dict[str, Any]:
    """What the page that led here suggests: ground, amount and facts."""
    wished: dict[str, Any] = {}
    if args.get("ground") in GROUNDS:
        wished["ground"] = args["ground"]
    fen = args.get("fen", "")
    if fen.isdecimal() and len(fen) < 16:
        wished["amount"] = Money(int(fen))
    return wished


@bp.get("/<int:recovery_id>")
@allow("recovery.read", "own.read")
def show(recovery_id: int) -> Any:
    return _page(_load(recovery_id))


def _page(recovery: Recovery, status: int = 200, **forms: Any) -> Any:
    official = current_user.may("recovery.read", agency_id=recovery.agency_id)
    steps, blocked = _steps(recovery)
    booking = recovery.state == "ordered" and current_user.may("recovery.book", agency_id=recovery.agency_id)
    targets = queries.offset_targets(recovery) if booking else []
    transfers = transfers_about("recovery", recovery.id) if official else []
    people = names_of(
        {recovery.proposed_by, recovery.reviewed_by, recovery.money_reviewed_by, recovery.ordered_by}
        | {part.booked_by for part in recovery.parts}
    )
    return render_template(
        "recoveries/show.html",
        recovery=recovery,
        commitment=recovery.commitment,
        official=official,
        ground=GROUNDS[recovery.ground],
        steps=steps,
        blocked=blocked,
        booking=booking,
        may_drop=official and _may_drop(recovery),
        order_form=forms.get("order") or OrderForm(formdata=None, prefix="order-"),
        drop_form=forms.get("drop") or DropForm(formdata=None, prefix="drop-"),
        return_form=forms.get("back")
        or ReturnForm(formdata=None, prefix="back-", amount=recovery.open_amount),
        offset_form=forms.get("offset") or (_offset_form(recovery, targets) if targets else None),
        people=people,
        history=history_of(recovery) if official else [],
        words=EVENTS,
        transfers=transfers,
        sides=postings_of(item.id for item in transfers),
        pdf=pdf_available(),
        days_left=clock.working_days_left(recovery.due_on),
    ), status


def _steps(recovery: Recovery) -> tuple[set[str], Refusal | None]:
    """The steps this person may take now, and why a step that would be due is not theirs."""
    steps: set[str] = set()
    blocked: Refusal | None = None
    for item in RECOVERY.transitions:
        if (
            item.name not in PLACES
            or recovery.state not in item.sources
            or not current_user.may(str(item.permission), agency_id=recovery.agency_id)
        ):
            continue
        refusal = policy.may_step(current_user, recovery, PLACES[item.name])
        if refusal is None:
            steps.add(item.name)
        else:
            blocked = refusal
    return steps, blocked


def _may_drop(recovery: Recovery) -> bool:
    if recovery.state not in RECOVERY.by_name["drop"].sources:
        return False
    needed = ("recovery.order",) if recovery.state == "ordered" else ("recovery.propose", *STEPS[:3])
    return any(current_user.may(item, agency_id=recovery.agency_id) for item in needed)


def _offset_form(recovery: Recovery, targets: Any, formdata: Any = None) -> OffsetForm:
    form = OffsetForm(formdata=formdata, prefix="offset-", amount=recovery.open_amount)
    form.tranche_id.choices = [
        SelectChoice(
            item.id,
            _(
                "%(title)s, %(tranche)s: %(amount)s yuan",
                title=item.commitment.title,
                tranche=item.title,
                amount=item.amount.format(),
            ),
        )
        for item in targets
    ]
    return form


def _done(recovery: Recovery, sentence: str) -> Any:
    flash(sentence)
    return redirect(url_for("recoveries.show", recovery_id=recovery.id), code=303)


@bp.post("/<int:recovery_id>/review")
@allow("recovery.review")
def review(recovery_id: int) -> Any:
    item = _load(recovery_id)
    services.review_legal(item, by=current_user)
    return _done(item, _("The ground is confirmed. Finance looks at the amount next."))


@bp.post("/<int:recovery_id>/review-money")
@allow("recovery.review_money")
def review_money(recovery_id: int) -> Any:
    item = _load(recovery_id)
    services.review_money(item, by=current_user)
    return _done(item, _("The amount is confirmed. The leader orders next."))


@bp.post("/<int:recovery_id>/order")
@allow("recovery.order")
def order(recovery_id: int) -> Any:
    item = _load(recovery_id)
    form = OrderForm(prefix="order-")
    if not form.validate():
        return _page(item, 422, order=form)
    services.order(item, basis=form.basis.data, by=current_user)
    return _done(item, _("Ordered. The organization was told; finance books what comes back."))


@bp.post("/<int:recovery_id>/drop")
@allow("recovery.propose", "recovery.review", "recovery.review_money", "recovery.order")
def drop(recovery_id: int) -> Any:
    item = _load(recovery_id)
    form = DropForm(prefix="drop-")
    if not form.validate():
        return _page(item, 422, drop=form)
    services.drop(item, reason=form.reason.data, by=current_user)
    return _done(item, _("The case is dropped; the reason stays with it."))


@bp.post("/<int:recovery_id>/back")
@allow("recovery.book")
def back(recovery_id: int) -> Any:
    """Money has come back: amount, day and voucher."""
    item = _load(recovery_id)
    form = ReturnForm(prefix="back-")
    if not form.validate() or not _within(form.amount, item):
        return _page(item, 422, back=form)
    services.book_return(
        item,
        form.amount.data,
        received_on=form.received_on.data,
        voucher_number=form.voucher_number.data,
        by=current_user,
    )
    return _done(item, _("Booked: %(amount)s yuan came back.", amount=form.amount.data.format()))


@bp.post("/<int:recovery_id>/offset")
@allow("recovery.book")
def offset(recovery_id: int) -> Any:
    """Set off against a tranche that is still owed to the same payee."""
    item = _load(recovery_id)
    targets = {target.id: target for target in queries.offset_targets(item)}
    form = _offset_form(item, targets.values(), request.form)
    if not form.validate() or not _within(form.amount, item):
        return _page(item, 422, offset=form)
    target: Tranche = targets[form.tranche_id.data]
    if form.amount.data > target.amount:
        form.amount.errors = [
            _(
                "The tranche still pays %(amount)s yuan: no more can be set off.",
                amount=target.amount.format(),
            )
        ]
        return _page(item, 422, offset=form)
    services.book_offset(item, target, form.amount.data, by=current_user)
    return _done(item, _("Set off: the tranche now pays %(amount)s yuan.", amount=target.amount.format()))


def _within(field: Any, recovery: Recovery) -> bool:
    if field.data <= recovery.open_amount:
        return True
    field.errors = [_("Only %(amount)s yuan of this case are open.", amount=recovery.open_amount.format())]
    return False


@bp.get("/<int:recovery_id>/order.pdf")
@allow("recovery.read", "own.read")
def document(recovery_id: int) -> Response:
    """The recovery order in the layout of official documents."""
    item = _load(recovery_id)
    if item.ordered_on is None:
        abort(404)
    agency = db.session.get_one(Agency, item.agency_id)
    return print_out("recoveries/document.html", document_facts(item, agency), item.number)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Cases at this person's step; for the organization what it has to pay back."""
    own = user.organization_ids("own.read")
    if any(user.may_somewhere(step) for step in STEPS):
        query = queries.visible_recoveries(user).where(queries.waiting_for(user))
        for item in db.session.scalars(query.order_by(Recovery.due_on, Recovery.id).limit(100)):
            yield _task(item, N_("Recovery %(number)s: %(title)s"), ACTIONS[item.state])
    if own:
        mine = select(Commitment.id).where(Commitment.organization_id.in_(own))
        query = queries.visible_recoveries(user).where(
            Recovery.state == "ordered", Recovery.commitment_id.in_(mine)
        )
        for item in db.session.scalars(query.order_by(Recovery.due_on, Recovery.id).limit(100)):
            yield _task(item, N_("Money to pay back: %(title)s"), N_("Read the order"))


def _task(item: Recovery, title: str, action: str) -> navigation.Task:
    return navigation.Task(
        title=Message(title, {"number": item.number, "title": item.commitment.title}),
        url=url_for("recoveries.show", recovery_id=item.id),
        action=Message(action),
        due=item.due_on if state_of(item).name == "ordered" else None,
        meta=Message(item.commitment.organization.name),
        amount=item.open_amount,
    )


navigation.add_tasks("recoveries", _tasks)
