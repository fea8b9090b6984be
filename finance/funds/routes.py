"""Pages of fund sources, budgets and earmarks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core import clock
from core.access.policy import Refusal
from core.audit.queries import entries_of
from core.db import db
from core.money import Money
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from finance.funds import services
from finance.funds.forms import BudgetForm, EarmarkForm, SourceForm
from finance.funds.models import Budget, FundSource
from finance.funds.policy import (
    PURPOSES,
    SOURCE_KINDS,
    TIERS,
    Wish,
    earmark_findings,
    may_manage,
    purposes_of,
)
from finance.funds.queries import (
    Figures,
    budget_in_scope,
    budget_name,
    earmark_in_scope,
    earmarks_of,
    figures_of_budgets,
    figures_of_earmarks,
    source_in_scope,
    visible_budgets,
    visible_sources,
)
from finance.ledger.queries import extract_of, find_account
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("funds", __name__, url_prefix="/funds")

navigation.add_entry(
    "funds.list", N_("Funds and budgets"), icon="yuan", group="money", order=10, permissions=("fund.read",)
)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Budgets that somebody else entered and this person may approve."""
    agencies = user.agency_ids("fund.review")
    if not agencies:
        return
    waiting = visible_budgets(user).where(
        Budget.state == "draft", Budget.agency_id.in_(agencies), Budget.entered_by != user.id
    )
    for budget in db.session.scalars(waiting.order_by(Budget.id)):
        yield navigation.Task(
            title=Message(N_("Budget to approve: %(name)s"), {"name": budget_name(budget)}),
            url=url_for("funds.budget", budget_id=budget.id),
            action=Message(N_("Review and approve")),
            amount=budget.amount,
        )


navigation.add_tasks("funds", _tasks)


@bp.app_template_filter("source_kind")
def source_kind(source: FundSource) -> str:
    return SOURCE_KINDS.get(source.kind, source.kind)


@bp.app_template_filter("source_tier")
def source_tier(source: FundSource) -> str:
    return TIERS.get(source.tier, source.tier)


@bp.app_template_filter("purpose_words")
def purpose_words(code: str, source: FundSource | None = None) -> str:
    """The fund's own words for a purpose, else ours."""
    own = source.purposes.get(code) if source is not None else None
    return say(own or PURPOSES.get(code, code))


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal


def _names(ids: set[int | None]) -> dict[int, str]:
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(ids - {None})))}


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    """Budgets of a year with where their money is, and every source."""
    years = db.session.scalars(
        select(Budget.fiscal_year)
        .where(Budget.agency_id.in_(current_user.agency_ids("fund.read")))
        .distinct()
        .order_by(Budget.fiscal_year.desc())
    ).all()
    year = request.args.get("year", years[0] if years else clock.today().year, type=int)
    query = visible_budgets(current_user).where(Budget.fiscal_year == year)
    page = paginate(query, (Budget.id, True))
    everything = page.rows
    if page.next_key or not page.first:
        everything = db.session.scalars(query).all()
    figures = figures_of_budgets(everything)
    sources = db.session.scalars(
        visible_sources(current_user).order_by(FundSource.agency_id, FundSource.name).limit(200)
    ).all()
    return render_template(
        "funds/list.html",
        page=page,
        figures=figures,
        total=sum(figures.values(), Figures()),
        count=len(everything),
        years=years,
        year=year,
        sources=sources,
        may_create=current_user.may_somewhere("fund.manage"),
    )


@bp.get("/sources/<int:source_id>")
@allow("fund.read")
def source(source_id: int) -> Any:
    found = source_in_scope(current_user, source_id) or abort(404)
    budgets = db.session.scalars(
        visible_budgets(current_user)
        .where(Budget.fund_source_id == found.id)
        .order_by(Budget.fiscal_year.desc(), Budget.id.desc())
    ).all()
    figures = figures_of_budgets(budgets)
    return render_template(
        "funds/source.html",
        source=found,
        purposes=purposes_of(found),
        budgets=budgets,
        figures=figures,
        total=sum(figures.values(), Figures()),
        account=find_account("fund_source", found.id, "source"),
        may_manage=may_manage(current_user, found.agency_id) is None,
    )


@bp.route("/sources/new", methods=["GET", "POST"])
@allow("fund.manage")
def new_source() -> Any:
    form = SourceForm()
    agencies = {
        agency.id: agency
        for agency in db.session.scalars(
            select(Agency).where(Agency.id.in_(current_user.agency_ids("fund.manage"))).order_by(Agency.id)
        )
    }
    form.agency_id.choices = [SelectChoice(agency.id, agency.name) for agency in agencies.values()]
    if form.validate_on_submit():
        made = services.create_source(
            agencies[form.agency_id.data],
            kind=form.kind.data,
            name=form.name.data,
            tier=form.tier.data,
            purposes=form.purposes.data or (),
            basis=form.basis.data or "",
            by=current_user,
        )
        flash(_("The source “%(name)s” was created. Enter its budget of the year next.", name=made.name))
        return redirect(url_for("funds.source", source_id=made.id), code=303)
    return render_template("funds/new_source.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/sources/<int:source_id>/budgets/new", methods=["GET", "POST"])
