"""Pages of fund sources, budgets and earmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core import clock
from core.access.policy import Refusal
from core.audit.queries import entries_of
from core.db import db
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from core.web import charts, navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import asked_year
from core.web.words import say
from finance.funds import services
from finance.funds.forms import (
    AdjustForm,
    BudgetForm,
    CarryForm,
    ClawBackForm,
    EarmarkForm,
    RefusalForm,
    SourceForm,
)
from finance.funds.models import Budget, BudgetAdjustment, FundSource
from finance.funds.policy import Wish, earmark_findings, may_manage, purposes_of
from finance.funds.queries import (
    Figures,
    YearTotal,
    adjustment_in_scope,
    adjustments_of,
    budget_in_scope,
    budget_name,
    carried_to,
    earmark_in_scope,
    earmarks_of,
    figures_of_budgets,
    figures_of_earmarks,
    idle_of,
    kinds_by_year,
    old_budgets,
    open_drafts_of,
    source_in_scope,
    totals_by_source,
    visible_adjustments,
    visible_budgets,
    visible_sources,
)
from finance.funds.reports import WhatIf, totals_workbook, what_if_set_aside
from finance.funds.rules import FUND_KINDS, GRANT_KINDS, PURPOSES, SOURCE_KINDS, TIERS
from finance.ledger.queries import extract_of, find_account
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("funds", __name__, url_prefix="/funds")

# The words of the audit trail for budgets and their changes.
EVENTS = {
    "entered": N_("Budget entered"),
    "carried over": N_("Rest carried over"),
    "adjustment entered": N_("Change entered"),
    "withdrawn": N_("Draft withdrawn"),
    "refused": N_("Change refused"),
}

navigation.add_entry(
    "funds.list", N_("Funds and budgets"), icon="yuan", group="money", order=10, permissions=("fund.read",)
)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Budgets and changes that somebody else entered and this person may approve; money that lies too long."""
    agencies = user.agency_ids("fund.review")
    if agencies:
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
        changes = visible_adjustments(user).where(
            BudgetAdjustment.state == "draft",
            BudgetAdjustment.agency_id.in_(agencies),
            BudgetAdjustment.entered_by != user.id,
        )
        for change in db.session.scalars(changes.order_by(BudgetAdjustment.id)):
            yield navigation.Task(
                title=Message(
                    N_("Money to take back: %(name)s")
                    if change.kind == "clawed_back"
                    else N_("Budget adjustment to approve: %(name)s"),
                    {"name": budget_name(change.budget)},
                ),
                url=url_for("funds.budget", budget_id=change.budget_id) + "#adjustments",
                action=Message(N_("Review and approve")),
                amount=change.amount,
            )
    if user.agency_ids("fund.manage"):
        yield from _lying(user)


def _lying(user: Any) -> Iterator[navigation.Task]:
    """Money that lay unused for a year (warning) or for two (to be given back)."""
    budgets = old_budgets(user, "fund.manage", clock.today().year)
    figures = figures_of_budgets(budgets)
    for budget in budgets:
        figure = figures[budget.id]
        unused = figure.available + figure.earmarked - open_drafts_of(budget)
        if not unused:
            continue
        verdict = idle_of(budget, figure).verdict
        if verdict is Verdict.FAIL:
            yield navigation.Task(
                title=Message(
                    N_("Unused for two years, give it back: %(name)s"), {"name": budget_name(budget)}
                ),
                url=url_for("funds.claw_back", budget_id=budget.id),
                action=Message(N_("Give it back")),
                amount=unused,
            )
        elif verdict is Verdict.MANUAL:
            yield navigation.Task(
                title=Message(
                    N_("Unused for a year, spend it or carry it over: %(name)s"),
                    {"name": budget_name(budget)},
                ),
                url=url_for("funds.budget", budget_id=budget.id) + "#years",
                action=Message(N_("Look")),
                amount=unused,
            )


navigation.add_tasks("funds", _tasks)


