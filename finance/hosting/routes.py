"""Pages of hosted money: agreements, each project's own books, payments signed by two, reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields import SelectChoice

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import month_of, say
from finance.commitments.models import Commitment
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import names_of
from finance.hosting import policy, queries, services
from finance.hosting.forms import AddForm, ConfirmForm, DraftForm, MonthForm, OutflowForm, ReasonForm
from finance.hosting.models import HostedProject, Hosting, HostReport, Outflow
from finance.hosting.reports import document_facts
from finance.hosting.rules import KINDS
from finance.ledger.queries import extract_of
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.organizations.queries import named

bp = Blueprint("hosting", __name__, url_prefix="/hosting")

navigation.add_entry(
    "hosting.list",
    N_("Hosted money"),
    icon="lock",
    group="money",
    order=46,
    permissions=("hosting.read", "own.read"),
)

EVENTS = {
    "drafted": N_("agreement drafted"),
    "signed by the hosted body": N_("signed by the hosted body"),
    "signed by the host": N_("signed by the host"),
    "signed by the funder": N_("signed by the funder, in force"),
    "withdrawn": N_("draft withdrawn"),
    "ending": N_("hosting is ending"),
    "ended": N_("hosting ended"),
    "report sent": N_("monthly report sent"),
}
OUTFLOW_EVENTS = {
    "requested": N_("asked for"),
    "signed by the hosted leader": N_("signed by the hosted leader"),
    "countersigned by the host": N_("countersigned by the host's finance"),
    "refused": N_("payment refused"),
    "received": N_("arrival confirmed by the funder"),
}


@bp.get("/")
@allow("hosting.read", "own.read")
def list() -> str:
    page = paginate(queries.visible_hostings(current_user), (Hosting.id, True))
    sums = {item.id: _total(queries.books_of(item.projects).values()) for item in page.rows}
    return render_template(
        "hosting/list.html",
        page=page,
        sums=sums,
        may_draft=current_user.may_somewhere("hosting.draft"),
    )


def _total(books: Any) -> queries.Books:
    rows = [*books]
    return queries.Books(
        *(
            sum((getattr(row, name) for row in rows), Money(0))
            for name in ("came_in", "held", "spent", "fee", "back")
        )
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("hosting.draft")
def draft() -> Any:
    """Draft the tripartite agreement."""
    units = current_user.agency_ids("hosting.draft")
    form = DraftForm()
    agencies = {item.id: item for item in (db.session.get_one(Agency, unit) for unit in sorted(units))}
    hosts, hostable = queries.hosts(units), queries.hostable(units)
    form.agency_id.choices = [SelectChoice(item.id, item.name) for item in agencies.values()]
    host = hosted = None
    if form.validate_on_submit():
        host = _body(
            form.host,
            hosts,
            _("The register has no social association of this name or credit code that may host."),
        )
        hosted = _body(form.hosted, hostable, _("The register has no filed organization of this name."))
    if host is not None and hosted is not None:
        parties = (agencies[form.agency_id.data], host, hosted)
        places: dict[str, Any] = {"RFH-1": form.host, "RFH-2": form.hosted, "RFH-3": form.fee}
        for finding in services.agreement_findings(*parties, form.fee.data):
            if finding.verdict is Verdict.FAIL:
                places[finding.rule].errors = [
                    f"{say(finding.sentence)} {say(finding.numbers) if finding.numbers else ''}".strip()
                ]
        if not form.errors:
            made = services.draft_hosting(
                parties[0],
                host=parties[1],
                hosted=parties[2],
                fee_points=form.fee.data,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                by=current_user,
            )
            flash(_("The agreement is drafted. The hosted body signs first."))
            return redirect(url_for("hosting.show", hosting_id=made.id), code=303)
    ready = queries.any_of(hosts) and queries.any_of(hostable)
    return render_template("hosting/draft.html", form=form, ready=ready), 422 if form.errors else 200


def _body(field: Any, among: Any, missing: str) -> Organization | None:
    """The organization whose name, credit code or number was typed; otherwise the field says what is wrong."""
    text = field.data.strip()
    if text.isdecimal() and len(text) < 18:
        found = db.session.scalar(among.where(Organization.id == int(text)))
    else:
        found = named(among, text)
    if found is None:
        several = among.where(Organization.name == text)
        field.errors = [
            _("Several have this name: type the number that stands in the address of the entry you mean.")
            if queries.any_of(several)
            else missing
        ]
    return found


def _load(hosting_id: int) -> Hosting:
    return queries.hosting_in_scope(current_user, hosting_id) or abort(404)


@bp.get("/<int:hosting_id>")
@allow("hosting.read", "own.read")
def show(hosting_id: int) -> Any:
    return _page(_load(hosting_id))


@bp.get("/<int:hosting_id>/agreement.pdf")
@allow("hosting.read", "own.read")
def document(hosting_id: int) -> Response:
    """The tripartite agreement in the layout of official documents."""
    hosting = _load(hosting_id)
    return print_out("hosting/document.html", document_facts(hosting), hosting.number)


def _page(hosting: Hosting, status: int = 200, **forms: Any) -> Any:
    """The agreement: its signatures, projects, reports and end."""
    official = current_user.may("hosting.read", agency_id=hosting.agency_id)
    drafting = current_user.may("hosting.draft", agency_id=hosting.agency_id)
    keeping = current_user.may("hosting.keep", organization_id=hosting.host_id)
    agency = db.session.get_one(Agency, hosting.agency_id)
    offered = queries.addable(hosting) if drafting and hosting.state == "running" else []
    months = queries.months_to_report(hosting, clock.today()) if keeping else []
    books = queries.books_of(hosting.projects)
    total = _total(books.values())
    return render_template(
        "hosting/show.html",
        hosting=hosting,
        agency=agency,
        findings=[
            *services.agreement_findings(agency, hosting.host, hosting.hosted, hosting.fee_points),
            *([total.finding()] if hosting.projects else []),
        ],
        books=books,
        total=total,
        reports=queries.reports_of(hosting),
        names=names_of(
            {
                hosting.drafted_by,
                hosting.hosted_signed_by,
                hosting.host_signed_by,
                hosting.funder_signed_by,
            }
        ),
        may_sign=_may_sign(hosting),
        drafting=drafting,
        add_form=forms.get("add") or (_add_form(offered) if offered else None),
        end_form=forms.get("end") or ReasonForm(formdata=None, prefix="end-"),
        month_form=forms.get("month") or (_month_form(months) if months else None),
        history=history_of(hosting) if official else [],
        words=EVENTS,
        pdf=pdf_available(),
    ), status


def _may_sign(hosting: Hosting) -> bool:
    if hosting.state == "drafted":
        return bool(current_user.may("hosting.sign_own", organization_id=hosting.hosted_id))
    if hosting.state == "signed_by_hosted":
        return bool(current_user.may("hosting.sign_own", organization_id=hosting.host_id))
    return hosting.state == "signed_by_host" and bool(
        current_user.may("hosting.sign", agency_id=hosting.agency_id)
    )


def _add_form(offered: Any, formdata: Any = None) -> AddForm:
    form = AddForm(formdata=formdata, prefix="add-")
    form.commitment_id.choices = [SelectChoice(item.id, f"{item.number} {item.title}") for item in offered]
    return form


def _month_form(months: Any, formdata: Any = None) -> MonthForm:
    form = MonthForm(formdata=formdata, prefix="month-")
    form.month.choices = [SelectChoice(month.isoformat(), month_of(month)) for month in months]
    return form


def _done(hosting: Hosting, sentence: str) -> Any:
    flash(sentence)
    return redirect(url_for("hosting.show", hosting_id=hosting.id), code=303)


@bp.post("/<int:hosting_id>/sign")
@allow("hosting.sign", "hosting.sign_own")
def sign(hosting_id: int) -> Any:
    hosting = _load(hosting_id)
    services.sign(hosting, by=current_user)
    return _done(hosting, _("Signed."))


@bp.post("/<int:hosting_id>/<any(withdraw,end):step>")
@allow("hosting.draft")
def stop(hosting_id: int, step: str) -> Any:
    """Withdraw a draft, or end an agreement in force."""
    hosting = _load(hosting_id)
    form = ReasonForm(prefix="end-")
    if not form.validate():
        return _page(hosting, 422, end=form)
    if step == "withdraw":
        services.withdraw(hosting, reason=form.reason.data, by=current_user)
        return _done(hosting, _("The draft is withdrawn."))
    services.end_hosting(hosting, reason=form.reason.data, by=current_user)
    return _done(hosting, _("The hosting is ending: what is left goes back to the funder."))


@bp.post("/<int:hosting_id>/close")
@allow("hosting.draft")
def close(hosting_id: int) -> Any:
    hosting = _load(hosting_id)
    services.close_hosting(hosting, by=current_user)
    return _done(hosting, _("The hosting has ended; nothing is left at the host."))


@bp.post("/<int:hosting_id>/projects")
@allow("hosting.draft")
def add(hosting_id: int) -> Any:
    """Put a commitment under the agreement."""
    hosting = _load(hosting_id)
    offered = {item.id: item for item in queries.addable(hosting)}
    form = _add_form(offered.values(), request.form)
    if not form.validate():
        return _page(hosting, 422, add=form)
    commitment: Commitment = offered[form.commitment_id.data]
    project = services.add_project(hosting, commitment, by=current_user)
    flash(_("The project is hosted: its payments go to the host's account."))
    return redirect(url_for("hosting.project", project_id=project.id), code=303)


@bp.post("/<int:hosting_id>/reports")
@allow("hosting.keep")
def send(hosting_id: int) -> Any:
    """Send the report of a complete month."""
    hosting = _load(hosting_id)
    form = _month_form(queries.months_to_report(hosting, clock.today()), request.form)
    if not form.validate():
        return _page(hosting, 422, month=form)
    report = services.send_report(hosting, date.fromisoformat(form.month.data), by=current_user)
    flash(_("The report is sent and cannot be changed any more."))
    return redirect(url_for("hosting.report", report_id=report.id), code=303)


@bp.get("/reports/<int:report_id>")
@allow("hosting.read", "own.read")
def report(report_id: int) -> str:
    found: HostReport = queries.report_in_scope(current_user, report_id) or abort(404)
    rows = [
        {name: Money(value) if isinstance(value, int) and name != "project" else value for name, value in row.items()}
        for row in found.figures
    ]  # fmt: skip
    columns = ("opening", "received", "spent", "fee", "returned", "closing")
    return render_template(
        "hosting/report.html",
        report=found,
        hosting=found.hosting,
        rows=rows,
        sums={name: sum((row[name] for row in rows), Money(0)) for name in columns},
        genuine=queries.digest(found.hosting, found.month, found.figures) == found.sha256,
        names=names_of({found.sent_by}),
    )


def _project(project_id: int) -> HostedProject:
    return queries.project_in_scope(current_user, project_id) or abort(404)


@bp.get("/projects/<int:project_id>")
@allow("hosting.read", "own.read")
def project(project_id: int) -> str:
    """The books of one hosted project."""
    item = _project(project_id)
    official = current_user.may("fund.read", agency_id=item.hosting.agency_id)
    outflows = queries.outflows_of(item)
    books = queries.books_of([item])[item.id]
    return render_template(
        "hosting/project.html",
        project=item,
        hosting=item.hosting,
        commitment=item.commitment,
        books=books,
        finding=books.finding(),
        receivable=queries.receivable(item),
        receipts=queries.receipts_of(item),
        outflows=outflows,
        kinds=KINDS,
        names=names_of({row.taken_by for row in queries.receipts_of(item)}),
        keeping=current_user.may("hosting.keep", organization_id=item.hosting.host_id),
        may_request=any(policy.may_request(current_user, item.hosting, kind) for kind in KINDS)
        and item.hosting.state in queries.ALIVE,
        entries=extract_of(queries.OWNER, item.id) if official else [],
    )


@bp.post("/projects/<int:project_id>/receipts/<int:disbursement_id>")
@allow("hosting.keep")
def take(project_id: int, disbursement_id: int) -> Any:
    """Take a payment that arrived into the project's books."""
    item = _project(project_id)
    waiting: dict[int, Disbursement] = {row.id: row for row in queries.receivable(item)}
    payment = waiting.get(disbursement_id)
    if payment is None:
        raise Refusal(
            Message(N_("This payment is not waiting to be taken into the project's books.")), status=409
        )
    services.take_receipt(item, payment, by=current_user)
    flash(_("%(amount)s yuan are in the project's books.", amount=payment.amount.format()))
    return redirect(url_for("hosting.project", project_id=item.id), code=303)


