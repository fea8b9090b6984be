"""Grades from scores (DOMAIN 3.10): half-open bands on the unrounded score."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from core.text import N_

SOURCE = "公益创投项目管理办法（中期、末期评估）"

# Lower bounds in points, best first: 优 ≥ 90, 良 [80, 90), 合格 [60, 80), below that 不合格.
DEFAULTS: dict[str, Any] = {
    "bands": [["excellent", 90], ["good", 80], ["pass", 60]],
    "rectify_days": 30,
}

GRADES = {
    "excellent": N_("Excellent"),
    "good": N_("Good"),
    "pass": N_("Satisfactory"),
    "fail": N_("Unsatisfactory"),
}

KINDS = {"midterm": N_("Mid-term evaluation"), "final": N_("Final evaluation")}


def grade_of(score: Fraction, bands: list[list[Any]] | None = None) -> str:
    """The grade of an unrounded score in points: 89.5 is good, 79.995 is satisfactory, 59.99 is a fail."""
    for name, lower in bands or DEFAULTS["bands"]:
        if score >= lower:
            return str(name)
    return "fail"


def ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def low_criteria(points: Mapping[int, int], most: Mapping[int, int]) -> list[int]:
    """Criteria below 60% of their points: what has to be put right."""
    return [key for key in most if points.get(key, 0) < most[key] * 60]
