"""A notice: drafted, reviewed and approved by three people; what was published stays."""

from __future__ import annotations

from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from finance.announcements import policy
from finance.announcements.models import LotteryNotice
from finance.lottery.lifecycle import nobody_looked, reviewed_by_one, sender_guard
from finance.lottery.policy import require_three


def _notice_review_guard(notice: LotteryNotice, *, by: Actor) -> None:
    require_three(notice.drafted_by, by.actor_id, None)
    policy.refuse_unexplained(notice)


def _notice_approve_guard(notice: LotteryNotice, *, by: Actor) -> None:
    require_three(notice.drafted_by, notice.reviewed_by, by.actor_id)
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
            effect=reviewed_by_one,
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
            guard=sender_guard,
            effect=nobody_looked,
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
