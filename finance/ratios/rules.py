"""What is said of the 30% figure: which levers are lawful, what a quarter foretells."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from fractions import Fraction
from typing import Any

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

FAIR_COMPETITION = (
    "政府采购法实施条例 第二十条第（七）项：非法限定供应商的所有制形式、组织形式或者所在地，"
    "属于以不合理的条件对供应商实行差别待遇或者歧视待遇"
)

EQUAL_CONDITIONS = "财综〔2014〕87号：同等条件下优先向社会组织购买"

# What is allowed instead of “social organizations only” above the limit, each with its source (DOMAIN 3.1).
LEVERS: tuple[tuple[str, str, str], ...] = (
    (
        N_("Preference between equal bids"),
        N_("Where bids are equal, the social organization goes first; say so in the notice."),
        EQUAL_CONDITIONS,
    ),
    (
        N_("Splitting by kind of service"),
        N_("Parts of another kind (guidance, visits, social work) are bought on their own, never to get below the limit."),
        "政府采购法实施条例 第二十八条：不得化整为零规避公开招标",
    ),
    (
        N_("Direct selection below the limit"),
        N_("Below the procurement limit the purchaser may choose a social organization directly, on record."),
        "政府采购法 第二条：集中采购目录以内或者采购限额标准以上的采购适用本法",
    ),
    (
        N_("Building capacity"),
        N_("Incubation, training and venture grants, so that social organizations can bid next year."),
        "财综〔2016〕54号：通过政府购买服务支持社会组织培育发展",
    ),
)  # fmt: skip

# Above which a purchase follows the procurement law; each province sets its own, so a rule set confirms it.
LIMIT_DEFAULTS: dict[str, Any] = {"limit_yuan": 500_000}

LIMIT_SOURCE = (
    "政府采购法 第八条：限额标准由省、自治区、直辖市人民政府或者其授权的机构确定并公布（默认值待本地确认）"
)

BIDDERS = {
    "social": N_("social organizations"),
    "enterprise": N_("enterprises"),
    "institution": N_("public institutions"),
    "person": N_("self-employed people"),
}


def invitation_finding(
    amount: Money, invited: Collection[str], limit: Money, *, rule_set: str = ""
) -> Finding:
    """R30-G: whether a purchase of ``amount`` may invite these kinds of bidders only (``limit`` included: above it).

    At or above the limit nobody is shut out for the kind of body it is; the ratio is no ground for it.
    """
    title = Message(N_("Who may bid"))
    numbers = Message(
        N_("%(amount)s yuan, procurement limit %(limit)s yuan"), {"amount": amount, "limit": limit}
    )
    narrow = set(invited) == {"social"}
    if amount < limit:
        verdict, sentence = (
            Verdict.PASS,
            N_(
                "Below the procurement limit the purchaser chooses; a social organization may be selected directly, on record."
            ),
        )
    elif narrow:
        verdict, sentence = (
            Verdict.FAIL,
            N_(
                "“Social organizations only” would shut bidders out by their kind. The 30-percent figure never justifies it; use one of the lawful levers."
            ),
        )
    else:
        verdict, sentence = (
            Verdict.PASS,
            N_(
                "Open to bidders of other kinds too; say in the notice that between equal bids the social organization goes first."
            ),
        )
    source = FAIR_COMPETITION if amount >= limit else LEVERS[2][2]
    facts = {"amount": amount.fen, "limit": limit.fen, "invited": sorted(invited)}
    return Finding("R30-G", verdict, title, Message(sentence), numbers, source, rule_set, facts)


def quarter_on(day: date) -> int:
    """The calendar quarter of a day, 1 to 4."""
    return (day.month + 2) // 3


def projected(
    added: int, added_so: Fraction, planned: int, planned_so: Fraction = Fraction(0)
) -> Fraction | None:
    """The ratio if what is planned and not yet contracted is bought too, in fen; ``None`` without a base.

    Planned money counts wholly as added and for social organizations only as far as it is known to go there:
    a warning that comes too early costs a look, one that comes too late costs the year.
    """
    total = added + planned
    return (added_so + planned_so) / total if total > 0 else None


def warning(*, ratio: Fraction | None, foreseen: Fraction | None, threshold: Fraction) -> Message | None:
    """Why a quarter needs the finance head, or ``None``."""
    if ratio is not None and ratio < threshold:
        return Message(N_("The year so far lies below the threshold."))
    if foreseen is not None and foreseen < threshold:
        return Message(N_("With what is planned the year would end below the threshold."))
    return None


# What to call each of finance.contracts.rules.REASONS where one is chosen.
REASON_WORDS = {
    "social": N_("Registered social organization"),
    "hosted": N_("Filed body with a registered host"),
    "consortium-whole": N_("Consortium, all of it a social organization's share"),
    "consortium-part": N_("Consortium, a part of it a social organization's share"),
    "subcontract-whole": N_("Signed with others, all of it subcontracted to social organizations"),
    "subcontract-part": N_("Signed with others, a part of it subcontracted to social organizations"),
    "decided-in": N_("Counts by decision"),
    "other": N_("No code of a social organization"),
    "no-host": N_("Filed body without a registered host"),
    "hosting-off": N_("Bodies paid through a host do not count here"),
    "consortium-none": N_("Consortium without a stated share"),
    "subcontract-off": N_("Subcontracted to social organizations, which does not count here"),
    "decided-out": N_("Does not count by decision"),
    "no-service": N_("No public service"),
    "source": N_("Not public money"),
    "branch": N_("Catalogue branch out of scope"),
    "venture": N_("Venture grant outside the figure"),
    "no-quota": N_("Budget quota not known"),
    "not-paid": N_("Payment not known"),
}
