"""A case: opened, assigned to a unit, answered there, closed by somebody else."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from finance.alerts.models import FundAlert
from finance.alerts.policy import may_answer, may_close


def _raise(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal


def _assigned(alert: FundAlert, *, by: Any, unit: int, due: Any) -> None:
    alert.assigned_agency_id, alert.due_on, alert.assigned_by = unit, due, by.actor_id


def _answer_guard(alert: FundAlert, *, by: Any, text: str) -> None:
    _raise(may_answer(by, alert))


def _answered(alert: FundAlert, *, by: Any, text: str) -> None:
    alert.answer, alert.answered_by, alert.answered_at = text, by.actor_id, clock.now()


def _close_guard(alert: FundAlert, *, by: Any, text: str) -> None:
    _raise(may_close(by, alert))
    # Before the state: a closed case takes no change any more.
    alert.outcome, alert.closed_by, alert.closed_at = text, by.actor_id, clock.now()


def _again_guard(alert: FundAlert, *, by: Any) -> None:
    _raise(may_close(by, alert))


def _again(alert: FundAlert, *, by: Any) -> None:
    alert.answered_by = alert.answered_at = None


ALERT = Lifecycle(
    FundAlert,
    states=(
        State("opened", N_("alert to assign"), "waiting"),
        State("assigned", N_("answer awaited"), "wrong"),
        State("answered", N_("answered, to be judged"), "active"),
        State("closed", N_("case closed"), "done"),
    ),
    transitions=(
        Transition(
            "assign",
            ("opened", "assigned"),
            "assigned",
            N_("Assign the case"),
            "assigned",
            permission="alert.assign",
            effect=_assigned,
        ),
        Transition(
            "answer",
            ("assigned",),
            "answered",
            N_("Answer the case"),
            "answered",
            guard=_answer_guard,
            effect=_answered,
        ),
        Transition(
            "ask_again",
            ("answered",),
            "assigned",
            N_("Ask again"),
            "asked_again",
            permission="alert.close",
            guard=_again_guard,
            effect=_again,
        ),
        Transition(
            "close",
            ("answered",),
            "closed",
            N_("Close the case"),
            "closed",
            permission="alert.close",
            guard=_close_guard,
        ),
    ),
)
