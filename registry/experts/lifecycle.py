"""An admission: proposed → admitted by another person → renewed or proposed anew; or refused."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from registry.experts.models import Expert
from registry.experts.rules import SOURCE


def _two_people(expert: Expert, by: Any) -> None:
    require_distinct({"proposed": expert.proposed_by, "admitted": by.actor_id}, rule="RAP-2", source=SOURCE)
    if expert.person_id == getattr(by, "person_id", None):
        raise Refusal(
            Message(N_("Nobody admits themselves to a pool.")), rule="RAP-2", source=SOURCE, status=403
        )


def _admit_guard(expert: Expert, *, by: Any, valid_to: date) -> None:
    _two_people(expert, by)
    if valid_to <= clock.today():
        raise Refusal(Message(N_("The admission must last beyond today.")))


def _admit(expert: Expert, *, by: Any, valid_to: date) -> None:
    expert.admitted_by, expert.admitted_on, expert.valid_to = by.actor_id, clock.today(), valid_to


def _reasoned(expert: Expert, *, by: Any, reason: str) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Say why: the timeline keeps it.")))


def _propose_again(expert: Expert, *, by: Any) -> None:
    expert.proposed_by, expert.admitted_by = by.actor_id, None


EXPERT = Lifecycle(
    Expert,
    states=(
        State("proposed", N_("waits for a second person"), "waiting"),
        State("admitted", N_("admitted"), "done"),
        State("refused", N_("not admitted"), "closed"),
    ),
    transitions=(
        Transition("admit", ("proposed",), "admitted", N_("Admit to the pool"), "admitted", "expert.verify",
                   guard=_admit_guard, effect=_admit),
        Transition("refuse", ("proposed",), "refused", N_("Do not admit"), "refused", "expert.verify", guard=_reasoned),
        Transition("propose", ("refused", "admitted"), "proposed", N_("Propose anew"), "proposed_anew", "expert.edit",
                   effect=_propose_again),
    ),
)  # fmt: skip
