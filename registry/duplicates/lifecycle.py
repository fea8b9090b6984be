"""A join of two entries: proposed by one, confirmed by another."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from registry.duplicates.models import OrganizationMerge
from registry.organizations.policy import CONTROL


def _another(merge: OrganizationMerge, *, by: Any) -> None:
    require_distinct({"proposed": merge.proposed_by, "confirmed": by.actor_id}, rule="RAP-2", source=CONTROL)
    # Before the state: a join that is confirmed has its second person, says the database.
    merge.decided_by, merge.decided_at = by.actor_id, clock.now()


def _dropped(merge: OrganizationMerge, *, by: Any) -> None:
    merge.decided_by, merge.decided_at = by.actor_id, clock.now()


MERGE = Lifecycle(
    OrganizationMerge,
    states=(
        State("proposed", N_("join proposed"), "waiting"),
        State("confirmed", N_("entries joined"), "done"),
        State("dropped", N_("join dropped"), "closed"),
    ),
    transitions=(
        Transition(
            "confirm", ("proposed",), "confirmed", N_("Join the entries"), "confirmed",
            permission="organization.verify", guard=_another,
        ),
        Transition("drop", ("proposed",), "dropped", N_("Drop the join"), "dropped", effect=_dropped),
    ),
)  # fmt: skip
