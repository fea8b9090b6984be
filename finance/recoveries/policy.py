"""Who may take which step of a recovery case."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal, require_distinct
from core.text import N_, Message
from finance.commitments.models import Commitment
from finance.disbursements.models import Disbursement
from finance.disbursements.policy import SEPARATION, ask_before_return, may_take_part
from finance.recoveries.models import Recovery
from finance.recoveries.queries import asked_for
from finance.recoveries.rules import SOURCE_AMOUNT


def require_outside_eyes(user: Any, commitment: Commitment) -> None:
    """Nobody excluded from the payments of this commitment, or tied to the payee, acts on the case."""
    refusal = may_take_part(user, commitment)
    if refusal is not None:
        raise refusal


def require_separate(recovery: Recovery, place: str, user: Any) -> None:
    """Proposed, reviewed twice, ordered and booked by different people (RAP-2, DOMAIN 2.5)."""
    people = {
        "proposed": recovery.proposed_by,
        "legal": recovery.reviewed_by,
        "finance": recovery.money_reviewed_by,
        "ordered": recovery.ordered_by,
        place: user.id,
    }
    require_distinct(people, rule="RAP-2", source=SEPARATION)


def may_step(user: Any, recovery: Recovery, place: str) -> Refusal | None:
    """Why this person cannot fill ``place``; ``None`` when nothing stands in the way."""
    try:
        require_outside_eyes(user, recovery.commitment)
        require_separate(recovery, place, user)
    except Refusal as refusal:
        return refusal
    return None


def _not_while_recovered(disbursement: Disbursement) -> Refusal | None:
    """The same money does not come back twice: by the bank and by a case."""
    _paid, asked = asked_for(disbursement.commitment, disbursement)
    if not asked:
        return None
    return Refusal(
        Message(
            N_("A recovery case asks for %(asked)s yuan of this payment: book what comes back there."),
            {"asked": asked},
        ),
        rule="RRC-1",
        source=SOURCE_AMOUNT,
        status=409,
    )


ask_before_return("recoveries", _not_while_recovered)
