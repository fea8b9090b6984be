"""A sheet's states: open, then submitted for good."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from evaluation.panels.rules import SOURCE
from evaluation.reviews.models import Review


def _own_sheet(review: Review, *, by: Any) -> None:
    if by.person_id != review.person_id or not by.may_somewhere("review.score"):
        raise Refusal(
            Message(N_("A score sheet is filled in by its own expert alone.")),
            rule="REX",
            source=SOURCE,
            status=403,
        )
    if review.panel.state != "scoring":
        raise Refusal(Message(N_("Scoring is not open now.")), rule="REX", source=SOURCE)


REVIEW = Lifecycle(
    Review,
    states=(State("open", N_("Not submitted"), "waiting"), State("submitted", N_("Sheet submitted"), "done")),
    transitions=(
        Transition(
            "submit", ("open",), "submitted", N_("Submit and sign"), "sheet_submitted", guard=_own_sheet
        ),
    ),
)
