"""Who evaluates: the appointed outside evaluator, and nobody tied to the organization."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.text import N_, Message
from evaluation.checkpoints.models import Checkpoint
from evaluation.panels.rules import SOURCE
from registry.accounts.models import User
from registry.interests.queries import conflict


def require_evaluator(checkpoint: Checkpoint, *, by: Any) -> None:
    if checkpoint.evaluator_id != by.actor_id or not by.may_somewhere("checkpoint.evaluate"):
        raise Refusal(
            Message(N_("Only the evaluator appointed for this checkpoint takes this step.")),
            whose_turn=Message(N_("the appointed evaluator")),
            status=403,
        )
    refuse_tied(by, checkpoint.organization_id)


def refuse_tied(evaluator: User, organization_id: int) -> None:
    """An evaluator neither works for the organization nor had an interest in it within three years."""
    works_there = any(item.organization_id == organization_id for item in evaluator.roles)
    if works_there or conflict(evaluator.person_id, organization_id, on=clock.today()) is not None:
        raise Refusal(
            Message(
                N_("%(name)s has an interest in this organization and cannot evaluate it."),
                {"name": evaluator.name},
            ),
            rule="REX",
            source=SOURCE,
        )
