"""A budget: entered by one person, approved by another."""

from __future__ import annotations

from core import clock
from core.access.policy import require_distinct
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from finance.funds.models import Budget
from finance.ledger.services import account_of, move

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行）第十五条"


def _approve_guard(budget: Budget, *, by: Actor) -> None:
    require_distinct({"entered": budget.entered_by, "approved": by.actor_id}, rule="RAP-2", source=SEPARATION)


def _approve_effect(budget: Budget, *, by: Actor) -> None:
    budget.approved_by = by.actor_id
    budget.approved_at = clock.now()
    source = account_of(
        "fund_source",
        budget.fund_source_id,
        "source",
        restricted=False,
        agency_id=budget.fund_source.agency_id,
    )
    account = account_of("budget", budget.id, "budget", agency_id=budget.agency_id)
    move(
        "budget_approved",
        key=f"budget/{budget.id}",
        legs=[(source, -budget.amount), (account, budget.amount)],
        reference=("budget", budget.id),
        memo=budget.document_number,
        by=by,
    )


BUDGET = Lifecycle(
    Budget,
    states=(
        State("draft", N_("waiting for approval"), "waiting"),
        State("approved", N_("in force"), "active"),
    ),
    transitions=(
        Transition(
            "approve",
            ("draft",),
            "approved",
            N_("Approve the budget"),
            "approved",
            permission="fund.review",
            guard=_approve_guard,
            effect=_approve_effect,
        ),
    ),
)
