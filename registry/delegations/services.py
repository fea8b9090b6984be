"""Delegations: a colleague who is away lends the steps of payments, from a day to a day.

What is lent is the role at one unit, and of it only the steps of payments; it cannot be lent on, is
taken back at any time, and ends with the role it comes from. Each step says in whose place it was
taken, and counts for both people.
"""

from __future__ import annotations

from datetime import date, timedelta

from core import clock
from core.access.policy import ADMINISTRATORS, ROLES, STEPS_OF_PAYMENTS, Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.accounts.models import RoleAssignment, User
from registry.delegations.queries import colleagues

RULE = "RAP-5"
SOURCE = "行政事业单位内部控制规范（试行）第十五条：授权应当明确范围和期限"
LONGEST = timedelta(days=92)


def delegate(
    assignment: RoleAssignment, to: User, *, valid_from: date, valid_to: date, by: User
) -> RoleAssignment:
    """Lend the payment steps of one's own role to a colleague of the same unit."""
    _require_own(assignment, by)
    role = ROLES[assignment.role]
    if not role.permissions & STEPS_OF_PAYMENTS or assignment.agency_id is None:
        raise _no(N_("This role takes no step of a payment: nothing to lend."))
    if assignment.delegated_by is not None:
        raise _no(N_("What was lent to you cannot be lent on: the colleague lends it to somebody else."))
    today = clock.today()
    if not assignment.alive(today) or not today <= valid_from <= valid_to:
        raise _no(N_("Lend from today or a later day on, until a day not before it."))
    if valid_to - valid_from > LONGEST:
        raise _no(N_("At most three months at once; lend again when you are still away."))
    if assignment.valid_to is not None and valid_to > assignment.valid_to:
        raise _no(N_("Your own role ends before that day."))
    if {item.role for item in to.roles if item.alive(today)} & ADMINISTRATORS:
        raise _no(N_("The three administrators hold no business role, lent ones neither."))
    if to.id not in {item.id for item in colleagues(assignment)}:
        raise _no(N_("Choose a colleague with an open account and a role at the same unit."))
    lent = RoleAssignment(
        user_id=to.id,
        role=assignment.role,
        agency_id=assignment.agency_id,
        valid_from=valid_from,
        valid_to=valid_to,
        delegated_by=by.id,
    )
    db.session.add(lent)
    db.session.flush()
    db.session.expire(to, ["roles"])
    details = {
        "role": assignment.role,
        "agency": assignment.agency_id,
        "from": valid_from,
        "to": valid_to,
        "assignment": lent.id,
        "note": f"{by.name} → {to.name}",
    }
    record(by, "power_lent", by=by, details=details)
    record(to, "power_borrowed", by=by, details=details)
    return lent


def take_back(lent: RoleAssignment, *, by: Actor) -> None:
    """End it at once; the row stays as history."""
    if lent.delegated_by is None or lent.delegated_by != by.actor_id:
        raise Refusal(Message(N_("Only who lent it takes it back.")), rule=RULE, source=SOURCE, status=403)
    if lent.revoked_at is not None:
        raise Refusal(Message(N_("This has been taken back already.")), status=409)
    lent.revoked_at = clock.now()
    db.session.flush()
    record(lent.user, "power_taken_back", by=by, details={"assignment": lent.id, "role": lent.role})


def _require_own(assignment: RoleAssignment, by: User) -> None:
    if assignment.user_id != by.id:
        raise Refusal(Message(N_("Only one's own role is lent.")), rule=RULE, source=SOURCE, status=403)


def _no(sentence: str) -> Refusal:
    return Refusal(Message(sentence), rule=RULE, source=SOURCE)