@bp.app_template_filter("source_kind")
def source_kind(source: FundSource) -> str:
    return SOURCE_KINDS.get(source.kind, source.kind)


@bp.app_template_filter("source_tier")
def source_tier(source: FundSource) -> str:
    return TIERS.get(source.tier, source.tier)


@bp.app_template_filter("grant_kind")
def grant_kind(code: str) -> str:
    return say(GRANT_KINDS.get(code, code))


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
    year = asked_year(years[0] if years else clock.today().year)
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
    page = render_template("funds/new_source.html", form=form, kinds=FUND_KINDS.values(), purposes=PURPOSES)
    return page, 422 if form.is_submitted() else 200


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
            upper_amount=form.upper_amount.data or Money(0),
            function_code=form.function_code.data or "",
            economic_code=form.economic_code.data or "",
            document_number=form.document_number.data,
            by=current_user,
        )
        flash(_("The budget was entered. A second person approves it before money can be taken from it."))
        return redirect(url_for("funds.budget", budget_id=made.id), code=303)
    page = render_template(
        "funds/new_budget.html", form=form, source=found, may_have_upper=FUND_KINDS[found.kind].upper
    )
    return page, 422 if form.is_submitted() else 200


@bp.get("/budgets/<int:budget_id>")
@allow("fund.read")
def budget(budget_id: int) -> Any:
    return _budget_page(budget_in_scope(current_user, budget_id) or abort(404))


def _refusal_form(change: BudgetAdjustment, formdata: Any = None) -> RefusalForm:
    """Several changes stand on one page: each form's fields have their own names."""
    return RefusalForm(formdata, prefix=f"change{change.id}-")


def _budget_page(found: Budget, refused: tuple[int, RefusalForm] | None = None) -> str:
    earmarks = earmarks_of(found)
    figure = figures_of_budgets([found])[found.id]
    changes = adjustments_of(found)
    reviews = current_user.may("fund.review", agency_id=found.agency_id)
    return render_template(
        "funds/budget.html",
        budget=found,
        name=budget_name(found),
        figure=figure,
        earmarks=earmarks,
        figures=figures_of_earmarks(earmarks),
        account=find_account("budget", found.id, "budget"),
        entries=extract_of("budget", found.id, limit=20),
        people=_names(
            {found.entered_by, found.approved_by}
            | {item.entered_by for item in changes}
            | {item.approved_by for item in changes}
        ),
        history=entries_of(found),
        changes=changes,
        onward=carried_to(found),
        idle=idle_of(found, figure),
        refusals={item.id: _refusal_form(item) for item in changes} | dict([refused] if refused else []),
        wrong=refused[1] if refused else None,
        may_approve=found.state == "draft" and found.entered_by != current_user.id and reviews,
        reviews=reviews,
        may_manage=may_manage(current_user, found.agency_id) is None,
    )


@bp.post("/budgets/<int:budget_id>/approve")
@allow("fund.review")
def approve(budget_id: int) -> Any:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    services.approve_budget(found, by=current_user)
    flash(_("The budget is in force: %(amount)s yuan.", amount=found.amount.format()))
    return redirect(url_for("funds.budget", budget_id=found.id), code=303)


@bp.post("/budgets/<int:budget_id>/withdraw")
@allow("fund.manage")
def withdraw(budget_id: int) -> Any:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    _refuse(may_manage(current_user, found.agency_id))
    services.withdraw_budget(found, by=current_user)
    flash(_("The draft is withdrawn; nothing was moved."))
    return redirect(url_for("funds.source", source_id=found.fund_source_id), code=303)


def _managed(budget_id: int) -> Budget:
    found = budget_in_scope(current_user, budget_id) or abort(404)
    _refuse(may_manage(current_user, found.agency_id))
    return found


def _free(budget: Budget) -> Money:
    """What is available and not already on its way out by a draft."""
    return figures_of_budgets([budget])[budget.id].available - open_drafts_of(budget)


