"""When a checklist is met, and how many party organizations have to meet both (S0-01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from core.money import percent_against
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.party_orgs.models import CHECKS

SOURCES = {
    "P6": "鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：“八有”“六个好”党组织占比超过80%",
    "P7": "甬民党〔2018〕14号 工作要点：“一单一图一表”",
}
# More than this share of the party organizations has the eight and does the six well.
GOOD_SHARE = Fraction(80, 100)
FULL_MARK = {"eight": 1, "six": 2}


def check_met(scheme: str, marks: Mapping[str, int]) -> bool:
    """Whether every item of a checklist has its full mark."""
    return all(marks.get(item) == FULL_MARK[scheme] for item in CHECKS[scheme])


def _finding(title: str, verdict: Verdict, sentence: Message, numbers: Message | None = None) -> Finding:
    return Finding("P6", verdict, Message(title), sentence, numbers, SOURCES["P6"])


def good_share(good: int, organizations: int, *, on: date) -> Finding:
    """S0-01: party organizations with all eight and all six, of all; strictly more than 80 percent."""
    title = N_("Party organizations with the eight and the six")
    if not organizations:
        return _finding(title, Verdict.NOT_APPLICABLE, Message(N_("There is no party organization yet.")))
    share = Fraction(good, organizations)
    numbers = Message(
        N_("%(good)s of %(all)s, %(share)s, on %(day)s"),
        {"good": good, "all": organizations, "share": percent_against(share, GOOD_SHARE), "day": on},
    )
    if share > GOOD_SHARE:
        return _finding(title, Verdict.PASS, Message(N_("More than 80%% have the eight and do the six well."), {}), numbers)  # fmt: skip
    return _finding(title, Verdict.FAIL, Message(N_("Not more than 80%% have the eight and do the six well."), {}), numbers)  # fmt: skip