@bp.route("/projects/<int:project_id>/pay", methods=["GET", "POST"])
@allow("hosting.request", "hosting.keep")
def pay(project_id: int) -> Any:
    """Ask for a payment out of the project's own money."""
    item = _project(project_id)
    kinds = {
        code: label for code, label in KINDS.items() if policy.may_request(current_user, item.hosting, code)
    }
    if not kinds or item.hosting.state not in queries.ALIVE:
        abort(404)
    form = OutflowForm()
    form.kind.choices = [SelectChoice(code, _(label)) for code, label in kinds.items()]
    books = queries.books_of([item])[item.id]
    if form.validate_on_submit():
        if form.amount.data > books.held:
            form.amount.errors = [
                _("This project has %(held)s yuan; another project's money is never used for it.", held=books.held.format())
            ]  # fmt: skip
        else:
            made = services.request_outflow(
                item,
                form.kind.data,
                amount=form.amount.data,
                purpose=form.purpose.data,
                payee=form.payee.data,
                voucher_number=form.voucher_number.data or "",
                by=current_user,
            )
            flash(_("Asked for. The hosted leader signs first, then the host's finance."))
            return redirect(url_for("hosting.outflow", outflow_id=made.id), code=303)
    return render_template("hosting/pay.html", form=form, project=item, books=books), (
        422 if form.errors else 200
    )


