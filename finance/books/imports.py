"""The opening table: what a unit had budgeted, spent and promised before it worked here.

Three kinds of rows in one table: a budget (指标), what was spent of it without a project that still
runs (已支出), and the tranches of running projects (期次), one row each, with the day of payment where
it was paid. A tranche is paid whole or not at all. A table with a mistake is not kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from core.cells import FIRST_YEAR, LAST_YEAR, read_amount, read_day
from core.money import Money
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
from finance.books.policy import Row
from registry.organizations.rules import CodeError, check_credit_code

BUDGET, SPENT, TRANCHE = "budget", "spent", "tranche"
RECORDS = {"指标": BUDGET, "已支出": SPENT, "期次": TRANCHE}
KINDS = {
    "一般公共预算": "general_public_budget",
    "政府性基金": "government_fund_budget",
    "福利彩票公益金": "welfare_lottery_fund",
    "发展资金": "development_fund",
    "社区补贴": "community_subsidy",
    "党群服务经费": "party_service_fund",
    "党建经费": "party_building_cost",
    "捐赠": "donation",
    "基金会配套": "foundation_match",
    "众筹": "crowdfunding",
    "自筹": "self_raised",
}
TIERS = {
    "": "",
    "中央集中": "central",
    "中央专项": "central_special",
    "省级": "province",
    "市级": "city",
    "县级": "county",
}
PURPOSES = {
    "老年人": "elderly",
    "残疾人": "disability",
    "儿童": "children",
    "困难群众": "relief",
    "社区建设": "community",
    "社会工作": "social_work",
    "党建": "party",
    "其他": "other",
}
TRACKS = {"公益创投": "venture_grant", "购买服务": "service_purchase"}
CONDITIONS = {"签约": "signed", "中期评估合格": "midterm_passed", "末期评估合格": "final_passed"}

COLUMNS: dict[str, tuple[str, ...]] = {
    "record": ("类别",),
    "source": ("资金来源", "资金来源名称"),
    "source_kind": ("资金性质", "资金类型"),
    "tier": ("层级", "公益金层级"),
    "fiscal_year": ("预算年度", "年度"),
    "document_number": ("指标文号", "文号"),
    "function_code": ("功能分类科目", "功能科目"),
    "economic_code": ("经济分类科目", "经济科目"),
    "purpose": ("用途",),
    "number": ("合同编号", "协议编号"),
    "title": ("项目名称",),
    "organization_code": ("统一社会信用代码", "承接主体统一社会信用代码"),
    "track": ("项目类型",),
    "starts_on": ("开始日期",),
    "ends_on": ("结束日期",),
    "tranche_title": ("期次名称",),
    "condition": ("拨付条件",),
    "amount_yuan": ("金额(元)", "金额"),
    "paid_on": ("已付日期", "支付日期"),
    "voucher_number": ("支付凭证号", "凭证号"),
    "account_last_four": ("收款账号后四位", "账号后四位"),
}
REQUIRED_COLUMNS = ("record", "source", "fiscal_year", "amount_yuan")
# What each kind of row must say besides.
NEEDS = {
    BUDGET: ("source_kind", "document_number"),
    SPENT: ("purpose",),
    TRANCHE: (
        "purpose", "number", "title", "organization_code", "track", "starts_on", "ends_on", "tranche_title", "condition",
    ),
}  # fmt: skip
# A row of each kind, for the empty table; everything in it is invented.
EXAMPLES: tuple[dict[str, str], ...] = (
    {
        "record": "指标", "source": "示例县级福彩公益金", "source_kind": "福利彩票公益金", "tier": "县级",
        "fiscal_year": "2026", "document_number": "示财社〔2026〕3号", "function_code": "2296002", "amount_yuan": "300000.00",
    },
    {
        "record": "已支出", "source": "示例县级福彩公益金", "fiscal_year": "2026", "purpose": "老年人",
        "title": "示例上线前已结束的项目", "amount_yuan": "80000.00",
    },
    {
        "record": "期次", "source": "示例县级福彩公益金", "fiscal_year": "2026", "purpose": "老年人",
        "number": "示例-2026-01-HT", "title": "示例助老项目", "organization_code": "52150602MJ00000001", "track": "公益创投",
        "starts_on": "2026-03-01", "ends_on": "2026-12-31", "tranche_title": "首期款", "condition": "签约",
        "amount_yuan": "30000.00", "paid_on": "2026-03-15", "voucher_number": "示例凭证0001", "account_last_four": "0001",
    },
)  # fmt: skip
_HEADINGS = headings_of(COLUMNS)
MAX_ROWS = 5_000


def read_opening(source: BinaryIO | str | Path, filename: str) -> ImportResult[Row]:
    """Read an opening table (CSV in UTF-8 or GB 18030, or XLSX); never raises for bad content."""
    return read_rows(source, filename, _HEADINGS, REQUIRED_COLUMNS, _read)


def _read(sheet: Sheet, places: dict[str, int], result: ImportResult[Row]) -> None:
    for number, cells in sheet.rows:
        if len(result.rows) >= MAX_ROWS:
            result.refuse(
                [
                    RowError(
                        number,
                        "",
                        "",
                        Message(N_("an opening table has at most %(limit)s rows"), {"limit": MAX_ROWS}),
                    )
                ]
            )
            return
        row = _Reader(number, cells, places, sheet)
        found = row.read()
        if row.errors:
            if not result.refuse(row.errors):
                return
        elif found is not None:
            result.rows.append(found)


class _Reader:
    """One row while it is read: collects every mistake in it."""

    def __init__(self, number: int, cells: list[Cell], places: dict[str, int], sheet: Sheet) -> None:
        self.number = number
        self.errors: list[RowError] = []
        self._cells = {name: cells[at] if at < len(cells) else None for name, at in places.items()}
        for name, at in places.items():
            if (number, at) in sheet.blemishes:
                self.refuse(name, sheet.blemishes[(number, at)])
        if (long := too_many_cells(number, cells, sheet)) is not None:
            self.errors.append(long)

    def refuse(self, column: str, message: Message) -> None:
        value = self._cells.get(column)
        self.errors.append(RowError(self.number, column, "" if value is None else str(value)[:200], message))

    def read(self) -> Row | None:
        record = self._take("record", _one_of(RECORDS))
        if record is None:
            return None
        needed = {*REQUIRED_COLUMNS, *NEEDS[record]}
        values: dict[str, Any] = {
            "source": self._take("source", _text(120)),
            "fiscal_year": self._take("fiscal_year", _year),
            "amount": self._take("amount_yuan", _positive, raw=True),
        }
        readers: dict[str, Callable[[Any], Any]] = {
            "source_kind": _one_of(KINDS),
            "tier": _one_of(TIERS),
            "document_number": _text(60),
            "function_code": _digits(7),
            "economic_code": _digits(5),
            "purpose": _one_of(PURPOSES),
            "number": _text(60),
            "title": _text(160),
            "organization_code": _code,
            "track": _one_of(TRACKS),
            "tranche_title": _text(60),
            "condition": _one_of(CONDITIONS),
            "voucher_number": _text(60),
            "account_last_four": _digits(4),
        }
        for name, reader in readers.items():
            values[name] = self._take(name, reader, required=name in needed) or ""
        for name in ("starts_on", "ends_on", "paid_on"):
            day = self._take(name, read_day, required=name in needed, raw=True)
            values[name] = day.isoformat() if isinstance(day, date) else ""
        if record == TRANCHE:
            self._check_tranche(values)
        return None if self.errors else Row(row=self.number, record=record, **values)

    def _check_tranche(self, values: dict[str, Any]) -> None:
        if values["starts_on"] and values["ends_on"] and values["ends_on"] < values["starts_on"]:
            self.refuse("ends_on", Message(N_("the last day lies before the first day")))
        if values["paid_on"]:
            for name in ("voucher_number", "account_last_four"):
                if not values[name] and not any(error.column == name for error in self.errors):
                    self.refuse(name, Message(N_("a tranche that was paid names its voucher and account")))

    def _take(
        self, column: str, read: Callable[[Any], Any], *, required: bool = True, raw: bool = False
    ) -> Any:
        cell = self._cells.get(column)
        try:
            number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
            text = "" if raw and number else cell_text(cell)
            if not text and not (raw and number):
                if required:
                    self.refuse(column, Message(N_("the cell is empty")))
                return None
            return read(cell if raw else unicodedata.normalize("NFKC", text).strip())
        except (CellError, CodeError) as error:
            self.refuse(column, error.message)
            return None


def _one_of(words: dict[str, str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            known = "、".join(word for word in words if word)
            raise CellError(Message(N_("write one of: %(words)s"), {"words": known}))
        return words[text]

    return read


def _text(limit: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > limit:
            raise CellError(Message(N_("the text is longer than %(limit)s characters"), {"limit": limit}))
        return text

    return read


def _digits(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.isascii() or not text.isdigit() or len(text) > most:
            raise CellError(Message(N_("write at most %(most)s digits"), {"most": most}))
        return text

    return read


def _year(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not FIRST_YEAR <= int(text[:5]) <= LAST_YEAR:
        raise CellError(Message(N_("write the fiscal year with four digits, such as 2025")))
    return int(text)


def _positive(cell: Cell) -> int:
    amount = read_amount(cell)
    if amount <= Money(0):
        raise CellError(Message(N_("the amount must be above zero")))
    return amount.fen


def _code(text: str) -> str:
    return check_credit_code(text).code
