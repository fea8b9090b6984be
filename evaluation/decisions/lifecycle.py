"""A decision's states: four different people, none of whom scored."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from evaluation.decisions.models import Decision
from evaluation.decisions.policy import refuse_interest, refuse_scorer
from evaluation.decisions.rules import SEPARATION


def _another(decision: Decision, *, by: Any) -> None:
    people = {
        "proposed": decision.proposed_by,
        "reviewed": decision.reviewed_by,
        "budget": decision.budget_reviewed_by,
        "now": by.actor_id,
    }
    require_distinct(people, rule="RAP-2", source=SEPARATION)
    refuse_scorer(decision.call_id, by=by)
    refuse_interest(decision, by=by)


def _sender_back(decision: Decision, *, by: Any) -> None:
    wanted = ("decision.review", "decision.review_budget", "decision.approve", "decision.propose")
    if not any(by.may(permission, agency_id=decision.agency_id) for permission in wanted):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    refuse_scorer(decision.call_id, by=by)


def _reviewed(decision: Decision, *, by: Any) -> None:
    decision.reviewed_by = by.actor_id


def _budget_reviewed(decision: Decision, *, by: Any) -> None:
    decision.budget_reviewed_by = by.actor_id


def _approved(decision: Decision, *, by: Any) -> None:
    decision.approved_by, decision.approved_at = by.actor_id, clock.now()


def _sent_back(decision: Decision, *, by: Any) -> None:
    # The next proposal is looked at anew.
    decision.reviewed_by = decision.budget_reviewed_by = None


DECISION = Lifecycle(
    Decision,
    states=(
        State("draft", N_("Proposal drafted"), "draft"),
        State("reviewed", N_("Proposal reviewed"), "waiting"),
        State("budget_reviewed", N_("Budget reviewed"), "waiting"),
        State("approved", N_("Plan approved"), "done"),
    ),
    transitions=(
        Transition(
            "review",
            ("draft",),
            "reviewed",
            N_("Confirm the proposal"),
            "proposal_reviewed",
            permission="decision.review",
            guard=_another,
            effect=_reviewed,
        ),
        Transition(
            "budget_review",
            ("reviewed",),
            "budget_reviewed",
            N_("Confirm the budget"),
            "budget_reviewed",
            permission="decision.review_budget",
            guard=_another,
            effect=_budget_reviewed,
        ),
        Transition(
            "approve",
            ("budget_reviewed",),
            "approved",
            N_("Approve and reserve the money"),
            "approved",
            permission="decision.approve",
            guard=_another,
            effect=_approved,
        ),
        Transition(
            "send_back",
            ("reviewed", "budget_reviewed"),
            "draft",
            N_("Send back to the proposal"),
            "sent_back",
            guard=_sender_back,
            effect=_sent_back,
        ),
    ),
)
