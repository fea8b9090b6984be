"""What a bank's answer must agree with, and the columns of the file to the treasury. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from core.money import Money
from core.text import N_, Message
from finance.disbursements.rules import same_name

SOURCE = "财政国库集中支付制度：支付申请、支付凭证与账务三方核对"

# What a column may hold; the order is that of the standard layout.
FIELDS: dict[str, str] = {
    "serial": N_("Serial number"),
    "number": N_("Payment number"),
    "payer": N_("Paying unit"),
    "payee": N_("Payee"),
    "bank": N_("Bank of the payee"),
    "account_number": N_("Account number of the payee"),
    "amount": N_("Amount (yuan)"),
    "amount_words": N_("Amount in words"),
    "function_code": N_("Function code"),
    "economic_code": N_("Economic code"),
    "fund": N_("Fund source"),
    "purpose": N_("Purpose"),
    "receipt": N_("Receipt number"),
    "batch": N_("Batch number"),
    "requested_on": N_("Day of the request"),
    "fixed": N_("Fixed text"),
}
STANDARD = (
    "serial", "number", "payee", "bank", "account_number", "amount", "function_code", "economic_code", "purpose",
)  # fmt: skip
# Without these nobody could pay, or find the answer again.
NEEDED = ("number", "payee", "account_number", "amount")
MOST_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the file: what it is called, what it holds, the text of a fixed one."""

    heading: str
    field: str
    fixed: str = ""


def layout_problem(columns: Iterable[Heading]) -> Message | None:
    """Why these columns make no file that can be paid from."""
    given = list(columns)
    if len(given) > MOST_COLUMNS:
        return Message(N_("At most %(count)s columns."), {"count": MOST_COLUMNS})
    for item in given:
        if item.field not in FIELDS:
            return Message(N_("“%(field)s” is no known content of a column."), {"field": item.field})
        if not item.heading.strip():
            return Message(N_("Give each column a heading."))
        if item.field == "fixed" and not item.fixed.strip():
            return Message(
                N_("The column “%(heading)s” has a fixed text: write it."), {"heading": item.heading}
            )
    headings = [item.heading.strip() for item in given]
    if len(set(headings)) != len(headings):
        return Message(N_("Two columns have the same heading."))
    for name in NEEDED:
        if sum(item.field == name for item in given) != 1:
            return Message(
                N_("The file needs the column “%(column)s” exactly once."), {"column": Message(FIELDS[name])}
            )
    return None


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula when it opens the CSV."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: one payment as the till knows it."""

    number: str
    state: str
    amount: Money
    account_name: str
    last_four: str
    released_on: date | None
    paid_on: date | None
    voucher_number: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank says: one row of its table. Empty texts were not told."""

    row: int
    reference: str
    result: str  # paid, returned
    amount: Money
    account_name: str
    last_four: str
    happened_on: date
    voucher_number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``matched``, ``different`` (says in what) or ``not_compared`` (says why)."""

    verdict: str
    differences: list[Message] = field(default_factory=list)


def compare(request: Request | None, answer: Answer, posted: Money | None) -> Comparison:
    """Request = receipt = posting, or what stands against it.

    ``posted`` is what the ledger moved for this payment when it was approved; ``None``: nothing.
    """
    if request is None:
        return _not(N_("no payment of this number at this unit"))
    if request.state not in ("released", "paid", "returned"):
        return _not(N_("the payment was never released"))
    if posted is None:
        return _not(N_("the ledger holds no posting for this payment"))
    found = []
    if answer.amount != request.amount:
        found.append(
            Message(
                N_("amount: requested %(asked)s, answered %(told)s yuan"),
                {"asked": request.amount, "told": answer.amount},
            )
        )
    if posted != answer.amount:
        found.append(
            Message(
                N_("amount: posted %(posted)s, answered %(told)s yuan"),
                {"posted": posted, "told": answer.amount},
            )
        )
    if answer.account_name and not same_name(answer.account_name, request.account_name):
        found.append(
            Message(
                N_("account name: requested “%(asked)s”, answered “%(told)s”"),
                {"asked": request.account_name, "told": answer.account_name},
            )
        )
    if answer.last_four and answer.last_four != request.last_four:
        found.append(
            Message(
                N_("account: requested …%(asked)s, answered …%(told)s"),
                {"asked": request.last_four, "told": answer.last_four},
            )
        )
    if request.released_on is not None and answer.happened_on < request.released_on:
        found.append(
            Message(
                N_("day: answered %(told)s, before the release on %(released)s"),
                {"told": answer.happened_on, "released": request.released_on},
            )
        )
    found += _against_what_is_known(request, answer)
    return Comparison("different", found) if found else Comparison("matched")


def _against_what_is_known(request: Request, answer: Answer) -> list[Message]:
    """A payment whose end is known already: the same answer again agrees with it, another does not."""
    if request.state == "returned" and answer.result == "paid":
        return [Message(N_("recorded as returned, answered as paid"))]
    if request.state != "paid" or answer.result != "paid":
        return []
    if (request.paid_on, request.voucher_number) == (answer.happened_on, answer.voucher_number):
        return []
    return [
        Message(
            N_("recorded as paid on %(day)s with voucher %(voucher)s, answered differently"),
            {"day": request.paid_on, "voucher": request.voucher_number},
        )
    ]


def _not(reason: str) -> Comparison:
    return Comparison("not_compared", [Message(reason)])
