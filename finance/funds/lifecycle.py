"""A budget and its adjustments: entered by one person, approved by another."""

from __future__ import annotations

from core import clock
from core.access.policy import require_distinct
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from finance.funds.models import Budget, BudgetAdjustment
from finance.ledger.models import Account
from finance.ledger.services import account_of, move

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行）第十五条"


def _approve_guard(budget: Budget, *, by: Actor) -> None:
    require_distinct({"entered": budget.entered_by, "approved": by.actor_id}, rule="RAP-2", source=SEPARATION)


def _approve_effect(budget: Budget, *, by: Actor) -> None:
    """Money comes from the source; what is carried over comes from the budget of the year before."""
    budget.approved_by = by.actor_id
    budget.approved_at = clock.now()
    account = account_of("budget", budget.id, "budget", agency_id=budget.agency_id)
    carried = budget.carried_from
    giver = (
        _source_account(budget)
        if carried is None
        else account_of("budget", carried.id, "budget", agency_id=carried.agency_id)
    )
    move(
        "budget_approved" if carried is None else "carried_over",
        key=f"budget/{budget.id}",
        legs=[(giver, -budget.amount), (account, budget.amount)],
        reference=("budget", budget.id),
        memo=budget.document_number,
        by=by,
    )


def _source_account(budget: Budget) -> Account:
    source = budget.fund_source
    return account_of("fund_source", source.id, "source", restricted=False, agency_id=source.agency_id)


def _adjust_guard(adjustment: BudgetAdjustment, *, by: Actor) -> None:
    require_distinct(
        {"entered": adjustment.entered_by, "approved": by.actor_id}, rule="RAP-2", source=SEPARATION
    )


def _adjust_effect(adjustment: BudgetAdjustment, *, by: Actor) -> None:
    _decided(adjustment, by=by)
    budget = adjustment.budget
    move(
        adjustment.kind,
        key=f"budget_adjustment/{adjustment.id}",
        legs=[
            (_source_account(budget), -adjustment.amount),
            (account_of("budget", budget.id, "budget", agency_id=budget.agency_id), adjustment.amount),
        ],
        reference=("budget", budget.id),
        memo=adjustment.document_number,
        by=by,
    )


def _decided(adjustment: BudgetAdjustment, *, by: Actor) -> None:
    adjustment.approved_by = by.actor_id
    adjustment.approved_at = clock.now()


BUDGET = Lifecycle(
    Budget,
    states=(
        State("draft", N_("waiting for approval"), "waiting"),
        State("approved", N_("in force"), "active"),
        State("withdrawn", N_("withdrawn"), "closed"),
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
        Transition(
            "withdraw",
            ("draft",),
            "withdrawn",
            N_("Withdraw the draft"),
            "withdrawn",
            permission="fund.manage",
        ),
    ),
)

ADJUSTMENT = Lifecycle(
    BudgetAdjustment,
    states=(
        State("draft", N_("waiting for approval"), "waiting"),
        State("approved", N_("in force"), "done"),
        State("refused", N_("refused"), "closed"),
        State("withdrawn", N_("withdrawn"), "closed"),
    ),
    transitions=(
        Transition(
            "approve", ("draft",), "approved", N_("Approve the adjustment"), "approved",
            permission="fund.review", guard=_adjust_guard, effect=_adjust_effect,
        ),
        Transition(
            "refuse", ("draft",), "refused", N_("Refuse the adjustment"), "refused",
            permission="fund.review", guard=_adjust_guard, effect=_decided,
        ),
        Transition(
            "withdraw", ("draft",), "withdrawn", N_("Withdraw the adjustment"), "withdrawn",
            permission="fund.manage",
        ),
    ),
)  # fmt: skip
