"""The purchase table: columns, and why a row is refused (DOMAIN 3.1 “import”).

One row is one contract in one fiscal year. Reading never stops at the first mistake; whether a file
with mistakes is taken at all is the caller's decision.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

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
from finance.purchasing.rules import CONSORTIUM, FILED_BODY, PurchaseRow
from registry.agencies.rules import DivisionError, is_known_division, normalise_division
from registry.organizations.rules import KIND_BY_PREFIX, CodeError, CreditCode, check_credit_code

FIRST_YEAR, LAST_YEAR = 1995, 2100

COLUMNS: dict[str, tuple[str, ...]] = {
    "contract_no": ("合同编号", "合同号"),
    "fiscal_year": ("预算年度", "财政年度", "年度"),
    "division_code": ("行政区划代码", "区划代码"),
    "purchaser": ("购买主体", "采购人", "购买单位"),
    "service_key": ("服务编号", "服务标识", "服务事项编号"),
    "service_name": ("服务名称", "服务项目名称", "服务项目"),
    "catalogue_code": ("指导性目录编码", "目录编码", "指导性目录代码"),
    "public_service": ("是否公共服务", "公共服务"),
    "contractor": ("承接主体", "承接主体名称", "供应商"),
    "contractor_code": ("承接主体统一社会信用代码", "统一社会信用代码"),
    "contractor_kind": ("承接主体类型", "承接主体类别"),
    "host_code": ("代管单位统一社会信用代码", "代管组织统一社会信用代码"),
    "so_share": ("社会组织份额", "社会组织占比"),
    "amount_yuan": ("合同金额(元)", "金额(元)", "合同金额_元"),
    "cancelled_amount_yuan": ("取消金额(元)", "核减金额(元)", "取消金额_元"),
    "fund_source": ("资金来源",),
    "method": ("采购方式", "购买方式"),
    "signed_on": ("签订日期", "合同签订日期", "签约日期"),
    "is_venture": ("是否公益创投", "公益创投"),
}
OPTIONAL_COLUMNS = frozenset(
    {"service_key", "catalogue_code", "host_code", "so_share", "cancelled_amount_yuan", "method"}
)

# Kinds as offices write them -> the term of the table.
KINDS: dict[str, str] = {kind: kind for kind in KIND_BY_PREFIX.values()} | {
    CONSORTIUM: CONSORTIUM,
    FILED_BODY: FILED_BODY,
    "民办非企业单位": "社会服务机构",
    "群众团体": "群团组织",
    "机关": "机关",
    "个体工商户": "个体工商户",
    "农民专业合作社": "农民专业合作社",
    "农村集体经济组织": "农村集体经济组织",
    "居民委员会": "居民委员会",
    "居委会": "居民委员会",
    "村民委员会": "村民委员会",
    "村委会": "村民委员会",
    "个人": "个人",
    "自然人": "个人",
    "其他": "其他",
}
_CODED_KINDS = frozenset(KIND_BY_PREFIX.values())
_YES_NO = {"是": True, "否": False}

_HEADINGS = headings_of(COLUMNS)
REQUIRED_COLUMNS = tuple(name for name in COLUMNS if name not in OPTIONAL_COLUMNS)
_DAY = re.compile(r"(\d{4})(?:[-/.年])(\d{1,2})(?:[-/.月])(\d{1,2})日?(?:[ T]00:00(?::00)?)?")
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR = re.compile(r"(\d{4})(?:年|年度)?")
_SHARE = re.compile(r"[+-]?\d{1,4}(?:\.\d{1,18})?(%?)")
_DECIMALS = re.compile(r"\.(\d{3,})")


class _Refused(ValueError):
    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


def read_purchases(source: BinaryIO | str | Path, filename: str) -> ImportResult[PurchaseRow]:
    """Read a purchase table (CSV in UTF-8 or GB 18030, or XLSX) and check every row. Never raises for bad content."""
    return read_rows(source, filename, _HEADINGS, REQUIRED_COLUMNS, _read_rows)


def _read_rows(sheet: Sheet, places: dict[str, int], result: ImportResult[PurchaseRow]) -> None:
    seen: dict[tuple[str, str, int, str], int] = {}
    for number, cells in sheet.rows:
        row = _Row(number, cells, places, sheet)
        purchase = row.read()
        if purchase is not None:
            identity = (
                purchase.division_code,
                purchase.purchaser,
                purchase.fiscal_year,
                purchase.contract_no,
            )
            first = seen.setdefault(identity, number)
            if first != number:
                row.refuse(
                    "contract_no",
                    Message(
                        N_(
                            "the same contract number of this purchaser and fiscal year stands in row %(first)s: a contract has one row a year"
                        ),
                        {"first": first},
                    ),
                )
        if row.errors:
            if not result.refuse(row.errors):
                return
        elif purchase is not None:
            result.rows.append(purchase)


class _Row:
    """One row while it is read: collects every mistake in it."""

    def __init__(self, number: int, cells: list[Cell], places: dict[str, int], sheet: Sheet) -> None:
        self.number = number
        self.errors: list[RowError] = []
        self._cells: dict[str, Cell] = {}
        for name, index in places.items():
            cell = cells[index] if index < len(cells) else None
            blemish = sheet.blemishes.get((number, index)) if sheet.blemishes else None
            self._cells[name] = cell
            if blemish is not None:
                self.refuse(name, blemish)
        if (long := too_many_cells(number, cells, sheet)) is not None:
            self.errors.append(long)

    def refuse(self, column: str, message: Message) -> None:
        value = self._cells.get(column)
        self.errors.append(RowError(self.number, column, "" if value is None else str(value)[:200], message))

    def read(self) -> PurchaseRow | None:
        """The row, or ``None`` with ``errors`` filled."""
        contract_no = self._take("contract_no", _identifier)
        fiscal_year = self._take("fiscal_year", _year)
        division = self._take("division_code", _division)
        purchaser = self._take("purchaser", _name)
        service_key = self._take("service_key", _identifier, required=False) or ""
        service_name = self._take("service_name", _name, required=False) or ""
        if not service_key and not service_name and not self._failed("service_key", "service_name"):
            self.refuse(
                "service_name", Message(N_("service key and service name are both empty: fill at least one"))
            )
        catalogue_code = self._take("catalogue_code", _identifier, required=False) or ""
        public_service = self._take("public_service", _yes_no)
        contractor = self._take("contractor", _name)
        code = self._take("contractor_code", _code, required=False)
        kind = self._take("contractor_kind", _kind)
        host = self._take("host_code", _code, required=False)
        share = self._take("so_share", _share, required=False)
        amount = self._take("amount_yuan", _amount, as_text=False)
        cancelled = self._take("cancelled_amount_yuan", _amount, required=False, as_text=False)
        fund_source = self._take("fund_source", _name)
        method = self._take("method", _name, required=False) or ""
        signed_on = self._take("signed_on", _day, as_text=False)
        is_venture = self._take("is_venture", _yes_no)

        if kind is not None and not self._failed("contractor_code"):
            self._check_kind(kind, code)
        if share is not None and kind is not None and kind != CONSORTIUM:
            self.refuse(
                "so_share",
                Message(N_("only a consortium (联合体) has a share: leave it empty for other kinds")),
            )
        if amount is not None and amount <= Money.zero():
            self.refuse("amount_yuan", Message(N_("the amount must be above zero")))
        elif amount is not None and cancelled is not None and cancelled > amount:
            self.refuse(
                "cancelled_amount_yuan", Message(N_("more is cancelled than the amount of the contract"))
            )
        if cancelled is not None and cancelled < Money.zero():
            self.refuse("cancelled_amount_yuan", Message(N_("the cancelled amount must not be below zero")))
        if (
            self.errors
            or contract_no is None
            or fiscal_year is None
            or division is None
            or purchaser is None
            or public_service is None
            or contractor is None
            or kind is None
            or amount is None
            or fund_source is None
            or signed_on is None
            or is_venture is None
        ):
            return None
        return PurchaseRow(
            contract_no=contract_no,
            fiscal_year=fiscal_year,
            division_code=division,
            purchaser=purchaser,
            service_key=service_key,
            service_name=service_name,
            catalogue_code=catalogue_code,
            public_service=public_service,
            contractor=contractor,
            contractor_code=code.code if code else "",
            contractor_kind=kind,
            host_code=host.code if host else "",
            so_share=share,
            amount=amount,
            cancelled_amount=cancelled or Money.zero(),
            fund_source=fund_source,
            method=method,
            signed_on=signed_on,
            is_venture=is_venture,
            row=self.number,
        )

    def _failed(self, *columns: str) -> bool:
        return any(error.column in columns for error in self.errors)

    def _take(
        self, column: str, read: Callable[[Any], Any], *, required: bool = True, as_text: bool = True
    ) -> Any:
        """The cell read by ``read``, ``None`` where it is blank or refused (then an error is noted)."""
        cell = self._cells.get(column)
        try:
            text = "" if isinstance(cell, float) and not as_text else cell_text(cell)
            if not text and not (isinstance(cell, float) and not as_text):
                if required:
                    self.refuse(column, Message(N_("the cell is empty")))
                return None
            return read(text if as_text else cell)
        except (_Refused, CellError, CodeError, DivisionError) as error:
            self.refuse(column, error.message)
            return None

    def _check_kind(self, kind: str, code: CreditCode | None) -> None:
        if code is None:
            if kind in _CODED_KINDS:
                self.refuse(
                    "contractor_code",
                    Message(
                        N_("a contractor of kind %(kind)s has a unified social credit code: fill it in"),
                        {"kind": kind},
                    ),
                )
            return
        # A consortium or filed body may show its lead's or host's code; it does not count by it.
        if kind in (CONSORTIUM, FILED_BODY):
            return
        expected = KIND_BY_PREFIX.get(code.kind)
        if expected != kind and (expected is not None or kind in _CODED_KINDS):
            self.refuse(
                "contractor_kind",
                Message(
                    N_("the kind %(kind)s disagrees with the code, which starts with %(prefix)s"),
                    {"kind": kind, "prefix": code.kind},
                ),
            )


def _identifier(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text).strip()
    if len(normal) > 100:
        raise _Refused(Message(N_("the text is longer than %(limit)s characters"), {"limit": 100}))
    return normal


def _name(text: str) -> str:
    if len(text) > 200:
        raise _Refused(Message(N_("the text is longer than %(limit)s characters"), {"limit": 200}))
    return text


def _year(text: str) -> int:
    found = _YEAR.fullmatch(unicodedata.normalize("NFKC", text))
    if not found or not found[1].isascii():
        raise _Refused(Message(N_("write the fiscal year with four digits, such as 2025")))
    year = int(found[1])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _Refused(
            Message(
                N_("the fiscal year lies outside %(first)s–%(last)s"),
                {"first": FIRST_YEAR, "last": LAST_YEAR},
            )
        )
    return year


def _division(text: str) -> str:
    normal = normalise_division(unicodedata.normalize("NFKC", text))
    if not is_known_division(normal):
        raise _Refused(Message(N_("%(code)s is no city or county of GB/T 2260"), {"code": normal[:6]}))
    return normal


def _yes_no(text: str) -> bool:
    if text not in _YES_NO:
        raise _Refused(Message(N_("write 是 or 否")))
    return _YES_NO[text]


@lru_cache(maxsize=65_536)
def _code(text: str) -> CreditCode:
    return check_credit_code(text)


def _kind(text: str) -> str:
    if text not in KINDS:
        raise _Refused(
            Message(
                N_("unknown kind of contractor; known are: %(kinds)s"),
                {"kinds": "、".join(dict.fromkeys(KINDS.values()))},
            )
        )
    return KINDS[text]


def _share(text: str) -> Fraction:
    normal = unicodedata.normalize("NFKC", text).replace(" ", "")
    found = _SHARE.fullmatch(normal)
    if not found or not normal.isascii():
        raise _Refused(Message(N_("write the share as a decimal from 0 to 1, such as 0.4")))
    share = Fraction(normal.removesuffix("%")) / (100 if found[1] else 1)
    if not 0 <= share <= 1:
        raise _Refused(Message(N_("the share lies outside 0 to 1")))
    return share


def _amount(cell: Cell) -> Money:
    """元 with at most two decimals, as text or as a spreadsheet number."""
    if isinstance(cell, (bool, date, time, timedelta)):
        raise _Refused(Message(N_("write the amount in yuan with at most two decimals, such as 1234.50")))
    if isinstance(cell, (int, float)):
        text = _plain(cell)
    else:
        text = cell_text(cell)
    normal = unicodedata.normalize("NFKC", text)
    if _DECIMALS.search(normal) and not re.search(r"[^\d.,¥CN+\-−\s]", normal):
        raise _Refused(Message(N_("the amount has more than two decimals")))
    try:
        return Money.parse(text)
    except MoneyError as error:
        if "larger" in str(error) or (normal.lstrip("+-").isdigit() and len(normal) > 17):
            raise _Refused(Message(N_("the amount is larger than the ledger can hold"))) from error
        raise _Refused(
            Message(N_("write the amount in yuan with at most two decimals, such as 1234.50"))
        ) from error


def _plain(number: float) -> str:
    """A spreadsheet number as decimal text: the shortest that means the same float."""
    try:
        exact = Decimal(repr(number))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise _Refused(Message(N_("write the amount in yuan with at most two decimals, such as 1234.50")))
    if abs(exact) >= 10**15:
        raise _Refused(Message(N_("the amount is larger than the ledger can hold")))
    exact = exact.normalize()
    if exact.as_tuple().exponent < -2:  # type: ignore[operator]
        raise _Refused(Message(N_("the amount has more than two decimals")))
    return format(exact, "f")


def _day(cell: Cell) -> date:
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
        raise _Refused(Message(N_("write the day of signature as 2025-03-01")))
    return day
