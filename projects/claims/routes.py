"""Pages of claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.audit.queries import history_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from finance.commitments.models import Commitment, Tranche
from finance.disbursements.policy import ask_before_request
from finance.disbursements.queries import confirmed_accounts
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import (
    add_panel,
    living_disbursements,
    names_of,
    project_in_scope,
)
from projects.agreements.rules import CONDITIONS
from projects.claims import queries, services
from projects.claims.forms import ClaimForm, ReturnForm
from projects.claims.models import Claim
from projects.claims.policy import claimed_in_project
from projects.claims.reports import CLAIMS, VIEWS
from projects.claims.rules import PASSING

bp = Blueprint("claims", __name__)

ask_before_request("claims", claimed_in_project)

EVENTS = {
    "submitted": N_("claim submitted"),
    "accepted": N_("claim accepted, payment requested"),
    "returned": N_("claim returned"),
}
navigation.add_entry(
    "claims.list",
    N_("Claims"),
    icon="send",
    group="projects",
    order=40,
    permissions=("claim.handle", "claim.submit", "claim.write"),
)


@bp.get("/claims")
@allow("project.read", "own.read")
def list() -> str:
    table = tables.show(CLAIMS, current_user, joinedload(Claim.project).joinedload(Project.organization))
    return render_template(
        "claims/list.html", table=table, page=table.page, view=request.args.get("view", ""), views=VIEWS
    )


@bp.route("/projects/<int:project_id>/tranches/<int:number>/claim", methods=["GET", "POST"])
@allow("claim.submit")
def new(project_id: int, number: int) -> Any:
    project = project_in_scope(current_user, project_id) or abort(404)
    commitment = project.agreement.commitment or abort(404)
    tranche = next((item for item in commitment.tranches if item.number == number), None) or abort(404)
    accounts = confirmed_accounts(project.organization, project.agreement.commitment)
    form = ClaimForm()
    form.payee_account.choices = [
        (account.id, f"{account.account_name} · {account.bank} · …{account.last_four}")
        for account in accounts
    ]
    if form.validate_on_submit():
        file = form.receipt_file.data
        claim = services.submit_claim(
            project,
            tranche,
            payee_account=next(item for item in accounts if item.id == form.payee_account.data),
            receipt_number=form.receipt_number.data,
            receipt_file=(file.stream, file.filename) if file and file.filename else None,
            by=current_user,
        )
        flash(gettext("The claim is submitted. The programme officer looks at it."), "ok")
        return redirect(url_for("claims.show", claim_id=claim.id), code=303)
    return render_template(
        "claims/new.html",
        form=form,
        project=project,
        tranche=tranche,
        findings=services.claim_findings(project, tranche),
        accounts=accounts,
    ), 422 if form.errors else 200


@bp.get("/claims/<int:claim_id>")
@allow("project.read", "own.read")
def show(claim_id: int) -> str:
    return _show(queries.claim_in_scope(current_user, claim_id) or abort(404))


def _show(claim: Claim, **forms: Any) -> str:
    handling = claim.state == "submitted" and current_user.may("claim.handle", agency_id=claim.agency_id)
    account = queries.payee_account(claim)
    # While somebody has to decide, the conditions are looked at now; later, as they were.
    found = (
        services.claim_findings(
            claim.project, claim.tranche, payee_account=account, receipt_number=claim.receipt_number
        )
        if handling
        else [Finding.from_dict(item) for item in claim.findings]
    )
    return render_template(
        "claims/show.html",
        claim=claim,
        project=claim.project,
        account=account,
        findings=found,
        names=names_of(claim.submitted_by, claim.handled_by),
        history=history_of(claim),
        words=EVENTS,
        handling=handling,
        return_form=forms.get("return_form") or ReturnForm(formdata=None),
    )


@bp.post("/claims/<int:claim_id>/accept")
@allow("claim.handle")
def accept(claim_id: int) -> Any:
    claim = queries.claim_in_scope(current_user, claim_id) or abort(404)
    services.accept_claim(claim, by=current_user)
    flash(gettext("Accepted: the payment is requested. The finance reviewer is next."), "ok")
    return redirect(url_for("claims.show", claim_id=claim.id), code=303)


@bp.post("/claims/<int:claim_id>/return")
@allow("claim.handle")
def send_back(claim_id: int) -> Any:
    claim = queries.claim_in_scope(current_user, claim_id) or abort(404)
    form = ReturnForm()
    if not form.validate_on_submit():
        return _show(claim, return_form=form), 422
    services.return_claim(claim, reason=form.reason.data, by=current_user)
    flash(gettext("The claim is returned with its reason."), "ok")
    return redirect(url_for("claims.show", claim_id=claim.id), code=303)


@bp.get("/claims/<int:claim_id>/receipt")
@allow("project.read", "own.read")
def receipt(claim_id: int) -> Response:
    claim = queries.claim_in_scope(current_user, claim_id) or abort(404)
    if claim.receipt_file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, claim.receipt_file_id))


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "claims.list"


def _panel(project: Project, user: Any) -> dict[str, Any] | None:
    rows = queries.tranche_rows(project)
    if not rows:
        return None
    return {
        "rows": rows,
        "conditions": CONDITIONS,
        "may_claim": project.state in ("running", "closing")
        and user.may("claim.submit", organization_id=project.organization_id),
        "next": next((row.tranche.id for row in rows if row.claimable), None),
    }


add_panel("claims", "claims/_panel.html", _panel, order=10)


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Claims for the programme officer; tranches that the organization's leader may claim."""
    offices = user.agency_ids("claim.handle")
    if offices:
        yield from _to_handle(offices)
    own = user.organization_ids("claim.submit")
    if own:
        yield from _to_claim(own)


