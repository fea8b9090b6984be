"""Who may give which role to whom."""

from __future__ import annotations

from collections.abc import Iterable

from core import clock
from core.access.policy import ADMINISTRATORS, Refusal
from core.audit.services import Actor
from core.text import N_, Message
from registry.accounts.models import RoleAssignment, User

RULE = "RAP-1"
SOURCE = "内部控制 不相容岗位分离"


def require_grantable(user: User, role: str, *, by: Actor) -> None:
    """Nobody widens their own account; an administrator of one kind holds no other role."""
    if by.actor_id is not None and by.actor_id == user.id:
        raise Refusal(
            Message(N_("Nobody gives a role to their own account: another administrator does.")),
            rule=RULE,
            source=SOURCE,
            status=403,
        )
    held = {item.role for item in _alive(user.roles)}
    if held and (role in ADMINISTRATORS or held & ADMINISTRATORS) and held != {role}:
        raise Refusal(
            Message(
                N_(
                    "The three administrators (system, security, audit) are three people and hold no business"
                    " role: give this role to another person."
                )
            ),
            rule=RULE,
            source=SOURCE,
            status=403,
        )


def require_other(user: User, *, by: Actor) -> None:
    """Closing, reopening and resetting are for other people's accounts."""
    if by.actor_id is not None and by.actor_id == user.id:
        raise Refusal(
            Message(N_("This is your own account: another administrator does this.")),
            rule=RULE,
            source=SOURCE,
            status=403,
        )


def _alive(roles: Iterable[RoleAssignment]) -> list[RoleAssignment]:
    today = clock.today()
    return [
        item for item in roles if item.revoked_at is None and (not item.valid_to or item.valid_to >= today)
    ]
