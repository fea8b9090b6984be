"""Which catalogue applies: a division's own, else that of the nearest division above with one."""

from __future__ import annotations

from registry.agencies.rules import DivisionError, normalise_division


def levels_above(division_code: str) -> list[str]:
    """The division itself, then the divisions above it, nearest first: 150602001 → 150602, 150600, 150000."""
    code = normalise_division(division_code)
    wider = [code[:9], code[:6], code[:4] + "00", code[:2] + "0000"]
    return list(dict.fromkeys([code, *(item for item in wider if len(item) <= len(code))]))


def is_division(code: str) -> bool:
    try:
        normalise_division(code)
    except DivisionError:
        return False
    return True
