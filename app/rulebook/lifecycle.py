"""A change of the rules: drafted, reviewed and put in force by three people."""

from __future__ import annotations

from typing import Any

from app.rulebook.models import RuleDraft
from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.rules.services import add_rule_set
from core.text import N_, Message

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行）第十五条"
NOT_BACKWARDS = "立法法 第一百零四条：法律、行政法规、地方性法规、规章不溯及既往"


def _review_guard(draft: RuleDraft, *, by: Any) -> None:
    require_distinct({"drafted": draft.drafted_by, "reviewed": by.actor_id}, rule="RAP-2", source=SEPARATION)


def _reviewed(draft: RuleDraft, *, by: Any) -> None:
    draft.reviewed_by = by.actor_id


def _approve_guard(draft: RuleDraft, *, by: Any) -> None:
    require_distinct(
        {"drafted": draft.drafted_by, "reviewed": draft.reviewed_by, "approved": by.actor_id},
        rule="RAP-3",
        source=SEPARATION,
    )
    if draft.valid_from < clock.today():
        raise Refusal(
            Message(
                N_(
                    "The day from which this is to hold, %(day)s, has passed: a rule does not work backwards. Send the draft back and set a later day."
                ),
                {"day": draft.valid_from},
            ),
            rule="RULE-DATE",
            source=NOT_BACKWARDS,
        )
    # Before the state says so: the database asks that what is in force has its rule set.
    draft.approved_by = by.actor_id
    row = add_rule_set(
        draft.family,
        dict(draft.parameters),
        valid_from=draft.valid_from,
        source=draft.source,
        jurisdiction=draft.jurisdiction,
        programme=draft.programme,
    )
    draft.rule_set_id = row.id


def _returned(draft: RuleDraft, *, by: Any) -> None:
    # The next version is looked at anew.
    draft.reviewed_by = None


def _withdraw_guard(draft: RuleDraft, *, by: Any) -> None:
    if not any(
        by.may(permission, agency_id=draft.agency_id)
        for permission in ("rule.draft", "rule.review", "rule.approve")
    ):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)


RULE_DRAFT = Lifecycle(
    RuleDraft,
    states=(
        State("draft", N_("drafted"), "draft"),
        State("reviewed", N_("reviewed, waits for approval"), "waiting"),
        State("in_force", N_("in force"), "done"),
        State("withdrawn", N_("withdrawn"), "closed"),
    ),
    transitions=(
        Transition(
            "review", ("draft",), "reviewed", N_("Review the change"), "reviewed",
            permission="rule.review", guard=_review_guard, effect=_reviewed,
        ),
        Transition(
            "approve", ("reviewed",), "in_force", N_("Put in force"), "put_in_force",
            permission="rule.approve", guard=_approve_guard,
        ),
        Transition(
            "return", ("reviewed",), "draft", N_("Send back to the draft"), "sent_back",
            guard=_withdraw_guard, effect=_returned,
        ),
        Transition(
            "withdraw", ("draft", "reviewed"), "withdrawn", N_("Withdraw the change"), "withdrawn",
            guard=_withdraw_guard,
        ),
    ),
)  # fmt: skip
