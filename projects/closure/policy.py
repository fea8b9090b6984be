"""Who may approve a settlement."""

from __future__ import annotations

from typing import Any

from projects.closure.models import Closure

SETTLING = ("closure.approve", "closure.review")


def may_settle(user: Any, closure: Closure) -> bool:
    """The leader, or the reviewing officer; in either case somebody who neither reported nor checked."""
    return any(user.may(permission, agency_id=closure.agency_id) for permission in SETTLING)
