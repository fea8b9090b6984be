"""A recovery case: proposed → reviewed by legal → by finance → ordered → settled; or dropped with a reason."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from finance.recoveries import policy
from finance.recoveries.models import Recovery


def _step(recovery: Recovery, place: str, by: Any) -> None:
    policy.require_outside_eyes(by, recovery.commitment)
    policy.require_separate(recovery, place, by)


def _legal_guard(recovery: Recovery, *, by: Any) -> None:
    _step(recovery, "legal", by)


def _legal_effect(recovery: Recovery, *, by: Any) -> None:
    recovery.reviewed_by = by.actor_id


def _money_guard(recovery: Recovery, *, by: Any) -> None:
    _step(recovery, "finance", by)


def _money_effect(recovery: Recovery, *, by: Any) -> None:
    recovery.money_reviewed_by = by.actor_id


def _order_guard(recovery: Recovery, *, by: Any, basis: str) -> None:
    _step(recovery, "ordered", by)
    if not basis.strip():
        raise Refusal(
            Message(
                N_("Write what the order rests on: the minutes of the meeting or the number of the decision.")
            ),
            rule="RAP-2",
            source=policy.SEPARATION,
        )


def _order_effect(recovery: Recovery, *, by: Any, basis: str) -> None:
    recovery.ordered_by, recovery.ordered_on, recovery.basis = by.actor_id, clock.today(), basis.strip()


def _drop_guard(recovery: Recovery, *, by: Any, reason: str) -> None:
    """Before the order whoever proposed or reviews may drop it; an order is taken back by who orders."""
    policy.require_outside_eyes(by, recovery.commitment)
    needed = (
        ("recovery.order",)
        if recovery.state == "ordered"
        else ("recovery.propose", "recovery.review", "recovery.review_money", "recovery.order")
    )
    if not any(by.may(item, agency_id=recovery.agency_id) for item in needed):
        raise Refusal(
            Message(N_("You do not have the permission for this step.")),
            whose_turn=Message(N_("the approving leader")),
            status=403,
        )
    if not reason.strip():
        raise Refusal(Message(N_("Say why: the reason stays with the case.")))


def _drop_effect(recovery: Recovery, *, by: Any, reason: str) -> None:
    recovery.drop_reason = reason.strip()


def _settle_guard(recovery: Recovery, *, by: Any) -> None:
    if recovery.open_amount:
        raise Refusal(
            Message(N_("%(open)s yuan of this case are still open."), {"open": recovery.open_amount}),
            rule="RRC-2",
            status=409,
        )


def _settle_effect(recovery: Recovery, *, by: Any) -> None:
    recovery.settled_on = clock.today()


RECOVERY = Lifecycle(
    Recovery,
    states=(
        State("proposed", N_("recovery proposed"), "draft"),
        State("legal_reviewed", N_("looked at by legal"), "waiting"),
        State("reviewed", N_("looked at by finance"), "waiting"),
        State("ordered", N_("recovery ordered"), "wrong"),
        State("settled", N_("everything came back"), "done"),
        State("dropped", N_("dropped"), "closed"),
    ),
    transitions=(
        Transition(
            "review_legal", ("proposed",), "legal_reviewed", N_("Confirm the ground (legal)"), "legally reviewed",
            permission="recovery.review", guard=_legal_guard, effect=_legal_effect,
        ),
        Transition(
            "review_money", ("legal_reviewed",), "reviewed", N_("Confirm the amount (finance)"),
            "reviewed by finance", permission="recovery.review_money", guard=_money_guard, effect=_money_effect,
        ),
        Transition(
            "order", ("reviewed",), "ordered", N_("Order the recovery"), "ordered",
            permission="recovery.order", guard=_order_guard, effect=_order_effect,
        ),
        Transition(
            "drop", ("proposed", "legal_reviewed", "reviewed", "ordered"), "dropped", N_("Drop the case"),
            "dropped", guard=_drop_guard, effect=_drop_effect,
        ),
        # Follows from the last part that comes back.
        Transition(
            "settle", ("ordered",), "settled", N_("Close the case"), "settled",
            guard=_settle_guard, effect=_settle_effect,
        ),
    ),
)  # fmt: skip