@bp.route("/budgets/<int:budget_id>/carry", methods=["GET", "POST"])
@allow("fund.manage")
def carry(budget_id: int) -> Any:
    """Carry a rest into the next year."""
    found = _managed(budget_id)
    free = _free(found)
    form = CarryForm(amount=free)
    if form.validate_on_submit():
        made = services.carry_over(
            found, form.amount.data, document_number=form.document_number.data, by=current_user
        )
        flash(_("The budget of the next year is entered. A second person approves it; then the money moves."))
        return redirect(url_for("funds.budget", budget_id=made.id), code=303)
    page = render_template(
        "funds/carry.html", form=form, budget=found, name=budget_name(found), free=free, idle=idle_of(found)
    )
    return page, 422 if form.is_submitted() else 200


@bp.route("/budgets/<int:budget_id>/adjust", methods=["GET", "POST"])
@allow("fund.manage")
def adjust(budget_id: int) -> Any:
    """More or less money within the year."""
    found = _managed(budget_id)
    form = AdjustForm()
    if form.validate_on_submit():
        services.adjust(
            found,
            form.change,
            reason=form.reason.data,
            document_number=form.document_number.data,
            by=current_user,
        )
        flash(_("The adjustment is entered. A second person approves it; then the money moves."))
        return redirect(url_for("funds.budget", budget_id=found.id) + "#adjustments", code=303)
    page = render_template(
        "funds/adjust.html",
        form=form,
        budget=found,
        name=budget_name(found),
        free=_free(found),
        figure=figures_of_budgets([found])[found.id],
    )
    return page, 422 if form.is_submitted() else 200


@bp.route("/budgets/<int:budget_id>/claw-back", methods=["GET", "POST"])
@allow("fund.manage")
def claw_back(budget_id: int) -> Any:
    """Give back what lay unused for two years."""
    found = _managed(budget_id)
    free = _free(found)
    form = ClawBackForm(amount=free)
    if form.validate_on_submit():
        services.claw_back(
            found,
            form.amount.data,
            reason=form.reason.data,
            document_number=form.document_number.data,
            by=current_user,
        )
        flash(_("A second person approves it; then the money goes back to its source."))
        return redirect(url_for("funds.budget", budget_id=found.id) + "#adjustments", code=303)
    page = render_template(
        "funds/claw_back.html",
        form=form,
        budget=found,
        name=budget_name(found),
        free=free,
        idle=idle_of(found),
        aside=figures_of_budgets([found])[found.id].earmarked,
    )
    return page, 422 if form.is_submitted() else 200


def _adjustment(adjustment_id: int) -> BudgetAdjustment:
    return adjustment_in_scope(current_user, adjustment_id) or abort(404)


@bp.post("/adjustments/<int:adjustment_id>/approve")
@allow("fund.review")
def approve_adjustment(adjustment_id: int) -> Any:
    found = _adjustment(adjustment_id)
    services.approve_adjustment(found, by=current_user)
    flash(_("The change is in force: %(amount)s yuan.", amount=found.amount.format()))
    return redirect(url_for("funds.budget", budget_id=found.budget_id) + "#adjustments", code=303)


@bp.post("/adjustments/<int:adjustment_id>/refuse")
@allow("fund.review")
def refuse_adjustment(adjustment_id: int) -> Any:
    found = _adjustment(adjustment_id)
    form = _refusal_form(found, request.form)
    if not form.validate():
        return _budget_page(found.budget, (found.id, form)), 422
    services.refuse_adjustment(found, reason=form.reason.data, by=current_user)
    flash(_("The change is refused; nothing was moved."))
    return redirect(url_for("funds.budget", budget_id=found.budget_id) + "#adjustments", code=303)


@bp.post("/adjustments/<int:adjustment_id>/withdraw")
@allow("fund.manage")
def withdraw_adjustment(adjustment_id: int) -> Any:
    found = _adjustment(adjustment_id)
    _refuse(may_manage(current_user, found.agency_id))
    services.withdraw_adjustment(found, by=current_user)
    flash(_("The draft is withdrawn; nothing was moved."))
    return redirect(url_for("funds.budget", budget_id=found.budget_id) + "#adjustments", code=303)


