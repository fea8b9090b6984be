"""When which outcome fits, and what must be settled before an entry closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.rules.rules import Finding, Verdict
from core.text import N_, Message

ZOMBIE = "社会组织清理制度：连续两年以上不参加年检年报的，整改激活、引导注销或依法撤销登记"
CLOSING = "社会团体登记管理条例第二十条、第二十一条：清算期间不得开展清算以外的活动"
STEPS = "内部控制：提出、复核、决定由三人分别办理"


def missed_years(results: dict[int, str], *, registered_on: date | None, on: date) -> list[int]:
    """The years in a row, up to last year, in which no inspection took place, the latest first.

    ``results`` is year to result; the year of registration itself is not asked for.
    """
    first = registered_on.year + 1 if registered_on else on.year - 5
    missed = []
    year = on.year - 1
    while year >= max(first, on.year - 10) and results.get(year, "missing") == "missing":
        missed.append(year)
        year -= 1
    return missed


def ground_finding(ground: str, *, missed: Sequence[int], status: str, under_investigation: bool) -> Finding:
    """Whether the register bears out the ground that a case names."""
    title = Message(N_("Ground of the case"))
    if ground == "zombie":
        enough = len(missed) >= 2
        return Finding(
            "ROU-1",
            Verdict.PASS if enough else Verdict.FAIL,
            title,
            Message(
                N_("No inspection in %(years)s: %(count)s years in a row, two are enough."),
                {"years": ", ".join(str(year) for year in missed), "count": len(missed)},
            )
            if enough
            else Message(
                N_("The register knows %(count)s missed years in a row; two are needed."),
                {"count": len(missed)},
            ),
            source=ZOMBIE,
        )
    if ground == "abnormal":
        listed = status == "abnormal"
        return Finding(
            "ROU-2",
            Verdict.PASS if listed else Verdict.FAIL,
            title,
            Message(N_("The organization is in abnormal standing."))
            if listed
            else Message(N_("The organization is not in abnormal standing.")),
            source=CLOSING,
        )
    return Finding(
        "ROU-3",
        Verdict.MANUAL,
        title,
        Message(N_("The ground follows from the facts and the document: the reviewer reads them.")),
        source=CLOSING,
    )


def closing_findings(matters: Sequence[tuple[Message, int]]) -> list[Finding]:
    """One finding for each kind of open matter; a body closes when none is left."""
    found = [
        Finding(
            "ROU-4",
            Verdict.FAIL,
            Message(N_("Not yet settled")),
            sentence,
            source=CLOSING,
            facts={"count": count},
        )
        for sentence, count in matters
        if count
    ]
    return found or [
        Finding("ROU-4", Verdict.PASS, Message(N_("Not yet settled")),
                Message(N_("No commitment and no project is open any more.")), source=CLOSING)
    ]  # fmt: skip