def _to_handle(offices: set[int]) -> Iterator[navigation.Task]:
    rows = db.session.scalars(
        select(Claim)
        .where(Claim.agency_id.in_(offices), Claim.state == "submitted")
        .options(joinedload(Claim.project), joinedload(Claim.tranche))
        .order_by(Claim.id)
        .limit(100)
    )
    for claim in rows:
        yield navigation.Task(
            title=Message(
                N_("Claim of “%(tranche)s”: %(title)s"),
                {"tranche": claim.tranche.title, "title": claim.project.title},
            ),
            url=url_for("claims.show", claim_id=claim.id),
            action=Message(N_("Handle the claim")),
            meta=Message("%(number)s", {"number": claim.project.number}),
            amount=claim.amount,
        )


def _to_claim(own: set[int]) -> Iterator[navigation.Task]:
    rows = db.session.execute(
        select(Project, Tranche, Agreement.track)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .join(Commitment, Commitment.id == Agreement.commitment_id)
        .join(Tranche, Tranche.commitment_id == Commitment.id)
        .outerjoin(Claim, (Claim.tranche_id == Tranche.id) & (Claim.state == "submitted"))
        .where(
            Project.organization_id.in_(own),
            Project.state.in_(("running", "closing")),
            Tranche.amount > Money(0),
            Claim.id.is_(None),
        )
        .order_by(Project.id, Tranche.number)
    ).all()
    alive = living_disbursements([tranche.id for _project, tranche, _track in rows])
    offered: set[int] = set()
    for project, tranche, track in rows:
        if tranche.id in alive or project.id in offered or not _reached(project, tranche, track):
            continue
        offered.add(project.id)
        yield navigation.Task(
            title=Message(
                N_("“%(tranche)s” can be claimed: %(title)s"),
                {"tranche": tranche.title, "title": project.title},
            ),
            url=url_for("claims.new", project_id=project.id, number=tranche.number),
            action=Message(N_("Claim the tranche")),
            meta=Message("%(number)s", {"number": project.number}),
            amount=tranche.amount,
        )


def _reached(project: Project, tranche: Tranche, track: str) -> bool:
    if tranche.condition == "signed":
        return True
    if tranche.condition == "midterm_passed":
        return project.midterm_grade in PASSING
    # The last tranche of a grant waits for the audited cost, that of a purchase for acceptance.
    return project.final_grade in PASSING and (
        project.audited_cost is not None or track == "service_purchase"
    )


navigation.add_tasks("claims", _tasks)
