"""A case: proposed, reviewed, decided by three people; wound up, closed."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from registry.outcomes.models import OutcomeCase
from registry.outcomes.rules import STEPS


def _reviewer(case: OutcomeCase, *, by: Any) -> None:
    require_distinct({"proposed": case.proposed_by, "reviewed": by.actor_id}, rule="RAP-2", source=STEPS)


def _reviewed(case: OutcomeCase, *, by: Any) -> None:
    case.reviewed_by = by.actor_id


def _decider(case: OutcomeCase, *, by: Any) -> None:
    require_distinct(
        {"proposed": case.proposed_by, "reviewed": case.reviewed_by, "decided": by.actor_id},
        rule="RAP-2",
        source=STEPS,
    )


def _decided(case: OutcomeCase, *, by: Any) -> None:
    case.decided_by, case.decided_on = by.actor_id, clock.today()


def _closed(case: OutcomeCase, *, by: Any) -> None:
    case.closed_on = clock.today()


def _reactivated(case: OutcomeCase, *, by: Any) -> None:
    _decided(case, by=by)
    _closed(case, by=by)


OUTCOME = Lifecycle(
    OutcomeCase,
    states=(
        State("proposed", N_("outcome proposed"), "waiting"),
        State("reviewed", N_("outcome reviewed"), "waiting"),
        State("winding_up", N_("being wound up"), "active"),
        State("closed", N_("outcome settled"), "done"),
        State("dropped", N_("proposal dropped"), "closed"),
    ),
    transitions=(
        Transition(
            "review", ("proposed",), "reviewed", N_("Confirm the facts"), "reviewed",
            permission="organization.verify", guard=_reviewer, effect=_reviewed,
        ),
        Transition(
            "wind_up", ("reviewed",), "winding_up", N_("Decide the outcome"), "decided",
            permission="outcome.decide", guard=_decider, effect=_decided,
        ),
        Transition(
            "reactivate", ("reviewed",), "closed", N_("Decide the outcome"), "decided",
            permission="outcome.decide", guard=_decider, effect=_reactivated,
        ),
        Transition(
            "close", ("winding_up",), "closed", N_("Finish the winding-up"), "closed",
            permission="organization.edit", effect=_closed,
        ),
        Transition(
            "drop", ("proposed", "reviewed"), "dropped", N_("Drop the proposal"), "dropped",
            permission="organization.verify",
        ),
    ),
)  # fmt: skip
