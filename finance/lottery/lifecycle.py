"""A plan: drafted, reviewed and approved by three people; replaced by a revision."""

from __future__ import annotations

import json
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from finance.lottery import policy
from finance.lottery.models import LotteryPlan


def _review_guard(plan: LotteryPlan, *, by: Actor) -> None:
    policy.require_three(plan.drafted_by, by.actor_id, None)
    policy.refuse_failed(policy.findings_of(plan))


def reviewed_by_one(thing: Any, *, by: Actor) -> None:
    thing.reviewed_by = by.actor_id


def _approve_guard(plan: LotteryPlan, *, by: Actor) -> None:
    policy.require_three(plan.drafted_by, plan.reviewed_by, by.actor_id)
    findings = policy.findings_of(plan)
    policy.refuse_failed(findings)
    plan.findings = json.dumps([item.to_dict() for item in findings], ensure_ascii=False)


def _approved(plan: LotteryPlan, *, by: Actor) -> None:
    plan.approved_by, plan.approved_at = by.actor_id, clock.now()


def sender_guard(thing: Any, *, by: Any) -> None:
    """Whoever may review or approve may send it back; never the one who drafted it."""
    may = any(by.may(need, agency_id=thing.agency_id) for need in ("lottery.review", "lottery.approve"))
    if not may or by.actor_id == thing.drafted_by:
        raise Refusal(
            Message(N_("Whoever reviews or approves sends it back, not the person who drafted it.")),
            rule="RAP-2",
            source=policy.SEPARATION,
            status=403,
        )


def nobody_looked(thing: Any, *, by: Actor) -> None:
    thing.reviewed_by = thing.approved_by = None


PLAN = Lifecycle(
    LotteryPlan,
    states=(
        State("draft", N_("plan being drafted"), "draft"),
        State("reviewed", N_("plan reviewed"), "waiting"),
        State("approved", N_("plan in force"), "active"),
        State("replaced", N_("replaced by a revision"), "closed"),
    ),
    transitions=(
        Transition(
            "review",
            ("draft",),
            "reviewed",
            N_("Review the plan"),
            "reviewed",
            permission="lottery.review",
            guard=_review_guard,
            effect=reviewed_by_one,
        ),
        Transition(
            "approve",
            ("reviewed",),
            "approved",
            N_("Approve the plan"),
            "approved",
            permission="lottery.approve",
            guard=_approve_guard,
            effect=_approved,
        ),
        Transition(
            "send_back",
            ("reviewed",),
            "draft",
            N_("Send the plan back"),
            "sent_back",
            guard=sender_guard,
            effect=nobody_looked,
        ),
        Transition("replace", ("approved",), "replaced", N_("Replace the plan"), "replaced"),
    ),
)
