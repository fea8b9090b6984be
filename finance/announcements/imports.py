"""The table of published lottery fund notices: columns, and why a row is refused.

One row is one line of a notice (item, subtotal or total), amounts in 万元. Columns as in
``tests/data/lottery_fund_use.csv``; Chinese headings are understood too.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from core.money import Money, MoneyError
from core.spreadsheets import (
    Cell,
    CellError,
    ImportResult,
    RowError,
    Sheet,
    cell_text,
    headings_of,
    read_rows,
    too_many_cells,
)
from core.text import N_, Message
from finance.announcements.rules import COLUMNS, NO, YES, NoticeRow
from finance.lottery.rules import WAN

FIRST_YEAR, LAST_YEAR = 1987, 2100

OPTIONAL_COLUMNS = frozenset(
    {"row", "project_count", "stated_percent", "completeness", "source_kind", "source_url", "remark"}
)

_HEADINGS = headings_of(COLUMNS)

REQUIRED_COLUMNS = tuple(name for name in COLUMNS if name not in OPTIONAL_COLUMNS)

_YES_NO = {"Y": True, "N": False, YES: True, NO: False}

_PARTIAL = {"full": False, "partial": True, "完整": False, "部分": True}

_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?")

# With separators of thousands they stand after every three digits, or it is another number.
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,6})?")


class _Refused(ValueError):
    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


def read_notices(source: BinaryIO | str | Path, filename: str) -> ImportResult[NoticeRow]:
    """Read a table of notices (CSV in UTF-8 or GB 18030, or XLSX). Never raises for bad content."""
    return read_rows(source, filename, _HEADINGS, REQUIRED_COLUMNS, _read_rows)


def _read_rows(sheet: Sheet, places: dict[str, int], result: ImportResult[NoticeRow]) -> None:
    for number, cells in sheet.rows:
        errors: list[RowError] = []
        texts: dict[str, str] = {}
        for name, index in places.items():
            cell = cells[index] if index < len(cells) else None
            blemish = sheet.blemishes.get((number, index))
            try:
                if blemish is not None:
                    raise _Refused(blemish)
                texts[name] = _cell_text(cell)
            except (_Refused, CellError) as error:
                errors.append(RowError(number, name, "" if cell is None else str(cell)[:200], error.message))
        if (long := too_many_cells(number, cells, sheet)) is not None:
            errors.append(long)
        row = None if errors else _read_row(number, texts, errors)
        if errors:
            if not result.refuse(errors):
                return
        elif row is not None:
            result.rows.append(row)


def _cell_text(cell: Cell) -> str:
    if isinstance(cell, float) and abs(cell) < 10**15:
        number = Decimal(repr(cell))
        return format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number, "f")
    return cell_text(cell)


def _read_row(number: int, texts: dict[str, str], errors: list[RowError]) -> NoticeRow | None:
    def refuse(column: str, message: Message) -> None:
        errors.append(RowError(number, column, texts.get(column, "")[:200], message))

    for column in ("jurisdiction", "notice_title_or_subject", "fund_tier", "item"):
        if not texts[column]:
            refuse(column, Message(N_("the cell is empty")))
    year = unicodedata.normalize("NFKC", texts["fiscal_year"]).removesuffix("度").removesuffix("年")
    if not re.fullmatch(r"[0-9]{4}", year) or not FIRST_YEAR <= int(year) <= LAST_YEAR:
        refuse("fiscal_year", Message(N_("write the fiscal year with four digits, such as 2025")))
    amount_text = unicodedata.normalize("NFKC", texts["amount_wan_yuan"]).strip()
    if _GROUPED.fullmatch(amount_text):
        amount_text = amount_text.replace(",", "")
    amount = Money.zero()
    try:
        if not _NUMBER.fullmatch(amount_text):
            raise MoneyError
        amount = Money.parse(amount_text, unit=WAN)
    except MoneyError:
        refuse(
            "amount_wan_yuan",
            Message(N_("write the amount in 万元, not below zero, with at most six decimals")),
        )
    count_text = unicodedata.normalize("NFKC", texts.get("project_count", ""))
    if count_text and not re.fullmatch(r"[0-9]{1,9}", count_text):
        refuse("project_count", Message(N_("write the number of projects as a whole number")))
    percent = unicodedata.normalize("NFKC", texts.get("stated_percent", "")).removesuffix("%")
    if percent and not _NUMBER.fullmatch(percent):
        refuse("stated_percent", Message(N_("write the percentage as a number, such as 56.1")))
    subtotal = _YES_NO.get(unicodedata.normalize("NFKC", texts["is_subtotal"]).upper())
    if subtotal is None:
        refuse("is_subtotal", Message(N_("write Y or N, 是 or 否")))
    # A table that does not say so is taken as complete.
    partial = _PARTIAL.get(texts.get("completeness", "").lower() or "full")
    if partial is None:
        refuse("completeness", Message(N_("write full or partial, 完整 or 部分")))
    own_number = texts.get("row", "")
    if own_number and not re.fullmatch(r"[0-9]{1,9}", own_number):
        refuse("row", Message(N_("write the row number as a whole number")))
    if errors or subtotal is None or partial is None:
        return None
    return NoticeRow(
        row=int(own_number) if own_number else number,
        jurisdiction=texts["jurisdiction"],
        title=texts["notice_title_or_subject"],
        fiscal_year=int(year),
        fund_tier=texts["fund_tier"],
        category=texts["category"],
        item=texts["item"],
        amount=amount,
        amount_text=amount_text,
        project_count=int(count_text) if count_text else None,
        stated_percent=percent,
        is_subtotal=subtotal,
        is_partial=partial,
        source_kind=texts.get("source_kind", ""),
        source_url=texts.get("source_url", ""),
        remark=texts.get("remark", ""),
    )
