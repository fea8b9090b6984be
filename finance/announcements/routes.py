"""Pages of tier-year accounts, disclosed projects and notices."""

from __future__ import annotations

import builtins
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.lifecycle import available
from core.text import N_, Message
from core.web import charts, navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import YEARS, asked_year
from finance.announcements import policy, queries, reports, services
from finance.announcements.forms import DisclosureForm, ImportForm, MakeForm, WordsForm, YearForm
from finance.announcements.imports import read_notices
from finance.announcements.models import LotteryNotice
from finance.funds.models import FundSource
from finance.lottery.forms import ReasonForm
from finance.lottery.policy import Context, may_draft, usable
from finance.lottery.queries import (
    lottery_rules,
    lottery_sources,
    rules_of,
    source_in_scope,
    years_of,
)
from finance.lottery.routes import PLAN_EVENTS, asked_plan_year, people_of, refuse, words
from finance.lottery.rules import DISCLOSED, notice_due
from finance.lottery.services import send_back
from registry.agencies.models import Agency

bp = Blueprint("announcements", __name__, url_prefix="/lottery")
bp.context_processor(words)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "lottery.list"


NOTICE_STEPS: dict[str, Callable[..., Any]] = {
    "review": services.review_notice,
    "approve": services.approve_notice,
    "publish": services.publish_notice,
}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Notices whose next step is this person's, and those that are due."""
    steps = {
        "draft": N_("Review the notice"),
        "reviewed": N_("Approve the notice"),
        "approved": N_("Publish it"),
    }
    for notice in queries.notices_waiting(user):
        parameters = lottery_rules(notice.agency.division_code, clock.today())
        yield navigation.Task(
            title=Message("%(title)s", {"title": notice.title}),
            url=url_for("announcements.notice", notice_id=notice.id),
            action=Message(steps[notice.state]),
            due=notice_due(notice.fiscal_year, parameters),
        )
    drafting = user.agency_ids("lottery.draft")
    for owed in queries.owed_notices(drafting) if drafting else ():
        yield navigation.Task(
            title=Message(
                N_("Publish the use of lottery money of %(year)s: %(unit)s"),
                {"year": str(owed.fiscal_year), "unit": owed.agency.name},
            ),
            url=url_for("announcements.notices", year=owed.fiscal_year),
            action=Message(N_("Prepare the notice")),
            due=owed.due,
        )


navigation.add_tasks("announcements", _tasks)


# Accounts ---------------------------------------------------------------------------------------


@bp.get("/accounts")
@allow("fund.read")
def accounts() -> Any:
    """What each tier began the year with, raised, spent and has left."""
    sources = lottery_sources(current_user)
    year = asked_plan_year(sources)
    rows = queries.tier_years(sources, year)
    return render_template(
        "announcements/accounts.html",
        rows=rows,
        findings={row.source.id: policy.account_findings(row) for row in rows},
        year=year,
        years=years_of(sources),
    )


@bp.route("/accounts/<int:source_id>/<int:year>", methods=["GET", "POST"])
@allow("fund.read")
def account(source_id: int, year: int) -> Any:
    """One tier's year: its figures, what they prove, and the payments behind what was spent."""
    source = source_in_scope(current_user, source_id) or abort(404)
    if not 2000 <= year <= 2100:
        abort(404)
    row = queries.tier_year(source, year)
    form = YearForm(obj=row.entered) if row.entered else YearForm()
    if request.method == "POST":
        refuse(may_draft(current_user, source.agency_id))
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
            return redirect(url_for("announcements.account", source_id=source.id, year=year), code=303)
    page = render_template(
        "announcements/account.html",
        account=row,
        source=source,
        year=year,
        years=years_of([source]),
        form=form,
        findings=policy.account_findings(row),
        rules=rules_of(source),
        usable=usable(Context(rules=rules_of(source), year=row.entered)),
        chart=_years_chart(source),
        spending=queries.spending_rows(source.id, year),
        may_enter=may_draft(current_user, source.agency_id) is None,
        history=history_of(row.entered) if row.entered else [],
        events=PLAN_EVENTS,
    )
    return page, 422 if form.errors else 200


def _years_chart(source: FundSource) -> charts.Chart | None:
    """Raised and spent over the years; ``None`` where there is one year alone."""
    years = sorted(years_of([source]))[-6:]
    if len(years) < 2:
        return None
    rows = [queries.tier_year(source, year) for year in years]
    urls = [url_for("announcements.account", source_id=source.id, year=year) for year in years]
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
    year = asked_plan_year(lottery_sources(current_user))
    rows = queries.disclosed(current_user.agency_ids("fund.read"), year)
    return render_template(
        "announcements/projects.html",
        rows=rows,
        year=year,
        years=years_of(lottery_sources(current_user)),
        written=sum(row.complete for row in rows),
    )


@bp.get("/projects.xlsx")
@allow("fund.read")
def export_projects() -> Any:
    year = asked_plan_year(lottery_sources(current_user))
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
            texts={name: form[name].data or "" for name in DISCLOSED},
            by=current_user,
        )
        flash(_("Saved. It stands in public with the notice of %(year)s.", year=year), "ok")
        return redirect(url_for("announcements.projects", year=year), code=303)
    page = render_template("announcements/project.html", row=row, form=form, year=year, may_write=may_write)
    return page, 422 if form.errors else 200


# Notices ----------------------------------------------------------------------------------------


@bp.get("/notices")
@allow("fund.read")
def notices() -> Any:
    """Every notice in scope, and the ones that are still owed."""
    query = queries.visible_notices(current_user)
    return render_template(
        "announcements/notices.html",
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
        return redirect(url_for("announcements.notice", notice_id=made.id), code=303)
    return render_template("announcements/make.html", form=form), 422 if form.is_submitted() else 200


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
            return redirect(url_for("announcements.notices"), code=303)
    status = 422 if form.errors or errors else 200
    return render_template("announcements/import.html", form=form, errors=errors), status


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
        refuse(may_draft(current_user, found.agency_id))
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
            return redirect(url_for("announcements.notice", notice_id=found.id), code=303)
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
        "announcements/notice.html",
        notice=found,
        facts=reports.document_facts(found),
        tiers=checks,
        differs=[check for tier in checks for check in tier.checks if check.verdict == "differs"],
        due=notice_due(found.fiscal_year, lottery_rules(found.agency.division_code, clock.today())),
        steps=set() if mine else steps,
        may_edit=found.state == "draft" and may_draft(current_user, found.agency_id) is None,
        may_send_back=may_send_back,
        form=form,
        reason=reason,
        people=people_of(found.drafted_by, found.reviewed_by, found.approved_by, found.published_by),
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
    return redirect(url_for("announcements.notice", notice_id=found.id), code=303)


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
    return redirect(url_for("announcements.notice", notice_id=found.id), code=303)


@bp.post("/notices/<int:notice_id>/back")
@allow("lottery.review", "lottery.approve")
def return_notice(notice_id: int) -> Any:
    found = _notice(notice_id)
    reason = ReasonForm()
    if not reason.validate():
        return _notice_page(found, WordsForm(formdata=None), reason), 422
    send_back(found, note=reason.note.data, by=current_user)
    flash(_("The notice was sent back."), "ok")
    return redirect(url_for("announcements.notice", notice_id=found.id), code=303)


@bp.get("/notices/<int:notice_id>/document.pdf")
@allow("fund.read")
def document(notice_id: int) -> Any:
    found = _notice(notice_id)
    return print_out("announcements/document.html", reports.document_facts(found), found.title)


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
