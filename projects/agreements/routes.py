"""Pages of agreements and of the projects that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from flask_wtf.form import _Auto
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.money import Money
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from finance.catalogue.queries import in_force
from finance.commitments.queries import open_holds, paid_total, tranche_parameters
from finance.commitments.rules import template_weights
from finance.funds.models import Earmark
from grants.applications.models import Application
from projects.agreements import policy, queries, reports, services
from projects.agreements.forms import (
    AcceptanceForm,
    AgreementForm,
    ContractForm,
    MoneyPart,
    PartForm,
    ReasonForm,
    earmark_label,
    free_label,
    source_rows,
)
from projects.agreements.models import Agreement, AgreementSource, Project
from projects.agreements.rules import GRADES, METHODS, PURCHASE_PLANS
from registry.agencies.models import Agency

bp = Blueprint("agreements", __name__)

# The money of an agreement can still change.
OPEN = ("draft", "legal_reviewed", "finance_reviewed")
EVENTS = {
    "drafted": N_("drafted"),
    "draft changed": N_("draft changed"),
    "part confirmed": N_("part confirmed"),
    "appointed": N_("somebody appointed"),
    "mid-term graded": N_("mid-term verdict written down"),
    "finally graded": N_("final verdict written down"),
    "legally reviewed": N_("legal review confirmed"),
    "reviewed by finance": N_("amount and source confirmed"),
    "offered": N_("offered to the organization"),
    "accepted": N_("accepted on line"),
    "declined": N_("change asked for"),
    "sent back": N_("sent back to the draft"),
    "signed": N_("agreement signed"),
    "ended": N_("agreement fulfilled"),
    "started": N_("project started"),
    "suspended": N_("project suspended"),
    "resumed": N_("project resumed"),
    "standing of the organization changed": N_("standing of the organization changed"),
    "closing begun": N_("closing begun"),
    "settled": N_("project settled"),
    "archived": N_("archive sealed"),
    "terminated": N_("ended early"),
    "ended early, money to be recovered": N_("ended early, money to be recovered"),
    "early end proposed": N_("early end proposed"),
    "member_picked": N_("taken into the team"),
    "member_released": N_("left the team"),
    "hours_given": N_("hours of volunteers noted"),
}

navigation.add_entry(
    "agreements.list",
    N_("Agreements"),
    icon="pen",
    group="projects",
    order=10,
    permissions=("agreement.read", "own.read"),
)
navigation.add_entry(
    "agreements.projects",
    N_("Projects"),
    icon="flag",
    group="projects",
    order=20,
    permissions=("project.read", "own.read"),
)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "agreements.list"


def _agreement_or_404(agreement_id: int) -> Agreement:
    return queries.agreement_in_scope(current_user, agreement_id) or abort(404)


def _project_or_404(project_id: int) -> Project:
    g.menu_entry = "agreements.projects"
    return queries.project_in_scope(current_user, project_id) or abort(404)


def _done(message: str, agreement: Agreement) -> Response:
    flash(message, "ok")
    return redirect(url_for("agreements.show", agreement_id=agreement.id), code=303)  # type: ignore[return-value]


@bp.get("/agreements")
@allow("agreement.read", "own.read")
def list() -> str:
    table = tables.show(reports.AGREEMENTS, current_user, joinedload(Agreement.organization))
    return render_template(
        "agreements/list.html",
        table=table,
        page=table.page,
        view=request.args.get("view", ""),
        views=reports.VIEWS,
        awaiting=queries.awaiting_agreement(current_user),
    )


@bp.route("/agreements/draft/<int:application_id>", methods=["GET", "POST"])
@allow("agreement.draft")
def draft(application_id: int) -> Any:
    application = queries.awarded_application(current_user, application_id) or abort(404)
    form = AgreementForm(obj=application)
    money = _grant_money(application, request.form if request.method == "POST" else None)
    if form.validate_on_submit() and money.may_save("check" in request.form):
        agreement = services.draft_agreement(
            application,
            starts_on=form.starts_on.data,
            ends_on=form.ends_on.data,
            terms=form.terms.data or "",
            sources=money.parts if money.rows.used else (),
            by=current_user,
        )
        return _done(gettext("The agreement is drafted. Legal review is next."), agreement)
    page = render_template(
        "agreements/draft.html", form=form, funding=money, application=application, agreement=None
    )
    return page, 422 if form.errors or money.wrong else 200


def _grant_money(application: Application, sent: Any) -> MoneyPart:
    return MoneyPart(
        sent,
        agency=db.session.get_one(Agency, application.agency_id),
        main=application.call.earmark,
        amount=application.proposed_amount or Money(0),
        own_funds=application.own_funds,
        title=application.title,
        application=application,
        bought=reports.grant_as_bought(application),
    )


@bp.get("/agreements/draft/<int:application_id>/what-if")
@allow("agreement.draft")
def what_if(application_id: int) -> Any:
    """What the agreement would change; reads only. The form's fields come as the query."""
    application = queries.awarded_application(current_user, application_id) or abort(404)
    money = _grant_money(application, request.args)
    return render_template(
        "agreements/what_if.html",
        funding=money,
        url=url_for("agreements.what_if", application_id=application.id),
        form="agreement",
        title=application.title,
    )


