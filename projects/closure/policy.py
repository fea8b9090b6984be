"""Who may approve a settlement, and who may take which step of an early end."""

from __future__ import annotations

from typing import Any

from projects.agreements.policy import require_no_interest, require_separate
from projects.closure.models import Closure, Termination

SETTLING = ("closure.approve", "closure.review")
TERMINATING = (
    "project.terminate",
    "termination.review",
    "termination.review_money",
    "termination.decide",
)


def may_settle(user: Any, closure: Closure) -> bool:
    """The leader, or the reviewing officer; in either case somebody who neither reported nor checked."""
    return any(user.may(permission, agency_id=closure.agency_id) for permission in SETTLING)


def guard_termination(termination: Termination, place: str, *, by: Any) -> None:
    """Proposed, looked at by legal and by finance, decided: four people without ties (DOMAIN 2.5)."""
    require_separate(
        {
            "proposed": termination.proposed_by,
            "legal": termination.legal_reviewed_by,
            "finance": termination.money_reviewed_by,
            place: by.id,
        }
    )
    require_no_interest(by, termination.organization_id)


def may_drop(user: Any, termination: Termination) -> bool:
    """Whoever may propose, review or decide may also let it drop before the decision."""
    return any(user.may(permission, agency_id=termination.agency_id) for permission in TERMINATING)
