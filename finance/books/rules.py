"""May a month or a year be closed? Pure functions from facts to findings (RBK)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core import clock
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.ledger.queries import CLOSING

CHECKING = "会计基础工作规范 第六十二条：各单位应当定期对会计账簿记录的有关数字与库存实物、货币资金、往来单位或者个人等进行相互核对"
YEAR = "会计法 第十一条：会计年度自公历1月1日起至12月31日止"


@dataclass(frozen=True, slots=True)
class ClosingFacts:
    """What is known about a month of one unit: payments at the bank without an answer, breaks of the ledger."""

    month: date
    today: date
    unanswered: int
    breaks: int


def last_day(month: date) -> date:
    return clock.add_months(month, 1) - timedelta(days=1)


def closing_findings(facts: ClosingFacts) -> list[Finding]:
    """RBK-2 the month is over, RBK-3 every released payment has its answer, RBK-4 the ledger verifies."""
    over = facts.today > last_day(facts.month)
    name = {"month": f"{facts.month:%Y-%m}"}
    return [
        Finding(
            "RBK-2",
            Verdict.PASS if over else Verdict.FAIL,
            Message(N_("The month is over")),
            Message(N_("%(month)s is over."), name)
            if over
            else Message(N_("%(month)s is not over yet: movements of it may still come."), name),
            source=CLOSING,
        ),
        Finding(
            "RBK-3",
            Verdict.FAIL if facts.unanswered else Verdict.PASS,
            Message(N_("Every payment sent to the bank has its answer")),
            Message(
                N_(
                    "%(count)s payments were released by the end of %(month)s and are neither paid nor returned: "
                    "record what the bank did, then close."
                ),
                {"count": facts.unanswered, **name},
            )
            if facts.unanswered
            else Message(N_("No payment waits for the bank's answer.")),
            source=CHECKING,
        ),
        Finding(
            "RBK-4",
            Verdict.FAIL if facts.breaks else Verdict.PASS,
            Message(N_("The ledger verifies")),
            Message(
                N_(
                    "The verifier names %(count)s breaks: find out first what happened (flask ledger verify)."
                ),
                {"count": facts.breaks},
            )
            if facts.breaks
            else Message(N_("Every chain holds and every transfer sums to zero.")),
            source=CHECKING,
        ),
    ]


def year_finding(year: int, open_months: list[date]) -> Finding:
    """RBK-5: a year closes after its twelve months."""
    names = ", ".join(f"{month:%Y-%m}" for month in open_months)
    return Finding(
        "RBK-5",
        Verdict.FAIL if open_months else Verdict.PASS,
        Message(N_("The twelve months are closed")),
        Message(
            N_("%(year)s cannot be closed while these months are open: %(months)s."),
            {"year": year, "months": names},
        )
        if open_months
        else Message(N_("All months of %(year)s are closed."), {"year": year}),
        source=YEAR,
    )