@bp.route("/agreements/contract", methods=["GET", "POST"])
@allow("agreement.draft")
def contract() -> Any:
    form, agencies, earmarks = _contract_form()
    money = None
    if form.validate_on_submit() and form.organization is not None:
        money = _contract_money(form, agencies, earmarks, request.form)
        if money.may_save("check" in request.form):
            agreement = services.draft_contract(
                next(agency for agency in agencies if agency.id == form.agency.data),
                organization=form.organization,
                earmark=next(item for item in earmarks if item.id == form.earmark.data),
                title=form.title.data,
                amount=form.amount.data,
                own_funds=form.own_funds.data or Money(0),
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                method=form.method.data,
                service_key=form.service_key.data,
                catalogue_code=form.catalogue_code.data,
                tranche_weights=_plans(agencies)[form.plan.data],
                terms=form.terms.data or "",
                sources=money.parts if money.rows.used else (),
                by=current_user,
            )
            return _done(gettext("The contract is drafted. Legal review is next."), agreement)
    rows = money.rows if money else source_rows(agencies[0] if agencies else None, request.form or None)
    page = render_template("agreements/contract.html", form=form, funding=money, rows=rows)
    return page, 422 if form.errors or (money and money.wrong) else 200


def _contract_form(sent: Any = None) -> tuple[ContractForm, Sequence[Agency], Sequence[Earmark]]:
    agencies = _agencies("agreement.draft")
    earmarks = queries.earmarks_of({agency.id for agency in agencies})
    form = ContractForm() if sent is None else ContractForm(sent)
    form.agency.choices = [(agency.id, agency.name) for agency in agencies]
    form.earmark.choices = [(item.id, earmark_label(item)) for item in earmarks]
    form.method.choices = [(item.code, gettext(item.label)) for item in METHODS.values()]
    form.plan.choices = [(key, _plan_label(weights)) for key, weights in _plans(agencies).items()]
    form.catalogue_code.choices = [
        *_catalogue_choices(agencies, form),
        ("", gettext("none: no public money is in it")),
    ]
    return form, agencies, earmarks


def _contract_money(
    form: ContractForm, agencies: Sequence[Agency], earmarks: Sequence[Earmark], sent: Any
) -> MoneyPart:
    agency = next(agency for agency in agencies if agency.id == form.agency.data)
    main = next(item for item in earmarks if item.id == form.earmark.data)
    return MoneyPart(
        sent,
        agency=agency,
        main=main,
        amount=form.amount.data,
        own_funds=form.own_funds.data or Money(0),
        title=form.title.data,
        application=None,
        bought=reports.contract_as_bought(
            agency,
            form.organization,
            main,
            catalogue_code=form.catalogue_code.data,
            service_key=form.service_key.data,
            title=form.title.data,
            amount=form.amount.data,
        ),
    )


