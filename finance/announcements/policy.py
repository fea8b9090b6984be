"""What a tier's year must prove, and what a notice must explain before it goes out."""

from __future__ import annotations

from dataclasses import replace

from core.access.policy import Refusal
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.announcements import queries, rules
from finance.announcements.models import LotteryNotice, LotteryNoticeRow
from finance.lottery.rules import wan_text

CARRY_OVER = "预算法 第四十二条：连续两年未用完的结转资金，应当作为结余资金管理。彩票公益金管理办法 第三条。"

RECONCILED = "彩票管理条例 第三十六条；预算法 第十四条：公开的数字应当真实、完整。"


def account_findings(account: queries.TierYear) -> list[Finding]:
    """Is the account of a tier's year whole: opening, income, spending of the ledger, closing?"""
    found = [_opening_finding(account), _balance_finding(account)]
    title = Message(N_("Spending and the year's income"))
    if account.raised is None:
        verdict, sentence = Verdict.NOT_APPLICABLE, Message(N_("The year's income is not entered yet."))
    elif not account.from_carry_over:
        verdict, sentence = Verdict.PASS, Message(N_("What was spent lies within the year's income."))
    elif account.opening is not None and account.opening >= account.from_carry_over:
        verdict = Verdict.PASS
        sentence = Message(
            N_("%(above)s yuan more were spent than the year raised: carried over from earlier years."),
            {"above": account.from_carry_over},
        )
    else:
        verdict = Verdict.FAIL
        sentence = Message(
            N_("%(above)s yuan more were spent than the year raised, and the opening does not cover them."),
            {"above": account.from_carry_over},
        )
    found.append(Finding("RLF-28", verdict, title, sentence, source=CARRY_OVER))
    return found


def _opening_finding(account: queries.TierYear) -> Finding:
    title = Message(N_("Opening = closing of the year before"))
    closing = account.before.closing if account.before else None
    if account.opening is None or closing is None:
        return Finding(
            "RLF-27",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("Not compared: the opening or the closing of the year before is not entered.")),
            source=RECONCILED,
        )
    same = account.opening == closing
    return Finding(
        "RLF-27",
        Verdict.PASS if same else Verdict.FAIL,
        title,
        Message(N_("Matched: %(amount)s yuan."), {"amount": closing})
        if same
        else Message(
            N_(
                "Different: the year before closed with %(closing)s yuan, this one opens with %(opening)s yuan."
            ),
            {"closing": closing, "opening": account.opening},
        ),
        source=RECONCILED,
    )


def _balance_finding(account: queries.TierYear) -> Finding:
    title = Message(N_("Opening + income = spending + closing"))
    if account.computed is None or account.closing is None:
        return Finding(
            "RLF-27",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("Not compared: opening, income and closing are not all entered.")),
            source=RECONCILED,
        )
    same = account.computed == account.closing
    return Finding(
        "RLF-27",
        Verdict.PASS if same else Verdict.FAIL,
        title,
        Message(
            N_("Matched: %(spent)s yuan were spent, %(closing)s yuan are left."),
            {"spent": account.spent, "closing": account.closing},
        )
        if same
        else Message(
            N_("Different: the ledger leaves %(computed)s yuan, the closing entered is %(closing)s yuan."),
            {"computed": account.computed, "closing": account.closing},
        ),
        source=RECONCILED,
    )


EXPLAINED = 10

"""Fewer letters than this explain nothing."""


def rows_of(notice: LotteryNotice) -> list[rules.NoticeRow]:
    """The lines of a notice as the checks read them."""
    return [
        rules.NoticeRow(
            row=row.number,
            jurisdiction=notice.jurisdiction,
            title=notice.title,
            fiscal_year=notice.fiscal_year,
            fund_tier=row.fund_tier,
            category=row.category,
            item=row.item,
            amount=row.amount,
            amount_text=row.amount_text,
            project_count=row.project_count,
            stated_percent=row.stated_percent,
            is_subtotal=row.is_subtotal,
            is_partial=row.is_partial,
            source_kind=row.source_kind,
            source_url=row.source_url,
            remark=row.remark,
        )
        for row in notice.rows
    ]


def checks_of(notice: LotteryNotice) -> list[rules.Notice]:
    """Every comparison of a notice, tier by tier; a notice made here also against the ledger."""
    tiers = rules.check_notices(rows_of(notice), accounts=True)
    if notice.origin != "made":
        return tiers
    totals = {row.fund_tier: row for row in notice.rows if row.category == rules.TOTAL}
    spent = {
        label: queries.spent_in_year(source.id, notice.fiscal_year)
        for label, source in queries.tier_labels(notice.agency_id).items()
    }
    return [
        replace(tier, checks=(*tier.checks, _ledger_check(totals.get(tier.fund_tier), spent[tier.fund_tier])))
        if tier.fund_tier in spent
        else tier
        for tier in tiers
    ]


def _ledger_check(total: LotteryNoticeRow | None, spent: Money) -> rules.Check:
    name = Message(N_("Total of the tier against what the ledger paid, 万元"))
    if total is None:
        reason = Message(N_("the notice has no total of this tier"))
        return rules.Check(name, "whole", "", wan_text(spent), "not_compared", (), reason)
    same = total.amount == spent
    return rules.Check(
        name,
        "whole",
        total.amount_text,
        wan_text(spent),
        "equal" if same else "differs",
        (total.number,),
        None
        if same
        else Message(N_("the ledger has moved since the notice was made: make it again, or explain why")),
    )


def differences(notice: LotteryNotice) -> list[rules.Check]:
    return [check for tier in checks_of(notice) for check in tier.checks if check.verdict == "differs"]


def refuse_unexplained(notice: LotteryNotice) -> None:
    """A notice with a difference that nobody explains goes nowhere."""
    if not notice.rows:
        raise Refusal(Message(N_("The notice has no line.")), rule="RLF-27", source=RECONCILED, status=409)
    found = differences(notice)
    if found and len(notice.explanation.strip()) < EXPLAINED:
        first = found[0]
        raise Refusal(
            Message(
                N_(
                    "%(count)s figures differ and no reason is given. The first: %(name)s, told %(expected)s, computed %(found)s. Mend the figure or write the explanation."
                ),
                {
                    "count": len(found),
                    "name": first.name,
                    "expected": first.expected,
                    "found": first.found,
                },
            ),
            rule="RLF-27",
            source=RECONCILED,
            status=409,
        )
