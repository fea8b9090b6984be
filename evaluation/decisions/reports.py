"""The approval form of a decision; what its amounts would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.audit.queries import entries_of
from core.money import Money
from core.rules.rules import Finding
from core.text import N_
from evaluation.decisions import queries, rules
from evaluation.decisions.models import Decision
from evaluation.panels.queries import panel_of
from finance.commitments.reports import what_if_owed
from finance.funds.reports import WhatIf
from projects.agreements.reports import grant_as_bought
from registry.accounts.models import User

# Who acts in which step, and the events of the audit trail that are the act.
STEPS = (
    ("proposed", N_("Proposed by"), ("proposed", "amounts_set")),
    ("reviewed", N_("Reviewed by"), ("proposal_reviewed",)),
    ("budget_reviewed", N_("Budget reviewed by"), ("budget_reviewed",)),
    ("approved", N_("Approved by"), ("approved",)),
)


def checks(decision: Decision, people: dict[str, User]) -> list[Finding]:
    """The findings a decision was taken on; before that, as they stand now."""
    if decision.findings:
        return [Finding.from_dict(item) for item in decision.findings]
    panel = panel_of(decision.call)
    return rules.findings(
        queries.shares(decision),
        pot=queries.pot(decision.call),
        cap=decision.call.project_cap,
        scorers=[member.person_id for member in panel.members] if panel else [],
        handlers={step: user.person_id for step, user in people.items()},
    )


def effect_of(decision: Decision, amounts: Mapping[int, Money]) -> WhatIf:
    """What granting these amounts (by application id) would change once they are agreed."""
    bought = [
        replace(grant_as_bought(item.application), amount=amounts[item.application_id])
        for item in decision.items
        if amounts.get(item.application_id)
    ]
    return what_if_owed([(decision.call.earmark, sum(amounts.values(), Money(0)))], bought)


def form_facts(decision: Decision) -> dict[str, Any]:
    """The context of templates/decisions/document.html."""
    people = queries.handlers(decision)
    return {
        "decision": decision,
        "call": decision.call,
        "agency": decision.call.agency,
        "earmark": decision.call.earmark,
        "source": decision.call.earmark.budget.fund_source,
        "requested": sum((item.application.requested for item in decision.items), Money(0)),
        "total": sum((item.amount for item in decision.items), Money(0)),
        "funded": sum(bool(item.amount) for item in decision.items),
        "findings": checks(decision, people),
        "signatures": _signatures(decision, people),
    }


def _signatures(decision: Decision, people: dict[str, User]) -> list[dict[str, Any]]:
    """Role, name and instant of each step; of a step taken again after a return, the last."""
    newest: dict[str, Any] = {}
    for entry in entries_of(decision):
        newest.setdefault(entry.event, entry.at)
    return [
        {
            "role": role,
            "name": people[step].name if step in people else "",
            "at": max((newest[event] for event in events if event in newest), default=None)
            if step in people
            else None,
        }
        for step, role, events in STEPS
    ]
