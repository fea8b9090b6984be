"""Every figure of the reports equals what the postings say, recomputed in plain Python; files check themselves."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.web.reporting import workbook
from finance.commitments.models import Commitment
from finance.commitments.rules import due_on
from finance.commitments.services import return_surplus
from finance.disbursements.services import (
    approve,
    mark_paid,
    mark_returned,
    release,
    request_disbursement,
    review,
)
from finance.exports.jobs import write_proof
from finance.exports.reports import FILES, as_csv, as_xlsx, columns_of, rows
from finance.exports.rules import DEFAULTS, FIELDS, INTEGRATION, VOUCHERS, Entry
from finance.exports.services import confirm_rule, propose_rule, refuse_rule, set_layout
from finance.funds.models import Budget
from finance.ledger.models import Account, Posting, Transfer
from finance.statements import queries, reports
from finance.statements.queries import Fee, LineFigures, advances, dues, execution, paid_by_month
from finance.statements.rules import BANDS, ageing, band_of, labour_tax
from tests import world
from tests.finance.money import make_account, make_commitment

TOOL = Path(__file__).parents[2] / "tools" / "verify_postings.py"


def pay(commitment: Commitment, place: int, account: object, voucher: str, *, returned: bool = False) -> None:
    payment = request_disbursement(
        commitment.tranches[place],
        payee_account=account,
        receipt_number=f"SJ-{voucher}",
        by=world.user("clerk"),
    )
    review(payment, by=world.user("finreview"))
    approve(payment, by=world.user("leader"))
    release(payment, by=world.user("finance"))
    mark_paid(payment, paid_on=clock.today(), voucher_number=voucher, by=world.user("finance"))
    if returned:
        mark_returned(payment, reason="户名不符", by=world.user("finance"))


def story() -> Commitment:
    """A year with money paid in two months, sent back, and a surplus."""
    today = clock.today()
    with clock.at(clock.at_local(today - timedelta(days=100), 10)):
        commitment = make_commitment("90000.01")
        account = make_account()
        account.confirmed_at = None
        pay(commitment, 0, account, "=PZ-1")
    with clock.at(clock.at_local(today - timedelta(days=40), 10)):
        pay(commitment, 1, account, "PZ-2", returned=True)
        pay(commitment, 1, account, "PZ-3")
        return_surplus(commitment, Money.yuan("1234.56"), key="s", by=world.user("finance"))
    return commitment


def ledger() -> list[SimpleNamespace]:
    """Every posting with its account and transfer, as plain values: what the oracle reads."""
    query = select(Posting, Account, Transfer).join(Account, Account.id == Posting.account_id).join(
        Transfer, Transfer.id == Posting.transfer_id
    )  # fmt: skip
    return [
        SimpleNamespace(
            kind=account.kind,
            agency=account.agency_id,
            amount=posting.amount.fen,
            day=transfer.day,
            move=transfer.kind,
        )
        for posting, account, transfer in db.session.execute(query)
    ]


def test_execution_equals_what_the_postings_say(app: Flask) -> None:
    with transaction():
        commitment = story()
    user = world.user("finance")
    year = clock.today().year
    row = next(item for item in execution(user, year) if item.figures.paid)
    paid = [item for item in ledger() if item.kind == "paid"]
    assert row.figures.paid.fen == sum(item.amount for item in paid)
    months: dict[date, int] = {}
    for item in paid:
        month = item.day.replace(day=1)
        months[month] = months.get(month, 0) + item.amount
    assert {month: amount.fen for month, amount in row.paid.items()} == months
    for view in reports.EXECUTION_VIEWS:
        with app.test_request_context("/"):
            report = reports.execution(user, year, view)
        assert not report.differs
        column = 0 if view == "month" else 4
        assert sum(line.cells[column].value.fen for line in report.lines) == row.figures.paid.fen
        assert report.totals[column].value == row.figures.paid
    assert paid_by_month([commitment.earmark.budget_id]) == {
        (commitment.earmark.budget_id, month): amount for month, amount in row.paid.items()
    }


def test_a_figure_opens_to_postings_of_the_same_sum(app: Flask) -> None:
    with transaction():
        story()
    user, budget = world.user("finance"), db.session.scalars(select(Budget)).one()
    for args in (
        {"kind": "paid", "fiscal": str(budget.fiscal_year)},
        {"kind": "paid", "budget": str(budget.id)},
        {"kind": "paid", "source": str(budget.fund_source_id), "unit": str(budget.agency_id)},
    ):
        found = db.session.scalars(rows(user, args)).all()
        assert sum(item.amount.fen for item in found) == sum(
            item.amount for item in ledger() if item.kind == "paid"
        )
    month = (clock.today() - timedelta(days=40)).strftime("%Y-%m")
    found = db.session.scalars(rows(user, {"month": month})).all()
    assert len(found) == sum(f"{item.day:%Y-%m}" == month for item in ledger())


def test_nobody_sees_the_books_of_another_unit(app: Flask) -> None:
    with transaction():
        story()
    stranger = world.user("banner_clerk")
    assert execution(stranger, clock.today().year) == []
    assert advances(stranger) == [] and dues(stranger) == []
    assert db.session.scalars(rows(stranger, {"kind": "paid"})).all() == []


def test_advances_calendar_variance_and_input_add_up(app: Flask) -> None:
    with transaction():
        commitment = story()
    user = world.user("finance")
    paid = sum(item.amount for item in ledger() if item.kind == "paid")
    (advance,) = advances(user)
    assert (advance.paid.fen, advance.outstanding.fen) == (paid, paid)
    owed = sum(item.amount for item in ledger() if item.kind in ("committed", "payable"))
    assert sum(item.tranche.amount.fen for item in dues(user)) == owed
    assert [item.tranche.number for item in dues(user)] == [3]
    with app.test_request_context("/"):
        made = [
            reports.advances(user), reports.calendar(user), reports.variance(user),
            reports.years_input(user, clock.today().year),
            reports.calendar(user, dues(user)[0].month),
        ]  # fmt: skip
        for report in made:
            book = CalamineWorkbook.from_filelike(workbook(report)).get_sheet_by_index(0).to_python()
            assert len(book) == len(report.lines) + 2
        assert not made[1].differs
        year = made[3].totals
        assert year[-1].value.fen == paid
        assert commitment.title in str(made[4].lines)


# The auditor's file


def proof(agencies: set[int]) -> bytes:
    target = io.BytesIO()
    write_proof(target, agencies, SimpleNamespace(step=lambda done, total: None))  # type: ignore[arg-type]
    return target.getvalue()


def check(folder: Path, data: bytes, *words: str) -> subprocess.CompletedProcess[str]:
    path = folder / "postings.zip"
    path.write_bytes(data)
    return subprocess.run(
        [sys.executable, "-I", str(TOOL), str(path), *words], capture_output=True, text=True
    )


def changed(data: bytes, name: str, old: str, new: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as archive:
        for item in source.namelist():
            text = source.read(item).decode()
            archive.writestr(item, text.replace(old, new, 1) if item == name else text)
    return target.getvalue()


def test_the_auditors_file_checks_itself_and_names_what_was_changed(app: Flask, tmp_path: Path) -> None:
    with transaction():
        story()
    data = proof({world.agency().id})
    keys = str(Path(app.instance_path) / "keys")
    good = check(tmp_path, data, "--keys", keys)
    assert good.returncode == 0, good.stdout
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("postings.csv").decode()
        manifest = json.loads(archive.read("manifest.json"))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == manifest["rows"] == len(ledger())
    assert sum(int(line["amount_fen"]) for line in lines) == manifest["sum_fen"] == 0
    # A voucher number that looks like a formula is none in the file.
    assert any(line["memo"] == "'=PZ-1" for line in lines)
    for name, old, new, said in (
        ("postings.csv", "4500001", "4500002", "SHA-256"),
        ("postings.csv", "PZ-3", "PZ-4", "digest"),
        ("manifest.json", f'"rows": {manifest["rows"]}', '"rows": 1', "manifest says 1"),
    ):
        bad = check(tmp_path, changed(data, name, old, new))
        assert bad.returncode == 1 and said in bad.stdout, bad.stdout
    assert check(tmp_path, b"no zip").returncode == 2


# Vouchers, mapping, layouts


def test_vouchers_balance_in_both_books_and_follow_the_mapping(app: Flask) -> None:
    with transaction():
        commitment = story()
    agency, month = world.agency(), (clock.today() - timedelta(days=40)).replace(day=1)
    lines = FILES[VOUCHERS](agency, month)
    for book in {line["book"] for line in lines}:
        mine = [line for line in lines if line["book"] == book]
        assert sum(line["debit"].fen for line in mine if line["debit"]) == sum(
            line["credit"].fen for line in mine if line["credit"]
        )
    # Paid, sent back, paid, surplus: four vouchers of two lines in two books.
    assert len(lines) == 16
    payments = FILES[INTEGRATION](agency, month)
    net = sum(item.amount for item in ledger() if item.kind == "paid" and item.day.replace(day=1) == month)
    assert sum(line["amount"].fen for line in payments) == net
    assert {line["project_number"] for line in payments} == {commitment.number}
    with transaction():
        entry = Entry("5001.09", "业务活动费用——示例", "4001", "财政拨款收入", "示例依据")
        rule = propose_rule(
            agency, movement="payable>paid", book="financial", entry=entry, by=world.user("finance")
        )
    assert not any(line["account_code"] == "5001.09" for line in FILES[VOUCHERS](agency, month))
    with pytest.raises(Refusal), transaction():
        confirm_rule(rule, by=world.user("finance"))
    with transaction():
        confirm_rule(rule, by=world.user("finreview"))
        again = propose_rule(
            agency,
            movement="payable>paid",
            book="financial",
            entry=DEFAULTS["payable>paid", "financial"],
            by=world.user("finance"),
        )
        refuse_rule(again, by=world.user("finreview"))
    assert any(line["account_code"] == "5001.09" for line in FILES[VOUCHERS](agency, month))


def test_the_columns_of_a_file_are_the_units_own(app: Flask) -> None:
    with transaction():
        story()
        agency = world.agency()
        assert len(columns_of(agency.id, INTEGRATION)) == len(FIELDS[INTEGRATION])
        set_layout(
            agency, INTEGRATION, [("=金额", "amount", ""), ("类别", "", "其他")], by=world.user("finance")
        )
    month = (clock.today() - timedelta(days=100)).replace(day=1)
    lines = FILES[INTEGRATION](agency, month)
    text = as_csv(columns_of(agency.id, INTEGRATION), lines).getvalue().decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [["'=金额", "类别"], ["45000.00", "其他"]]
    sheet = CalamineWorkbook.from_filelike(
        as_xlsx(columns_of(agency.id, INTEGRATION), lines)
    ).get_sheet_by_index(0)
    assert sheet.to_python() == [["=金额", "类别"], [45000.0, "其他"]]
    with pytest.raises(Refusal), transaction():
        set_layout(agency, INTEGRATION, [("", "amount", "")], by=world.user("finance"))


# Pure rules


@pytest.mark.parametrize(
    ("income", "tax"),
    [
        ("0", "0"), ("800", "0"), ("800.01", "0"), ("1000", "40"), ("3000", "440"), ("4000", "640"), ("4000.01", "640"),
        ("5000", "800"), ("25000", "4000"), ("30000", "5200"), ("62500", "13000"), ("100000", "25000"),
    ],
)  # fmt: skip
def test_tax_on_labour_remuneration(income: str, tax: str) -> None:
    assert labour_tax(Money.yuan(income)).tax == Money.yuan(tax)


@given(fen=st.integers(0, 50_000_000))
def test_tax_equals_a_table_written_otherwise(fen: int) -> None:
    found = labour_tax(Money(fen))
    taxable = max(Fraction(fen) - 80_000, Fraction(0)) if fen <= 400_000 else Fraction(fen) * 4 / 5
    if taxable <= 2_000_000:
        tax = taxable / 5
    elif taxable <= 5_000_000:
        tax = taxable * 3 / 10 - 200_000
    else:
        tax = taxable * 2 / 5 - 700_000
    assert abs(found.tax.fen - tax) <= Fraction(1, 2)
    assert found.net + found.tax == found.income and found.tax >= Money(0)
    assert found.deduction + found.taxable == found.income
    assert labour_tax(Money(fen + 1)).tax >= found.tax


@given(
    payments=st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 10**6)), max_size=8),
    spent=st.integers(0, 10**7),
)
def test_ageing_spreads_exactly_what_is_outstanding(payments: list[tuple[int, int]], spent: int) -> None:
    today = date(2026, 11, 24)
    made = [(today - timedelta(days=age), Money(amount)) for age, amount in payments]
    left = Money(max(0, sum(amount for _age, amount in payments) - spent))
    bands = ageing(made, left, today)
    assert sum(bands, Money(0)) == left and min(bands) >= Money(0)
    assert band_of(today, today) == 0 and band_of(today - timedelta(days=1500), today) == len(BANDS)


def test_a_tranche_falls_due_by_its_condition() -> None:
    start, last = date(2026, 1, 31), date(2026, 12, 31)
    assert due_on("signed", start, last) == date(2026, 2, 28)
    assert start < due_on("midterm_passed", start, last) < last
    assert due_on("final_passed", start, last) == last
    assert due_on("signed", start, date(2026, 2, 10)) == date(2026, 2, 10)


# Pages


def test_each_report_is_a_page_a_chart_and_a_workbook_of_the_same_figures(
    browser_as: Callable[[str], TestApp], bare_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bare_app.app_context(), transaction():
        commitment = story().id
    fee = Fee(commitment, "=专家甲", clock.today(), Money.yuan(5000), "LW-1", "commitments.show", {"commitment_id": commitment})  # fmt: skip
    monkeypatch.setattr(queries, "_fees", [lambda ids: [fee] if commitment in ids else []])
    plan = LineFigures("venue", "venue", Money.yuan(30_000), Money.yuan("12345.67"))
    monkeypatch.setattr(queries, "_lines", [lambda ids: {commitment: [plan]}])
    browser = browser_as("finance")
    year = clock.today().year
    for path in (
        f"execution?year={year}",
        f"execution?year={year}&view=level",
        f"execution?year={year}&view=month",
        "advances",
        "calendar",
        "variance",
        f"input?year={year}",
        "labour-tax",
    ):
        page = browser.get(f"/statements/{path}")
        assert "chart__plot" in page, path
        answer = page.click("导出 Excel", index=0)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.body)).get_sheet_by_index(0).to_python()
        figures = [cell for row in rows for cell in row if isinstance(cell, float) and cell]
        assert figures and len(rows) > 1, path
        for cell in figures:
            assert any(text in page for text in (f"{abs(cell):,.2f}", f"{abs(cell):.2%}", f"{cell:,.0f}")), (
                path,
                cell,
            )
    # Everything for the auditor: the page of files shows what moved, the postings open and export.
    files = browser.get("/exports/")
    assert "chart__plot" in files and "proof" in files.forms
    assert browser.get("/exports/postings").forms["export"].submit().status_int == 303


def test_reports_and_files_as_people_open_them(browser_as: Callable[[str], TestApp], bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        story()
    browser = browser_as("finance")
    assert "800.00" in browser.get("/statements/labour-tax?income=5000")
    assert browser.get("/statements/execution.xlsx?view=month&_external=1").content_type.endswith("sheet")
    month = (clock.today() - timedelta(days=40)).strftime("%Y-%m")
    for file in FIELDS:
        for ending in ("csv", "xlsx"):
            browser.get(f"/exports/files/{file}/{month}.{ending}")
    assert "PZ-3" in browser.get(f"/exports/postings?month={month}")
    browser.get("/exports/files/vouchers/2026-13.csv", status=404)
    form = browser.get("/exports/mapping/payable-to-paid/budget").forms["rule"]
    form["debit_code"] = "7101.02"
    form.submit().follow()
    page = browser_as("finreview").get("/exports/mapping")
    page.forms[next(name for name in page.forms if str(name).startswith("rule-"))].submit().follow()
    form = browser.get("/exports/layouts/budget_integration").forms["layout"]
    form["columns"] = "金额 = 没有的字段"
    assert "没有的字段" in form.submit(status=422)
    form["columns"] = "支付金额\n类别 = “其他”"
    form.submit().follow()
    assert "其他" in browser.get(f"/exports/files/budget_integration/{month}.csv")
    assert browser.get("/exports/").forms["proof"].submit().status_int == 303
    browser_as("operator").get("/statements/execution", status=403)
