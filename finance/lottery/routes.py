"""Pages of the lottery: plans, tier-year accounts, disclosed projects, notices."""

from __future__ import annotations

import builtins
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.lifecycle import available
from core.text import N_, Message
from core.web import charts, navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import YEARS, asked_year
from core.web.words import say
from finance.funds.models import FundSource
from finance.funds.rules import PURPOSES, TIERS
from finance.lottery import policy, queries, reports, rules, services
from finance.lottery.forms import (
    MORE_ROWS,
    DisclosureForm,
    ImportForm,
    MakeForm,
    NewPlanForm,
    PlanForm,
    ReasonForm,
    WordsForm,
    YearForm,
)
from finance.lottery.imports import read_notices
from finance.lottery.models import LotteryNotice, LotteryPlan
from registry.accounts.models import User
from registry.agencies.models import Agency

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
NOTICE_STEPS: dict[str, Callable[..., Any]] = {
    "review": services.review_notice,
    "approve": services.approve_notice,
    "publish": services.publish_notice,
}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Plans and notices whose next step is this person's, and the notices that are due."""
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
    words = {
        "draft": N_("Review the notice"),
        "reviewed": N_("Approve the notice"),
        "approved": N_("Publish it"),
    }
    for notice in queries.notices_waiting(user):
        parameters = queries.lottery_rules(notice.agency.division_code, clock.today())
        yield navigation.Task(
            title=Message("%(title)s", {"title": notice.title}),
            url=url_for("lottery.notice", notice_id=notice.id),
            action=Message(words[notice.state]),
            due=rules.notice_due(notice.fiscal_year, parameters),
        )
    drafting = user.agency_ids("lottery.draft")
    for owed in queries.owed_notices(drafting) if drafting else ():
        yield navigation.Task(
            title=Message(
                N_("Publish the use of lottery money of %(year)s: %(unit)s"),
                {"year": str(owed.fiscal_year), "unit": owed.agency.name},
            ),
            url=url_for("lottery.notices", year=owed.fiscal_year),
            action=Message(N_("Prepare the notice")),
            due=owed.due,
        )


navigation.add_tasks("lottery", _tasks)


@bp.app_template_filter("tier_words")
def tier_words(source: FundSource) -> str:
    return TIERS.get(source.tier, source.tier)


@bp.context_processor
def words() -> dict[str, Any]:
    return {"CLASSES": policy.CLASSES, "PURPOSES": PURPOSES, "STAFF_OF": policy.STAFF_OF}


def _refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal


def _people(*ids: int | None) -> dict[int, str]:
    wanted = {item for item in ids if item is not None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(wanted)))}


def _year(sources: builtins.list[FundSource]) -> int:
    years = queries.years_of(sources)
    return asked_year(clock.today().year if clock.today().year in years else years[0])


# Plans ------------------------------------------------------------------------------------------


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    """Plans of a year, each tier on its own, with the place to begin one."""
    sources = queries.lottery_sources(current_user)
    year = _year(sources)
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
        people=_people(found.drafted_by, found.reviewed_by, found.approved_by),
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
    _refuse(policy.may_draft(current_user, found.agency_id))
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


# Accounts ---------------------------------------------------------------------------------------


@bp.get("/accounts")
@allow("fund.read")
def accounts() -> Any:
    """What each tier began the year with, raised, spent and has left."""
    sources = queries.lottery_sources(current_user)
    year = _year(sources)
    rows = queries.tier_years(sources, year)
    return render_template(
        "lottery/accounts.html",
        rows=rows,
        findings={row.source.id: policy.account_findings(row) for row in rows},
        year=year,
        years=queries.years_of(sources),
    )


@bp.route("/accounts/<int:source_id>/<int:year>", methods=["GET", "POST"])
@allow("fund.read")
def account(source_id: int, year: int) -> Any:
    """One tier's year: its figures, what they prove, and the payments behind what was spent."""
    source = queries.source_in_scope(current_user, source_id) or abort(404)
    if not 2000 <= year <= 2100:
        abort(404)
    row = queries.tier_year(source, year)
    form = YearForm(obj=row.entered) if row.entered else YearForm()
    if request.method == "POST":
        _refuse(policy.may_draft(current_user, source.agency_id))
        if form.validate():
            services.enter_year(
                source,
                year,
                opening=form.opening.data,
                raised=form.raised.data,
                closing=form.closing.data,
                basis=form.basis.data,
                by=current_user,
            )
            flash(_("The account of %(year)s is entered.", year=year), "ok")
            return redirect(url_for("lottery.account", source_id=source.id, year=year), code=303)
    page = render_template(
        "lottery/account.html",
        account=row,
        source=source,
        year=year,
        years=queries.years_of([source]),
        form=form,
        findings=policy.account_findings(row),
        rules=queries.rules_of(source),
        usable=policy.usable(policy.Context(rules=queries.rules_of(source), year=row.entered)),
        chart=_years_chart(source),
        spending=queries.spending_rows(source.id, year),
        may_enter=policy.may_draft(current_user, source.agency_id) is None,
        history=history_of(row.entered) if row.entered else [],
        events=PLAN_EVENTS,
    )
    return page, 422 if form.errors else 200


