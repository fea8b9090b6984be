"""The dossier of an organization, and the rows behind its figures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, g, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload

from app.dossier import queries, reports
from core import clock
from core.money import Money
from core.rules.queries import parameters
from core.web import charts, tables
from core.web.gate import allow
from evaluation.checkpoints.rules import GRADES
from projects.agreements.models import Project
from registry.credit.models import KINDS as CREDIT_KINDS
from registry.credit.queries import entries_of
from registry.organizations.models import INSPECTION_RESULTS, Organization
from registry.organizations.queries import grade_on, organization_in_scope, register_facts, tags_on
from registry.organizations.rules import ROR_DEFAULTS, register_findings, supervision_level
from registry.particulars.models import QUALIFICATIONS
from registry.particulars.queries import holdings_of

bp = Blueprint("dossier", __name__, url_prefix="/dossiers")


@bp.before_request
def place_in_menu() -> None:
    reads = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    g.menu_entry = "directory.list" if reads else "organizations.own"


@bp.get("/<int:organization_id>")
@allow("organization.read", "own.read")
def show(organization_id: int) -> str:
    """Money received, projects, results, lists, inspections and open tasks of one organization."""
    organization = organization_in_scope(current_user, organization_id) or abort(404)
    own = queries.acts_for(current_user, organization)
    today = clock.today()
    received = queries.received_by_year(current_user, organization.id)
    counts = queries.project_counts(current_user, organization.id)
    sees_credit = own or current_user.may("credit.read", agency_id=organization.agency_id)
    credit = entries_of(organization) if sees_credit else []
    holdings = holdings_of(organization)
    return render_template(
        "dossier/show.html",
        organization=organization,
        grade=grade_on(organization, today),
        tags=sorted(tags_on(organization.id, today)),
        level=supervision_level(
            organization.register_class,
            organization.status,
            under_investigation=organization.under_investigation,
            parameters=parameters(
                "ROR", ROR_DEFAULTS, on=today, jurisdiction=organization.agency.division_code
            ),
        ),
        findings=register_findings(register_facts(organization), on=today),
        today=today,
        sees_money=own or current_user.may_somewhere("disbursement.read"),
        sees_projects=own or current_user.may_somewhere("project.read"),
        sees_credit=sees_credit,
        sees_applications=own or current_user.may_somewhere("application.read"),
        received=received,
        total=sum((item.amount for item in received), Money(0)),
        returned=queries.returned_total(current_user, organization.id),
        chart=_chart(organization, received),
        projects=queries.latest_projects(current_user, organization.id),
        counts=counts,
        project_count=sum(counts.values()),
        running=queries.running(counts),
        applications=tables.summary(queries.applications_of(current_user, organization.id), whole=False)[0],
        listed=[entry for entry in credit if entry.kind != "project_grade"],
        standing=[entry for entry in credit if entry.kind != "project_grade" and entry.removed_on is None],
        results=[entry for entry in credit if entry.kind == "project_grade"],
        credit_kinds=CREDIT_KINDS,
        grades=GRADES,
        inspections=sorted(organization.inspections, key=lambda item: -item.year),
        inspection_words=INSPECTION_RESULTS,
        tasks=queries.open_tasks(current_user, organization),
        hubs=queries.hubs_seen(current_user, organization, today),
        qualifications=[
            row
            for row in holdings.qualifications
            if row.valid_from <= today and (row.valid_to is None or row.valid_to >= today)
        ],
        qualification_words=QUALIFICATIONS,
    )


def _chart(organization: Organization, received: list[queries.Received]) -> charts.Chart | None:
    if len(received) < 2:
        return None
    years = received[::-1]
    return charts.bars(
        gettext("Money received by year"),
        charts.YUAN,
        [str(item.year) for item in years],
        [
            charts.Series(
                "",
                [item.amount for item in years],
                [url_for("dossier.payments", organization=organization.id, year=item.year) for item in years],
            )
        ],
        head=gettext("Year"),
    )


def _rows(listing: tables.Listing, template: str, *options: Any, **values: Any) -> str:
    """One list of a dossier; an address without an organization in scope is no page."""
    number = reports.number_of(tables.arguments())
    organization = organization_in_scope(current_user, number) or abort(404)
    table = tables.show(listing, current_user, *options)
    return render_template(template, organization=organization, table=table, page=table.page, **values)


@bp.get("/payments")
@allow("disbursement.read", "own.read")
def payments() -> str:
    """The payments that reached the organization."""
    return _rows(reports.PAYMENTS, "dossier/payments.html", summary=tables.summary)


@bp.get("/projects")
@allow("project.read", "own.read")
def projects() -> str:
    """All its projects."""
    return _rows(reports.PROJECTS, "dossier/projects.html", joinedload(Project.agreement), grades=GRADES)


@bp.get("/applications")
@allow("application.read", "own.read")
def applications() -> str:
    """All its applications."""
    return _rows(reports.APPLICATIONS, "dossier/applications.html")
