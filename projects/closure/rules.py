"""What follows from a grade, and what of the paid money is unspent (DOMAIN 3.10, 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

# Family RGC: whether a failed final evaluation leads to a proposal to take unspent money back, and
# how many days the organization has.
DEFAULTS: dict[str, Any] = {"fail_recovers": True, "recover_days": 30}
SOURCE = "项目评估办法（东莞、中山、海曙）：评估不合格的停止拨付，追回未使用或违规使用的资金"


def unspent(*, paid: Money, accepted: Money, asked: Money) -> Money:
    """Paid, not properly spent, and not asked back by another case already."""
    kept = accepted + asked
    return paid - kept if paid > kept else Money(0)


def fail_consequence(
    grade: str, *, paid: Money, accepted: Money, asked: Money, values: Mapping[str, Any], rule_set: str = ""
) -> Finding | None:
    """RGC-1: a failed final evaluation asks for a proposal to recover; ``None`` when nothing follows."""
    if grade != "fail" or not values["fail_recovers"]:
        return None
    left = unspent(paid=paid, accepted=accepted, asked=asked)
    if not left:
        return None
    return Finding(
        "RGC-1",
        Verdict.MANUAL,
        Message(N_("Unspent money after a failed evaluation")),
        Message(N_("The final evaluation is not passed: propose to recover %(left)s yuan."), {"left": left}),
        Message(
            N_("paid %(paid)s, properly spent %(accepted)s, asked back already %(asked)s yuan"),
            {"paid": paid, "accepted": accepted, "asked": asked},
        ),
        SOURCE,
        rule_set,
        facts={"left": left.fen, "days": int(values["recover_days"])},
    )
