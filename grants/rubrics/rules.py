"""What a rubric must satisfy before anything is judged by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.text import N_, Message

TOTAL = 100
FAMILIES = {
    "selection": N_("selection review"),
    "midterm": N_("mid-term evaluation"),
    "final": N_("final evaluation"),
}


@dataclass(frozen=True, slots=True)
class CriterionFacts:
    """One line of a rubric: first and second level, points (whole), how points are given."""

    l1: str
    l2: str
    points: int
    standard: str = ""


def problems(criteria: Sequence[CriterionFacts]) -> list[Message]:
    """What keeps the criteria from being a rubric; empty when they are one."""
    found = []
    for place, item in enumerate(criteria, 1):
        if not item.l1.strip() or not item.l2.strip():
            found.append(Message(N_("Criterion %(place)s needs a group and a name."), {"place": place}))
        if not 1 <= item.points <= TOTAL:
            found.append(Message(N_("Criterion %(place)s needs points from 1 to 100."), {"place": place}))
    names = [(item.l1.strip(), item.l2.strip()) for item in criteria]
    if len(names) != len(set(names)):
        found.append(Message(N_("Two criteria have the same group and name.")))
    total = sum(item.points for item in criteria)
    if total != TOTAL:
        found.append(Message(N_("The points sum to %(total)s; a rubric has exactly 100."), {"total": total}))
    return found
