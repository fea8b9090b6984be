"""Pages of the plans of lottery money."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.lifecycle import available
from core.text import N_, Message
from core.web import charts, navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import asked_year
from core.web.words import say
from finance.funds.models import FundSource
from finance.funds.rules import PURPOSES, TIERS
from finance.lottery import policy, queries, services
from finance.lottery.forms import MORE_ROWS, NewPlanForm, PlanForm, ReasonForm
from finance.lottery.models import LotteryPlan
from registry.accounts.models import User

bp = Blueprint("lottery", __name__, url_prefix="/lottery")

navigation.add_entry(
    "lottery.list", N_("Welfare lottery"), icon="flag", group="money", order=70, permissions=("fund.read",)
)

PLAN_EVENTS = {
    "drafted": N_("Draft begun"),
    "written": N_("Written"),
    "reviewed": N_("Reviewed"),
    "approved": N_("Approved"),
    "sent_back": N_("Sent back"),
    "replaced": N_("Replaced by a revision"),
    "imported": N_("Imported"),
    "made_again": N_("Figures taken anew"),
    "published": N_("Published"),
    "entered": N_("Account entered"),
}

STEPS: dict[str, Callable[..., Any]] = {"review": services.review_plan, "approve": services.approve_plan}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Plans whose next step is this person's."""
    for plan in queries.plans_waiting(user):
        yield navigation.Task(
            title=Message(
                N_("Lottery plan %(year)s: %(name)s"),
                {"year": str(plan.fiscal_year), "name": plan.fund_source.name},
            ),
            url=url_for("lottery.plan", plan_id=plan.id),
            action=Message(N_("Review the plan") if plan.state == "draft" else N_("Approve the plan")),
            amount=plan.total,
        )


navigation.add_tasks("lottery", _tasks)


@bp.app_template_filter("tier_words")
def tier_words(source: FundSource) -> str:
    return TIERS.get(source.tier, source.tier)


@bp.context_processor
def words() -> dict[str, Any]:
    return {"CLASSES": policy.CLASSES, "PURPOSES": PURPOSES, "STAFF_OF": policy.STAFF_OF}


def refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal


def people_of(*ids: int | None) -> dict[int, str]:
    wanted = {item for item in ids if item is not None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(wanted)))}


def asked_plan_year(sources: builtins.list[FundSource]) -> int:
    years = queries.years_of(sources)
    return asked_year(clock.today().year if clock.today().year in years else years[0])


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    """Plans of a year, each tier on its own, with the place to begin one."""
    sources = queries.lottery_sources(current_user)
    year = asked_plan_year(sources)
    page = paginate(
        queries.visible_plans(current_user).where(LotteryPlan.fiscal_year == year), (LotteryPlan.id, True)
    )
    return render_template(
        "lottery/list.html",
        page=page,
        year=year,
        years=queries.years_of(sources),
        sources=sources,
        may_draft=current_user.may_somewhere("lottery.draft"),
    )


@bp.route("/plans/new", methods=["GET", "POST"])
@allow("lottery.draft")
def new_plan() -> Any:
    sources = {item.id: item for item in queries.lottery_sources(current_user, "lottery.draft")}
    form = NewPlanForm(fiscal_year=clock.today().year, source_id=request.args.get("source", type=int))
    form.source_id.choices = [(item.id, item.name) for item in sources.values()]
    if form.validate_on_submit():
        made = services.draft_plan(sources[form.source_id.data], form.fiscal_year.data, by=current_user)
        return redirect(url_for("lottery.edit_plan", plan_id=made.id), code=303)
    return render_template("lottery/new_plan.html", form=form, sources=sources), (
        422 if form.is_submitted() else 200
    )


def _plan(plan_id: int) -> LotteryPlan:
    return queries.plan_in_scope(current_user, plan_id) or abort(404)


@bp.get("/plans/<int:plan_id>")
@allow("fund.read")
def plan(plan_id: int) -> Any:
    found = _plan(plan_id)
    return _plan_page(found, ReasonForm())


def _plan_page(found: LotteryPlan, form: ReasonForm) -> str:
    uses = queries.use_by_purpose(found.fund_source_id, found.fiscal_year)
    steps = {item.name for item in available(found, current_user)} & {*STEPS}
    mine = current_user.id in (found.drafted_by, found.reviewed_by)
    may_draft = policy.may_draft(current_user, found.agency_id) is None
    sender = found.state == "reviewed" and found.drafted_by != current_user.id
    sender = sender and any(
        current_user.may(need, agency_id=found.agency_id) for need in ("lottery.review", "lottery.approve")
    )
    return render_template(
        "lottery/plan.html",
        plan=found,
        source=found.fund_source,
        findings=policy.findings_of(found) if found.state != "replaced" else [],
        planned=policy.by_purpose(found.lines),
        use_chart=_use_chart(found, uses),
        class_chart=_class_chart(found),
        uses=uses,
        total_use=sum(uses.values(), queries.Use()),
        steps=set() if mine else steps,
        may_edit=may_draft and found.state == "draft",
        may_revise=may_draft
        and found.state == "approved"
        and queries.open_plan(found.fund_source_id, found.fiscal_year) is None,
        may_send_back=sender,
        form=form,
        people=people_of(found.drafted_by, found.reviewed_by, found.approved_by),
        history=history_of(found),
        events=PLAN_EVENTS,
    )


