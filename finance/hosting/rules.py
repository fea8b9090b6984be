"""Fiscal hosting (RFH, DOMAIN 3.6): who may host whom, the fee, and what may leave. Pure functions to findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

# Family RFH: the highest fee in percent of what arrives, first characters of a host's credit code
# (social associations such as federations), day of the month by which the host reports.
DEFAULTS: dict[str, Any] = {"fee_max": "5", "host_prefixes": ["51"], "report_day": 10}

SOURCE = "社区社会组织培育扶持方案：为不具备法人资格的社区社会组织提供资金代管服务并指导督促项目实施"
SOURCE_APART = "会计法 第十六条；资金代管协议：专账核算，项目之间不得调剂"
SOURCE_TIES = "政府采购法实施条例 第九条；行政事业单位内部控制规范（试行）第十五条"

KINDS = {
    "spent": N_("spent for the project"),
    "fee": N_("fee of the host"),
    "returned": N_("back to the funder"),
}


@dataclass(frozen=True, slots=True)
class Body:
    """What the register says about a party of the agreement."""

    name: str
    kind: str
    register_class: str
    credit_code: str | None
    status: str


def agreement_findings(
    host: Body, hosted: Body, fee: Fraction, values: Mapping[str, Any], *, rule_set: str = ""
) -> list[Finding]:
    """RFH-1 the host, RFH-2 the hosted body, RFH-3 the fee."""

    def say(rule: str, ok: bool, title: str, sentence: Message, numbers: Message | None = None) -> Finding:
        return Finding(
            rule, Verdict.PASS if ok else Verdict.FAIL, Message(title), sentence, numbers, SOURCE, rule_set
        )

    code = host.credit_code or "—"
    host_ok = (
        host.register_class != "filed"
        and host.status == "normal"
        and code.startswith(tuple(values["host_prefixes"]))
    )
    hosted_ok = hosted.register_class == "filed" and hosted.status == "normal"
    limit = Fraction(str(values["fee_max"])) / 100
    return [
        say(
            "RFH-1",
            host_ok,
            N_("The host"),
            Message(N_("“%(name)s” is a registered body that may host."), {"name": host.name})
            if host_ok
            else Message(
                N_("A host is a registered social association in normal standing; “%(name)s” is not."),
                {"name": host.name},
            ),
            Message(N_("credit code %(code)s"), {"code": code}),
        ),
        say(
            "RFH-2",
            hosted_ok,
            N_("The hosted body"),
            Message(N_("“%(name)s” is filed and has no account of its own."), {"name": hosted.name})
            if hosted_ok
            else Message(
                N_("Only a filed community organization in normal standing is hosted; “%(name)s” is not."),
                {"name": hosted.name},
            ),
        ),
        say(
            "RFH-3",
            fee <= limit,
            N_("Fee of the host"),
            Message(N_("The fee is within the cap."))
            if fee <= limit
            else Message(N_("The fee is above the cap.")),
            Message(N_("fee %(fee)s, at most %(limit)s"), {"fee": fee, "limit": limit}),
        ),
    ]


@dataclass(frozen=True, slots=True)
class OutflowFacts:
    """One payment out of a hosted project's money; ``fees`` are those already taken."""

    kind: str
    amount: Money
    held: Money
    received: Money
    fees: Money
    fee_share: Fraction
    stopped: bool
    ending: bool


def outflow_findings(facts: OutflowFacts) -> list[Finding]:
    """RFH-4 own money alone, RFH-5 the fee's cap in fen, RFH-6 spending while the project runs."""
    enough = facts.amount <= facts.held
    found = [
        Finding(
            "RFH-4",
            Verdict.PASS if enough else Verdict.FAIL,
            Message(N_("Out of the project's own money")),
            Message(N_("The project's own money covers it; no other project pays for it."))
            if enough
            else Message(
                N_("This project has %(held)s yuan; another project's money is never used for it."),
                {"held": facts.held},
            ),
            Message(
                N_("kept %(held)s, this payment %(amount)s yuan"),
                {"held": facts.held, "amount": facts.amount},
            ),
            SOURCE_APART,
        )
    ]
    if facts.kind == "fee":
        cap = fee_cap(facts.received, facts.fee_share)
        within = facts.fees + facts.amount <= cap
        found.append(
            Finding(
                "RFH-5",
                Verdict.PASS if within else Verdict.FAIL,
                Message(N_("Fee within the agreement")),
                Message(N_("The fee stays within the agreed share of what arrived."))
                if within
                else Message(
                    N_("At most %(left)s yuan of fee can still be taken."),
                    {"left": cap - facts.fees if cap > facts.fees else Money(0)},
                ),
                Message(
                    N_("arrived %(received)s × %(share)s = %(cap)s, taken %(fees)s yuan"),
                    {"received": facts.received, "share": facts.fee_share, "cap": cap, "fees": facts.fees},
                ),
                SOURCE,
            )
        )
    if facts.kind == "spent" or facts.kind == "fee":
        free = not facts.stopped and not (facts.ending and facts.kind == "spent")
        found.append(
            Finding(
                "RFH-6",
                Verdict.PASS if free else Verdict.FAIL,
                Message(N_("Project and hosting run")),
                Message(N_("Neither project nor hosting is stopped."))
                if free
                else Message(
                    N_("The project is stopped or has ended: what is left goes back to the funder.")
                ),
                source=SOURCE,
            )
        )
    return found


def fee_cap(received: Money, share: Fraction) -> Money:
    """The highest fee in whole fen: never above the exact share."""
    return Money(received.fen * share.numerator // share.denominator)


def adds_up(*, came_in: Money, held: Money, spent: Money, fee: Money, back: Money) -> Finding:
    """RFH-7: what arrived is kept, spent, taken as fee or given back, to the fen."""
    right = came_in == held + spent + fee + back
    return Finding(
        "RFH-7",
        Verdict.PASS if right else Verdict.FAIL,
        Message(N_("The hosted books add up")),
        Message(N_("What arrived is kept, spent, taken as fee or given back."))
        if right
        else Message(N_("What arrived is not the sum of its uses: tell the auditor.")),
        Message(
            N_("arrived %(came_in)s = kept %(held)s + spent %(spent)s + fee %(fee)s + given back %(back)s"),
            {"came_in": came_in, "held": held, "spent": spent, "fee": fee, "back": back},
        ),
        SOURCE_APART,
    )
