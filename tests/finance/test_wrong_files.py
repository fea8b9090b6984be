"""Every wrong file, in every table that finance reads in: refused with row and reason, nothing half taken.

Four tables: contracts of the 30% duty, notices of lottery funds, answers of the bank, opening balances.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import func, select
from webtest import TestApp

from core import spreadsheets
from core.db import db
from core.money import Money
from core.spreadsheets import ImportResult
from finance.announcements.imports import read_notices
from finance.batches.imports import read_answers
from finance.books import imports as opening
from finance.contracts.imports import read_purchases
from tests.finance import test_batches as answers
from tests.finance import test_purchase_import as contracts

Browser = Callable[[str], TestApp]
NOTICES = Path(__file__).parent.parent / "data" / "lottery_fund_use.csv"


@dataclass(frozen=True)
class Table:
    """A table that is read in: its columns with a good row, what reads it, and the page it comes in by."""

    good: dict[str, str]
    read: Callable[[Any, str], ImportResult[Any]]
    amount: str  # the column of the amount
    # A column whose codes are known, and one that is none of them.
    code: tuple[str, str]
    page: str
    form: str
    # Full-width digits are either refused or read as the very number they are.
    wide: Callable[[Any], Any] | None = None


def _notice() -> dict[str, str]:
    with NOTICES.open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.DictReader(stream))


def _opening() -> dict[str, str]:
    row = opening.EXAMPLES[0]
    return {heads[0]: row.get(name, "") for name, heads in opening.COLUMNS.items()}


TABLES = {
    "contracts": Table(
        contracts.GOOD, read_purchases, "amount_yuan", ("contractor_code", "52150602MJ1234561K"),
        "/purchasing/import", "import", wide=lambda row: row.amount,
    ),
    "notices": Table(
        _notice(), read_notices, "amount_wan_yuan", ("is_subtotal", "maybe"), "/lottery/notices/import", "import",
        wide=lambda row: row.amount,
    ),
    "answers": Table(
        dict(zip(answers.HEADS, answers.GOOD, strict=True)), read_answers, "支付金额(元)", ("支付结果", "处理中"),
        "/batches/answers/new", "answers",
    ),
    "opening": Table(
        _opening(), opening.read_opening, "金额(元)", ("资金性质", "小金库"), "/books/opening/new", "opening",
        wide=lambda row: Money(row.amount),
    ),
}  # fmt: skip
every_table = pytest.mark.parametrize("name", TABLES)


def as_csv(table: Table, *changes: dict[str, str], heads: list[str] | None = None) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(heads or table.good)
    for change in changes:
        writer.writerow({**table.good, **change}.values())
    return target.getvalue().encode()


def as_book(table: Table, after: Callable[[Any, Any], None] | None = None) -> bytes:
    """A workbook with the good row, and what ``after`` does to it."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(table.good))
    for column, value in enumerate(table.good.values()):
        sheet.write_string(1, column, value)
    if after is not None:
        after(book, sheet)
    book.close()
    return target.getvalue()


