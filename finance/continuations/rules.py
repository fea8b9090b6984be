"""How alike the names of two services are."""

from __future__ import annotations

import unicodedata


def name_parts(name: str) -> frozenset[str]:
    """Pairs of neighbouring characters of a name, by which two names are compared."""
    plain = "".join(char for char in unicodedata.normalize("NFKC", name).lower() if char.isalnum())
    return frozenset(plain[place : place + 2] for place in range(max(1, len(plain) - 1)))


def likeness(
    later: frozenset[str], earlier: frozenset[str], old_buyer: str, new_buyer: str, before: int, now: int
) -> float:
    """How much two services look like one, from 0 to 1: mostly the name, then the department, then the money.

    A hint for a person only, never a figure.
    """
    names = 2 * len(later & earlier) / (len(later) + len(earlier))
    old, new = name_parts(old_buyer), name_parts(new_buyer)
    buyers = 2 * len(old & new) / (len(old) + len(new))
    money = min(before, now) / max(before, now, 1)
    return 0.65 * names + 0.2 * buyers + 0.15 * money