def _outflow(outflow_id: int) -> Outflow:
    return queries.outflow_in_scope(current_user, outflow_id) or abort(404)


@bp.get("/payments/<int:outflow_id>")
@allow("hosting.read", "own.read")
def outflow(outflow_id: int) -> Any:
    return _outflow_page(_outflow(outflow_id))


def _outflow_page(item: Outflow, status: int = 200, **forms: Any) -> Any:
    hosting = item.project.hosting
    may = current_user.may
    return render_template(
        "hosting/outflow.html",
        outflow=item,
        project=item.project,
        hosting=hosting,
        kinds=KINDS,
        findings=queries.outflow_findings(item) if item.state in ("requested", "signed_by_hosted") else [],
        names=names_of({item.requested_by, item.hosted_signed_by, item.host_signed_by, item.received_by}),
        may_sign=item.state == "requested" and may("hosting.sign_own", organization_id=hosting.hosted_id),
        may_countersign=item.state == "signed_by_hosted"
        and may("hosting.keep", organization_id=hosting.host_id)
        and item.hosted_signed_by != current_user.id,
        may_refuse=item.state in ("requested", "signed_by_hosted") and policy.may_refuse(current_user, item),
        may_confirm=item.state == "signed"
        and item.kind == "returned"
        and may("hosting.confirm", agency_id=hosting.agency_id),
        refuse_form=forms.get("refuse") or ReasonForm(formdata=None, prefix="refuse-"),
        confirm_form=forms.get("confirm") or ConfirmForm(formdata=None, prefix="confirm-"),
        history=history_of(item),
        words=OUTFLOW_EVENTS,
    ), status


