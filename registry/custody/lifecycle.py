"""A transfer: proposed by the department that has the organization → accepted by the other, declined or withdrawn."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from registry.custody.models import CustodyTransfer

RULE = "RAP-2"
SOURCE = "内部控制 不相容岗位分离"


def _receiver(transfer: CustodyTransfer, *, by: Any) -> None:
    """The step is for the other department, and for another person."""
    if not by.may("organization.edit", agency_id=transfer.to_agency_id):
        raise Refusal(
            Message(N_("Only the department that is to take the organization over answers.")),
            whose_turn=Message(N_("the programme officer of %(unit)s"), {"unit": transfer.to_agency.name}),
            status=403,
        )
    require_distinct({"proposed": transfer.proposed_by, "decided": by.actor_id}, rule=RULE, source=SOURCE)


def _accept(transfer: CustodyTransfer, *, by: Any) -> None:
    transfer.decided_by, transfer.effective_on = by.actor_id, clock.today()
    transfer.organization.agency_id = transfer.to_agency_id


def _decide(transfer: CustodyTransfer, *, by: Any) -> None:
    transfer.decided_by = by.actor_id


TRANSFER = Lifecycle(
    CustodyTransfer,
    states=(
        State("proposed", N_("waits for the other department"), "waiting"),
        State("accepted", N_("accepted"), "done"),
        State("declined", N_("declined"), "closed"),
        State("withdrawn", N_("withdrawn"), "closed"),
    ),
    transitions=(
        Transition("accept", ("proposed",), "accepted", N_("Take the organization over"), "accepted",
                   guard=_receiver, effect=_accept),
        Transition("decline", ("proposed",), "declined", N_("Decline"), "declined", guard=_receiver, effect=_decide),
        Transition("withdraw", ("proposed",), "withdrawn", N_("Withdraw"), "withdrawn", "organization.edit"),
    ),
)  # fmt: skip
