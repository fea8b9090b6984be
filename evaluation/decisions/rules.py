"""Ranking and money of a call as pure functions (DOMAIN 2.4 steps 10–12, 3.10).

The published score (two decimals) and the points for awards rank; the pass line is asked of the experts'
score alone, so that no award lifts what did not convince them. Equal scores go by the points for Party building, then
for need, then by the assessment grade, then by the order of submission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

SOURCE = "公益创投征集公告（评审与立项）；政府采购法实施条例 第四十一条"
SEPARATION = "政府采购法 第六十一条 / 内部控制"

# First-level groups of the rubric that break a tie, in their order: A6, then A1.
DEFAULTS: dict[str, Any] = {"tie_break": ["党建引领", "需求与公益性"]}

REASONS = {
    "below": N_("below the pass line"),
    "pot": N_("the money of the call is used up"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One application with all that its rank depends on. ``score`` in hundredths: the published mean of
    the sheets and, where the call gives them, the points for awards."""

    application: int
    score: int
    ties: tuple[Fraction, ...] = ()
    grade: int = 0
    number: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """What an application asks for and what it may at most be given."""

    application: int
    passed: bool
    requested: Money
    amount: Money = field(default_factory=Money.zero)
    reason: str = ""


def rank(entries: Sequence[Entry]) -> list[Entry]:
    """Best first; the order is total, so that ranks are never shared."""
    return sorted(
        entries,
        key=lambda item: (
            -item.score,
            tuple(-tie for tie in item.ties),
            -item.grade,
            item.number,
            item.application,
        ),
    )


def passes(score: int, pass_score: int) -> bool:
    return score >= pass_score * 100


def suggest(shares: Sequence[Share], *, pot: Money, cap: Money) -> list[Share]:
    """Fund by rank, each up to its request and the cap, as long as the whole of it is left in the pot."""
    left = pot
    suggested = []
    for share in shares:
        wanted = min(share.requested, cap)
        if not share.passed:
            amount, reason = Money(0), REASONS["below"]
        elif not wanted or wanted > left:
            amount, reason = Money(0), REASONS["pot"]
        else:
            amount, reason = wanted, ""
        left = left - amount
        suggested.append(Share(share.application, share.passed, share.requested, amount, reason))
    return suggested


def problems(shares: Sequence[Share], *, pot: Money, cap: Money) -> dict[int, Message]:
    """What is wrong with proposed amounts, by application; key 0 is the sum."""
    found: dict[int, Message] = {}
    for share in shares:
        if share.amount < Money(0):
            found[share.application] = Message(N_("An amount cannot be negative."))
        elif share.amount and not share.passed:
            found[share.application] = Message(N_("Below the pass line: no money."))
        elif share.amount > share.requested:
            found[share.application] = Message(
                N_("More than was asked for (%(requested)s yuan)."), {"requested": share.requested}
            )
        elif share.amount > cap:
            found[share.application] = Message(
                N_("More than the cap for one project (%(cap)s yuan)."), {"cap": cap}
            )
        elif not share.amount and share.passed and not share.reason.strip():
            found[share.application] = Message(N_("Passed but gets nothing: write the reason."))
    total = sum((share.amount for share in shares), Money(0))
    if total > pot:
        found[0] = Message(
            N_("The amounts sum to %(total)s yuan; the call has %(pot)s yuan, %(over)s too little."),
            {"total": total, "pot": pot, "over": total - pot},
        )
    return found


def findings(
    shares: Sequence[Share], *, pot: Money, cap: Money, scorers: Sequence[int], handlers: Mapping[str, int]
) -> list[Finding]:
    """What a decision is taken on, as stored with it. Persons, not accounts, in the last rule."""
    total = sum((share.amount for share in shares), Money(0))
    wrong = problems(shares, pot=pot, cap=cap)
    scored = sorted(set(scorers) & set(handlers.values()))
    return [
        Finding(
            rule="DEC-POT",
            verdict=Verdict.FAIL if 0 in wrong else Verdict.PASS,
            title=Message(N_("Within the money of the call")),
            sentence=Message(N_("The proposed sum does not exceed what the earmark still has.")),
            numbers=Message(N_("proposed %(total)s, available %(pot)s yuan"), {"total": total, "pot": pot}),
            source="预算法 第十三条",
        ),
        Finding(
            rule="DEC-CAP",
            verdict=Verdict.FAIL if set(wrong) - {0} else Verdict.PASS,
            title=Message(N_("Each amount within request, cap and pass line")),
            sentence=Message(N_("Nobody gets more than asked for or than the cap, nor below the pass line.")),
            numbers=Message(
                N_("cap %(cap)s yuan, %(count)s funded"),
                {"cap": cap, "count": sum(bool(share.amount) for share in shares)},
            ),
            source=SOURCE,
        ),
        Finding(
            rule="REX",
            verdict=Verdict.FAIL if scored else Verdict.PASS,
            title=Message(N_("Nobody who scored decides")),
            sentence=Message(N_("Those who handle the decision have no score sheet in this call.")),
            numbers=Message(N_("%(count)s members scored"), {"count": len(set(scorers))}),
            source=SOURCE,
        ),
    ]