@bp.get("/agreements/contract/what-if")
@allow("agreement.draft")
def contract_what_if() -> Any:
    """What the contract would change; reads only. The form's fields come as the query."""
    form, agencies, earmarks = _contract_form(request.args)
    complete = form.validate() and form.organization is not None
    return render_template(
        "agreements/what_if.html",
        funding=_contract_money(form, agencies, earmarks, request.args) if complete else None,
        url=url_for("agreements.contract_what_if"),
        form="contract",
        title=form.title.data or gettext("Draft a service contract"),
    )


def _catalogue_choices(agencies: Any, form: ContractForm) -> Any:
    found: dict[str, str] = {}
    for agency in agencies:
        for item in in_force(agency.division_code, form.starts_on.data or clock.today()):
            found[item.code] = f"{item.code} {item.name}"
    return sorted(found.items())


def _agencies(permission: str) -> Any:
    return db.session.scalars(
        select(Agency).where(Agency.id.in_(current_user.agency_ids(permission))).order_by(Agency.id)
    ).all()


def _plans(agencies: Sequence[Agency]) -> dict[str, Any]:
    """The ways of paying a bought service: the usual ones, then the templates in force at these units.

    Only acceptance frees money after the first part, so that a template of more than two parts has no
    condition for those between.
    """
    plans: dict[str, Any] = dict(PURCHASE_PLANS)
    for agency in agencies:
        for template in tranche_parameters(agency.id, "service_purchase")["tranche_templates"]:
            weights = template_weights(template)
            if len(weights) <= 2 and weights not in plans.values():
                plans[template] = weights
    return plans


def _plan_label(weights: Any) -> str:
    if len(weights) == 1:
        return gettext("all of it after acceptance")
    return gettext(
        "%(first)s%% after signing, %(last)s%% after acceptance", first=weights[0], last=weights[1]
    )


@bp.get("/agreements/<int:agreement_id>")
@allow("agreement.read", "own.read")
def show(agreement_id: int) -> str:
    return _show(_agreement_or_404(agreement_id))


def _show(agreement: Agreement, **forms: Any) -> str:
    commitment = agreement.commitment
    alive = queries.living_disbursements([item.id for item in commitment.tranches]) if commitment else {}
    return render_template(
        "agreements/show.html",
        agreement=agreement,
        agency=db.session.get_one(Agency, agreement.agency_id),
        sources=agreement.sources,
        findings=policy.findings_of(agreement) if agreement.state in OPEN else (),
        asked=_asked(agreement, forms.get("part_form")),
        tranches=reports.tranche_table(agreement),
        committed=commitment.tranches if commitment else (),
        alive=alive,
        paid=paid_total(commitment) if commitment else Money(0),
        legs=reports.legs(agreement),
        method=METHODS.get(agreement.method),
        history=history_of(agreement),
        words=EVENTS,
        pdf=pdf_available(),
        steps=_steps(agreement),
        reason_form=forms.get("reason_form") or ReasonForm(formdata=None),
    )


def _asked(agreement: Agreement, form: PartForm | None) -> tuple[AgreementSource, PartForm] | None:
    """The part that waits for this person's unit, with the form that confirms it."""
    if agreement.state not in OPEN:
        return None
    units = current_user.agency_ids("agreement.review_money")
    for part in agreement.sources:
        if part.agency_id != agreement.agency_id and part.agency_id in units and part.confirmed_by is None:
            return part, form or _part_form(part, None)
    return None


def _steps(agreement: Agreement) -> dict[str, bool]:
    """Which steps this person may take now; the guards say why not when they try."""
    may = current_user.may
    agency, organization = agreement.agency_id, agreement.organization_id
    state = agreement.state
    staff = any(
        may(item, agency_id=agency)
        for item in ("agreement.draft", "agreement.review", "agreement.review_money", "agreement.sign")
    )
    return {
        "edit": state == "draft" and may("agreement.draft", agency_id=agency),
        "legal-review": state == "draft" and may("agreement.review", agency_id=agency),
        "finance-review": state == "legal_reviewed" and may("agreement.review_money", agency_id=agency),
        "offer": state == "finance_reviewed" and may("agreement.draft", agency_id=agency),
        "accept": state == "offered" and may("agreement.accept", organization_id=organization),
        "sign": state == "accepted" and may("agreement.sign", agency_id=agency),
        "decline": state == "offered" and may("agreement.accept", organization_id=organization),
        "send-back": (staff and state in ("legal_reviewed", "finance_reviewed", "offered", "accepted"))
        or (state == "draft" and may("agreement.review", agency_id=agency)),
    }


