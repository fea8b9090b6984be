"""Entries proposed, reviewed and confirmed; applications to be taken off, examined, verified and decided."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from registry.credit.models import CreditProposal, CreditRemoval

SEVERAL_PEOPLE = "政府采购法 第六十一条 / 内部控制"


def _another(*before: int | None, by: Any) -> None:
    for person in before:
        require_distinct({"before": person, "now": by.actor_id}, rule="RAP-2", source=SEVERAL_PEOPLE)


def _proposal_moves(proposal: CreditProposal, *, by: Any) -> None:
    _another(proposal.proposed_by, proposal.reviewed_by, by=by)


def _proposal_reviewed(proposal: CreditProposal, *, by: Any) -> None:
    proposal.reviewed_by, proposal.reviewed_on = by.actor_id, clock.today()


def _proposal_decided(proposal: CreditProposal, *, by: Any) -> None:
    proposal.decided_by, proposal.decided_on = by.actor_id, clock.today()


def _removal_moves(removal: CreditRemoval, *, by: Any) -> None:
    _another(removal.applied_by, removal.examined_by, removal.verified_by, by=by)


def _examined(removal: CreditRemoval, *, by: Any, opinion: str) -> None:
    removal.examined_by, removal.examined_on, removal.opinion = by.actor_id, clock.today(), opinion


def _verified(removal: CreditRemoval, *, by: Any) -> None:
    removal.verified_by, removal.verified_on = by.actor_id, clock.today()


def _removal_decided(removal: CreditRemoval, *, by: Any) -> None:
    removal.decided_by, removal.decided_on = by.actor_id, clock.today()


PROPOSAL = Lifecycle(
    CreditProposal,
    states=(
        State("proposed", N_("entry proposed"), "waiting"),
        State("reviewed", N_("proposal reviewed"), "active"),
        State("confirmed", N_("entry confirmed"), "done"),
        State("refused", N_("entry not confirmed"), "closed"),
    ),
    transitions=(
        Transition(
            "review", ("proposed",), "reviewed", N_("Hand it to the leader"), "reviewed",
            permission="credit.review", guard=_proposal_moves, effect=_proposal_reviewed,
        ),
        Transition(
            "confirm", ("reviewed",), "confirmed", N_("Confirm the entry"), "confirmed",
            permission="credit.approve", guard=_proposal_moves, effect=_proposal_decided,
        ),
        Transition(
            "turn_down", ("proposed",), "refused", N_("Do not confirm it"), "refused",
            permission="credit.review", guard=_proposal_moves, effect=_proposal_decided,
        ),
        Transition(
            "refuse", ("reviewed",), "refused", N_("Do not confirm it"), "refused",
            permission="credit.approve", guard=_proposal_moves, effect=_proposal_decided,
        ),
    ),
)  # fmt: skip

REMOVAL = Lifecycle(
    CreditRemoval,
    states=(
        State("applied", N_("removal applied for"), "waiting"),
        State("examined", N_("correction examined"), "active"),
        State("verified", N_("correction verified"), "active"),
        State("granted", N_("taken off"), "done"),
        State("refused", N_("removal refused"), "closed"),
    ),
    transitions=(
        Transition(
            "examine", ("applied",), "examined", N_("Examine the correction"), "examined",
            permission="credit.edit", effect=_examined,
        ),
        Transition(
            "verify", ("examined",), "verified", N_("Hand it to the leader"), "verified",
            permission="credit.review", guard=_removal_moves, effect=_verified,
        ),
        Transition(
            "grant", ("verified",), "granted", N_("Take it off"), "granted",
            permission="credit.approve", guard=_removal_moves, effect=_removal_decided,
        ),
        Transition(
            "turn_down", ("examined",), "refused", N_("Refuse the removal"), "refused",
            permission="credit.review", guard=_removal_moves, effect=_removal_decided,
        ),
        Transition(
            "refuse", ("verified",), "refused", N_("Refuse the removal"), "refused",
            permission="credit.approve", guard=_removal_moves, effect=_removal_decided,
        ),
    ),
)  # fmt: skip
