"""The states of a call. Open and closed follow from the clock and are no states."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from grants.calls.models import Call
from grants.calls.policy import must_be_another, must_hold
from grants.calls.rules import SOURCES


def _review_guard(call: Call, *, by: Any) -> None:
    must_be_another(call, by=by)


def _reviewed(call: Call, *, by: Any) -> None:
    call.reviewed_by = by.actor_id


def _approved(call: Call, *, by: Any) -> None:
    call.approved_by = by.actor_id


def _publish_guard(call: Call, *, by: Any) -> None:
    if call.deadline_at <= clock.now():
        raise Refusal(
            Message(
                N_(
                    "The deadline of this call has already passed. Send it back to draft and set a new calendar."
                )
            ),
            rule="TIME",
            source=SOURCES["TIME"],
        )


def _published(call: Call, *, by: Any) -> None:
    call.published_at = clock.now()


def _return_guard(call: Call, *, by: Any) -> None:
    must_hold(call, "call.draft", "call.review", "call.approve", by=by)


def _returned(call: Call, *, by: Any) -> None:
    # The next draft is judged anew: earlier signatures do not hold for it.
    call.reviewed_by = call.approved_by = None


def _closed_guard(call: Call, *, by: Any) -> None:
    if clock.now() < call.deadline_at:
        raise Refusal(
            Message(
                N_("Applications can still arrive until %(deadline)s; nothing is judged before that."),
                {"deadline": clock.local(call.deadline_at).strftime("%Y-%m-%d %H:%M")},
            ),
            rule="TIME",
            source=SOURCES["TIME"],
        )


lifecycle = Lifecycle(
    model=Call,
    states=(
        State("draft", N_("draft"), "draft"),
        State("reviewed", N_("reviewed"), "waiting"),
        State("approved", N_("approved"), "waiting"),
        State("published", N_("published"), "active"),
        State("judged", N_("judged"), "active"),
        State("concluded", N_("concluded"), "done"),
        State("cancelled", N_("cancelled"), "closed"),
        State("failed", N_("failed call"), "closed"),
    ),
    transitions=(
        Transition(
            "review", ("draft",), "reviewed", N_("Review"), "reviewed",
            permission="call.review", guard=_review_guard, effect=_reviewed,
        ),
        Transition(
            "approve", ("reviewed",), "approved", N_("Approve"), "approved",
            permission="call.approve", guard=_review_guard, effect=_approved,
        ),
        Transition(
            "return", ("reviewed", "approved"), "draft", N_("Send back to draft"), "returned",
            guard=_return_guard, effect=_returned,
        ),
        Transition(
            "publish", ("approved",), "published", N_("Publish"), "published",
            permission="call.publish", guard=_publish_guard, effect=_published,
        ),
        # Written down by the floor that judges, whose own table asks for the permission.
        Transition("judge", ("published",), "judged", N_("Close the judging"), "judged", guard=_closed_guard),
        Transition("conclude", ("judged",), "concluded", N_("Conclude"), "concluded"),
        Transition(
            "cancel", ("draft", "reviewed", "approved"), "cancelled", N_("Cancel"), "cancelled",
            permission="call.draft",
        ),
        Transition(
            "withdraw", ("published",), "cancelled", N_("Cancel"), "cancelled", permission="call.approve"
        ),
        Transition(
            "fail", ("published", "judged"), "failed", N_("Declare failed"), "failed",
            permission="call.approve", guard=_closed_guard,
        ),
    ),
)  # fmt: skip
