"""What the printed agreement and the pages of a project say; what an agreement would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select

from core import clock
from core.db import db
from core.money import Money
from core.text import N_, Message
from core.web.tables import Arguments, Column, Listing
from finance.catalogue.queries import in_force
from finance.commitments.reports import what_if_owed
from finance.funds.models import Earmark
from finance.funds.reports import Bought, WhatIf
from finance.purchasing.services import CONTRACTOR_KINDS
from grants.applications.models import Application
from projects.agreements.lifecycle import AGREEMENT as agreement_states
from projects.agreements.lifecycle import PROJECT as project_states
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import names_of, shared_agreements, visible_agreements, visible_projects
from projects.agreements.rules import (
    CONDITIONS,
    FUND_TERMS,
    GRADES,
    METHODS,
    Part,
    main_fund_term,
    public_part,
    tranche_plan,
)
from registry.agencies.models import Agency
from registry.organizations.models import Organization


def tranche_table(agreement: Agreement) -> list[dict[str, Any]]:
    """Number, title, condition, weight and amount of each tranche; as committed once it is signed."""
    plan = tranche_plan(agreement.track, agreement.tranche_weights)
    amounts = agreement.amount.split([weight for weight, _title, _condition in plan])
    return [
        {
            "number": number,
            "title": title,
            "condition": CONDITIONS[condition],
            "weight": weight,
            "amount": amount,
        }
        for number, ((weight, title, condition), amount) in enumerate(zip(plan, amounts, strict=True), 1)
    ]


def document_facts(agreement: Agreement) -> dict[str, Any]:
    """The context of templates/agreements/document.html."""
    names = names_of(agreement.accepted_by, agreement.signed_by)
    return {
        "agreement": agreement,
        "agency": db.session.get_one(Agency, agreement.agency_id),
        "organization": agreement.organization,
        "application": agreement.application,
        "sources": [
            (item.earmark.budget.fund_source.name if item.earmark else item.agency.name, item.amount)
            for item in agreement.sources
        ]
        or [(agreement.earmark.budget.fund_source.name, agreement.amount)],
        "tranches": tranche_table(agreement),
        "method": METHODS.get(agreement.method),
        "accepted_by": names.get(agreement.accepted_by or 0, ""),
        "signed_by": names.get(agreement.signed_by or 0, ""),
    }


def legs(agreement: Agreement) -> list[dict[str, Any]]:
    """The people of an agreement, for components/relay.html."""
    names = names_of(
        agreement.drafted_by,
        agreement.legal_reviewed_by,
        agreement.finance_reviewed_by,
        agreement.accepted_by,
        agreement.signed_by,
    )
    steps = [
        (N_("Drafted by the programme officer"), agreement.drafted_by, "draft"),
        (N_("Legal review by the reviewing officer"), agreement.legal_reviewed_by, "draft"),
        (N_("Review of money by the finance reviewer"), agreement.finance_reviewed_by, "legal_reviewed"),
        (N_("Accepted by the organization's leader"), agreement.accepted_by, "offered"),
        (N_("Signed by the approving leader"), agreement.signed_by, "accepted"),
    ]
    result = []
    for role, user_id, now in steps:
        done = user_id is not None
        result.append(
            {
                "role": role,
                "who": names.get(user_id or 0, ""),
                "status": "done" if done else "now" if agreement.state == now else "wait",
            }
        )
    return result


def stages(project: Project) -> list[dict[str, Any]]:
    """Where the project stands, for components/stages.html."""
    agreement = project.agreement
    purchase = agreement.track == "service_purchase"
    closing = project.state in ("closing", "settled", "archived")
    done = [(N_("Agreement"), agreement.signed_on is not None, agreement.signed_on)]
    if purchase:
        done.append((N_("Delivery"), bool(project.final_grade) or closing, agreement.ends_on))
    else:
        done.append((N_("Mid-term evaluation"), bool(project.midterm_grade), None))
    done += [
        (
            N_("Acceptance") if purchase else N_("Final evaluation"),
            bool(project.final_grade),
            project.accepted_on,
        ),
        (
            N_("Early end") if agreement.state == "terminated" else N_("Settlement"),
            project.state in ("settled", "archived", "terminated"),
            None,
        ),
        (N_("Archive"), project.state == "archived", None),
    ]
    result: list[dict[str, Any]] = []
    seen_now = False
    for label, finished, day in done:
        status = "done" if finished else ("now" if not seen_now else "")
        seen_now = seen_now or not finished
        result.append({"label": label, "day": day, "status": status})
    return result


def next_step(project: Project) -> list[Message]:
    """Who has to do what next, the nearest first."""
    purchase = project.agreement.track == "service_purchase"
    if project.state == "archived":
        return [Message(N_("Nothing is left to do: the archive is kept for fifteen years."))]
    if project.state == "settled":
        return [Message(N_("Programme officer: seal the archive"))]
    if project.state == "terminated":
        return [Message(N_("Programme officer: seal the archive"))]
    if project.state == "recovering":
        return [
            Message(N_("Organization: pay the unspent money back")),
            Message(N_("Finance clerk: book it")),
        ]
    if project.state == "suspended":
        return [Message(N_("Programme officer: resume the project when the reason is gone"))]
    steps = []
    if project.state == "running":
        if project.agreement.ends_on >= clock.today() and not project.final_grade:
            steps.append(
                Message(
                    N_("Organization: deliver and record until %(day)s"), {"day": project.agreement.ends_on}
                )
            )
        if not purchase and not project.midterm_grade:
            steps.append(Message(N_("Organization and evaluator: mid-term evaluation")))
        if not project.final_grade:
            steps.append(
                Message(N_("Reviewing officer: accept the service"))
                if purchase
                else Message(N_("Organization and evaluator: final evaluation"))
            )
        steps.append(Message(N_("Organization: report the closing account")))
    else:
        steps.append(Message(N_("Programme officer checks, another person approves the closing account")))
    return steps


# What would change -------------------------------------------------------------------------------


def _bought(
    agency: Agency, organization: Organization, main: Earmark, *, name: str, service_key: str, amount: Money
) -> Bought:
    host = organization.host
    return Bought(
        agency=agency,
        amount=amount,
        fund_term=FUND_TERMS[main.budget.fund_source.kind],
        name=name,
        service_key=service_key,
        contractor_code=organization.credit_code or "",
        contractor_kind=CONTRACTOR_KINDS.get(organization.kind, ""),
        host_code=(host.credit_code or "") if host is not None else "",
    )


def grant_as_bought(application: Application) -> Bought:
    """The grant as the 30% figure would see it: a venture grant."""
    found = _bought(
        db.session.get_one(Agency, application.agency_id),
        application.organization,
        application.call.earmark,
        name=application.title,
        service_key=f"{application.number}-HT",
        amount=application.proposed_amount or Money(0),
    )
    return replace(found, is_venture=True)


def contract_as_bought(
    agency: Agency,
    organization: Organization | None,
    main: Earmark,
    *,
    catalogue_code: str,
    service_key: str,
    title: str,
    amount: Money,
) -> Bought:
    """The contract as the 30% figure would see it."""
    items = {item.code: item for item in in_force(agency.division_code, clock.today())}
    item = items.get(catalogue_code)
    assert organization is not None
    found = _bought(
        agency,
        organization,
        main,
        name=item.name if item else title,
        service_key=service_key.strip(),
        amount=amount,
    )
    return replace(found, public_service=item.public_service if item else True)


def agreement_as_bought(agreement: Agreement) -> Bought:
    """A drafted agreement as the 30% figure would see it."""
    if agreement.application is not None:
        return grant_as_bought(agreement.application)
    return contract_as_bought(
        db.session.get_one(Agency, agreement.agency_id),
        agreement.organization,
        agreement.earmark,
        catalogue_code=agreement.catalogue_code,
        service_key=agreement.service_key,
        title=agreement.title,
        amount=agreement.amount,
    )


def effect_of(parts: Sequence[Part], bought: Bought, *, reserved: bool) -> WhatIf:
    """What owing these parts would change; only public money enters the 30% figure."""
    public = public_part(parts)
    told = replace(bought, amount=public or bought.amount, fund_term=main_fund_term(parts))
    named = [(part.earmark, part.amount) for part in parts if part.earmark is not None]
    return what_if_owed(named, [told], reserved=reserved)


# Tables -----------------------------------------------------------------------------------------

VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": (N_("All"), ()),
    "preparing": (N_("In preparation"), ("draft", "legal_reviewed", "finance_reviewed")),
    "waiting": (N_("With the organization"), ("offered",)),
    "signing": (N_("To be signed"), ("accepted",)),
    "signed": (N_("Signed"), ("signed",)),
    "ended": (N_("Ended"), ("ended", "terminated")),
    "shared": (N_("Of other units, with our part"), ()),
}
PROJECT_VIEWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": (N_("All"), ()),
    "running": (N_("Running"), ("preparing", "running")),
    "suspended": (N_("Suspended"), ("suspended",)),
    "closing": (N_("Closing"), ("closing",)),
    "settled": (N_("Settled"), ("settled",)),
    "archived": (N_("Archived"), ("archived",)),
    "terminated": (N_("Ended early"), ("terminated", "recovering")),
}
TRACKS = {"venture_grant": N_("venture grant"), "service_purchase": N_("bought service")}


def agreement_rows(user: Any, args: Arguments) -> Select[Any]:
    if args.get("view") == "shared":
        return shared_agreements(user)
    states = VIEWS.get(args.get("view", ""), VIEWS[""])[1]
    query = visible_agreements(user)
    return query.where(Agreement.state.in_(states)) if states else query


def project_rows(user: Any, args: Arguments) -> Select[Any]:
    states = PROJECT_VIEWS.get(args.get("view", ""), PROJECT_VIEWS[""])[1]
    query = visible_projects(user)
    if states:
        query = query.where(Project.state.in_(states))
    text = args.get("q", "").strip()
    if text:
        query = query.where(Project.title.contains(text, autoescape=True) | (Project.number == text))
    return query


AGREEMENTS = Listing(
    name="agreements.list",
    title=N_("Agreements"),
    permissions=("agreement.read", "own.read"),
    rows=agreement_rows,
    filters=("view",),
    orders={
        "newest": ((Agreement.id, True),),
        "amount": ((Agreement.amount, True), (Agreement.id, True)),
        "ends": ((Agreement.ends_on, False), (Agreement.id, False)),
    },
    joins=lambda query: query.join(Agreement.organization),
    columns=(
        Column(N_("Number"), Agreement.number),
        Column(N_("Project"), Agreement.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Kind"), Agreement.track, words=TRACKS),
        Column(N_("Amount"), Agreement.amount, "money"),
        Column(N_("First day"), Agreement.starts_on, "day"),
        Column(N_("Last day"), Agreement.ends_on, "day"),
        Column(N_("Signed on"), Agreement.signed_on, "day"),
        Column(
            N_("State"), Agreement.state, words={item.name: item.label for item in agreement_states.states}
        ),
    ),
)

PROJECTS = Listing(
    name="agreements.projects",
    title=N_("Projects"),
    permissions=("project.read", "own.read"),
    rows=project_rows,
    filters=("view", "q"),
    orders={"newest": ((Project.id, True),)},
    joins=lambda query: query.join(Project.organization).join(Project.agreement),
    columns=(
        Column(N_("Number"), Project.number),
        Column(N_("Project"), Project.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Amount"), Agreement.amount, "money"),
        Column(N_("First day"), Agreement.starts_on, "day"),
        Column(N_("Last day"), Agreement.ends_on, "day"),
        Column(N_("Mid-term"), Project.midterm_grade, words=GRADES),
        Column(N_("Final"), Project.final_grade, words=GRADES),
        Column(N_("Audited cost"), Project.audited_cost, "money"),
        Column(N_("State"), Project.state, words={item.name: item.label for item in project_states.states}),
    ),
)
