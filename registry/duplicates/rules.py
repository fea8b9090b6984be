"""Which two entries are worth looking at, and how near their business is."""

from __future__ import annotations

from difflib import SequenceMatcher
from fractions import Fraction

NAMES = "社会组织名称管理办法；优化重组制度：名称相似、业务相近的社会组织进行优化重组"


def worth_looking(first: tuple[str, str, str], second: tuple[str, str, str]) -> bool:
    """Whether two entries with the same bare name may be one body; each is (class, code, division).

    Two bodies registered with the registries of two counties are two bodies: a federation of each
    county has the same bare name.
    """
    both = first[0] == second[0] == "registered" and first[1] and second[1]
    return not (both and first[2][:6] != second[2][:6])


def likeness(first: str, second: str) -> Fraction:
    """How much of two business scopes is the same, from 0 to 1; 0 where one is empty."""
    if not first.strip() or not second.strip():
        return Fraction(0)
    ratio = SequenceMatcher(None, first[:2000], second[:2000], autojunk=False).ratio()
    return Fraction(round(ratio * 10_000), 10_000)
