"""Public pages: what is asked for, what is about to be granted, what was funded."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, abort, has_request_context, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect

from app.portal import queries
from app.portal.forms import ObjectionForm
from app.portal.reports import credit_csv, payments_csv
from core import clock
from core.audit.services import SYSTEM
from core.documents.services import pdf_available, print_out
from core.files.services import store
from core.money import Money
from core.text import N_
from core.web import charts
from core.web.gate import allow
from core.web.paging import paginate
from finance.announcements.models import LotteryNotice
from finance.announcements.queries import published_notice, published_notices
from finance.announcements.reports import DOCX, XLSX, notice_word, notice_workbook
from finance.announcements.reports import document_facts as lottery_facts
from finance.contracts.queries import division_labels
from finance.disbursements.models import Disbursement
from finance.funds.routes import purpose_words
from finance.funds.rules import PURPOSES
from finance.snapshots.queries import frozen
from grants.calls.models import Call
from grants.calls.queries import rules_of
from grants.calls.rules import CATEGORIES, awards_announced
from grants.notices.models import Notice
from grants.notices.reports import document_facts
from grants.notices.services import file_objection
from projects.agreements.models import Project
from registry.credit.models import KINDS as CREDIT_LISTS
from registry.credit.models import CreditEntry
from registry.credit.rules import CREDIT_LAW
from registry.organizations.models import INSPECTION_RESULTS, STATUSES
from registry.organizations.models import KINDS as ORGANIZATION_KINDS
from registry.organizations.queries import grade_on

bp = Blueprint("portal", __name__, url_prefix="/public")

AWARDS_SHOWN = 6
GRADES = {"excellent": N_("excellent"), "good": N_("good"), "pass": N_("pass"), "fail": N_("fail")}


@bp.app_context_processor
def sections() -> dict[str, Any]:
    """The masthead's sections, on every public page, whichever room it belongs to."""
    # Documents are also printed without a request.
    if not has_request_context() or not request.path.startswith(bp.url_prefix or "/"):
        return {}
    entries = (
        ("portal.show", _("Overview")),
        ("portal.calls", _("Calls")),
        ("portal.notices", _("Notices")),
        ("portal.projects", _("Funded projects")),
        ("portal.payments", _("Where the money went")),
        ("portal.organizations", _("Organizations")),
        ("portal.credit", _("Credit lists")),
        ("snapshots.published", _("Share of social organizations")),
        ("rulebook.published", _("Rules in force")),
        ("portal.lottery", _("Lottery money")),
    )
    return {
        "sections": [
            {"label": label, "url": url_for(endpoint), "current": request.endpoint == endpoint}
            for endpoint, label in entries
        ],
        "public_home_url": url_for("portal.show"),
    }


@bp.get("/")
@allow.public
def show() -> str:
    """Open calls, running notices, what was funded, where the money went, the published ratio."""
    now, today = clock.now(), clock.today()
    calls = paginate(queries.published_calls().where(Call.deadline_at > now), (Call.id, True), size=10)
    notices = paginate(queries.notices().where(Notice.ends_on >= today), (Notice.id, True), size=10)
    proposed = {item.id: found for item in notices.rows[:1] if (found := queries.notice(item.id))}
    count, total = queries.funded_total()
    awards = queries.latest_projects(AWARDS_SHOWN)
    year = today.year
    snapshot = queries.latest_snapshot()
    return render_template(
        "portal/show.html",
        calls=calls,
        notices=notices,
        proposed=proposed,
        proposed_sums={
            number: sum((item.amount for item in found.items), Money(0)) for number, found in proposed.items()
        },
        count=count,
        total=total,
        awards=awards,
        field_of=queries.field_of,
        progress=queries.progress_of(awards),
        year=year,
        paid=queries.paid(queries.in_year(year)),
        running=queries.running(),
        served=queries.served_in(year),
        chart=_where_it_went(year),
        snapshot=snapshot,
        frozen=frozen(snapshot) if snapshot else None,
        labels=division_labels({snapshot.division_code} if snapshot else ()),
        now=now,
        CATEGORIES=CATEGORIES,
    )


def _where_it_went(year: int) -> charts.Chart | None:
    """Payments of the year by field; each bar opens to its payments."""
    found = queries.paid_by_field(year)
    if not found:
        return None
    return charts.bars(
        _("Where the money went in %(year)s", year=year),
        charts.WAN,
        [purpose_words(field) for field in found],
        [
            charts.Series(
                _("Paid"),
                [*found.values()],
                [url_for("portal.payments", year=year, field=field) for field in found],
            )
        ],
        horizontal=True,
        head=_("Field"),
    )


