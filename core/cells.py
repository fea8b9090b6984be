"""Cells of imported tables: an amount in yuan, a day. What cannot be read is a :class:`CellError`."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from core.money import Money, MoneyError
from core.spreadsheets import Cell, CellError, cell_text
from core.text import N_, Message

FIRST_YEAR, LAST_YEAR = 1995, 2100

_DAY = re.compile(r"(\d{4})(?:[-/.年])(\d{1,2})(?:[-/.月])(\d{1,2})日?(?:[ T]00:00(?::00)?)?")
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DECIMALS = re.compile(r"\.(\d{3,})")


def read_amount(cell: Cell) -> Money:
    """元 with at most two decimals, as text or as a spreadsheet number."""
    if isinstance(cell, (bool, date, time, timedelta)):
        raise CellError(Message(N_("write the amount in yuan with at most two decimals, such as 1234.50")))
    if isinstance(cell, (int, float)):
        text = _plain(cell)
    else:
        text = cell_text(cell)
    normal = unicodedata.normalize("NFKC", text)
    if _DECIMALS.search(normal) and not re.search(r"[^\d.,¥CN+\-−\s]", normal):
        raise CellError(Message(N_("the amount has more than two decimals")))
    try:
        return Money.parse(text)
    except MoneyError as error:
        if "larger" in str(error) or (normal.lstrip("+-").isdigit() and len(normal) > 17):
            raise CellError(Message(N_("the amount is larger than the ledger can hold"))) from error
        raise CellError(
            Message(N_("write the amount in yuan with at most two decimals, such as 1234.50"))
        ) from error


def _plain(number: float) -> str:
    """A spreadsheet number as decimal text: the shortest that means the same float."""
    try:
        exact = Decimal(repr(number))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise CellError(Message(N_("write the amount in yuan with at most two decimals, such as 1234.50")))
    if abs(exact) >= 10**15:
        raise CellError(Message(N_("the amount is larger than the ledger can hold")))
    exact = exact.normalize()
    if exact.as_tuple().exponent < -2:  # type: ignore[operator]
        raise CellError(Message(N_("the amount has more than two decimals")))
    return format(exact, "f")


def read_day(cell: Cell) -> date:
    """A day as text (2025-03-01, 2025年3月1日, 20250301) or as a spreadsheet day."""
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        text = unicodedata.normalize("NFKC", cell_text(cell))
        found = _DAY.fullmatch(text) or _COMPACT_DAY.fullmatch(text)
        try:
            day = date(int(found[1]), int(found[2]), int(found[3])) if found else date.min
        except ValueError:
            day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError(Message(N_("write the day as 2025-03-01")))
    return day
