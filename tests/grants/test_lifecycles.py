"""The tables of states: every state can be reached, and only verdicts of upper floors come without a permission."""

from __future__ import annotations

import pytest

from core.access.policy import PERMISSIONS
from core.lifecycle import Lifecycle
from grants.applications.lifecycle import lifecycle as applications
from grants.calls.lifecycle import lifecycle as calls
from grants.notices.lifecycle import lifecycle as objections

# Written down by rooms above, whose own tables ask for the permission; or asked for by the guard.
WRITTEN_DOWN = {
    "Call": {"return", "judge", "conclude"},
    "Application": {
        "shortlist", "propose", "put_in_notice", "mark_objected", "clear_objection", "award", "reject"
    },
    "Objection": set(),
}  # fmt: skip


@pytest.mark.parametrize("table", [calls, applications, objections], ids=lambda table: table.model.__name__)
def test_states_are_reached_and_transitions_guarded(table: Lifecycle) -> None:
    reached, before = {table.initial}, set()
    while reached != before:
        before = set(reached)
        reached |= {item.target for item in table.transitions if set(item.sources) & reached}
    assert reached == set(table.by_state)
    free = {item.name for item in table.transitions if item.permission is None}
    assert free == WRITTEN_DOWN[table.model.__name__]
    assert {item.permission for item in table.transitions if item.permission} <= PERMISSIONS


def test_the_ends_are_ends() -> None:
    leaving = {source for item in applications.transitions for source in item.sources}
    assert set(applications.by_state) - leaving == {"ineligible", "awarded", "rejected", "withdrawn"}
    leaving = {source for item in calls.transitions for source in item.sources}
    assert set(calls.by_state) - leaving == {"concluded", "cancelled", "failed"}
