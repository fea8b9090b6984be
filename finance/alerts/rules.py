"""What an alert is about: kinds in words, and what a finder tells of one thing."""

from __future__ import annotations

from dataclasses import dataclass

from core.text import N_, Message

KINDS = {
    "overspend": N_("spent more than allowed"),
    "off_purpose": N_("used for another purpose"),
    "late_report": N_("report overdue"),
    "unused": N_("money lying unused"),
}

SUPERVISION = (
    "关于推动社会组织高质量发展的实施方案（鄂民发〔2023〕73号）：建立健全资金综合监管机制和联合执法机制。"
)
ON_PURPOSE = (
    "预算法 第十三条、第五十七条；彩票管理条例 第三十三条、第四十三条：专款专用，改变用途的限期改正、追回。"
)
SEPARATION = "行政事业单位内部控制规范（试行）第十五条：不相容岗位相互分离。"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong with one subject (table name and id) of one unit's money."""

    kind: str
    subject_type: str
    subject_id: int
    agency_id: int
    sentence: Message
    source: str = SUPERVISION
    # Which of several sentences of the same kind it is; a later one replaces an earlier in the open case.
    level: str = ""