@bp.get("/calls")
@allow.public
def calls() -> str:
    page = paginate(queries.published_calls(), (Call.id, True))
    return render_template("portal/calls.html", page=page, now=clock.now())


@bp.get("/calls/<int:call_id>")
@allow.public
def call(call_id: int) -> str:
    found = queries.published_call(call_id) or abort(404)
    return render_template(
        "portal/call.html",
        call=found,
        notice=queries.notice_of(found),
        now=clock.now(),
        awards=awards_announced(rules_of(found)),
    )


@bp.get("/notices")
@allow.public
def notices() -> str:
    return render_template(
        "portal/notices.html", page=paginate(queries.notices(), (Notice.id, True)), today=clock.today()
    )


@bp.route("/notices/<int:notice_id>", methods=["GET", "POST"])
@allow.public
def notice(notice_id: int) -> Any:
    """A notice and, while it runs, the form to object in writing under a real name."""
    found = queries.notice(notice_id) or abort(404)
    form = ObjectionForm()
    form.application.choices = [
        (
            item.application_id,
            f"{item.rank}. {item.application.title}（{item.application.organization.name}）",
        )
        for item in found.items
    ]
    if form.validate_on_submit():
        item = next(item for item in found.items if item.application_id == form.application.data)
        upload = form.file.data
        evidence = store(upload.stream, upload.filename or "file", by=SYSTEM) if upload else None
        objection = file_objection(
            found,
            item.application,
            name=form.name.data.strip(),
            phone=form.phone.data.strip(),
            text=form.text.data.strip(),
            file=evidence,
        )
        return redirect(url_for("portal.objected", number=objection.number), code=303)
    status = 422 if form.errors else 200
    open_now = clock.today() <= found.ends_on
    page = render_template(
        "portal/notice.html", notice=found, form=form, open_now=open_now, pdf=pdf_available()
    )
    return page, status


@bp.get("/notices/<int:notice_id>/document.pdf")
@allow.public
def document(notice_id: int) -> Any:
    """The notice to print and put up."""
    found = queries.notice(notice_id) or abort(404)
    name = _("Notice of “%(title)s”", title=found.call.title)
    return print_out("notices/document.html", document_facts(found), name, public=True)


@bp.get("/objections/<number>")
@allow.public
def objected(number: str) -> str:
    """Confirmation with the number only; nothing of the objection itself is shown to the public."""
    return render_template("portal/objected.html", number=number[:40])


@bp.get("/projects")
@allow.public
def projects() -> str:
    """Every funded project; of one field, or those under way, when asked for."""
    field, under_way = _chosen_field(), request.args.get("view") == "under-way"
    chosen = [queries.in_field(field)] if field else []
    if under_way:
        chosen.append(queries.under_way())
    count, total = queries.funded_total(*chosen)
    page = paginate(queries.funded_projects().where(*chosen), (Project.id, True))
    return render_template(
        "portal/projects.html",
        field_of=queries.field_of,
        page=page,
        count=count,
        total=total,
        progress=queries.progress_of(page.rows),
        field=field,
        PURPOSES=PURPOSES,
    )


def _chosen_field() -> str:
    """A known field, or none: a filter that nobody knows is no filter."""
    asked = request.args.get("field", "")
    return asked if asked in PURPOSES else ""


def _chosen_payments() -> tuple[list[Any], int | None, str]:
    """The conditions that the address asks for, its year and its field."""
    years, field = queries.years_of_payments(), _chosen_field()
    year = next((item for item in years if str(item) == request.args.get("year")), None)
    conditions = [queries.in_year(year)] if year else []
    return conditions + ([queries.in_field(field)] if field else []), year, field


@bp.get("/payments")
@allow.public
def payments() -> str:
    """Where the money went, payment by payment."""
    conditions, year, field = _chosen_payments()
    page = paginate(
        queries.payments().where(*conditions), (Disbursement.paid_on, True), (Disbursement.id, True)
    )
    count, total = queries.paid(*conditions)
    return render_template(
        "portal/payments.html",
        field_of=queries.field_of,
        page=page,
        projects=queries.projects_of(page.rows),
        count=count,
        total=total,
        years=queries.years_of_payments(),
        year=year,
        field=field,
        PURPOSES=PURPOSES,
    )


