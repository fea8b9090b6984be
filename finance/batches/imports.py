"""The bank's table of answers: columns, and why a row is refused.

One row is the answer to one payment. Every mistake is listed with its row; a table with a mistake is
not taken at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from core import clock
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
from finance.batches.rules import Answer

COLUMNS: dict[str, tuple[str, ...]] = {
    "reference": ("支付单号", "支付编号", "业务编号", "申请编号"),
    "result": ("支付结果", "结果", "支付状态", "状态"),
    "amount": ("支付金额(元)", "支付金额", "金额(元)", "金额"),
    "account_name": ("收款人", "收款人名称", "收款人户名", "户名"),
    "account_number": ("收款人账号", "收款账号", "账号"),
    "happened_on": ("支付日期", "处理日期", "日期"),
    "voucher_number": ("凭证号", "支付凭证号", "流水号"),
    "reason": ("退回原因", "失败原因", "原因", "附言"),
}
REQUIRED = ("reference", "result", "amount", "happened_on")
RESULTS = {
    **dict.fromkeys(("成功", "支付成功", "已支付", "paid"), "paid"),
    **dict.fromkeys(("退回", "退票", "失败", "支付失败", "returned"), "returned"),
}
_HEADINGS = headings_of(COLUMNS)
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,2})?|\d{1,3}(,\d{3}){1,4}(\.\d{1,2})?", re.ASCII)
_DAY = re.compile(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})", re.ASCII)
_FIRST_YEAR = 2000


class _Refused(ValueError):
    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.message = Message(sentence, values) if values else Message(sentence)


def read_answers(source: BinaryIO | str | Path, filename: str) -> ImportResult[Answer]:
    """Read the table (CSV in UTF-8 or GB 18030, or XLSX). Never raises for bad content."""
    result: ImportResult[Answer] = read_rows(source, filename, _HEADINGS, REQUIRED, _read)
    if not result.rows and not result.errors:
        result.errors.append(RowError(0, "", filename[:80], Message(N_("The table has no row."))))
    return result


def _read(sheet: Sheet, places: dict[str, int], result: ImportResult[Answer]) -> None:
    seen: dict[str, int] = {}
    for number, cells in sheet.rows:
        row = _Row(number, cells, places, sheet)
        answer = row.read()
        if answer is not None:
            first = seen.setdefault(answer.reference, number)
            if first != number:
                row.refuse(
                    "reference", Message(N_("this payment stands in row %(row)s already"), {"row": first})
                )
        if row.errors:
            if not result.refuse(row.errors):
                return
        elif answer is not None:
            result.rows.append(answer)


class _Row:
    """One row while it is read: collects every mistake in it."""

    def __init__(self, number: int, cells: list[Cell], places: dict[str, int], sheet: Sheet) -> None:
        self.number = number
        self.errors: list[RowError] = []
        self._cells = {name: cells[at] if at < len(cells) else None for name, at in places.items()}
        for name, at in places.items():
            if blemish := sheet.blemishes.get((number, at)):
                self.refuse(name, blemish)
        if long := too_many_cells(number, cells, sheet):
            self.errors.append(long)

    def refuse(self, column: str, message: Message) -> None:
        value = self._cells.get(column)
        self.errors.append(RowError(self.number, column, "" if value is None else str(value)[:200], message))

    def read(self) -> Answer | None:
        reference = self._take("reference", _reference)
        result = self._take("result", _result)
        amount = self._take("amount", _amount)
        happened_on = self._take("happened_on", _day)
        account_name = self._take("account_name", _short(120), needed=False) or ""
        number = self._take("account_number", _digits, needed=False) or ""
        voucher = self._take("voucher_number", _short(60), needed=False) or ""
        reason = self._take("reason", _short(200), needed=False) or ""
        if result == "paid" and not voucher and not self._failed("voucher_number"):
            self.refuse("voucher_number", Message(N_("a paid row has the number of the bank's voucher")))
        if result == "returned" and not reason and not self._failed("reason"):
            self.refuse("reason", Message(N_("a returned row says why")))
        if self.errors or reference is None or result is None or amount is None or happened_on is None:
            return None
        return Answer(
            row=self.number,
            reference=reference,
            result=result,
            amount=amount,
            account_name=account_name,
            last_four=number[-4:],
            happened_on=happened_on,
            voucher_number=voucher,
            reason=reason,
        )

    def _failed(self, column: str) -> bool:
        return any(error.column == column for error in self.errors)

    def _take(self, column: str, read: Callable[[Cell], Any], *, needed: bool = True) -> Any:
        cell = self._cells.get(column)
        try:
            if cell is None or (isinstance(cell, str) and not cell.strip()):
                if needed:
                    raise _Refused(N_("the cell is empty"))
                return None
            return read(cell)
        except (_Refused, CellError) as error:
            self.refuse(column, error.message)
            return None


def _reference(cell: Cell) -> str:
    text = cell_text(cell)
    if len(text) > 60:
        raise _Refused(N_("the text is longer than %(limit)s characters"), limit=60)
    return text


def _short(limit: int) -> Callable[[Cell], str]:
    def read(cell: Cell) -> str:
        text = cell_text(cell)
        if len(text) > limit:
            raise _Refused(N_("the text is longer than %(limit)s characters"), limit=limit)
        return text

    return read


def _result(cell: Cell) -> str:
    text = cell_text(cell)
    if text not in RESULTS:
        raise _Refused(N_("unknown result; known are: %(words)s"), words="、".join(RESULTS))
    return RESULTS[text]


def _digits(cell: Cell) -> str:
    text = cell_text(cell).replace(" ", "").replace("-", "").lstrip("*")
    if not (text.isascii() and text.isdigit() and 4 <= len(text) <= 30):
        raise _Refused(N_("an account number has digits only; its last four are enough"))
    return text


def _amount(cell: Cell) -> Money:
    """元 with at most two decimals, as text or as a spreadsheet number; above zero."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise _Refused(N_("write the amount in yuan with at most two decimals, such as 1234.50"))
    text = format(Decimal(repr(cell)), "f") if isinstance(cell, (int, float)) else cell_text(cell)
    text = re.sub(r"\.0+$", "", text) if isinstance(cell, float) else text
    if not _AMOUNT.fullmatch(text):
        raise _Refused(N_("write the amount in yuan with at most two decimals, such as 1234.50"))
    try:
        amount = Money.parse(text)
    except MoneyError as error:
        raise _Refused(N_("write the amount in yuan with at most two decimals, such as 1234.50")) from error
    if amount <= Money(0):
        raise _Refused(N_("the amount must be above zero"))
    return amount


def _day(cell: Cell) -> date:
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    elif isinstance(cell, (time, timedelta)):
        raise _Refused(N_("write the day as 2025-03-01"))
    else:
        found = _DAY.fullmatch(cell_text(cell))
        try:
            day = date(*(int(part) for part in found.groups())) if found else date.min
        except ValueError:
            day = date.min
    if not date(_FIRST_YEAR, 1, 1) <= day:
        raise _Refused(N_("write the day as 2025-03-01"))
    if day > clock.today():
        raise _Refused(N_("the day lies in the future"))
    return day