def _signed(item: Outflow, sentence: str) -> Any:
    flash(sentence)
    return redirect(url_for("hosting.outflow", outflow_id=item.id), code=303)


@bp.post("/payments/<int:outflow_id>/sign")
@allow("hosting.sign_own")
def sign_outflow(outflow_id: int) -> Any:
    item = _outflow(outflow_id)
    services.sign_outflow(item, by=current_user)
    return _signed(item, _("Signed. The host's finance countersigns next."))


@bp.post("/payments/<int:outflow_id>/countersign")
@allow("hosting.keep")
def countersign(outflow_id: int) -> Any:
    item = _outflow(outflow_id)
    services.countersign_outflow(item, by=current_user)
    return _signed(
        item, _("Countersigned: %(amount)s yuan have left the project.", amount=item.amount.format())
    )


@bp.post("/payments/<int:outflow_id>/refuse")
@allow("hosting.sign_own", "hosting.keep")
def refuse(outflow_id: int) -> Any:
    item = _outflow(outflow_id)
    form = ReasonForm(prefix="refuse-")
    if not form.validate():
        return _outflow_page(item, 422, refuse=form)
    services.refuse_outflow(item, reason=form.reason.data, by=current_user)
    return _signed(item, _("Refused; nothing has moved."))


@bp.post("/payments/<int:outflow_id>/confirm")
@allow("hosting.confirm")
def confirm(outflow_id: int) -> Any:
    """The funder's finance has the money that the host gave back."""
    item = _outflow(outflow_id)
    form = ConfirmForm(prefix="confirm-")
    if not form.validate():
        return _outflow_page(item, 422, confirm=form)
    services.confirm_return(
        item,
        received_on=form.received_on.data,
        voucher_number=form.voucher_number.data,
        by=current_user,
    )
    return _signed(item, _("Confirmed: %(amount)s yuan are back.", amount=item.amount.format()))


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Signatures, receipts to take, months to report, money to confirm."""
    if not any(
        user.may_somewhere(item)
        for item in ("hosting.sign", "hosting.sign_own", "hosting.keep", "hosting.confirm")
    ):
        return
    for hosting in queries.waiting_hostings(user):
        yield navigation.Task(
            title=Message(N_("Hosting agreement to sign: %(name)s"), {"name": hosting.hosted.name}),
            url=url_for("hosting.show", hosting_id=hosting.id),
            action=Message(N_("Read and sign")),
            meta=Message(hosting.host.name),
        )
    actions = {
        "requested": N_("Sign"),
        "signed_by_hosted": N_("Countersign"),
        "signed": N_("Confirm the arrival"),
    }
    for item in queries.waiting_outflows(user):
        yield navigation.Task(
            title=Message(N_("Hosted money: %(purpose)s"), {"purpose": item.purpose}),
            url=url_for("hosting.outflow", outflow_id=item.id),
            action=Message(actions[item.state]),
            meta=Message(item.project.commitment.title),
            amount=item.amount,
        )
    for project, payment in queries.receipts_to_take(user):
        yield navigation.Task(
            title=Message(N_("Payment arrived at the host: %(number)s"), {"number": payment.number}),
            url=url_for("hosting.project", project_id=project.id),
            action=Message(N_("Take into the project's books")),
            meta=Message(project.commitment.title),
            amount=payment.amount,
        )
    for hosting in queries.kept_hostings(user):
        months = queries.months_to_report(hosting, clock.today())
        if months:
            day = int(queries.rules_of(hosting.agency_id, clock.today())["report_day"])
            yield navigation.Task(
                title=Message(
                    N_("Hosted money of %(name)s: report of %(month)s"),
                    {"name": hosting.hosted.name, "month": month_of(months[0])},
                ),
                url=url_for("hosting.show", hosting_id=hosting.id) + "#reports",
                action=Message(N_("Send the report")),
                due=clock.add_months(months[0], 1).replace(day=day),
            )


navigation.add_tasks("hosting", _tasks)
