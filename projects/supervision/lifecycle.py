"""States of a rectification."""

from __future__ import annotations

from typing import Any

from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from projects.agreements.policy import require_separate
from projects.supervision.models import Rectification


def _answered(rectification: Rectification, *, by: Any) -> None:
    rectification.answered_by = by.id


def _closed(rectification: Rectification, *, by: Any) -> None:
    rectification.closed_by = by.id


def _not_own_answer(rectification: Rectification, *, by: Any) -> None:
    require_separate({"answered": rectification.answered_by, "closed": by.id})


RECTIFICATION = Lifecycle(
    Rectification,
    states=(
        State("open", N_("to be put right"), "wrong"),
        State("answered", N_("answered, to be checked"), "waiting"),
        State("closed", N_("put right"), "done"),
        State("failed", N_("not put right"), "wrong"),
    ),
    transitions=(
        Transition(
            "answer", ("open",), "answered", N_("Send the answer"), "answered",
            permission="checkpoint.report", holder="organization", effect=_answered,
        ),
        Transition(
            "ask_again", ("answered",), "open", N_("Ask for more"), "asked again",
            permission="rectification.open",
        ),
        Transition(
            "close", ("answered",), "closed", N_("Confirm that it was put right"), "closed",
            permission="rectification.open", guard=_not_own_answer, effect=_closed,
        ),
        Transition(
            "fail", ("open", "answered"), "failed", N_("Record that it was not put right"), "failed",
            permission="rectification.open", effect=_closed,
        ),
    ),
)  # fmt: skip
