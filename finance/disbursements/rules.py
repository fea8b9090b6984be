"""What the till checks before money leaves (RDT, DOMAIN 3.5): pure functions from facts to findings.

The conditions of a project (state reached, earlier tranches spent) are asked by the rooms above;
here it is about the money, the receipt, the account, holds and people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

# Parameters of the family RDT that the till reads; amounts in yuan, exact. An account that joins or
# replaces another of its organization cools off for days before money leaves to it.
DEFAULTS = {
    "cooling_off_days": 3,
    "cooling_off_first_days": 0,
    "second_leader_above": 500_000,
    "answer_within_days": 3,
}

HOLD_REASONS = {
    "rectification": N_("an open rectification"),
    "suspension": N_("a suspension"),
    "objection": N_("an open objection"),
    "termination": N_("a termination of the project"),
    "outcome": N_("the end of the payee's registration"),
}

EXCLUSIONS = {
    "scored": N_("scored this project"),
    "kinship": N_("related to the payee"),
    "tied": N_("has or had ties to the payee within the last three years"),
}

SOURCE_CONTRACT = "政府购买服务管理办法（财政部令第102号）第二十九条"
SOURCE_RECEIPT = "会计法 第十四条"
SOURCE_HOSTING = "社区社会组织培育扶持方案：为不具备法人资格的社区社会组织提供资金代管服务；资金代管协议"
SOURCE_ACCOUNT = "人民币银行结算账户管理办法；财政国库集中支付制度"
SOURCE_BUDGET = "预算法 第十三条：各级政府、各部门、各单位的支出必须以经批准的预算为依据"
SOURCE_RECUSAL = "政府采购法实施条例 第九条"
SOURCE_LIMIT = "行政事业单位内部控制规范（试行）第十五条、第十六条：分级授权，大额资金集体决策"


@dataclass(frozen=True, slots=True)
class TillFacts:
    """What the till knows about one payment.

    ``available`` is what is committed and not yet approved for payment; ``None`` when this payment
    has taken its money already. ``receipt_used_by`` is the payment that used the receipt before.
    ``account_names`` are the names money may go to: the payee's and its host's. ``cools_until`` is the
    first day on which money may leave to the account; ``leaving`` says that it leaves now.
    """

    amount: Money
    planned: Money
    available: Money | None
    receipt_number: str
    receipt_used_by: str
    account_name: str
    account_names: Sequence[str]
    account_confirmed: bool
    account_closed: bool
    account_is_payees: bool
    holds: Sequence[tuple[str, str]] = ()
    excluded: Sequence[tuple[str, str]] = ()
    cools_until: date | None = None
    today: date | None = None
    leaving: bool = False
    # A filed body has no account of its own: whether it is one, and whether a host keeps its money now.
    filed: bool = False
    hosted: bool = False


def same_name(left: str, right: str) -> bool:
    """Whether two account names are the same but for width of brackets and spaces."""
    return _folded(left) == _folded(right)


def _folded(name: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name))


def till(facts: TillFacts) -> list[Finding]:
    """Every check of the till, in a fixed order."""
    return [
        _money(facts),
        _receipt(facts),
        _account(facts),
        *_host(facts),
        _cooling(facts),
        _holds(facts),
        _people(facts),
    ]


def _finding(
    rule: str, ok: bool, title: str, sentence: Message, numbers: Message | None = None, source: str = ""
) -> Finding:
    return Finding(
        rule, Verdict.PASS if ok else Verdict.FAIL, Message(title), sentence, numbers, source=source
    )


def _money(facts: TillFacts) -> Finding:
    title = N_("Committed money is sufficient")
    if facts.amount <= Money(0) or facts.amount > facts.planned:
        return _finding(
            "RDT-e",
            False,
            title,
            Message(
                N_(
                    "The amount must be above zero and at most what is planned for the tranche, %(planned)s yuan."
                ),
                {"planned": facts.planned},
            ),
            source=SOURCE_CONTRACT,
        )
    if facts.available is None:
        return _finding("RDT-e", True, title, Message(N_("The money has been taken off the commitment.")))
    numbers = Message(
        N_("available %(available)s, needed %(needed)s yuan"),
        {"available": facts.available, "needed": facts.amount},
    )
    if facts.available >= facts.amount:
        sentence = Message(N_("What is committed covers this payment."))
        return _finding("RDT-e", True, title, sentence, numbers, SOURCE_BUDGET)
    return _finding(
        "RDT-e",
        False,
        title,
        Message(
            N_("Only %(available)s yuan are committed and free; this payment needs %(needed)s yuan."),
            {"available": facts.available, "needed": facts.amount},
        ),
        numbers,
        SOURCE_BUDGET,
    )


def _receipt(facts: TillFacts) -> Finding:
    title = N_("Receipt at hand and unused")
    if not facts.receipt_number.strip():
        sentence = Message(N_("The number of the payee's receipt or invoice is missing."))
        return _finding("RDT-b", False, title, sentence, source=SOURCE_RECEIPT)
    if facts.receipt_used_by:
        sentence = Message(
            N_("Receipt %(receipt)s was already used for payment %(payment)s."),
            {"receipt": facts.receipt_number, "payment": facts.receipt_used_by},
        )
        return _finding("RDT-b", False, title, sentence, source=SOURCE_RECEIPT)
    sentence = Message(N_("Receipt %(receipt)s was not used before."), {"receipt": facts.receipt_number})
    return _finding("RDT-b", True, title, sentence, source=SOURCE_RECEIPT)


def _account(facts: TillFacts) -> Finding:
    title = N_("Account belongs to the payee")
    names = {"account": facts.account_name, "payee": facts.account_names[0]}
    if not facts.account_is_payees or not any(
        same_name(facts.account_name, name) for name in facts.account_names
    ):
        sentence = Message(
            N_(
                "The account is in the name “%(account)s”; the payee is “%(payee)s”. Pay the payee or its host."
            ),
            names,
        )
        return _finding("RDT-f", False, title, sentence, source=SOURCE_ACCOUNT)
    if facts.account_closed:
        sentence = Message(N_("This account was closed. Record the new one."))
        return _finding("RDT-f", False, title, sentence, source=SOURCE_ACCOUNT)
    if not facts.account_confirmed:
        sentence = Message(N_("A second person has not confirmed this account yet."))
        return _finding("RDT-f", False, title, sentence, source=SOURCE_ACCOUNT)
    sentence = Message(N_("The account is in the name “%(account)s”."), names)
    return _finding("RDT-f", True, title, sentence, source=SOURCE_ACCOUNT)


def _host(facts: TillFacts) -> list[Finding]:
    """Money to a filed body goes through its host, under a hosting agreement that covers this money."""
    if not facts.filed:
        return []
    title = N_("Hosting agreement in force")
    payee = {"payee": facts.account_names[0]}
    if facts.hosted:
        sentence = Message(N_("A host keeps this money for “%(payee)s” under an agreement in force."), payee)
        return [_finding("RFH-10", True, title, sentence, source=SOURCE_HOSTING)]
    sentence = Message(
        N_(
            "“%(payee)s” is filed, not registered: money reaches it through a host. No hosting agreement in force "
            "covers this commitment."
        ),
        payee,
    )
    return [_finding("RFH-10", False, title, sentence, source=SOURCE_HOSTING)]


def _cooling(facts: TillFacts) -> Finding:
    """A changed account is paid to only after some days, in which the payee would notice a fraud."""
    title = N_("Cooling-off of the account is over")
    if facts.cools_until is None or facts.today is None or facts.today >= facts.cools_until:
        sentence = Message(N_("No cooling-off stands against this account."))
        return _finding("RDT-g", True, title, sentence, source=SOURCE_ACCOUNT)
    sentence = Message(
        N_("The account was changed: money leaves to it from %(day)s on. The other steps may go on."),
        {"day": facts.cools_until},
    )
    verdict = Verdict.FAIL if facts.leaving else Verdict.MANUAL
    return Finding("RDT-g", verdict, Message(title), sentence, source=SOURCE_ACCOUNT)


def lower(*limits: Money | None) -> Money | None:
    """The lowest of the limits that are set; ``None``: none is."""
    return min((item for item in limits if item is not None), default=None)


def above(amount: Money, limit: Money | None) -> bool:
    """Whether a second leader is needed: the limit itself may still be approved alone."""
    return limit is not None and amount > limit


def leaders(amount: Money, limit: Money | None, *, first: bool, second: bool, decided: bool) -> Finding:
    """How many leaders approve: one up to the limit, two above it (DOMAIN 2.5).

    ``first`` and ``second`` say who has approved, ``decided`` that no approval is missing.
    """
    title = Message(N_("Approved within the limits"))
    numbers = (
        Message(N_("limit %(limit)s, amount %(amount)s yuan"), {"limit": limit, "amount": amount})
        if limit is not None
        else None
    )
    if second:
        verdict, sentence = Verdict.PASS, N_("Two leaders have approved.")
    elif decided:
        verdict, sentence = Verdict.PASS, N_("Approved by one leader within the limits of that day.")
    elif first:
        verdict, sentence = Verdict.MANUAL, N_("One leader has approved; a second one is needed.")
    elif above(amount, limit):
        verdict, sentence = Verdict.MANUAL, N_("Above the limit: two leaders approve, one after the other.")
    else:
        verdict, sentence = Verdict.PASS, N_("One leader may approve this amount.")
    return Finding("RAP-3", verdict, title, Message(sentence), numbers, source=SOURCE_LIMIT)


def _holds(facts: TillFacts) -> Finding:
    title = N_("No hold on the commitment")
    if not facts.holds:
        sentence = Message(N_("Nothing stops payments on this commitment."))
        return _finding("RDT-d", True, title, sentence, source=SOURCE_CONTRACT)
    reason, text = facts.holds[0]
    sentence = Message(
        N_("Payments are stopped by %(reason)s: %(text)s"),
        {"reason": Message(HOLD_REASONS.get(reason, reason)), "text": text or "—"},
    )
    numbers = Message(N_("%(count)s open hold(s)"), {"count": len(facts.holds)})
    return _finding("RDT-d", False, title, sentence, numbers, SOURCE_CONTRACT)


def _people(facts: TillFacts) -> Finding:
    title = N_("Nobody excluded takes part")
    if not facts.excluded:
        sentence = Message(N_("Nobody who acted on this payment is excluded from it."))
        return _finding("REX-1", True, title, sentence, source=SOURCE_RECUSAL)
    name, reason = facts.excluded[0]
    return _finding("REX-1", False, title, excluded_sentence(name, reason), source=SOURCE_RECUSAL)


def excluded_sentence(name: str, reason: str) -> Message:
    return Message(
        N_("%(name)s may not take part in this payment: %(reason)s."),
        {"name": name, "reason": Message(EXCLUSIONS.get(reason, reason))},
    )
