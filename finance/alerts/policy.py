"""Who takes which step of a case."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal
from core.text import N_, Message
from finance.alerts.models import FundAlert
from finance.alerts.rules import SEPARATION


def may_answer(user: Any, alert: FundAlert) -> Refusal | None:
    """Only the unit the case was assigned to answers it."""
    if alert.assigned_agency_id is not None and user.may("alert.answer", agency_id=alert.assigned_agency_id):
        return None
    return Refusal(
        Message(N_("The unit this case was assigned to answers it.")),
        whose_turn=Message(N_("an officer of the assigned unit")),
        status=403,
    )


def may_close(user: Any, alert: FundAlert) -> Refusal | None:
    """Whoever answered does not close."""
    if user.id == alert.answered_by:
        return Refusal(
            Message(N_("Whoever answered the case does not close it: somebody else judges the answer.")),
            rule="RAP-2",
            source=SEPARATION,
            whose_turn=Message(N_("the supervisor or the approving leader")),
            status=403,
        )
    return None
