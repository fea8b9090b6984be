"""What the printed agreement and the pages of a project say."""

from __future__ import annotations

from typing import Any

from core import clock
from core.db import db
from core.text import N_, Message
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import names_of
from projects.agreements.rules import CONDITIONS, METHODS, tranche_plan
from registry.agencies.models import Agency


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
        "source": agreement.earmark.budget.fund_source,
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
        (N_("Settlement"), project.state in ("settled", "archived"), None),
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
