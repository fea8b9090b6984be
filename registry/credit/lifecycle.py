"""Entries proposed and confirmed; applications to be taken off, examined and decided."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from registry.credit.models import CreditProposal, CreditRemoval

TWO_PEOPLE = "政府采购法 第六十一条 / 内部控制"


def _another_confirms(proposal: CreditProposal, *, by: Any) -> None:
    require_distinct(
        {"proposed": proposal.proposed_by, "confirmed": by.actor_id}, rule="RAP-2", source=TWO_PEOPLE
    )


def _proposal_decided(proposal: CreditProposal, *, by: Any) -> None:
    proposal.decided_by, proposal.decided_on = by.actor_id, clock.today()


def _examined(removal: CreditRemoval, *, by: Any, opinion: str) -> None:
    removal.examined_by, removal.examined_on, removal.opinion = by.actor_id, clock.today(), opinion


def _another_decides(removal: CreditRemoval, *, by: Any) -> None:
    for place in (removal.examined_by, removal.applied_by):
        require_distinct({"before": place, "decided": by.actor_id}, rule="RAP-2", source=TWO_PEOPLE)


def _removal_decided(removal: CreditRemoval, *, by: Any) -> None:
    removal.decided_by, removal.decided_on = by.actor_id, clock.today()


PROPOSAL = Lifecycle(
    CreditProposal,
    states=(
        State("proposed", N_("entry proposed"), "waiting"),
        State("confirmed", N_("entry confirmed"), "done"),
        State("refused", N_("entry not confirmed"), "closed"),
    ),
    transitions=(
        Transition(
            "confirm",
            ("proposed",),
            "confirmed",
            N_("Confirm the entry"),
            "confirmed",
            permission="credit.review",
            guard=_another_confirms,
            effect=_proposal_decided,
        ),
        Transition(
            "refuse",
            ("proposed",),
            "refused",
            N_("Do not confirm it"),
            "refused",
            permission="credit.review",
            guard=_another_confirms,
            effect=_proposal_decided,
        ),
    ),
)

REMOVAL = Lifecycle(
    CreditRemoval,
    states=(
        State("applied", N_("removal applied for"), "waiting"),
        State("examined", N_("correction examined"), "active"),
        State("granted", N_("taken off"), "done"),
        State("refused", N_("removal refused"), "closed"),
    ),
    transitions=(
        Transition(
            "examine",
            ("applied",),
            "examined",
            N_("Examine the correction"),
            "examined",
            permission="credit.edit",
            effect=_examined,
        ),
        Transition(
            "grant",
            ("examined",),
            "granted",
            N_("Take it off"),
            "granted",
            permission="credit.review",
            guard=_another_decides,
            effect=_removal_decided,
        ),
        Transition(
            "refuse",
            ("examined",),
            "refused",
            N_("Refuse the removal"),
            "refused",
            permission="credit.review",
            guard=_another_decides,
            effect=_removal_decided,
        ),
    ),
)
