"""A line of the mapping: proposed by one person, in force when another confirms it."""

from __future__ import annotations

from sqlalchemy import select

from core.access.policy import require_distinct
from core.audit.services import Actor
from core.db import db
from core.lifecycle import Lifecycle, State, Transition, fire
from core.text import N_
from finance.exports.models import VoucherRule

SEPARATION = "会计法 第二十五条；行政事业单位内部控制规范（试行）第十五条"


def _confirm_guard(rule: VoucherRule, *, by: Actor) -> None:
    require_distinct(
        {"proposed": rule.proposed_by, "confirmed": by.actor_id}, rule="RBK-9", source=SEPARATION
    )
    before = db.session.scalar(
        select(VoucherRule).where(
            VoucherRule.agency_id == rule.agency_id,
            VoucherRule.movement == rule.movement,
            VoucherRule.book == rule.book,
            VoucherRule.state == "in_force",
        )
    )
    if before is not None:
        fire(before, "replace", by=by, details={"by": rule.id})


def _confirm_effect(rule: VoucherRule, *, by: Actor) -> None:
    rule.confirmed_by = by.actor_id


VOUCHER_RULE = Lifecycle(
    VoucherRule,
    states=(
        State("proposed", N_("waiting for a second person"), "waiting"),
        State("in_force", N_("in force"), "active"),
        State("replaced", N_("replaced"), "closed"),
        State("refused", N_("refused"), "closed"),
    ),
    transitions=(
        Transition(
            "confirm",
            ("proposed",),
            "in_force",
            N_("Confirm the line"),
            "confirmed",
            permission="fund.review",
            guard=_confirm_guard,
            effect=_confirm_effect,
        ),
        Transition(
            "refuse", ("proposed",), "refused", N_("Refuse the line"), "refused", permission="fund.review"
        ),
        Transition("replace", ("in_force",), "replaced", N_("Replace"), "replaced", permission="fund.review"),
    ),
)
