"""A reported change: drafted and sent by the organization, accepted or given back by the department."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from registry.organizations.policy import CONTROL
from registry.updates.models import UpdateRequest


def _something(request: UpdateRequest, *, by: Any) -> None:
    if not request.proposed:
        raise Refusal(Message(N_("Nothing differs from the entry: change a field first.")))


def _sent(request: UpdateRequest, *, by: Any) -> None:
    request.submitted_by, request.submitted_at = by.actor_id, clock.now()
    request.decided_by = request.decided_at = None


def _another(request: UpdateRequest, *, by: Any) -> None:
    for who in (request.drafted_by, request.submitted_by):
        require_distinct({"reported": who, "decided": by.actor_id}, rule="RAP-2", source=CONTROL)


def _decided(request: UpdateRequest, *, by: Any) -> None:
    request.decided_by, request.decided_at = by.actor_id, clock.now()


UPDATE = Lifecycle(
    UpdateRequest,
    states=(
        State("draft", N_("draft of a change"), "draft"),
        State("submitted", N_("change reported, to be looked at"), "waiting"),
        State("returned", N_("change given back"), "wrong"),
        State("accepted", N_("change accepted"), "done"),
        State("withdrawn", N_("change withdrawn"), "closed"),
    ),
    transitions=(
        Transition(
            "submit", ("draft", "returned"), "submitted", N_("Send it to the department"), "submitted",
            permission="own.submit", holder="organization", guard=_something, effect=_sent,
        ),
        Transition(
            "withdraw", ("draft", "submitted", "returned"), "withdrawn", N_("Withdraw the change"), "withdrawn",
            permission="own.edit", holder="organization",
        ),
        Transition(
            "accept", ("submitted",), "accepted", N_("Accept the change"), "accepted",
            permission="organization.verify", guard=_another, effect=_decided,
        ),
        Transition(
            "give_back", ("submitted",), "returned", N_("Send it back to the organization"), "returned",
            permission="organization.verify", guard=_another, effect=_decided,
        ),
    ),
)  # fmt: skip
