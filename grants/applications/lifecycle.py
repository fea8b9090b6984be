"""The states of an application, from the first draft to the award."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.money import Money
from core.text import N_, Message
from finance.lines.rules import SOURCES as LINE_SOURCES
from grants.applications.models import Application
from grants.applications.policy import (
    must_be_open,
    must_be_within_supplement,
    must_not_belong,
    must_not_have_scored,
)
from grants.calls.rules import SOURCES


def _submit_guard(application: Application, *, by: Any) -> None:
    must_be_open(application.call)


def _resubmit_guard(application: Application, *, by: Any) -> None:
    must_be_within_supplement(application)


def _return_guard(application: Application, *, by: Any) -> None:
    must_not_belong(application, by=by)


def _confirm_guard(application: Application, *, by: Any) -> None:
    must_not_belong(application, by=by)
    due = application.supplement_due_on
    if application.state == "returned" and due is not None and clock.today() <= due:
        raise Refusal(
            Message(N_("The applicant has until %(due)s to send the supplement."), {"due": due}),
            rule="SUPPLEMENT",
            source=SOURCES["TIME"],
        )


def _propose_guard(application: Application, *, by: Any, amount: Money) -> None:
    must_not_have_scored(application, by=by)
    limit = min(application.requested, application.call.project_cap)
    if not Money(0) < amount <= limit:
        raise Refusal(
            Message(N_("A grant is above zero and at most %(limit)s yuan here."), {"limit": limit}),
            rule="RBL-CAP",
            source=LINE_SOURCES["RBL-CAP"],
        )


def _withdraw_guard(application: Application, *, by: Any) -> None:
    if application.number is None:
        return
    if not by.may("application.submit", organization_id=application.organization_id):
        raise Refusal(Message(N_("What the leader submitted, only the leader withdraws.")), status=403)
    must_be_open(application.call)


lifecycle = Lifecycle(
    model=Application,
    states=(
        State("draft", N_("draft"), "draft"),
        State("submitted", N_("eligibility review"), "active"),
        State("returned", N_("supplement asked for"), "waiting"),
        State("eligible", N_("eligible"), "done"),
        State("ineligible", N_("not eligible"), "wrong"),
        State("shortlisted", N_("shortlisted"), "active"),
        State("optimizing", N_("being optimized"), "waiting"),
        State("proposed", N_("proposed"), "active"),
        State("in_notice", N_("in public notice"), "active"),
        State("objected", N_("objected to"), "wrong"),
        State("awarded", N_("awarded"), "done"),
        State("rejected", N_("not awarded"), "closed"),
        State("withdrawn", N_("withdrawn"), "closed"),
    ),
    transitions=(
        Transition(
            "submit", ("draft",), "submitted", N_("Submit"), "submitted",
            permission="application.submit", holder="organization", guard=_submit_guard,
        ),
        Transition(
            "resubmit", ("returned",), "submitted", N_("Submit the supplement"), "supplemented",
            permission="application.submit", holder="organization", guard=_resubmit_guard,
        ),
        Transition(
            "return", ("submitted",), "returned", N_("Ask for a supplement"), "returned",
            permission="application.confirm_eligibility", guard=_return_guard,
        ),
        Transition(
            "confirm", ("submitted",), "eligible", N_("Confirm as eligible"), "confirmed_eligible",
            permission="application.confirm_eligibility", guard=_confirm_guard,
        ),
        Transition(
            "refuse", ("submitted", "returned"), "ineligible", N_("Declare not eligible"), "declared_ineligible",
            permission="application.confirm_eligibility", guard=_confirm_guard,
        ),
        # Written down by the floor that judges, whose own tables ask for the permissions.
        Transition("shortlist", ("eligible",), "shortlisted", N_("Shortlist"), "shortlisted"),
        Transition(
            "optimize", ("shortlisted",), "optimizing", N_("Ask to optimize the plan"), "optimization_asked",
            permission="decision.propose",
        ),
        Transition(
            "optimized", ("optimizing",), "shortlisted", N_("Submit the optimized plan"), "optimized",
            permission="application.submit", holder="organization",
        ),
        Transition(
            "propose", ("shortlisted", "optimizing"), "proposed", N_("Propose"), "proposed", guard=_propose_guard
        ),
        Transition("put_in_notice", ("proposed",), "in_notice", N_("Put in public notice"), "put_in_notice"),
        Transition("mark_objected", ("in_notice",), "objected", N_("Mark as objected to"), "objected"),
        Transition("clear_objection", ("objected",), "in_notice", N_("Clear the objection"), "objection_cleared"),
        Transition("award", ("in_notice",), "awarded", N_("Award"), "awarded"),
        Transition(
            "reject",
            ("eligible", "shortlisted", "optimizing", "proposed", "in_notice", "objected"),
            "rejected", N_("Do not award"), "rejected",
        ),
        Transition(
            "withdraw", ("draft", "submitted", "returned"), "withdrawn", N_("Withdraw"), "withdrawn",
            permission="application.write", holder="organization", guard=_withdraw_guard,
        ),
    ),
)  # fmt: skip

# Who acts next, state by state; nobody where the road ends.
HOLDERS = {
    "draft": N_("applicant"),
    "submitted": N_("clerk of the unit"),
    "returned": N_("applicant"),
    "eligible": N_("experts"),
    "shortlisted": N_("clerk of the unit"),
    "optimizing": N_("applicant"),
    "proposed": N_("reviewer and leader"),
    "in_notice": N_("the public"),
    "objected": N_("clerk of the unit"),
}