@allow("fund.manage")
def new_budget(source_id: int) -> Any:
    found = source_in_scope(current_user, source_id) or abort(404)
    _refuse(may_manage(current_user, found.agency_id))
    form = BudgetForm(fiscal_year=clock.today().year)
    if form.validate_on_submit():
        made = services.enter_budget(
            found,
            fiscal_year=form.fiscal_year.data,
            amount=form.amount.data,
            function_code=form.function_code.data or "",
            economic_code=form.economic_code.data or "",
            document_number=form.document_number.data,
            by=current_user,
        )
        flash(_("The budget was entered. A second person approves it before money can be taken from it."))
        return redirect(url_for("funds.budget", budget_id=made.id), code=303)
    return render_template("funds/new_budget.html", form=form, source=found), (
        422 if form.is_submitted() else 200
    )


@bp.get("/budgets/<int:budget_id>")
@allow("fund.read")
def budget(budget_id: int) -> Any:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    earmarks = earmarks_of(found)
    figures = figures_of_earmarks(earmarks)
    return render_template(
        "funds/budget.html",
        budget=found,
        name=budget_name(found),
        figure=figures_of_budgets([found])[found.id],
        earmarks=earmarks,
        figures=figures,
        account=find_account("budget", found.id, "budget"),
        entries=extract_of("budget", found.id, limit=20),
        people=_names({found.entered_by, found.approved_by}),
        history=entries_of(found),
        may_approve=found.state == "draft"
        and found.entered_by != current_user.id
        and current_user.may("fund.review", agency_id=found.agency_id),
        may_manage=may_manage(current_user, found.agency_id) is None,
    )


@bp.post("/budgets/<int:budget_id>/approve")
@allow("fund.review")
def approve(budget_id: int) -> Any:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    services.approve_budget(found, by=current_user)
    flash(_("The budget is in force: %(amount)s yuan.", amount=found.amount.format()))
    return redirect(url_for("funds.budget", budget_id=found.id), code=303)


@bp.route("/budgets/<int:budget_id>/earmarks/new", methods=["GET", "POST"])
@allow("fund.manage")
def new_earmark(budget_id: int) -> Any:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    _refuse(may_manage(current_user, found.agency_id))
    form = EarmarkForm()
    units = {
        agency.id: agency
        for agency in db.session.scalars(
            select(Agency).where(Agency.path.startswith(found.agency.path)).order_by(Agency.path)
        )
    }
    form.agency_id.choices = [SelectChoice(agency.id, agency.name) for agency in units.values()]
    # Every purpose is offered: what the fund does not permit is refused with the article.
    form.purpose.choices = [SelectChoice(code, purpose_words(code, found.fund_source)) for code in PURPOSES]
    if form.validate_on_submit():
        made = services.earmark(
            found,
            agency=units[form.agency_id.data],
            title=form.title.data,
            purpose=form.purpose.data,
            amount=form.amount.data,
            reason=form.reason.data or "",
            by=current_user,
        )
        flash(_("%(amount)s yuan are set aside.", amount=made.amount.format()))
        return redirect(url_for("funds.earmark", earmark_id=made.id), code=303)
    return render_template(
        "funds/new_earmark.html",
        form=form,
        budget=found,
        name=budget_name(found),
        available=figures_of_budgets([found])[found.id].available,
        purposes=purposes_of(found.fund_source),
    ), 422 if form.is_submitted() else 200


@bp.get("/earmarks/<int:earmark_id>")
@allow("fund.read")
def earmark(earmark_id: int) -> Any:
    found = earmark_in_scope(current_user, earmark_id) or abort(404)
    return render_template(
        "funds/earmark.html",
        earmark=found,
        source=found.budget.fund_source,
        name=budget_name(found.budget),
        figure=figures_of_earmarks([found])[found.id],
        findings=earmark_findings(
            Wish(found.budget, found.purpose, found.title, Money(0), reason=found.reason)
        ),
        entries=extract_of("earmark", found.id, limit=50),
        people=_names({found.made_by}),
        may_release=may_manage(current_user, found.budget.agency_id) is None,
    )


@bp.post("/earmarks/<int:earmark_id>/release")
@allow("fund.manage")
def release(earmark_id: int) -> Any:
    found = earmark_in_scope(current_user, earmark_id) or abort(404)
    _refuse(may_manage(current_user, found.budget.agency_id))
    amount: Money = services.release_earmark(found, by=current_user)
    flash(_("%(amount)s yuan went back to the budget.", amount=amount.format()))
    return redirect(url_for("funds.earmark", earmark_id=found.id), code=303)