def _years_chart(source: FundSource) -> charts.Chart | None:
    """Raised and spent over the years; ``None`` where there is one year alone."""
    years = sorted(queries.years_of([source]))[-6:]
    if len(years) < 2:
        return None
    rows = [queries.tier_year(source, year) for year in years]
    urls = [url_for("lottery.account", source_id=source.id, year=year) for year in years]
    return charts.bars(
        _("Raised and spent over the years"),
        charts.WAN,
        [str(year) for year in years],
        [
            charts.Series(_("Raised"), [row.raised for row in rows], urls),
            charts.Series(_("Spent"), [row.spent for row in rows], urls),
        ],
        head=_("Fiscal year"),
    )


# Disclosed projects -----------------------------------------------------------------------------


@bp.get("/projects")
@allow("fund.read")
def projects() -> Any:
    """Every project with lottery money in a year: amounts of the ledger, and whether its text is written."""
    year = _year(queries.lottery_sources(current_user))
    rows = queries.disclosed(current_user.agency_ids("fund.read"), year)
    return render_template(
        "lottery/projects.html",
        rows=rows,
        year=year,
        years=queries.years_of(queries.lottery_sources(current_user)),
        written=sum(row.complete for row in rows),
    )


@bp.get("/projects.xlsx")
@allow("fund.read")
def export_projects() -> Any:
    year = _year(queries.lottery_sources(current_user))
    rows = queries.disclosed(current_user.agency_ids("fund.read"), year)
    return _file(
        reports.disclosure_workbook(rows),
        reports.XLSX,
        f"{_('Projects with lottery money %(year)s', year=year)}.xlsx",
    )


@bp.route("/projects/<int:commitment_id>/<int:year>", methods=["GET", "POST"])
@allow("fund.read")
def project(commitment_id: int, year: int) -> Any:
    """What the public is told of one project: read by all in scope, written by the programme officer."""
    if year not in YEARS:
        abort(404)
    row = queries.disclosed_one(current_user, commitment_id, year) or abort(404)
    may_write = current_user.may("lottery.disclose", agency_id=row.commitment.agency_id)
    form = (
        DisclosureForm(row.asked, obj=row.written)
        if row.written is not None
        else DisclosureForm(row.asked, data=queries.suggested_texts(commitment_id))
    )
    if request.method == "POST" and form.validate():
        services.disclose(
            row.commitment,
            year,
            texts={name: form[name].data or "" for name in rules.DISCLOSED},
            by=current_user,
        )
        flash(_("Saved. It stands in public with the notice of %(year)s.", year=year), "ok")
        return redirect(url_for("lottery.projects", year=year), code=303)
    page = render_template("lottery/project.html", row=row, form=form, year=year, may_write=may_write)
    return page, 422 if form.errors else 200


# Notices ----------------------------------------------------------------------------------------


@bp.get("/notices")
@allow("fund.read")
def notices() -> Any:
    """Every notice in scope, and the ones that are still owed."""
    query = queries.visible_notices(current_user)
    return render_template(
        "lottery/notices.html",
        page=paginate(query, (LotteryNotice.id, True)),
        owed=queries.owed_notices(current_user.agency_ids("fund.read")),
        may_draft=current_user.may_somewhere("lottery.draft"),
    )


def _own_units() -> dict[int, Agency]:
    units = select(Agency).where(Agency.id.in_(current_user.agency_ids("lottery.draft"))).order_by(Agency.id)
    return {unit.id: unit for unit in db.session.scalars(units)}


@bp.route("/notices/new", methods=["GET", "POST"])
@allow("lottery.draft")
def make() -> Any:
    """A notice from the ledger, the accounts, the plan and the disclosed projects."""
    units = _own_units()
    year = asked_year(clock.today().year - 1)
    unit = next(iter(units.values()))
    form = MakeForm(
        fiscal_year=year,
        title=_("Notice on the use of the welfare lottery fund of %(year)s", year=year),
        agency_id=unit.id,
    )
    form.agency_id.choices = [(item.id, item.name) for item in units.values()]
    if form.validate_on_submit():
        made = services.make_notice(
            units[form.agency_id.data], form.fiscal_year.data, title=form.title.data, by=current_user
        )
        flash(_("The notice was made from the ledger. Write its words and have it reviewed."), "ok")
        return redirect(url_for("lottery.notice", notice_id=made.id), code=303)
    return render_template("lottery/make.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/notices/import", methods=["GET", "POST"], endpoint="import")
@allow("lottery.draft")
def import_() -> Any:
    """Notices from a table: all of them or none, every mistake with row, column and what is wrong."""
    units = _own_units()
    form = ImportForm(agency_id=next(iter(units)))
    form.agency_id.choices = [(item.id, item.name) for item in units.values()]
    errors: builtins.list[Any] = []
    if form.validate_on_submit():
        data, name = form.file.data.read(), form.file.data.filename or "file"
        result = read_notices(io.BytesIO(data), name)
        errors = result.errors
        if not errors:
            made = services.import_notices(
                result.rows,
                agency=units[form.agency_id.data],
                sha256=hashlib.sha256(data).hexdigest(),
                file_name=name,
                by=current_user,
            )
            flash(_("%(count)s notices were imported as drafts.", count=len(made)), "ok")
            return redirect(url_for("lottery.notices"), code=303)
    status = 422 if form.errors or errors else 200
    return render_template("lottery/import.html", form=form, errors=errors), status


