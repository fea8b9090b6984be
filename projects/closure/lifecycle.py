"""States of a closure."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from projects.agreements.policy import require_no_interest, require_separate
from projects.closure.models import Closure
from projects.closure.policy import may_settle


def _guard_check(closure: Closure, *, by: Any) -> None:
    require_separate({"reported": closure.reported_by, "checked": by.id})
    require_no_interest(by, closure.organization_id)


def _guard_settle(closure: Closure, *, by: Any) -> None:
    if not may_settle(by, closure):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    require_separate({"reported": closure.reported_by, "checked": closure.checked_by, "approved": by.id})
    require_no_interest(by, closure.organization_id)


def _checked(closure: Closure, *, by: Any) -> None:
    closure.checked_by = by.id


def _settled(closure: Closure, *, by: Any) -> None:
    closure.approved_by = by.id


CLOSURE = Lifecycle(
    Closure,
    states=(
        State("reported", N_("closing account reported"), "waiting"),
        State("returned", N_("closing account returned"), "wrong"),
        State("checked", N_("closing account checked"), "active"),
        State("settled", N_("closing account settled"), "done"),
    ),
    transitions=(
        Transition(
            "return", ("reported",), "returned", N_("Return the closing account"), "returned",
            permission="closure.handle", guard=_guard_check,
        ),
        Transition(
            "report_again", ("returned",), "reported", N_("Report the closing account again"),
            "reported again", permission="closure.report", holder="organization",
        ),
        Transition(
            "check", ("reported",), "checked", N_("Confirm the closing account"), "checked",
            permission="closure.handle", guard=_guard_check, effect=_checked,
        ),
        Transition(
            "settle", ("checked",), "settled", N_("Approve the settlement"), "settled",
            guard=_guard_settle, effect=_settled,
        ),
    ),
)  # fmt: skip
