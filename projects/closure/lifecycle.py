"""States of a closure."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from projects.agreements.policy import require_no_interest, require_separate
from projects.closure.models import Closure, Termination
from projects.closure.policy import guard_termination, may_drop, may_settle


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


def _legal_guard(termination: Termination, *, by: Any) -> None:
    guard_termination(termination, "legal", by=by)


def _legal_effect(termination: Termination, *, by: Any) -> None:
    termination.legal_reviewed_by = by.id


def _money_guard(termination: Termination, *, by: Any) -> None:
    guard_termination(termination, "finance", by=by)


def _money_effect(termination: Termination, *, by: Any) -> None:
    termination.money_reviewed_by = by.id


def _decide_guard(termination: Termination, *, by: Any, basis: str) -> None:
    guard_termination(termination, "decided", by=by)
    if not basis.strip():
        raise Refusal(
            Message(N_("Write what the decision rests on: the minutes of the meeting or its number."))
        )


def _decide_effect(termination: Termination, *, by: Any, basis: str) -> None:
    termination.decided_by, termination.decided_on, termination.basis = by.id, clock.today(), basis.strip()


def _drop_guard(termination: Termination, *, by: Any, reason: str) -> None:
    if not may_drop(by, termination):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: the other side has to know what to do.")))


def _drop_effect(termination: Termination, *, by: Any, reason: str) -> None:
    termination.drop_reason = reason.strip()


TERMINATION = Lifecycle(
    Termination,
    states=(
        State("proposed", N_("early end proposed"), "waiting"),
        State("legal_reviewed", N_("looked at by legal"), "waiting"),
        State("money_reviewed", N_("looked at by finance"), "waiting"),
        State("decided", N_("early end decided"), "wrong"),
        State("dropped", N_("dropped"), "closed"),
    ),
    transitions=(
        Transition(
            "review_legal", ("proposed",), "legal_reviewed", N_("Confirm the reason (legal)"), "legally reviewed",
            permission="termination.review", guard=_legal_guard, effect=_legal_effect,
        ),
        Transition(
            "review_money", ("legal_reviewed",), "money_reviewed", N_("Confirm the account (finance)"),
            "reviewed by finance", permission="termination.review_money", guard=_money_guard,
            effect=_money_effect,
        ),
        Transition(
            "decide", ("money_reviewed",), "decided", N_("Decide on the early end"), "decided",
            permission="termination.decide", guard=_decide_guard, effect=_decide_effect,
        ),
        Transition(
            "drop", ("proposed", "legal_reviewed", "money_reviewed"), "dropped", N_("Drop the early end"),
            "dropped", guard=_drop_guard, effect=_drop_effect,
        ),
    ),
)  # fmt: skip