STEPS: dict[str, tuple[Callable[..., Any], str]] = {
    "legal-review": (services.legal_review, N_("The legal review is confirmed. Finance is next.")),
    "finance-review": (
        services.finance_review,
        N_("Amount and source are confirmed. The programme officer offers the agreement."),
    ),
    "offer": (services.offer, N_("The agreement is offered. The organization's leader accepts it on line.")),
    "accept": (services.accept, N_("You accepted the agreement. The approving leader signs it.")),
    "sign": (services.sign, N_("The agreement is signed, the money committed, and the project runs.")),
}


@bp.post("/agreements/<int:agreement_id>/<any('legal-review','finance-review',offer,accept,sign):step>")
@allow("agreement.review", "agreement.review_money", "agreement.draft", "agreement.accept", "agreement.sign")
def take(agreement_id: int, step: str) -> Any:
    agreement = _agreement_or_404(agreement_id)
    service, message = STEPS[step]
    service(agreement, by=current_user)
    return _done(gettext(message), agreement)


@bp.post("/agreements/<int:agreement_id>/send-back")
@allow("agreement.review", "agreement.review_money", "agreement.draft", "agreement.sign")
def send_back(agreement_id: int) -> Any:
    agreement = _agreement_or_404(agreement_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show(agreement, reason_form=form), 422
    services.send_back(agreement, reason=form.reason.data, by=current_user)
    return _done(gettext("The agreement is a draft again; the reason stands in its history."), agreement)


@bp.post("/agreements/<int:agreement_id>/decline")
@allow("agreement.accept")
def decline(agreement_id: int) -> Any:
    agreement = _agreement_or_404(agreement_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show(agreement, reason_form=form), 422
    services.decline(agreement, reason=form.reason.data, by=current_user)
    flash(gettext("Your wish is with the office; it will offer the agreement again."), "ok")
    # The draft is no longer in the organization's sight.
    return redirect(url_for("agreements.list"), code=303)


@bp.route("/agreements/<int:agreement_id>/edit", methods=["GET", "POST"])
@allow("agreement.draft")
def edit(agreement_id: int) -> Any:
    agreement = _agreement_or_404(agreement_id)
    form = AgreementForm(obj=agreement)
    money = _agreed_money(agreement, request.form if request.method == "POST" else None)
    if form.validate_on_submit() and money.may_save("check" in request.form):
        services.update_agreement(
            agreement,
            starts_on=form.starts_on.data,
            ends_on=form.ends_on.data,
            terms=form.terms.data or "",
            sources=money.parts,
            by=current_user,
        )
        return _done(gettext("The draft is changed. Legal review is next."), agreement)
    page = render_template(
        "agreements/draft.html",
        form=form,
        funding=money,
        application=agreement.application,
        agreement=agreement,
    )
    return page, 422 if form.errors or money.wrong else 200


def _agreed_money(agreement: Agreement, sent: Any) -> MoneyPart:
    return MoneyPart(
        sent,
        agency=db.session.get_one(Agency, agreement.agency_id),
        main=agreement.earmark,
        amount=agreement.amount,
        own_funds=agreement.own_funds,
        title=agreement.title,
        application=agreement.application,
        bought=reports.agreement_as_bought(agreement),
        known=queries.parts_of(agreement),
    )


@bp.get("/agreements/<int:agreement_id>/what-if")
@allow("agreement.draft")
def changed_what_if(agreement_id: int) -> str:
    """What the changed draft would change; reads only. The form's fields come as the query."""
    agreement = _agreement_or_404(agreement_id)
    if not current_user.may("agreement.draft", agency_id=agreement.agency_id):
        abort(404)
    return render_template(
        "agreements/what_if.html",
        funding=_agreed_money(agreement, request.args),
        url=url_for("agreements.changed_what_if", agreement_id=agreement.id),
        form="agreement",
        title=agreement.title,
    )


@bp.post("/agreements/parts/<int:source_id>/confirm")
@allow("agreement.review_money")
def confirm_part(source_id: int) -> Any:
    """A unit that shares the cost names its money and confirms its part."""
    part = queries.part_in_scope(current_user, source_id) or abort(404)
    form = _part_form(part)
    if not form.validate_on_submit():
        return _show(part.agreement, part_form=form), 422
    earmark = next(item for item in queries.earmarks_of({part.agency_id}) if item.id == form.earmark.data)
    services.confirm_part(part, earmark, by=current_user)
    return _done(gettext("The part of your unit is confirmed."), part.agreement)


def _part_form(part: AgreementSource, formdata: Any = _Auto) -> PartForm:
    form = PartForm(formdata)
    form.earmark.choices = [(item.id, free_label(item)) for item in queries.earmarks_of({part.agency_id})]
    return form


@bp.get("/agreements/<int:agreement_id>/document.pdf")
@allow("agreement.read", "own.read")
def document(agreement_id: int) -> Response:
    agreement = _agreement_or_404(agreement_id)
    return print_out("agreements/document.html", reports.document_facts(agreement), agreement.number)


@bp.get("/projects")
@allow("project.read", "own.read")
def projects() -> str:
    g.menu_entry = "agreements.projects"
    table = tables.show(
        reports.PROJECTS, current_user, joinedload(Project.organization), joinedload(Project.agreement)
    )
    return render_template(
        "agreements/projects.html",
        table=table,
        page=table.page,
        view=request.args.get("view", ""),
        views=reports.PROJECT_VIEWS,
        text=request.args.get("q", "").strip(),
        grades=GRADES,
    )


@bp.get("/projects/<int:project_id>")
@allow("project.read", "own.read")
def project(project_id: int) -> str:
    return _project_page(_project_or_404(project_id))


def _project_page(project: Project, **forms: Any) -> str:
    commitment = project.agreement.commitment
    panels = []
    for panel in queries.panels():
        facts = panel.facts(project, current_user)
        if facts is not None:
            panels.append((panel, facts))
    may_follow = current_user.may("project.follow", agency_id=project.agency_id)
    return render_template(
        "agreements/project.html",
        project=project,
        agreement=project.agreement,
        commitment=commitment,
        paid=paid_total(commitment) if commitment else Money(0),
        holds=open_holds(commitment) if commitment else (),
        stages=reports.stages(project),
        next_steps=reports.next_step(project),
        panels=panels,
        grades=GRADES,
        history=history_of(project),
        words=EVENTS,
        pdf=pdf_available(),
        may_suspend=may_follow and project.state == "running",
        may_resume=may_follow and project.state == "suspended",
        may_accept=(
            project.agreement.track == "service_purchase"
            and project.state in ("running", "closing")
            and project.final_grade in ("", "fail")
            and current_user.may("project.accept", agency_id=project.agency_id)
        ),
        reason_form=forms.get("reason_form") or ReasonForm(formdata=None),
    )


@bp.post("/projects/<int:project_id>/<any(suspend,resume):step>")
@allow("project.follow")
def hold(project_id: int, step: str) -> Any:
    project = _project_or_404(project_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _project_page(project, reason_form=form), 422
    if step == "suspend":
        services.suspend_project(project, reason=form.reason.data, by=current_user)
        flash(gettext("The project is suspended; nothing is paid meanwhile."), "ok")
    else:
        services.resume_project(project, reason=form.reason.data, by=current_user)
        flash(gettext("The project runs again."), "ok")
    return redirect(url_for("agreements.project", project_id=project.id), code=303)


@bp.route("/projects/<int:project_id>/acceptance", methods=["GET", "POST"])
@allow("project.accept")
def acceptance(project_id: int) -> Any:
    project = _project_or_404(project_id)
    if project.agreement.track != "service_purchase":
        abort(404)
    form = AcceptanceForm()
    form.passed.choices = [("yes", gettext("Accepted")), ("no", gettext("Not accepted"))]
    if form.validate_on_submit():
        services.accept_delivery(
            project, passed=form.passed.data == "yes", note=form.note.data, by=current_user
        )
        flash(gettext("The acceptance is recorded."), "ok")
        return redirect(url_for("agreements.project", project_id=project.id), code=303)
    return render_template("agreements/acceptance.html", form=form, project=project), (
        422 if form.errors else 200
    )


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Agreements that wait for this person's step; awarded applications without one."""
    permissions = {
        "draft": "agreement.review",
        "legal_reviewed": "agreement.review_money",
        "finance_reviewed": "agreement.draft",
        "accepted": "agreement.sign",
    }
    actions = {
        "draft": N_("Review the agreement"),
        "legal_reviewed": N_("Review amount and source"),
        "finance_reviewed": N_("Offer the agreement"),
        "offered": N_("Accept the agreement"),
        "accepted": N_("Sign the agreement"),
    }
    waiting = [
        (Agreement.state == state) & Agreement.agency_id.in_(user.agency_ids(permission))
        for state, permission in permissions.items()
        if user.agency_ids(permission)
    ]
    own = user.organization_ids("agreement.accept")
    if own:
        waiting.append((Agreement.state == "offered") & Agreement.organization_id.in_(own))
    if waiting:
        condition = waiting[0]
        for item in waiting[1:]:
            condition = condition | item
        rows = db.session.scalars(
            select(Agreement)
            .where(condition)
            .options(joinedload(Agreement.organization))
            .order_by(Agreement.id)
            .limit(100)
        )
        for row in rows:
            if row.state in ("draft", "legal_reviewed", "accepted") and user.id in (
                row.drafted_by,
                row.legal_reviewed_by,
                row.finance_reviewed_by,
            ):
                continue
            yield navigation.Task(
                title=Message(
                    N_("%(action)s: %(title)s"),
                    {"action": Message(actions[row.state]), "title": row.title},
                ),
                url=url_for("agreements.show", agreement_id=row.id),
                action=Message(actions[row.state]),
                meta=Message(
                    N_("%(number)s · %(name)s"), {"number": row.number, "name": row.organization.name}
                ),
                amount=row.amount,
            )
    for part in queries.parts_to_confirm(user):
        yield navigation.Task(
            title=Message(N_("Confirm your unit's part: %(title)s"), {"title": part.agreement.title}),
            url=url_for("agreements.show", agreement_id=part.agreement_id) + "#part",
            action=Message(N_("Name the money and confirm")),
            meta=Message(
                N_("%(number)s · %(name)s"),
                {"number": part.agreement.number, "name": part.agreement.organization.name},
            ),
            amount=part.amount,
        )
    if user.agency_ids("agreement.draft"):
        for application in queries.awaiting_agreement(user):
            yield navigation.Task(
                title=Message(N_("Draft the agreement: %(title)s"), {"title": application.title}),
                url=url_for("agreements.draft", application_id=application.id),
                action=Message(N_("Draft the agreement")),
                meta=Message(
                    N_("%(number)s · %(name)s"),
                    {"number": application.number, "name": application.organization.name},
                ),
                amount=application.proposed_amount,
            )
    elif user.agency_ids("project.accept"):
        yield from _to_accept(user)


def _to_accept(user: Any) -> Iterator[navigation.Task]:
    """Bought services that wait for acceptance by somebody who neither drafted nor signed."""
    rows = db.session.scalars(
        select(Project)
        .join(Agreement)
        .where(
            Project.agency_id.in_(user.agency_ids("project.accept")),
            Project.state == "running",
            Project.final_grade == "",
            Agreement.track == "service_purchase",
            Agreement.drafted_by != user.id,
            Agreement.signed_by != user.id,
        )
        .options(joinedload(Project.agreement))
        .order_by(Project.id)
        .limit(100)
    )
    for row in rows:
        yield navigation.Task(
            title=Message(N_("Accept the service: %(title)s"), {"title": row.title}),
            url=url_for("agreements.acceptance", project_id=row.id),
            action=Message(N_("Record the acceptance")),
            due=row.agreement.ends_on,
            meta=Message("%(number)s", {"number": row.number}),
        )


navigation.add_tasks("agreements", _tasks)
