"""Where the payment of a tranche is asked for."""

from __future__ import annotations

from sqlalchemy import select

from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from finance.commitments.models import Commitment
from projects.agreements.models import Agreement
from projects.claims.rules import SOURCE


def claimed_in_project(commitment: Commitment) -> Refusal | None:
    """The tranches of an agreement concluded here are claimed by the organization, under its conditions."""
    known = db.session.scalar(select(Agreement.id).where(Agreement.commitment_id == commitment.id).limit(1))
    if known is None:
        return None
    return Refusal(
        Message(N_("The organization claims this tranche in its project; the claim becomes the payment.")),
        rule="RDT-a",
        source=SOURCE,
        whose_turn=Message(N_("the organization's leader")),
        status=409,
    )
