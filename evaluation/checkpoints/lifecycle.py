"""A checkpoint's states: planned, self-reported, under review, graded; a failed mid-term is re-checked once."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.policy import require_evaluator
from evaluation.checkpoints.queries import being_put_right
from evaluation.checkpoints.rules import SOURCE


def _evaluator(checkpoint: Checkpoint, *, by: Any) -> None:
    require_evaluator(checkpoint, by=by)


def _rectified(checkpoint: Checkpoint, *, by: Any) -> None:
    require_evaluator(checkpoint, by=by)
    if being_put_right(checkpoint.project):
        raise Refusal(
            Message(N_("The re-check follows when the rectification is closed.")),
            rule="RDT-d",
            source=SOURCE,
            whose_turn=Message(N_("the organization, then the programme officer")),
            status=409,
        )


def _reported(checkpoint: Checkpoint, *, by: Any) -> None:
    checkpoint.reported_by, checkpoint.reported_at = by.actor_id, clock.now()


CHECKPOINT = Lifecycle(
    Checkpoint,
    states=(
        State("planned", N_("Self report due"), "waiting"),
        State("self_reported", N_("Self-reported"), "active"),
        State("under_review", N_("Under evaluation"), "active"),
        State("graded", N_("Graded"), "active"),
        State("rectifying", N_("To be put right"), "wrong"),
        State("rechecked", N_("Re-checked"), "active"),
        State("final", N_("Concluded"), "done"),
    ),
    transitions=(
        Transition(
            "report",
            ("planned",),
            "self_reported",
            N_("Send the self report"),
            "self_reported",
            permission="checkpoint.report",
            holder="organization",
            effect=_reported,
        ),
        Transition(
            "begin",
            ("self_reported",),
            "under_review",
            N_("Begin the evaluation"),
            "review_begun",
            guard=_evaluator,
        ),
        Transition("grade", ("under_review",), "graded", N_("Submit the grade"), "graded", guard=_evaluator),
        Transition("rectify", ("graded",), "rectifying", N_("Have it put right"), "rectification_asked"),
        Transition(
            "recheck", ("rectifying",), "rechecked", N_("Submit the re-check"), "rechecked", guard=_rectified
        ),
        Transition("conclude", ("graded", "rechecked"), "final", N_("Conclude"), "concluded"),
    ),
)