@bp.get("/payments.csv")
@allow.public
def payments_file() -> Any:
    """The payments as open data (UTF-8 with a mark, so that spreadsheets read it)."""
    conditions, year, _field = _chosen_payments()
    table = payments_csv(queries.payments().where(*conditions))
    return _download(io.BytesIO(table), "text/csv", f"payments-{year or 'all'}.csv")


@bp.get("/projects/<int:project_id>")
@allow.public
def project(project_id: int) -> str:
    found = queries.funded_project(project_id) or abort(404)
    return render_template("portal/project.html", project=found, GRADES=GRADES)


# The register's public part ----------------------------------------------------------------------


@bp.get("/organizations")
@allow.public
def organizations() -> Any:
    """Look one organization up by its name or credit code."""
    words = request.args.get("q", "").strip()
    found = queries.looked_up(words) if words else None
    if found is not None:
        return redirect(url_for("portal.organization", organization_id=found.id), code=303)
    return render_template("portal/organizations.html", words=words)


@bp.get("/organizations/<int:organization_id>")
@allow.public
def organization(organization_id: int) -> str:
    found = queries.public_organization(organization_id) or abort(404)
    return render_template(
        "portal/organization.html",
        organization=found,
        grade=grade_on(found, clock.today()),
        entries=queries.listed_of(found),
        projects=queries.funded_of(found),
        kinds=ORGANIZATION_KINDS,
        statuses=STATUSES,
        results=INSPECTION_RESULTS,
        lists=CREDIT_LISTS,
        source=CREDIT_LAW,
    )


@bp.get("/credit")
@allow.public
def credit() -> str:
    """Who stands on the public credit lists today, and why."""
    kind, words = request.args.get("kind", ""), request.args.get("q", "")
    return render_template(
        "portal/credit.html",
        page=paginate(queries.listed(kind, words), (CreditEntry.entered_on, True), (CreditEntry.id, True)),
        kind=kind if kind in queries.PUBLIC_LISTS else "",
        words=words,
        lists={name: CREDIT_LISTS[name] for name in queries.PUBLIC_LISTS},
        source=CREDIT_LAW,
    )


@bp.get("/credit.csv")
@allow.public
def credit_file() -> Any:
    """The public credit lists as open data (UTF-8 with a mark, so that spreadsheets read it)."""
    table = credit_csv(queries.listed(request.args.get("kind", "")))
    return _download(io.BytesIO(table), "text/csv", "credit-lists.csv")


# Notices on the use of lottery money: what was published, as it was frozen ----------------------


@bp.get("/lottery")
@allow.public
def lottery() -> str:
    page = paginate(published_notices(), (LotteryNotice.id, True))
    return render_template("portal/lottery.html", page=page)


def _published(notice_id: int) -> LotteryNotice:
    return published_notice(notice_id) or abort(404)


@bp.get("/lottery/<int:notice_id>")
@allow.public
def lottery_notice(notice_id: int) -> str:
    found = _published(notice_id)
    return render_template(
        "portal/lottery_notice.html",
        notice=found,
        facts=lottery_facts(found),
        pdf=pdf_available(),
    )


@bp.get("/lottery/<int:notice_id>/notice.pdf")
@allow.public
def lottery_document(notice_id: int) -> Any:
    found = _published(notice_id)
    facts = lottery_facts(found)
    return print_out("announcements/document.html", facts, found.title, public=True)


@bp.get("/lottery/<int:notice_id>/notice.docx")
@allow.public
def lottery_word(notice_id: int) -> Any:
    found = _published(notice_id)
    return _download(notice_word(found), DOCX, f"{found.title}.docx")


@bp.get("/lottery/<int:notice_id>/notice.xlsx")
@allow.public
def lottery_workbook(notice_id: int) -> Any:
    found = _published(notice_id)
    return _download(notice_workbook(found), XLSX, f"{found.title}.xlsx")


@bp.get("/lottery/<int:notice_id>/notice.json")
@allow.public
def lottery_data(notice_id: int) -> Any:
    """The very text that the digest covers: its SHA-256 is the one on the page."""
    found = _published(notice_id)
    return _download(
        io.BytesIO(found.frozen.encode()), "application/json", f"lottery-{found.fiscal_year}-{found.id}.json"
    )


def _download(stream: io.BytesIO, media_type: str, name: str) -> Any:
    return send_file(stream, mimetype=media_type, as_attachment=True, download_name=name, max_age=None)
