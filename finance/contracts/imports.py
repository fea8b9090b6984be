"""The purchase table: columns, and why a row is refused (DOMAIN 3.1 “import”).

One row is one contract in one fiscal year. Reading never stops at the first mistake; whether a file
with mistakes is taken at all is the caller's decision.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from core.cells import read_amount, read_day
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
from finance.contracts.rules import CONSORTIUM, FILED_BODY, NANO, PurchaseRow, counts_by_itself
from registry.agencies.rules import DivisionError, is_known_division, normalise_division
from registry.organizations.rules import KIND_BY_PREFIX, CodeError, CreditCode, check_credit_code

FIRST_YEAR, LAST_YEAR = 1995, 2100

COLUMNS: dict[str, tuple[str, ...]] = {
    "contract_no": ("合同编号", "合同号", "合同编码", "协议编号"),
    "fiscal_year": ("预算年度", "财政年度", "年度", "会计年度", "年份"),
    "division_code": ("行政区划代码", "区划代码", "行政区划", "区划编码", "行政区划编码"),
    "purchaser": ("购买主体", "采购人", "购买单位", "采购单位", "采购人名称", "购买主体名称", "采购单位名称"),
    "service_key": ("服务编号", "服务标识", "服务事项编号", "项目编号", "采购项目编号"),
    "service_name": ("服务名称", "服务项目名称", "服务项目", "项目名称", "采购项目名称", "服务内容"),
    "catalogue_code": ("指导性目录编码", "目录编码", "指导性目录代码", "目录代码", "购买服务目录编码"),
    "public_service": ("是否公共服务", "公共服务", "是否属于公共服务"),
    "contractor": (
        "承接主体", "承接主体名称", "供应商", "供应商名称", "中标供应商", "成交供应商", "中标(成交)供应商",
        "承接单位",
    ),
    "contractor_code": (
        "承接主体统一社会信用代码", "统一社会信用代码", "供应商统一社会信用代码", "信用代码", "社会信用代码",
    ),
    "contractor_kind": ("承接主体类型", "承接主体类别", "供应商类型", "承接主体性质", "主体类型"),
    "host_code": ("代管单位统一社会信用代码", "代管组织统一社会信用代码", "代管单位信用代码"),
    "so_share": ("社会组织份额", "社会组织占比", "社会组织比例", "联合体中社会组织份额"),
    "amount_yuan": ("合同金额(元)", "金额(元)", "合同金额_元", "合同总价(元)", "成交金额(元)", "中标金额(元)"),
    "cancelled_amount_yuan": ("取消金额(元)", "核减金额(元)", "取消金额_元", "调减金额(元)"),
    "budget_amount_yuan": ("预算金额(元)", "预算指标(元)", "预算指标金额(元)", "预算金额_元"),
    "paid_amount_yuan": ("支付金额(元)", "实际支付(元)", "已支付金额(元)", "本年支付金额(元)", "支付金额_元"),
    "fund_source": ("资金来源", "资金性质", "经费来源"),
    "method": ("采购方式", "购买方式", "采购形式"),
    "signed_on": ("签订日期", "合同签订日期", "签约日期", "合同签订时间", "签订时间"),
    "is_venture": ("是否公益创投", "公益创投", "是否为公益创投"),
    "subcontract_so_share": (
        "分包给社会组织的份额", "分包社会组织占比", "分包给社会组织的占比", "分包社会组织份额", "分包社会组织比例",
    ),
}  # fmt: skip

OPTIONAL_COLUMNS = frozenset(
    {
        "service_key",
        "catalogue_code",
        "host_code",
        "so_share",
        "cancelled_amount_yuan",
        "budget_amount_yuan",
        "paid_amount_yuan",
        "method",
        "subcontract_so_share",
    }
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

_YEAR = re.compile(r"(\d{4})(?:年|年度)?")

_SHARE = re.compile(r"[+-]?\d{1,4}(?:\.\d{1,18})?(%?)")


class _Refused(ValueError):
    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


def read_purchases(
    source: BinaryIO | str | Path,
    filename: str,
    *,
    headings: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportResult[PurchaseRow]:
    """Read a purchase table (CSV in UTF-8 or GB 18030, or XLSX) and check every row. Never raises for bad content.

    ``headings`` are names of columns beside the usual ones, as :func:`heading_text` writes them →
    column. ``progress(done, about)`` is called now and then; what it raises ends the reading.
    """

    def read(sheet: Sheet, places: dict[str, int], result: ImportResult[PurchaseRow]) -> None:
        _read_rows(sheet, places, result, progress)

    return read_rows(source, filename, _HEADINGS | dict(headings or {}), REQUIRED_COLUMNS, read)


def heading_text(heading: str) -> str:
    """A heading as headings are compared: without blanks, half width, small letters."""
    return unicodedata.normalize("NFKC", heading).replace(" ", "").lower()


def in_other_unit(heading: str) -> bool:
    """Whether a heading says that its amounts are not in yuan."""
    return any(unit in heading for unit in ("千元", "万元", "亿元"))


def _read_rows(
    sheet: Sheet,
    places: dict[str, int],
    result: ImportResult[PurchaseRow],
    progress: Callable[[int, int], None] | None,
) -> None:
    seen: dict[tuple[str, str, int, str], int] = {}
    quick = _Quick(places, len(sheet.header))
    spoilt = {row for row, _column in sheet.blemishes}
    for count, (number, cells) in enumerate(sheet.rows, start=1):
        if progress is not None and count % 1_000 == 0:
            progress(count, max(count, sheet.height))
        purchase = None if number in spoilt else quick.read(number, cells)
        errors: list[RowError] = []
        if purchase is None:
            slow = _Row(number, cells, places, sheet)
            purchase, errors = slow.read(), slow.errors
        if purchase is not None:
            identity = (
                purchase.division_code,
                purchase.purchaser,
                purchase.fiscal_year,
                purchase.contract_no,
            )
            first = seen.setdefault(identity, number)
            if first != number:
                message = Message(
                    N_(
                        "the same contract number of this purchaser and fiscal year stands in row %(first)s: a contract has one row a year"
                    ),
                    {"first": first},
                )
                errors = [*errors, RowError(number, "contract_no", purchase.contract_no, message)]
        if errors:
            if not result.refuse(errors):
                return
        elif purchase is not None:
            result.rows.append(purchase)


class _Quick:
    """Reads rows without mistakes, remembering cells it has read; any other row is left to :class:`_Row`."""

    def __init__(self, places: dict[str, int], width: int) -> None:
        self._width = width
        self._last = max(places.values(), default=0)
        self._columns: list[tuple[int, bool, Callable[[Any], Any], bool, dict[Any, Any]]] = [
            (places.get(name, -1), name in OPTIONAL_COLUMNS or name in _MAY_BE_BLANK, read, as_text, {})
            for name, read, as_text in _READERS
        ]
        self._agree: dict[tuple[str, CreditCode | None], bool] = {}
        self._subcontracts: dict[tuple[str, CreditCode | None, CreditCode | None], bool] = {}

    def read(self, number: int, cells: list[Cell]) -> PurchaseRow | None:
        if not self._last < len(cells) <= self._width:
            return None
        values: list[Any] = []
        add = values.append
        cache: dict[Any, Any]
        try:
            for place, optional, read, as_text, cache in self._columns:
                if place < 0:
                    add(None)
                    continue
                cell = cells[place]
                key = cell if cell.__class__ is str else (cell.__class__, cell)
                if key in cache:
                    add(cache[key])
                    continue
                value = _one(cell, read, optional, as_text)
                if len(cache) < _REMEMBERED:
                    cache[key] = value
                add(value)
        except (ValueError, TypeError):
            return None
        (
            contract_no, year, division, purchaser, service_key, service_name, catalogue, public_service, contractor,
            code, kind, host, share, amount, cancelled, source, method, signed_on, venture, budget, paid,
            subcontracted,
        ) = values  # fmt: skip
        agree = self._agree.get((kind, code))
        if agree is None:
            agree = self._agree[kind, code] = _disagreement(kind, code) is None
        fen = amount.fen
        if (
            not agree
            or fen <= 0
            or (share is not None and kind != CONSORTIUM)
            or (subcontracted is not None and not self._may_subcontract(kind, code, host))
            or not (service_key or service_name)
            or (cancelled is not None and not 0 <= cancelled.fen <= fen)
            or (budget is not None and budget.fen < 0)
            or (paid is not None and paid.fen < 0)
        ):
            return None
        return PurchaseRow(
            contract_no, year, division, purchaser, service_key or "", service_name or "", catalogue or "",
            public_service, contractor, code.code if code else "", kind, host.code if host else "", share, amount,
            cancelled or _NOTHING, source, method or "", signed_on, venture, number, budget, paid, subcontracted,
        )  # fmt: skip

    def _may_subcontract(self, kind: str, code: CreditCode | None, host: CreditCode | None) -> bool:
        known = self._subcontracts.get((kind, code, host))
        if known is None:
            known = self._subcontracts[kind, code, host] = _needless(kind, code, host) is None
        return known


_NOTHING = Money(0)

_REMEMBERED = 20_000

_QUICK_AMOUNT = re.compile(r"\d{1,12}(?:\.(\d{1,2}))?")


def _one(cell: Cell, read: Callable[[Any], Any], optional: bool, as_text: bool) -> Any:
    """One cell as its column reads it; ``ValueError`` for whatever needs a sentence."""
    if read is read_amount and cell.__class__ in (str, float, int):
        text = cell if cell.__class__ is str else repr(cell)
        found = _QUICK_AMOUNT.fullmatch(text)  # type: ignore[arg-type]
        if found is not None and text.isascii():  # type: ignore[union-attr]
            whole, _, decimals = text.partition(".")  # type: ignore[union-attr]
            return Money(int(whole) * 100 + int(decimals.ljust(2, "0") or 0))
    text = "" if isinstance(cell, float) and not as_text else cell_text(cell)
    if not text and not (isinstance(cell, float) and not as_text):
        if not optional:
            raise ValueError("blank")
        return None
    return read(text if as_text else cell)


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
        catalogue_code = self._take("catalogue_code", _catalogue, required=False) or ""
        public_service = self._take("public_service", _yes_no)
        contractor = self._take("contractor", _name)
        code = self._take("contractor_code", _code, required=False)
        kind = self._take("contractor_kind", _kind)
        host = self._take("host_code", _code, required=False)
        share = self._take("so_share", _share, required=False)
        amount = self._take("amount_yuan", read_amount, as_text=False)
        cancelled = self._take("cancelled_amount_yuan", read_amount, required=False, as_text=False)
        fund_source = self._take("fund_source", _source)
        method = self._take("method", _method, required=False) or ""
        signed_on = self._take("signed_on", read_day, as_text=False)
        is_venture = self._take("is_venture", _yes_no)
        budget = self._take("budget_amount_yuan", read_amount, required=False, as_text=False)
        paid = self._take("paid_amount_yuan", read_amount, required=False, as_text=False)
        subcontracted = self._take("subcontract_so_share", _share, required=False)

        if kind is not None and not self._failed("contractor_code"):
            self._check_kind(kind, code)
        if share is not None and kind is not None and kind != CONSORTIUM:
            self.refuse(
                "so_share",
                Message(N_("only a consortium (联合体) has a share: leave it empty for other kinds")),
            )
        if (
            subcontracted is not None
            and kind is not None
            and not self._failed("contractor_code", "host_code")
        ):
            needless = _needless(kind, code, host)
            if needless is not None:
                self.refuse("subcontract_so_share", needless)
        if amount is not None and amount <= Money.zero():
            self.refuse("amount_yuan", Message(N_("the amount must be above zero")))
        elif amount is not None and cancelled is not None and cancelled > amount:
            self.refuse(
                "cancelled_amount_yuan", Message(N_("more is cancelled than the amount of the contract"))
            )
        if cancelled is not None and cancelled < Money.zero():
            self.refuse("cancelled_amount_yuan", Message(N_("the cancelled amount must not be below zero")))
        for column, other in (("budget_amount_yuan", budget), ("paid_amount_yuan", paid)):
            if other is not None and other < Money.zero():
                self.refuse(column, Message(N_("the amount must not be below zero")))
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
            budget_amount=budget,
            paid_amount=paid,
            subcontract_so_share=subcontracted,
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
        wrong = _disagreement(kind, code)
        if wrong is not None:
            self.refuse(*wrong)


def _disagreement(kind: str, code: CreditCode | None) -> tuple[str, Message] | None:
    """The column and what is wrong, where kind and code of a contractor do not fit."""
    if code is None:
        if kind not in _CODED_KINDS:
            return None
        return "contractor_code", Message(
            N_("a contractor of kind %(kind)s has a unified social credit code: fill it in"), {"kind": kind}
        )
    # A consortium or filed body may show its lead's or host's code; it does not count by it.
    if kind in (CONSORTIUM, FILED_BODY):
        return None
    expected = KIND_BY_PREFIX.get(code.kind)
    if expected != kind and (expected is not None or kind in _CODED_KINDS):
        return "contractor_kind", Message(
            N_("the kind %(kind)s disagrees with the code, which starts with %(prefix)s"),
            {"kind": kind, "prefix": code.kind},
        )
    return None


def _needless(kind: str, code: CreditCode | None, host: CreditCode | None) -> Message | None:
    """Why a row states no share subcontracted to social organizations; ``None`` where it may."""
    if kind == CONSORTIUM:
        return Message(
            N_(
                "a consortium (联合体) states the share of its social organizations in so_share: leave the subcontracted share empty"
            )
        )
    if counts_by_itself(kind, code.code if code else "", host.code if host else ""):
        return Message(
            N_(
                "the signing party is a registered social organization, or paid through one, and counts in full: leave the share subcontracted to social organizations empty"
            )
        )
    return None


def _identifier(text: str) -> str:
    normal = text if text.isascii() else unicodedata.normalize("NFKC", text).strip()
    if len(normal) > 80:
        raise _Refused(Message(N_("the text is longer than %(limit)s characters"), {"limit": 80}))
    return normal


def _catalogue(text: str) -> str:
    return _short(_identifier(text), 16)


def _short(text: str, limit: int) -> str:
    if len(text) > limit:
        raise _Refused(Message(N_("the text is longer than %(limit)s characters"), {"limit": limit}))
    return text


def _source(text: str) -> str:
    return _short(text, 60)


def _method(text: str) -> str:
    return _short(text, 40)


def _name(text: str) -> str:
    return _short(text, 120)


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
    if (share * NANO).denominator != 1:
        raise _Refused(Message(N_("the share has more than nine decimals")))
    return share


_MAY_BE_BLANK = frozenset({"service_name", "contractor_code"})

# Each column in the order of a purchase row, how it is read, and whether as text.
_READERS: tuple[tuple[str, Callable[[Any], Any], bool], ...] = (
    ("contract_no", _identifier, True),
    ("fiscal_year", _year, True),
    ("division_code", _division, True),
    ("purchaser", _name, True),
    ("service_key", _identifier, True),
    ("service_name", _name, True),
    ("catalogue_code", _catalogue, True),
    ("public_service", _yes_no, True),
    ("contractor", _name, True),
    ("contractor_code", _code, True),
    ("contractor_kind", _kind, True),
    ("host_code", _code, True),
    ("so_share", _share, True),
    ("amount_yuan", read_amount, False),
    ("cancelled_amount_yuan", read_amount, False),
    ("fund_source", _source, True),
    ("method", _method, True),
    ("signed_on", read_day, False),
    ("is_venture", _yes_no, True),
    ("budget_amount_yuan", read_amount, False),
    ("paid_amount_yuan", read_amount, False),
    ("subcontract_so_share", _share, True),
)
