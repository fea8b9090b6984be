"""A frozen year as text: canonical JSON, its digest, its rows as CSV; and when it is due."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Any

from core.money import Money
from core.text import N_
from finance.contracts.rules import PurchaseRow
from finance.snapshots.models import REASONS

# After the close of the year; the day is our own default, a jurisdiction confirms it (DOMAIN 3.14).
CALENDAR_DEFAULTS: dict[str, Any] = {"ratio_due": "03-31", "reasons": sorted(REASONS)}

CALENDAR_SOURCE = "政府信息公开条例 第二十条第（九）项；公开日期由本级确定（默认次年3月31日）"


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


HEADINGS = (
    "contract_no", "fiscal_year", "division_code", "purchaser", "service_key", "service_name", "catalogue_code",
    "public_service", "contractor", "contractor_code", "contractor_kind", "host_code", "so_share", "amount_yuan",
    "cancelled_amount_yuan", "fund_source", "method", "signed_on", "is_venture", "budget_amount_yuan",
    "paid_amount_yuan", "subcontract_so_share",
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
    "subcontract_so_share": N_("subcontracted to social organizations, share"),
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
        "so_share": _share_text(row.so_share),
        "amount_yuan": row.amount,
        "cancelled_amount_yuan": row.cancelled_amount,
        "fund_source": row.fund_source,
        "method": row.method,
        "signed_on": row.signed_on.isoformat() if row.signed_on else "",
        "is_venture": "是" if row.is_venture else "否",
        "budget_amount_yuan": "" if row.budget_amount is None else row.budget_amount,
        "paid_amount_yuan": "" if row.paid_amount is None else row.paid_amount,
        "subcontract_so_share": _share_text(row.subcontract_so_share),
    }


def text_row(row: PurchaseRow) -> dict[str, str]:
    """The same as plain text: money with two decimals, nothing that a spreadsheet would compute."""
    return {
        name: cell.plain() if isinstance(cell, Money) else f"'{cell}" if cell.startswith(_FORMULA) else cell
        for name, cell in table_row(row).items()
    }


def _share_text(share: Fraction | None) -> str:
    """A share as decimal text without loss: a table holds at most nine decimals. Blank where there is none."""
    if share is None:
        return ""
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