def _notice(notice_id: int) -> LotteryNotice:
    return queries.notice_in_scope(current_user, notice_id) or abort(404)


@bp.route("/notices/<int:notice_id>", methods=["GET", "POST"])
@allow("fund.read")
def notice(notice_id: int) -> Any:
    """A notice with its lines, what its figures prove, its words while it is a draft, and its next step."""
    found = _notice(notice_id)
    form = WordsForm(
        title=found.title,
        number=found.number,
        opening=found.opening_text,
        effect=found.effect_text,
        explanation=found.explanation,
    )
    if request.method == "POST":
        _refuse(policy.may_draft(current_user, found.agency_id))
        if form.validate():
            services.write_notice(
                found,
                title=form.title.data,
                number=form.number.data or "",
                opening=form.opening.data or "",
                effect=form.effect.data or "",
                explanation=form.explanation.data or "",
                by=current_user,
            )
            flash(_("The words are saved."), "ok")
            return redirect(url_for("lottery.notice", notice_id=found.id), code=303)
    return _notice_page(found, form, ReasonForm()), 422 if form.errors else 200


def _notice_page(found: LotteryNotice, form: WordsForm, reason: ReasonForm) -> str:
    checks = policy.checks_of(found)
    steps = {item.name for item in available(found, current_user)} & {*NOTICE_STEPS}
    mine = found.state != "approved" and current_user.id in (found.drafted_by, found.reviewed_by)
    may_send_back = (
        found.state in ("reviewed", "approved")
        and found.drafted_by != current_user.id
        and any(
            current_user.may(need, agency_id=found.agency_id)
            for need in ("lottery.review", "lottery.approve")
        )
    )
    return render_template(
        "lottery/notice.html",
        notice=found,
        facts=reports.document_facts(found),
        tiers=checks,
        differs=[check for tier in checks for check in tier.checks if check.verdict == "differs"],
        due=rules.notice_due(
            found.fiscal_year, queries.lottery_rules(found.agency.division_code, clock.today())
        ),
        steps=set() if mine else steps,
        may_edit=found.state == "draft" and policy.may_draft(current_user, found.agency_id) is None,
        may_send_back=may_send_back,
        form=form,
        reason=reason,
        people=_people(found.drafted_by, found.reviewed_by, found.approved_by, found.published_by),
        history=history_of(found),
        events=PLAN_EVENTS,
        pdf=pdf_available(),
    )


@bp.post("/notices/<int:notice_id>/again")
@allow("lottery.draft")
def remake(notice_id: int) -> Any:
    found = _notice(notice_id)
    services.remake_notice(found, by=current_user)
    flash(_("The figures were taken from the ledger anew."), "ok")
    return redirect(url_for("lottery.notice", notice_id=found.id), code=303)


@bp.post("/notices/<int:notice_id>/steps/<step>")
@allow("lottery.review", "lottery.approve")
def step_notice(notice_id: int, step: str) -> Any:
    found = _notice(notice_id)
    (NOTICE_STEPS.get(step) or abort(404))(found, by=current_user)
    done = {
        "review": _("The notice is reviewed."),
        "approve": _("The notice is approved."),
        "publish": _("The notice is published; it stays as it is."),
    }
    flash(done[step], "ok")
    return redirect(url_for("lottery.notice", notice_id=found.id), code=303)


@bp.post("/notices/<int:notice_id>/back")
@allow("lottery.review", "lottery.approve")
def return_notice(notice_id: int) -> Any:
    found = _notice(notice_id)
    reason = ReasonForm()
    if not reason.validate():
        return _notice_page(found, WordsForm(formdata=None), reason), 422
    services.send_back(found, note=reason.note.data, by=current_user)
    flash(_("The notice was sent back."), "ok")
    return redirect(url_for("lottery.notice", notice_id=found.id), code=303)


@bp.get("/notices/<int:notice_id>/document.pdf")
@allow("fund.read")
def document(notice_id: int) -> Any:
    found = _notice(notice_id)
    return print_out("lottery/document.html", reports.document_facts(found), found.title)


@bp.get("/notices/<int:notice_id>/document.docx")
@allow("fund.read")
def word(notice_id: int) -> Any:
    found = _notice(notice_id)
    return _file(reports.notice_word(found), reports.DOCX, f"{found.title}.docx")


@bp.get("/notices/<int:notice_id>/document.xlsx")
@allow("fund.read")
def workbook(notice_id: int) -> Any:
    found = _notice(notice_id)
    return _file(reports.notice_workbook(found), reports.XLSX, f"{found.title}.xlsx")


def _file(stream: io.BytesIO, media_type: str, name: str) -> Any:
    return send_file(stream, mimetype=media_type, as_attachment=True, download_name=name)
