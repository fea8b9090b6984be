"""What incubation asks: an operator that is a hub, a place of its level, and stations in the townships."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from core.money import percent_against
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

SOURCES = {
    "I1": "东营市民政局《关于党建引领培育发展社区社会组织的实施意见》要点：枢纽型、支持型社会组织承接运营；鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：双孵化基地",
    "I2": "新委办〔2016〕2号《关于加快培育发展社会组织的实施方案》：县级孵化园、12个镇乡（街道）孵化站",
}
# Which recognized roles may run a place.
OPERATOR_TAGS = ("hub", "support", "federation")
ORDER = ("base", "park", "station", "point")
# How many digits of the division each level has.
DIGITS = {"base": 6, "park": 6, "station": 9, "point": 12}


def operator_finding(tags: Collection[str]) -> Finding:
    """I1: an operator is recognized as a hub or a support organization (a federation is a hub)."""
    title = Message(N_("Operator of a place of incubation"))
    found = [tag for tag in OPERATOR_TAGS if tag in tags]
    if found:
        return Finding(
            "I1",
            Verdict.PASS,
            title,
            Message(N_("The operator is a hub or support organization.")),
            None,
            SOURCES["I1"],
        )
    return Finding(
        "I1", Verdict.FAIL, title,
        Message(N_("The operator is recognized neither as a hub nor as a support organization.")), None, SOURCES["I1"],
    )  # fmt: skip


def level_problem(level: str, division_code: str, parent_level: str | None) -> Message | None:
    """Why a place cannot stand where it is said to stand, or ``None``."""
    if len(division_code) != DIGITS[level]:
        return Message(
            N_("A place of this level stands in a division of %(digits)s digits, this one has %(found)s."),
            {"digits": DIGITS[level], "found": len(division_code)},
        )
    if parent_level is not None and ORDER.index(parent_level) >= ORDER.index(level):
        return Message(N_("The place that guides it stands on a level above it."))
    return None


def coverage_finding(covered: int, townships: int, target: int | None) -> Finding:
    """I2: stations in the townships, against the target where one is set, else against all of them."""
    title = Message(N_("Stations in the townships"))
    wanted = target if target is not None else townships
    if not wanted:
        return Finding(
            "I2",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("There is no township here.")),
            None,
            SOURCES["I2"],
        )
    numbers = Message(
        N_("%(covered)s of %(wanted)s, %(share)s"),
        {
            "covered": covered,
            "wanted": wanted,
            "share": percent_against(Fraction(covered, wanted), Fraction(1)),
        },
    )
    if covered >= wanted:
        return Finding(
            "I2",
            Verdict.PASS,
            title,
            Message(N_("As many townships have a station as shall.")),
            numbers,
            SOURCES["I2"],
        )
    return Finding(
        "I2",
        Verdict.FAIL,
        title,
        Message(N_("Townships are still without a station.")),
        numbers,
        SOURCES["I2"],
    )
