"""Plan and notice: each drafted, reviewed and approved by three people; what was published stays."""

from __future__ import annotations

import json
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from finance.lottery import policy
from finance.lottery.models import LotteryNotice, LotteryPlan


def _review_guard(plan: LotteryPlan, *, by: Actor) -> None:
    policy.require_three(plan.drafted_by, by.actor_id, None)
    policy.refuse_failed(policy.findings_of(plan))


def _reviewed(thing: Any, *, by: Actor) -> None:
    thing.reviewed_by = by.actor_id


def _approve_guard(plan: LotteryPlan, *, by: Actor) -> None:
    policy.require_three(plan.drafted_by, plan.reviewed_by, by.actor_id)
    findings = policy.findings_of(plan)
    policy.refuse_failed(findings)
    plan.findings = json.dumps([item.to_dict() for item in findings], ensure_ascii=False)


def _approved(plan: LotteryPlan, *, by: Actor) -> None:
    plan.approved_by, plan.approved_at = by.actor_id, clock.now()


def _sender_guard(thing: Any, *, by: Any) -> None:
    """Whoever may review or approve may send it back; never the one who drafted it."""
    may = any(by.may(need, agency_id=thing.agency_id) for need in ("lottery.review", "lottery.approve"))
    if not may or by.actor_id == thing.drafted_by:
        raise Refusal(
            Message(N_("Whoever reviews or approves sends it back, not the person who drafted it.")),
            rule="RAP-2",
            source=policy.SEPARATION,
            status=403,
        )


def _sent_back(thing: Any, *, by: Actor) -> None:
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
            effect=_reviewed,
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
            guard=_sender_guard,
            effect=_sent_back,
        ),
        Transition("replace", ("approved",), "replaced", N_("Replace the plan"), "replaced"),
    ),
)


def _notice_review_guard(notice: LotteryNotice, *, by: Actor) -> None:
    policy.require_three(notice.drafted_by, by.actor_id, None)
    policy.refuse_unexplained(notice)


def _notice_approve_guard(notice: LotteryNotice, *, by: Actor) -> None:
    policy.require_three(notice.drafted_by, notice.reviewed_by, by.actor_id)
    policy.refuse_unexplained(notice)


def _notice_approved(notice: LotteryNotice, *, by: Actor) -> None:
    notice.approved_by = by.actor_id


def _publish_guard(notice: LotteryNotice, *, by: Actor) -> None:
    policy.refuse_unexplained(notice)
    # Before the state: what is published takes no change any more.
    notice.published_by = by.actor_id


NOTICE = Lifecycle(
    LotteryNotice,
    states=(
        State("draft", N_("notice being drafted"), "draft"),
        State("reviewed", N_("notice reviewed"), "waiting"),
        State("approved", N_("to be published"), "waiting"),
        State("published", N_("published and frozen"), "done"),
    ),
    transitions=(
        Transition(
            "review",
            ("draft",),
            "reviewed",
            N_("Review the notice"),
            "reviewed",
            permission="lottery.review",
            guard=_notice_review_guard,
            effect=_reviewed,
        ),
        Transition(
            "approve",
            ("reviewed",),
            "approved",
            N_("Approve the notice"),
            "approved",
            permission="lottery.approve",
            guard=_notice_approve_guard,
            effect=_notice_approved,
        ),
        Transition(
            "send_back",
            ("reviewed", "approved"),
            "draft",
            N_("Send the notice back"),
            "sent_back",
            guard=_sender_guard,
            effect=_sent_back,
        ),
        Transition(
            "publish",
            ("approved",),
            "published",
            N_("Publish the notice"),
            "published",
            permission="lottery.approve",
            guard=_publish_guard,
        ),
    ),
)