@bp.get("/totals")
@allow("fund.read")
def totals() -> Any:
    """What came in and what was paid by source over the years."""
    found = totals_by_source(current_user)
    every = sorted({year for years in found.values() for year in years})
    count = 3 if request.args.get("years", "3") == "3" else len(every)
    return render_template(
        "funds/totals.html",
        sources=found,
        years=every[-count:],
        all_years=every,
        shown=request.args.get("years", "3"),
        kinds=kinds_by_year(current_user),
        grant_kinds=GRANT_KINDS,
        zero=Money(0),
        chart=_paid_by_year(found, every[-count:]) if every else None,
    )


def _paid_by_year(found: dict[FundSource, dict[int, YearTotal]], years: Sequence[int]) -> charts.Chart:
    """Net payments of each kind of money, year by year; each opens to the year's table."""
    paid: dict[str, dict[int, Money]] = {}
    for source, by_year in found.items():
        for year in set(by_year) & set(years):
            sums = paid.setdefault(source.kind, {})
            sums[year] = sums.get(year, Money(0)) + by_year[year].figures.paid
    urls = [url_for("funds.totals", years=request.args.get("years")) + f"#year-{year}" for year in years]
    return charts.bars(
        _("Paid by kind of money"),
        charts.WAN,
        [str(year) for year in years],
        [
            charts.Series(say(SOURCE_KINDS[kind]), [sums.get(year, Money(0)) for year in years], urls)
            for kind, sums in paid.items()
            if any(sums.values())
        ],
        stacked=True,
        head=_("Year"),
    )


@bp.get("/totals.xlsx")
@allow("fund.read")
def totals_file() -> Any:
    return send_file(
        totals_workbook(totals_by_source(current_user)),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"funds-{clock.today().isoformat()}.xlsx",
    )


def _earmark_form(budget: Budget, sent: Any = None) -> tuple[EarmarkForm, dict[int, Agency]]:
    form = EarmarkForm() if sent is None else EarmarkForm(sent)
    units = {
        agency.id: agency
        for agency in db.session.scalars(
            select(Agency).where(Agency.path.startswith(budget.agency.path)).order_by(Agency.path)
        )
    }
    form.agency_id.choices = [SelectChoice(agency.id, agency.name) for agency in units.values()]
    # Every purpose is offered: what the fund does not permit is refused with the article.
    form.purpose.choices = [SelectChoice(code, purpose_words(code, budget.fund_source)) for code in PURPOSES]
    return form, units


def _what_if(budget: Budget, form: EarmarkForm, units: dict[int, Agency]) -> WhatIf:
    wish = Wish(
        budget, form.purpose.data, (form.title.data or "").strip(), form.amount.data,
        (form.reason.data or "").strip(), deciding=True,
    )  # fmt: skip
    return what_if_set_aside(wish, agency=units[form.agency_id.data])


@bp.route("/budgets/<int:budget_id>/earmarks/new", methods=["GET", "POST"])
@allow("fund.manage")
def new_earmark(budget_id: int) -> Any:
    found = _managed(budget_id)
    form, units = _earmark_form(found)
    sent = form.validate_on_submit()
    checking = sent and "check" in request.form
    if sent and not checking:
        made = services.earmark(
            found,
            agency=units[form.agency_id.data],
            title=form.title.data,
            purpose=form.purpose.data,
            amount=form.amount.data,
            reason=form.reason.data or "",
            grant_kind=form.grant_kind.data,
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
        found=_what_if(found, form, units) if checking else None,
    ), 422 if form.errors else 200


@bp.get("/budgets/<int:budget_id>/what-if")
@allow("fund.manage")
def what_if(budget_id: int) -> Any:
    """What setting money aside would change; reads only. The form's fields come as the query."""
    found = _managed(budget_id)
    form, units = _earmark_form(found, request.args)
    complete = form.validate()
    return render_template(
        "funds/what_if.html",
        budget=found,
        name=budget_name(found),
        found=_what_if(found, form, units) if complete else None,
    )


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
