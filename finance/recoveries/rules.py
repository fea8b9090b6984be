"""Why money has to come back, and how much of it can be asked for: pure functions to findings."""

from __future__ import annotations

from dataclasses import dataclass

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason that the law or the agreement gives for taking money back."""

    label: str
    source: str


GROUNDS = {
    "unused": Ground(
        N_("paid and not used"), "项目协议 资金使用条款；公益创投项目管理办法：未使用的资金退回"
    ),
    "misused": Ground(
        N_("used for another purpose than approved"),
        "预算法 第九十五条：责令改正，追回骗取、使用的资金；彩票管理条例 第四十三条",
    ),
    "failed": Ground(
        N_("evaluation not passed"),
        "社会服务项目评估办法（东莞、中山、海曙）：评估不合格的停止拨付，追回未使用或违规使用的资金",
    ),
    "terminated": Ground(
        N_("project terminated early"),
        "政府购买服务管理办法（财政部令第102号）第二十九条；项目协议 终止条款",
    ),
    "overpaid": Ground(
        N_("paid by mistake or too much"), "会计法 第十四条；政府会计准则 差错更正；项目协议 资金拨付条款"
    ),
}

SOURCE_AMOUNT = "财政违法行为处罚处分条例 第十四条；项目协议 资金退回条款"
SOURCE_OFFSET = (
    "民法典 第五百六十八条：当事人互负债务，标的物种类、品质相同的，可以将自己的债务与对方的到期债务抵销"
)


def amount_finding(amount: Money, *, paid: Money, asked: Money) -> Finding:
    """RRC-1: a case asks for no more than was paid and no other case asks for already."""
    left = paid - asked
    within = Money(0) < amount <= left
    return Finding(
        "RRC-1",
        Verdict.PASS if within else Verdict.FAIL,
        Message(N_("No more than was paid")),
        Message(N_("The case stays within what was paid and is not asked for already."))
        if within
        else Message(
            N_("At most %(left)s yuan can be asked back here; the case asks for %(amount)s yuan."),
            {"left": left, "amount": amount},
        ),
        Message(
            N_("paid %(paid)s, asked for by other cases %(asked)s, this case %(amount)s yuan"),
            {"paid": paid, "asked": asked, "amount": amount},
        ),
        SOURCE_AMOUNT,
    )


def part_finding(amount: Money, *, left: Money) -> Finding:
    """RRC-2: what is booked as come back never exceeds what is open."""
    within = Money(0) < amount <= left
    return Finding(
        "RRC-2",
        Verdict.PASS if within else Verdict.FAIL,
        Message(N_("No more than is open")),
        Message(N_("The part stays within what is open."))
        if within
        else Message(
            N_("Only %(left)s yuan of this case are open; %(amount)s yuan cannot be booked."),
            {"left": left, "amount": amount},
        ),
        source=SOURCE_AMOUNT,
    )
