"""What is said of the 30% figure: when it is due, which levers are lawful, what a quarter foretells."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.contracts.rules import PurchaseRow
from finance.ratios.models import REASONS

# After the close of the year; the day is our own default, a jurisdiction confirms it (DOMAIN 3.14).
CALENDAR_DEFAULTS: dict[str, Any] = {"ratio_due": "03-31", "reasons": sorted(REASONS)}
CALENDAR_SOURCE = "政府信息公开条例 第二十条第（九）项；公开日期由本级确定（默认次年3月31日）"

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


def canonical(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: the same content is the same text, so that a digest says something."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """SHA-256 over the UTF-8 bytes of canonical JSON, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def due_on(year: int, month_and_day: str) -> date:
    """The day by which the figure of ``year`` is published: in the year after."""
    month, day = (int(part) for part in month_and_day.split("-"))
    return date(year + 1, month, day)


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
    "decided-in": N_("Counts by decision"),
    "other": N_("No code of a social organization"),
    "no-host": N_("Filed body without a registered host"),
    "hosting-off": N_("Bodies paid through a host do not count here"),
    "consortium-none": N_("Consortium without a stated share"),
    "decided-out": N_("Does not count by decision"),
    "no-service": N_("No public service"),
    "source": N_("Not public money"),
    "branch": N_("Catalogue branch out of scope"),
    "venture": N_("Venture grant outside the figure"),
    "no-quota": N_("Budget quota not known"),
    "not-paid": N_("Payment not known"),
}


# The rows as a table ---------------------------------------------------------------------------

HEADINGS = (
    "contract_no", "fiscal_year", "division_code", "purchaser", "service_key", "service_name", "catalogue_code",
    "public_service", "contractor", "contractor_code", "contractor_kind", "host_code", "so_share", "amount_yuan",
    "cancelled_amount_yuan", "fund_source", "method", "signed_on", "is_venture", "budget_amount_yuan",
    "paid_amount_yuan",
)  # fmt: skip
COLUMN_WORDS = {
    "division_code": N_("division"), "service_key": N_("key of the service"), "service_name": N_("service"),
    "catalogue_code": N_("catalogue code"), "public_service": N_("public service"), "contractor": N_("contractor"),
    "contractor_code": N_("code of the contractor"), "contractor_kind": N_("kind of contractor"),
    "host_code": N_("code of the host"), "so_share": N_("share of social organizations"),
    "amount_yuan": N_("amount in yuan"), "cancelled_amount_yuan": N_("cancelled, in yuan"),
    "fund_source": N_("source of money"), "method": N_("procurement method"), "signed_on": N_("signed on"),
    "is_venture": N_("venture grant"), "budget_amount_yuan": N_("budget quota in yuan"),
    "paid_amount_yuan": N_("paid in yuan"),
}  # fmt: skip
MONEY_COLUMNS = ("amount_yuan", "cancelled_amount_yuan", "budget_amount_yuan", "paid_amount_yuan")
# A cell that begins like this is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_row(row: PurchaseRow) -> dict[str, str | Money]:
    """A contract in the columns of the import, money as ``Money`` (blank where unknown), the rest as text."""
    return {
        "contract_no": row.contract_no,
        "fiscal_year": str(row.fiscal_year),
        "division_code": row.division_code,
        "purchaser": row.purchaser,
        "service_key": row.service_key,
        "service_name": row.service_name,
        "catalogue_code": row.catalogue_code,
        "public_service": "是" if row.public_service else "否",
        "contractor": row.contractor,
        "contractor_code": row.contractor_code,
        "contractor_kind": row.contractor_kind,
        "host_code": row.host_code,
        "so_share": "" if row.so_share is None else _share_text(row.so_share),
        "amount_yuan": row.amount,
        "cancelled_amount_yuan": row.cancelled_amount,
        "fund_source": row.fund_source,
        "method": row.method,
        "signed_on": row.signed_on.isoformat() if row.signed_on else "",
        "is_venture": "是" if row.is_venture else "否",
        "budget_amount_yuan": "" if row.budget_amount is None else row.budget_amount,
        "paid_amount_yuan": "" if row.paid_amount is None else row.paid_amount,
    }


def text_row(row: PurchaseRow) -> dict[str, str]:
    """The same as plain text: money with two decimals, nothing that a spreadsheet would compute."""
    return {
        name: cell.plain() if isinstance(cell, Money) else f"'{cell}" if cell.startswith(_FORMULA) else cell
        for name, cell in table_row(row).items()
    }


def _share_text(share: Fraction) -> str:
    """A share as decimal text without loss: a table holds at most nine decimals."""
    scaled = share * 10**9
    if scaled.denominator != 1:
        return str(share)
    whole, rest = divmod(scaled.numerator, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def as_csv(rows: Iterable[PurchaseRow]) -> bytes:
    """The rows as CSV (RFC 4180), UTF-8 with a mark that spreadsheets understand."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADINGS)
    writer.writeheader()
    writer.writerows(text_row(row) for row in rows)
    return text.getvalue().encode("utf-8-sig")