def with_entry(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one more part in its package."""
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return target.getvalue()


def _place(table: Table) -> int:
    return list(table.good).index(table.amount)


WRONG_FILES: dict[str, Callable[[Table], bytes]] = {
    "binary": lambda table: b"\x00\x01\x02\xff" * 80,
    "old Excel": lambda table: b"\xd0\xcf\x11\xe0" + b"\x00" * 600,
    "empty": lambda table: b"",
    "damaged": lambda table: as_book(table)[:-120],
    "macros": lambda table: with_entry(as_book(table), "xl/vbaProject.bin", b"\xd0\xcf\x11\xe0"),
    "two sheets": lambda table: as_book(table, lambda book, sheet: book.add_worksheet().write(0, 0, "x")),
    "another table": lambda table: as_csv(table, {}, heads=[f"列{n}" for n in range(len(table.good))]),
    "a column twice": lambda table: as_csv(
        table, {}, heads=[table.amount, *list(table.good)[1:]] if _place(table) else list(table.good)
    ),
    "formula": lambda table: as_book(
        table, lambda book, sheet: sheet.write_formula(1, _place(table), "=50+50", None, 100)
    ),
    "merged": lambda table: as_book(
        table, lambda book, sheet: sheet.merge_range(1, _place(table), 2, _place(table), "100.00")
    ),
    "error": lambda table: as_book(
        table, lambda book, sheet: sheet.write_formula(1, _place(table), "=1/0", None, "#DIV/0!")
    ),
}  # fmt: skip


@every_table
@pytest.mark.parametrize("fault", WRONG_FILES)
def test_a_wrong_file_is_refused_whole_and_in_words(name: str, fault: str) -> None:
    table = TABLES[name]
    for ending in ("xlsx", "csv") if fault in ("binary", "empty", "old Excel") else ("xlsx",):
        result = table.read(io.BytesIO(WRONG_FILES[fault](table)), f"表.{ending}")
        assert result.errors, (name, fault)
        assert all(error.sentence().english() for error in result.errors)
        if fault in ("formula", "merged", "error"):
            assert {error.row for error in result.errors} <= {2, 3}
            assert 2 in {error.row for error in result.errors}


@every_table
def test_a_good_file_is_read(name: str) -> None:
    """What the wrong ones are made of is right itself."""
    table = TABLES[name]
    for data, ending in ((as_csv(table, {}), "csv"), (as_book(table), "xlsx"), (as_book(table), "xlsm")):
        assert table.read(io.BytesIO(data), f"表.{ending}").errors == []


@every_table
def test_a_bomb_is_refused_before_it_is_unpacked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_BYTES", 200_000)
    table = TABLES[name]
    bomb = with_entry(as_book(table), "xl/media/image1.png", b"0" * 5_000_000)
    assert len(bomb) < 40_000
    (error,) = table.read(io.BytesIO(bomb), "表.xlsx").errors
    assert "large" in error.sentence().english()


WRONG_AMOUNTS = ("-1.00", "1e308", "NaN", "inf", "9" * 40, "一千元", "=1+1", "1,23", "")


@every_table
@pytest.mark.parametrize("amount", WRONG_AMOUNTS)
def test_a_wrong_amount_is_named_with_its_row(name: str, amount: str) -> None:
    """In the third row of the sheet, while the second is good: the table is not taken at all."""
    table = TABLES[name]
    result = table.read(io.BytesIO(as_csv(table, {}, _another(table) | {table.amount: amount})), "表.csv")
    assert {error.row for error in result.errors} == {3}, (name, amount)
    assert all(error.message.english() for error in result.errors)


@every_table
def test_too_many_decimals_are_refused(name: str) -> None:
    """Three in yuan; in ten thousand yuan, where the sixth is a fen's hundredth, seven."""
    table = TABLES[name]
    amount = "1.0000001" if name == "notices" else "1.005"
    result = table.read(io.BytesIO(as_csv(table, {}, _another(table) | {table.amount: amount})), "表.csv")
    assert {error.row for error in result.errors} == {3}


@every_table
def test_full_width_digits_are_the_same_number_or_refused(name: str) -> None:
    table = TABLES[name]
    plain = table.read(io.BytesIO(as_csv(table, {table.amount: "123.45"})), "表.csv")
    wide = table.read(io.BytesIO(as_csv(table, {table.amount: "１２３．４５"})), "表.csv")
    if table.wide is None:
        assert [error.row for error in wide.errors] == [2]
    else:
        assert [table.wide(row) for row in wide.rows] == [table.wide(row) for row in plain.rows] != []


@every_table
def test_an_unknown_code_is_refused(name: str) -> None:
    table = TABLES[name]
    column, wrong = table.code
    result = table.read(io.BytesIO(as_csv(table, {}, _another(table) | {column: wrong})), "表.csv")
    assert {error.row for error in result.errors} == {3}


def _another(table: Table) -> dict[str, str]:
    """What tells a second row from the first, where a table asks for that."""
    first = next(iter(table.good))
    return {first: table.good[first] + "9"} if first in ("contract_no", "支付单号", "row") else {}


def everything() -> dict[str, int]:
    """How many rows each table has, but for the upload itself, its job and what is written down of it."""
    beside = {"purchase_import", "stored_file", "job", "audit_entry", "used_key", "one_time_key", "form_key"}
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
        if table.name not in beside
    }


@every_table
def test_on_its_page_nothing_of_a_wrong_table_is_kept(
    name: str, bare_app: Flask, browser_as: Browser
) -> None:
    """A good row before a bad one: the page names row and reason, and not one row is written."""
    table = TABLES[name]
    with bare_app.app_context():
        before = everything()
    clerk = browser_as("finance")
    for data, ending, told in (
        (as_csv(table, {}, _another(table) | {table.amount: "-7.77"}), "csv", "-7.77"),
        (WRONG_FILES["macros"](table), "xlsm", "宏"),
    ):
        form = clerk.get(table.page).forms[table.form]
        form["file"] = (f"表.{ending}", data)
        page = form.submit(expect_errors=True)
        if page.status_int == 303:
            page = page.follow()
        assert told in page.text, (name, told)
        assert not {"take", "apply"} & set(page.forms)
        with bare_app.app_context():
            assert everything() == before, (name, told)