def _use_chart(found: LotteryPlan, uses: dict[str, queries.Use]) -> charts.Chart:
    """Planned, set aside, committed and paid by purpose."""
    planned = policy.by_purpose(found.lines)
    codes = [code for code in PURPOSES if code in planned or code in uses]
    urls = [url_for("lottery.plan_rows", plan_id=found.id, purpose=code) for code in codes]
    own = [uses.get(code, queries.Use()) for code in codes]
    return charts.bars(
        _("Plan and use by purpose"),
        charts.WAN,
        [say(PURPOSES[code]) for code in codes],
        [
            charts.Series(_("Planned"), [planned.get(code, queries.ZERO) for code in codes], urls),
            charts.Series(_("Set aside"), [use.earmarked for use in own], urls),
            charts.Series(_("Committed"), [use.committed for use in own], urls),
            charts.Series(_("Paid"), [use.paid for use in own], urls),
        ],
        horizontal=True,
        head=_("Purpose"),
    )


def _class_chart(found: LotteryPlan) -> charts.Chart:
    sums = policy.by_class(found.lines)
    return charts.bars(
        _("Planned by class"),
        charts.WAN,
        [say(policy.CLASSES[code]) for code in sums],
        [charts.Series("", [*sums.values()], ["#lines"] * len(sums))],
        horizontal=True,
        head=_("Class"),
    )


@bp.route("/plans/<int:plan_id>/edit", methods=["GET", "POST"])
@allow("lottery.draft")
def edit_plan(plan_id: int) -> Any:
    """The lines of a draft; “more lines” shows the form again with what was typed."""
    found = _plan(plan_id)
    refuse(policy.may_draft(current_user, found.agency_id))
    if request.method == "GET":
        form = PlanForm(note=found.note, lines=[_line_data(line) for line in found.lines])
        for _place in range(MORE_ROWS if found.lines else 0):
            form.lines.append_entry()
        return render_template("lottery/edit_plan.html", form=form, plan=found)
    form = PlanForm()
    if request.form.get("act") == "more":
        for _place in range(MORE_ROWS):
            form.lines.append_entry()
        return render_template("lottery/edit_plan.html", form=form, plan=found)
    if not form.validate():
        return render_template("lottery/edit_plan.html", form=form, plan=found), 422
    services.save_lines(found, form.filled(), note=form.note.data or "", by=current_user)
    flash(_("The plan is saved. What the rules say stands on its page."), "ok")
    return redirect(url_for("lottery.plan", plan_id=found.id), code=303)


def _line_data(line: Any) -> dict[str, Any]:
    names = ("purpose", "category", "title", "amount", "staff_of", "reason")
    return {**{name: getattr(line, name) for name in names}, "staff_amount": line.staff_amount or None}


@bp.post("/plans/<int:plan_id>/steps/<step>")
@allow("lottery.review", "lottery.approve")
def step_plan(plan_id: int, step: str) -> Any:
    found = _plan(plan_id)
    (STEPS.get(step) or abort(404))(found, by=current_user)
    flash(_("The plan is reviewed.") if step == "review" else _("The plan is in force."), "ok")
    return redirect(url_for("lottery.plan", plan_id=found.id), code=303)


@bp.post("/plans/<int:plan_id>/back")
@allow("lottery.review", "lottery.approve")
def return_plan(plan_id: int) -> Any:
    found = _plan(plan_id)
    form = ReasonForm()
    if not form.validate():
        return _plan_page(found, form), 422
    services.send_back(found, note=form.note.data, by=current_user)
    flash(_("The plan was sent back."), "ok")
    return redirect(url_for("lottery.plan", plan_id=found.id), code=303)


@bp.post("/plans/<int:plan_id>/revise")
@allow("lottery.draft")
def revise_plan(plan_id: int) -> Any:
    found = _plan(plan_id)
    form = ReasonForm()
    if not form.validate():
        return _plan_page(found, form), 422
    made = services.revise_plan(found, note=form.note.data, by=current_user)
    return redirect(url_for("lottery.edit_plan", plan_id=made.id), code=303)


@bp.get("/plans/<int:plan_id>/purposes/<purpose>")
@allow("fund.read")
def plan_rows(plan_id: int, purpose: str) -> Any:
    """The earmarks behind the figures of one purpose."""
    found = _plan(plan_id)
    if purpose not in PURPOSES:
        abort(404)
    rows = queries.earmarks_of_plan(found.fund_source_id, found.fiscal_year, purpose)
    return render_template(
        "lottery/plan_rows.html",
        plan=found,
        purpose=purpose,
        rows=rows,
        planned=policy.by_purpose(found.lines).get(purpose),
        total=sum((row.use for row in rows), queries.Use()),
    )
