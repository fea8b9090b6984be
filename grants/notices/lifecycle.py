"""The states of an objection: answered by one person, decided by another."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from grants.applications.policy import must_not_belong
from grants.notices.models import Objection
from grants.notices.rules import SOURCE


def _answer_guard(objection: Objection, *, by: Any) -> None:
    must_not_belong(objection.application, by=by)
    if not objection.answer.strip():
        raise Refusal(Message(N_("Write the answer; the objector reads it.")), rule="RPN", source=SOURCE)


def _decide_guard(objection: Objection, *, by: Any) -> None:
    require_distinct(
        {"answered": objection.answered_by, "decided": by.actor_id},
        rule="RAP-2",
        source="政府采购法 第六十一条；内部控制",
    )
    must_not_belong(objection.application, by=by)


def _decided(objection: Objection, *, by: Any) -> None:
    objection.decided_by, objection.decided_at = by.actor_id, clock.now()


lifecycle = Lifecycle(
    model=Objection,
    states=(
        State("received", N_("received"), "waiting"),
        State("reviewed", N_("answer drafted"), "active"),
        State("rejected", N_("objection not upheld"), "done"),
        State("upheld", N_("objection upheld"), "wrong"),
    ),
    transitions=(
        Transition(
            "answer", ("received",), "reviewed", N_("Draft the answer"), "answered",
            permission="objection.answer", guard=_answer_guard,
        ),
        Transition(
            "send_back", ("reviewed",), "received", N_("Send the answer back"), "sent_back",
            permission="objection.review",
        ),
        Transition(
            "reject", ("reviewed",), "rejected", N_("Do not uphold"), "rejected",
            permission="objection.review", guard=_decide_guard, effect=_decided,
        ),
        Transition(
            "uphold", ("reviewed",), "upheld", N_("Uphold"), "upheld",
            permission="objection.review", guard=_decide_guard, effect=_decided,
        ),
    ),
)  # fmt: skip
