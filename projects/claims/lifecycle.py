"""States of a claim."""

from __future__ import annotations

from typing import Any

from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from projects.agreements.policy import require_no_interest, require_separate
from projects.claims.models import Claim


def _handled(claim: Claim, *, by: Any) -> None:
    claim.handled_by = by.id


def _outside_eyes(claim: Claim, *, by: Any) -> None:
    require_separate({"submitted": claim.submitted_by, "handled": by.id})
    require_no_interest(by, claim.organization_id)


CLAIM = Lifecycle(
    Claim,
    states=(
        State("submitted", N_("claim submitted"), "waiting"),
        State("accepted", N_("claim accepted"), "done"),
        State("returned", N_("claim returned"), "wrong"),
    ),
    transitions=(
        Transition(
            "accept", ("submitted",), "accepted", N_("Accept and request the payment"), "accepted",
            permission="claim.handle", guard=_outside_eyes, effect=_handled,
        ),
        Transition(
            "return", ("submitted",), "returned", N_("Return the claim"), "returned",
            permission="claim.handle", effect=_handled,
        ),
    ),
)  # fmt: skip
