"""Which brands and awards count on a day: pure functions over what the register keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from core.clock import add_months

# From the least to the highest.
RANKS = ("township", "county", "city", "province", "national")


@dataclass(frozen=True, slots=True)
class HonourFact:
    """One brand or award as the register keeps it. ``kind`` brand or award, ``level`` one of :data:`RANKS`."""

    id: int
    kind: str
    title: str
    level: str
    given_by: str
    given_on: date
    valid_to: date | None = None
    revoked_on: date | None = None


def obstacle(
    fact: HonourFact, on: date, *, kind: str = "any", least: str = "township", years: int = 0
) -> str:
    """Why it does not count on ``on``: revoked, later, ended, kind, level or age; empty where it counts.

    ``years`` counts back from ``on`` to the day it was given, both included; 0 asks for no age. What was
    revoked counts on no day, also none before: it should not have been given.
    """
    if fact.revoked_on is not None:
        return "revoked"
    if fact.given_on > on:
        return "later"
    if fact.valid_to is not None and fact.valid_to < on:
        return "ended"
    if kind not in ("any", fact.kind):
        return "kind"
    if RANKS.index(fact.level) < RANKS.index(least):
        return "level"
    if years and add_months(fact.given_on, 12 * years) < on:
        return "age"
    return ""


def counting(
    facts: Iterable[HonourFact], on: date, *, kind: str = "any", least: str = "township", years: int = 0
) -> list[HonourFact]:
    """Those that count on ``on``, the highest first, then the youngest."""
    found = [item for item in facts if not obstacle(item, on, kind=kind, least=least, years=years)]
    return sorted(found, key=lambda item: (-RANKS.index(item.level), -item.given_on.toordinal(), item.id))
