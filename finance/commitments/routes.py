"""Pages of commitments: what is owed, how it is paid, what holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.queries import entries_of
from core.db import db
from core.money import Money
from core.text import N_
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from finance.commitments import services
from finance.commitments.forms import DueForm
from finance.commitments.models import Commitment, CommitmentShare, Hold
from finance.commitments.queries import (
    accounts_of,
    backs_of,
    chain_of,
    commitment_in_scope,
    excluded_people,
    extract_of_commitment,
    flows_of,
    payments_of,
    released_of,
    requests_of,
    shares_of_earmarks,
    spending_of,
    sums_of,
    sums_of_shares,
    totals,
    visible_commitments,
)
from finance.commitments.reports import changes_of_ratio
from finance.commitments.rules import CONDITIONS, falls_due
from finance.funds.queries import Figures, figures_of_budgets, figures_of_earmarks
from finance.funds.reports import tell_ratio
from registry.accounts.models import User
from registry.persons.models import Person

tell_ratio(changes_of_ratio)

bp = Blueprint("commitments", __name__, url_prefix="/commitments")

navigation.add_entry(
    "commitments.list",
    N_("Commitments"),
    icon="pen",
    group="money",
    order=30,
    permissions=("commitment.read", "own.read"),
)

TRACKS = {"venture_grant": N_("venture grant"), "service_purchase": N_("purchased service")}
HOLDS = {
    "rectification": N_("an open rectification"),
    "suspension": N_("a suspension"),
    "objection": N_("an open objection"),
    "termination": N_("a termination of the project"),
    "outcome": N_("the end of the payee's registration"),
}
EXCLUDED = {"scored": N_("scored this project"), "kinship": N_("related to the payee")}
STATES = {
    "running": N_("running"),
    "ended": N_("ended"),
    "held": N_("held"),
}


def commitment_state(commitment: Commitment, held: bool) -> tuple[str, str]:
    """Tone and word; a commitment has no lifecycle of its own."""
    if commitment.ended_on is not None:
        return "closed", STATES["ended"]
    return ("wrong", STATES["held"]) if held else ("active", STATES["running"])


@bp.get("/")
@allow("commitment.read", "own.read")
def list() -> Any:
    conditions: Any = []
    earmark_id = request.args.get("earmark", type=int)
    if earmark_id is not None:
        conditions.append(
            Commitment.id.in_(
                select(CommitmentShare.commitment_id).where(CommitmentShare.earmark_id == earmark_id)
            )
        )
    view = request.args.get("view", "running")
    if view == "running":
        conditions.append(Commitment.ended_on.is_(None))
    elif view == "ended":
        conditions.append(Commitment.ended_on.is_not(None))
    elif view == "held":
        conditions.append(Commitment.id.in_(select(Hold.commitment_id).where(Hold.lifted_at.is_(None))))
    page = paginate(visible_commitments(current_user).where(*conditions), (Commitment.id, True))
    count, sums = totals(current_user, *conditions)
    ids = [row.id for row in page.rows]
    held_ids = set(
        db.session.scalars(
            select(Hold.commitment_id).where(Hold.commitment_id.in_(ids), Hold.lifted_at.is_(None))
        )
    )
    return render_template(
        "commitments/list.html",
        page=page,
        sums=sums_of(page.rows),
        states={row.id: commitment_state(row, row.id in held_ids) for row in page.rows},
        totals={"count": count, **sums},
        view=view,
        earmark_id=earmark_id,
        tracks=TRACKS,
    )


@bp.get("/chain/<any(source,budget,earmark,commitment):kind>/<int:thing_id>")
@allow("fund.read")
def chain(kind: str, thing_id: int) -> Any:
    """Both ways from one place: up to the source, down to the payments, their proof and what came back."""
    top, budgets, earmarks = chain_of(current_user, kind, thing_id) or abort(404)
    year = request.args.get("year", type=int)
    years = sorted({item.fiscal_year for item in budgets}, reverse=True)
    if kind == "source" and year in years:
        budgets = [item for item in budgets if item.fiscal_year == year]
        earmarks = [item for item in earmarks if item.budget.fiscal_year == year]
    query = shares_of_earmarks(item.id for item in earmarks)
    if kind == "commitment":
        query = query.where(CommitmentShare.commitment_id == thing_id)
    page = paginate(query, (CommitmentShare.id, True))
    shares: Sequence[CommitmentShare] = page.rows
    commitments = {share.commitment_id: share.commitment for share in shares}
    figures = figures_of_budgets(budgets)
    return render_template(
        "commitments/chain.html",
        kind=kind,
        top=top,
        page=page,
        year=year if year in years else None,
        years=years,
        budgets=budgets,
        earmarks=_by_parent(earmarks, "budget_id"),
        shares=_by_parent(shares, "earmark_id"),
        budget_figures=figures,
        total=sum(figures.values(), Figures()),
        earmark_figures=figures_of_earmarks(earmarks),
        share_sums=sums_of_shares(shares),
        flows=flows_of(shares),
        released=released_of(shares),
        spending=spending_of(commitments),
        zero=Money(0),
        readable=current_user.agency_ids("fund.read"),
    )


def _by_parent(rows: Sequence[Any], column: str) -> dict[int, Sequence[Any]]:
    parents = dict.fromkeys(getattr(row, column) for row in rows)
    return {key: [row for row in rows if getattr(row, column) == key] for key in parents}


def _returned(commitment: Commitment) -> tuple[Money, Money]:
    """What came back of the paid money: all of it, and the surplus of the last account among it."""
    came = [flow for flows in flows_of(commitment.shares).values() for flow in flows if flow.returned]
    surplus = [flow.returned for flow in came if flow.about[0] == "commitment"]
    return sum((flow.returned for flow in came), Money(0)), sum(surplus, Money(0))


@bp.get("/<int:commitment_id>")
@allow("commitment.read", "own.read")
def show(commitment_id: int) -> Any:
    return _page(commitment_in_scope(current_user, commitment_id) or abort(404))


@bp.post("/<int:commitment_id>/due")
@allow("disbursement.request")
def due(commitment_id: int) -> Any:
    """Agree on the days on which the tranches that are not paid yet fall due."""
    commitment = commitment_in_scope(current_user, commitment_id) or abort(404)
    form = _due_form(commitment)
    if form is None:
        abort(404)
    if form.validate():
        try:
            services.plan_days(commitment, form.by_number(), by=current_user)
            flash(_("The days are set; the tranche calendar follows."))
            return redirect(url_for("commitments.show", commitment_id=commitment.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _page(commitment, 422, form)


def _due_form(commitment: Commitment) -> DueForm | None:
    """The form of days, for those who may set them while a tranche is still to be paid."""
    if commitment.ended_on is not None or not current_user.may(
        "disbursement.request", agency_id=commitment.agency_id
    ):
        return None
    paid = payments_of(commitment.tranches)
    numbers = [
        item.number
        for item in commitment.tranches
        if item.amount and not (item.id in paid and paid[item.id].alive)
    ]
    return DueForm(commitment, numbers) if numbers else None


def _page(commitment: Commitment, status: int = 200, form: DueForm | None = None) -> Any:
    reads_ledger = current_user.may("fund.read", agency_id=commitment.agency_id)
    excluded = excluded_people(commitment)
    names = {
        user.id: user.name
        for user in db.session.scalars(
            select(User).where(
                User.id.in_(
                    {hold.placed_by for hold in commitment.holds}
                    | {hold.lifted_by for hold in commitment.holds}
                )
            )
        )
    }
    return render_template(
        "commitments/show.html",
        commitment=commitment,
        state_pair=commitment_state(commitment, any(hold.lifted_at is None for hold in commitment.holds)),
        sums=sums_of([commitment])[commitment.id],
        accounts=accounts_of(commitment),
        payments=payments_of(commitment.tranches),
        # A unit that pays a part sees the commitment, and not the payments of the unit that holds it.
        reads_payments=current_user.may("disbursement.read", agency_id=commitment.agency_id)
        or commitment.organization_id in current_user.organization_ids("own.read"),
        requests=requests_of(current_user, commitment),
        backs=backs_of(current_user, commitment.id),
        returned=_returned(commitment),
        names=names,
        excluded=[
            (person, excluded[person.id])
            for person in db.session.scalars(
                select(Person).where(Person.id.in_(excluded)).order_by(Person.id)
            )
        ],
        entries=extract_of_commitment(commitment) if reads_ledger else [],
        reads_ledger=reads_ledger,
        history=entries_of(commitment) if reads_ledger else [],
        tracks=TRACKS,
        conditions=CONDITIONS,
        hold_words=HOLDS,
        excluded_words=EXCLUDED,
        falls_due=falls_due,
        due_form=form or _due_form(commitment),
    ), status
