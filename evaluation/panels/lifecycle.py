"""A panel's states: planned, drawn, scoring once the draw was witnessed, closed when all sheets are in."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal, require_distinct
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_, Message
from evaluation.panels.models import Panel

TWO_EYES = "政府采购法 第六十一条 / 内部控制"


def _drawer_did_not_plan(panel: Panel, *, by: Any) -> None:
    require_distinct({"plan": panel.planned_by, "draw": by.actor_id}, rule="RAP-2", source=TWO_EYES)


def _witness_is_another(panel: Panel, *, by: Any) -> None:
    if by.actor_id in (panel.drawn_by, panel.planned_by):
        raise Refusal(
            Message(N_("Whoever planned the panel or drew it cannot witness the draw: somebody else looks.")),
            rule="RAP-2",
            source=TWO_EYES,
            whose_turn=Message(N_("another supervisor")),
            status=403,
        )


PANEL = Lifecycle(
    Panel,
    states=(
        State("planned", N_("Waiting for the draw"), "draft"),
        State("drawn", N_("Waiting for the witness"), "waiting"),
        State("scoring", N_("Scoring"), "active"),
        State("closed", N_("All sheets in"), "done"),
    ),
    transitions=(
        Transition(
            "draw",
            ("planned",),
            "drawn",
            N_("Draw the panel"),
            "drawn",
            permission="panel.draw",
            guard=_drawer_did_not_plan,
        ),
        Transition(
            "witness",
            ("drawn",),
            "scoring",
            N_("Witness the draw"),
            "witnessed",
            permission="panel.witness",
            guard=_witness_is_another,
        ),
        Transition("close", ("scoring",), "closed", N_("Close scoring"), "scoring_closed"),
    ),
)
