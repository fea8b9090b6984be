"""Grades from scores (DOMAIN 3.10): half-open bands on the unrounded score."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.lottery import rules as lottery

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


SIGN = "彩票管理条例实施细则 第六十条：彩票公益金资助的基本建设设施、设备或者社会公益活动等，应当以显著方式标明彩票公益金资助标识。"


def sign_finding(*, sign: str, photos: int, rule_set: str = "") -> Finding:
    """RLF-29: does a project with lottery money show its sign? ``sign`` is empty where none is asked for."""
    title = Message(N_("Sign of the lottery"))
    if not sign:
        return Finding(
            "RLF-29",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("No lottery money, or no sign asked for here.")),
            source=lottery.SIGN,
            rule_set=rule_set,
        )
    if photos:
        return Finding(
            "RLF-29",
            Verdict.PASS,
            title,
            Message(N_("A photo shows the sign “%(sign)s”."), {"sign": sign}),
            Message(N_("%(count)s photos"), {"count": photos}),
            source=lottery.SIGN,
            rule_set=rule_set,
        )
    return Finding(
        "RLF-29",
        Verdict.FAIL,
        title,
        Message(
            N_("No photo shows the sign “%(sign)s”: without it this evaluation cannot be passed."),
            {"sign": sign},
        ),
        source=lottery.SIGN,
        rule_set=rule_set,
    )


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
