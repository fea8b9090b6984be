"""Closed months take nothing, two people open them again, and opening balances come in whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from finance.books.imports import COLUMNS, read_opening
from finance.books.models import OpeningImport
from finance.books.policy import opening_errors
from finance.books.queries import findings_for, open_months, turnover_by_month
from finance.books.services import (
    ask_to_open,
    close_months,
    close_year,
    keep_closed,
    open_again,
    read_in,
    take,
)
from finance.commitments.models import Commitment
from finance.commitments.queries import committed_balance, paid_total
from finance.disbursements.models import Disbursement
from finance.disbursements.services import (
    approve,
    mark_paid,
    release,
    request_disbursement,
    request_running,
    review,
)
from finance.funds.models import Budget
from finance.funds.queries import figures_of_budgets
from finance.ledger.models import Period, Transfer
from finance.ledger.queries import book_day, closed_month, verify
from finance.ledger.services import MonthClosed, account_of, move, reverse
from tests import world
from tests.finance.money import make_account, make_budget, make_commitment, make_request


@contextmanager
def on(day: date, hour: int = 10) -> Iterator[None]:
    with clock.at(clock.at_local(day, hour)):
        yield


def last_month() -> date:
    return clock.add_months(clock.today().replace(day=1), -1)


def post(day: date | None = None, key: str = "late", agency: str = "示例市民政局") -> Transfer:
    unit = world.agency(agency)
    source = account_of("test", unit.id, "source", restricted=False, agency_id=unit.id)
    budget = account_of("test", unit.id, "budget", agency_id=unit.id)
    legs = [(source, Money(-100)), (budget, Money(100))]
    return move("test", key=key, legs=legs, reference=("test", 1), booked_on=day, by=SYSTEM)


def close(month: date | None = None) -> list[Period]:
    return close_months(world.agency(), month or last_month(), by=world.user("finance"))


def test_nothing_is_posted_on_a_day_of_a_closed_month(app: Flask) -> None:
    with transaction():
        first = post(last_month())
        assert first.day == last_month()
        close()
    with pytest.raises(MonthClosed) as refusal, transaction():
        post(last_month(), key="again")
    assert refusal.value.rule == "RBK-1"
    assert f"{last_month():%Y-%m}" in str(refusal.value)
    with pytest.raises(MonthClosed), on(last_month()), transaction():
        post(key="told then")
    with transaction():
        # The same request again is the first transfer, whatever was closed since.
        assert post(last_month()).id == first.id
        post(key="today")
        # Another unit's books are its own.
        post(last_month(), key="other", agency="示例东旗民政局")
        # A mistake of a closed month is undone in the open one.
        assert reverse(first, memo="typed twice", by=SYSTEM).day == clock.today()
    assert verify() == []


def test_a_late_document_is_booked_on_its_own_day_while_that_month_is_open(app: Flask) -> None:
    unit = world.agency().id
    assert book_day([unit], last_month()) == last_month()
    with transaction():
        close()
    assert book_day([unit], last_month()) == clock.today()
    assert closed_month([unit], last_month()) == last_month()


@pytest.mark.parametrize("closed", [False, True])
def test_a_voucher_that_comes_late_lands_in_an_open_month(app: Flask, closed: bool) -> None:
    paid_on = clock.add_months(last_month(), 1) - timedelta(days=1)
    with on(paid_on.replace(day=2)), transaction():
        payment = make_request()
        review(payment, by=world.user("finreview"))
        approve(payment, by=world.user("leader"))
    with transaction():
        if closed:
            close()
        release(payment, by=world.user("finance"))
        mark_paid(payment, paid_on=paid_on, voucher_number="PZ-1", by=world.user("finance"))
    posted = db.session.scalars(select(Transfer).where(Transfer.kind == "disbursement_paid")).one()
    assert posted.day == (clock.today() if closed else paid_on)
    assert payment.paid_on == paid_on
    assert verify() == []


def test_earlier_months_close_with_the_last_and_the_year_after_its_twelve(app: Flask) -> None:
    year = clock.today().year - 1
    with on(date(year, 5, 5)), transaction():
        post(key="old")
    with transaction():
        closed = close(date(year, 11, 1))
    assert [row.month.month for row in closed] == list(range(1, 12))
    assert open_months(world.agency().id, year) == [date(year, 12, 1)]
    with pytest.raises(Refusal) as refusal, transaction():
        close_year(world.agency(), year, by=world.user("finance"))
    assert refusal.value.rule == "RBK-5"
    with transaction():
        close(date(year, 12, 1))
        row = close_year(world.agency(), year, by=world.user("finance"))
    assert row.state == "closed"
    assert row.figures == {"budget": 100, "source": -100}
    with pytest.raises(Refusal) as refusal, transaction():
        ask_to_open(closed[0], reason="a voucher", by=world.user("finance"))
    assert refusal.value.rule == "RBK-5"


def test_a_month_is_not_closed_before_it_is_over_answered_and_verified(app: Flask) -> None:
    this = clock.today().replace(day=1)
    with pytest.raises(Refusal) as refusal, transaction():
        close(this)
    assert refusal.value.rule == "RBK-2"
    with on(last_month().replace(day=3)), transaction():
        payment = make_request()
        review(payment, by=world.user("finreview"))
        approve(payment, by=world.user("leader"))
        release(payment, by=world.user("finance"))
    with pytest.raises(Refusal) as refusal, transaction():
        close()
    assert refusal.value.rule == "RBK-3"
    with transaction():
        mark_paid(payment, paid_on=clock.today(), voucher_number="PZ-1", by=world.user("finance"))
        close()
    assert all(item.verdict.value == "pass" for item in findings_for(world.agency().id, last_month()))


def test_two_people_open_a_month_again_with_a_reason(app: Flask) -> None:
    with transaction():
        row = close()[-1]
    with pytest.raises(Refusal), transaction():
        ask_to_open(row, reason="  ", by=world.user("finance"))
    with pytest.raises(Refusal), transaction():
        open_again(row, by=world.user("finreview"))
    with transaction():
        ask_to_open(row, reason="A voucher of the 28th was found.", by=world.user("finance"))
    with pytest.raises(MonthClosed), transaction():
        post(last_month())  # while it is only asked for
    with pytest.raises(Refusal) as refusal, transaction():
        open_again(row, by=world.user("finance"))
    assert refusal.value.status == 403
    with transaction():
        keep_closed(row, by=world.user("finreview"))
        ask_to_open(row, reason="It is needed for the audit.", by=world.user("finance"))
        open_again(row, by=world.user("finreview"))
        post(last_month())
        close()
    assert row.state == "closed" and row.reason == "" and row.asked_by is None


def test_turnover_by_month_is_what_the_postings_say(app: Flask) -> None:
    year = clock.today().year
    with transaction():
        post(date(year, 1, 31), key="a")
        post(date(year, 2, 1), key="b")
        post(date(year - 1, 12, 31), key="c")
    found = turnover_by_month(world.agency().id, year)
    assert {month.month: (row.postings, row.arrived) for month, row in found.items()} == {
        1: (2, Money(100)),
        2: (2, Money(100)),
    }


# Opening balances

BUDGET = {
    "record": "指标", "source": "示例市级福彩", "source_kind": "福利彩票公益金", "tier": "市级", "fiscal_year": "2026",
    "document_number": "示财社〔2026〕3号", "amount_yuan": "100000.00",
}  # fmt: skip
SPENT = {
    "record": "已支出", "source": "示例市级福彩", "fiscal_year": "2026", "purpose": "老年人", "title": "示例旧项目",
    "amount_yuan": "20000.01",
}  # fmt: skip


def tranche(**changes: str) -> dict[str, str]:
    row = {
        "record": "期次", "source": "示例市级福彩", "fiscal_year": "2026", "purpose": "老年人", "number": "OLD-1-HT",
        "title": "示例助老项目", "organization_code": world.organization().credit_code or "", "track": "公益创投",
        "starts_on": "2026-03-01", "ends_on": "2026-12-31", "tranche_title": "首期款", "condition": "签约",
        "amount_yuan": "30000.00", "paid_on": "2026-03-15", "voucher_number": "PZ-0001", "account_last_four": "7890",
    }  # fmt: skip
    return row | changes


def second() -> dict[str, str]:
    return tranche(
        tranche_title="尾款", condition="末期评估合格", amount_yuan="19999.99", paid_on="", voucher_number="",
        account_last_four="",
    )  # fmt: skip


def table(*rows: dict[str, str]) -> bytes:
    lines = [",".join(names[0] for names in COLUMNS.values())]
    lines += [",".join(row.get(name, "") for name in COLUMNS) for row in rows]
    return "\n".join(lines).encode()


def good() -> bytes:
    return table(BUDGET, SPENT, tranche(), second())


def read(data: bytes) -> OpeningImport:
    result = read_opening(io.BytesIO(data), "opening.csv")
    assert result.errors == []
    assert opening_errors(world.agency(), result.rows) == []
    return read_in(
        world.agency(), [row.to_dict() for row in result.rows], file_name="opening.csv",
        sha256=str(hash(data)), by=world.user("finance"),
    )  # fmt: skip


def test_opening_balances_come_in_with_what_was_paid_before(app: Flask) -> None:
    with transaction():
        make_account()
        opening = read(good())
    with transaction():
        take(opening, by=world.user("finreview"))
    assert opening.state == "taken" and opening.breaks == []
    budget = db.session.scalars(select(Budget)).one()
    figures = figures_of_budgets([budget])[budget.id]
    assert figures.budgeted == Money.yuan("100000.00")
    assert figures.paid == Money.yuan("50000.01")
    assert figures.committed == Money.yuan("19999.99")
    assert figures.available == Money.yuan("30000.00")
    commitment = db.session.scalars(select(Commitment)).one()
    assert [part.amount for part in commitment.tranches] == [Money.yuan("30000.00"), Money.yuan("19999.99")]
    assert paid_total(commitment) == Money.yuan("30000.00")
    assert committed_balance(commitment) == Money.yuan("19999.99")
    payment = db.session.scalars(select(Disbursement)).one()
    assert (payment.state, payment.paid_on) == ("paid", date(2026, 3, 15))
    moved = db.session.scalars(select(Transfer).where(Transfer.reference_type == "disbursement")).one()
    assert (moved.kind, moved.day) == ("opening", date(2026, 3, 15))
    assert verify() == []
    # The tranche that was paid before is not paid again; the other goes its way.
    with pytest.raises(Refusal) as refusal, transaction():
        request_disbursement(
            commitment.tranches[0],
            payee_account=payment.payee_account,
            receipt_number="SJ-9",
            by=world.user("clerk"),
        )
    assert refusal.value.rule == "RDT"


def test_what_ran_before_is_paid_on_by_the_officer_tranche_after_tranche(app: Flask) -> None:
    with transaction():
        account = make_account()
        first = tranche(paid_on="", voucher_number="", account_last_four="")
        take(read(table(BUDGET, first, second())), by=world.user("finreview"))
        commitment = db.session.scalars(select(Commitment)).one()

    def ask(number: int, by: str = "clerk", basis: str = "评估报告 2026-05-06") -> Disbursement:
        return request_running(
            commitment.tranches[number - 1],
            payee_account=account,
            receipt_number=f"SJ-{number}",
            basis=basis,
            by=world.user(by),
        )

    for number, by, basis, rule in (
        (2, "clerk", "x", "RDT-c"),
        (1, "clerk", " ", "RDT-a"),
        (1, "finance", "x", ""),
    ):
        with pytest.raises(Refusal) as refusal, transaction():
            ask(number, by, basis)
        assert refusal.value.rule == rule
    with transaction():
        payment = ask(1)
    assert "2026-05-06" in next(event.note for event in history_of(payment))
    with pytest.raises(Refusal) as refusal, transaction():
        ask(1)
    assert refusal.value.rule == "RDT"
    with pytest.raises(Refusal, match="before it is not paid"), transaction():
        ask(2)
    with transaction():
        review(payment, by=world.user("finreview"))
        approve(payment, by=world.user("leader"))
        release(payment, by=world.user("finance"))
        mark_paid(payment, paid_on=clock.today(), voucher_number="PZ-7", by=world.user("finance"))
        assert ask(2).amount == Money.yuan("19999.99")
    assert verify() == []


def test_the_officer_asks_from_the_page_of_the_commitment(
    browser_as: Callable[[str], TestApp], bare_app: Flask
) -> None:
    with bare_app.app_context(), transaction():
        make_account()
        take(read(good()), by=world.user("finreview"))
        commitment = db.session.scalars(select(Commitment)).one()
        url, paid = f"/commitments/{commitment.id}", commitment.tranches[0].id
    officer, finance = browser_as("clerk"), browser_as("finance")
    asked = officer.get(url).click("申请支付本期")
    assert "申请支付本期" not in finance.get(url)
    finance.get(asked.request.path, status=403)
    officer.get(f"/disbursements/tranches/{paid}/new", status=409)
    form = asked.forms["request"]
    form["receipt_number"] = "SJ-8"
    page = form.submit(status=422)
    assert page.forms["request"]["receipt_number"].value == "SJ-8"
    page.forms["request"]["basis"] = "末期评估报告"
    page = page.forms["request"].submit().follow()
    assert "19,999.99" in page and "末期评估报告" in page
    assert "申请支付本期" not in officer.get(url)


def test_what_is_in_use_takes_no_opening_balances_any_more(app: Flask) -> None:
    with transaction():
        opening = read(table(BUDGET))
    with pytest.raises(Refusal), transaction():
        read(table(BUDGET))  # the same table again
    with pytest.raises(Refusal), transaction():
        take(opening, by=world.user("finance"))  # nobody takes what he read
    with transaction():
        take(opening, by=world.user("finreview"))
    again = read_opening(io.BytesIO(table(BUDGET, SPENT)), "again.csv")
    assert [error.column for error in opening_errors(world.agency(), again.rows)] == ["document_number"]
    with transaction():
        waiting = read(table(BUDGET | {"document_number": "示财社〔2026〕4号"}))
        payment = make_request()
        review(payment, by=world.user("finreview"))
        approve(payment, by=world.user("leader"))
    with pytest.raises(Refusal) as refusal, transaction():
        take(waiting, by=world.user("finreview"))
    assert refusal.value.rule == "RBK-8"
    with pytest.raises(Refusal) as refusal, transaction():
        read(table(BUDGET | {"document_number": "示财社〔2026〕5号"}))
    assert refusal.value.rule == "RBK-8"


BAD: list[tuple[Callable[[], bytes], str, str]] = [
    (lambda: table(BUDGET | {"amount_yuan": "-5"}), "amount_yuan", "above zero"),
    (lambda: table(BUDGET | {"amount_yuan": "1.005"}), "amount_yuan", "more than two decimals"),
    (lambda: table(BUDGET | {"amount_yuan": "1e308"}), "amount_yuan", "write the amount"),
    (lambda: table(BUDGET | {"amount_yuan": "=1+1"}), "amount_yuan", "formula"),
    (lambda: table(BUDGET | {"source_kind": "彩票"}), "source_kind", "write one of"),
    (lambda: table(BUDGET | {"fiscal_year": "26"}), "fiscal_year", "four digits"),
    (lambda: table(BUDGET, BUDGET), "source", "already"),
    (lambda: table(BUDGET | {"tier": ""}), "tier", "tier"),
    (lambda: table(SPENT), "source", "no budget row"),
    (lambda: table(BUDGET, SPENT | {"amount_yuan": "100000.01"}), "amount_yuan", "0.01 yuan more"),
    (lambda: table(BUDGET, SPENT | {"purpose": "党建"}), "purpose", "not among the purposes"),
    (lambda: table(BUDGET, tranche(organization_code="52150602MJ0000001X")), "organization_code", ""),
    (lambda: table(BUDGET, tranche(account_last_four="0000")), "account_last_four", "no confirmed account"),
    (lambda: table(BUDGET, tranche(voucher_number="")), "voucher_number", "names its voucher"),
    (lambda: table(BUDGET, tranche(paid_on="2999-01-01")), "paid_on", ""),
    (lambda: table(BUDGET, tranche(ends_on="2026-01-01")), "ends_on", "before the first"),
    (lambda: table(BUDGET, tranche(), tranche(title="other")), "title", "differs from row 3"),
    (lambda: table(BUDGET, tranche(), tranche(tranche_title="2")), "voucher_number", "another tranche"),
]


def test_each_bad_row_is_named_and_nothing_is_kept(app: Flask) -> None:
    with transaction():
        make_account()
    for make, column, words in BAD:
        result = read_opening(io.BytesIO(make()), "opening.csv")
        errors = result.errors or opening_errors(world.agency(), result.rows)
        assert any(error.column == column and words in error.message.english() for error in errors), errors


def test_a_number_in_use_is_not_brought_in_again(app: Flask) -> None:
    with transaction():
        make_commitment(number="OLD-1-HT")
        make_account()
    result = read_opening(io.BytesIO(good()), "opening.csv")
    assert [error.column for error in opening_errors(world.agency(), result.rows)] == ["number"]


def test_a_wrong_file_is_refused_in_words() -> None:
    for data in (b"", b"\x00\x01\x02", b"PK\x03\x04 broken", b"a,b\n1,2\n", "类别\n指标\n".encode()):
        result = read_opening(io.BytesIO(data), "x.xlsx")
        assert result.errors and result.rows == []


# Pages


def test_finance_closes_and_two_people_open_again(
    browser_as: Callable[[str], TestApp], bare_app: Flask
) -> None:
    with bare_app.app_context(), transaction():
        make_budget()
    month = f"{last_month().year}年{last_month().month}月"
    clerk, reviewer = browser_as("finance"), browser_as("finreview")
    page = clerk.get("/books/")
    page = page.forms["close"].submit().follow()
    assert month in page and "已结账" in page
    page = page.click(month)
    form = page.forms["ask"]
    page = form.submit(status=422)
    form = page.forms["ask"]
    form["reason"] = "补记一笔"
    form.submit().follow()
    assert "补记一笔" not in clerk.get("/books/")
    seen = reviewer.get("/home").click(month, index=0)
    seen.forms["reopen"].submit().follow()
    with bare_app.app_context():
        assert closed_month([world.agency().id], last_month()) is None
    browser_as("clerk").get("/books/")
    browser_as("operator").get("/books/", status=403)


def test_an_opening_table_is_read_by_one_and_brought_in_by_another(
    browser_as: Callable[[str], TestApp], bare_app: Flask
) -> None:
    with bare_app.app_context():
        with transaction():
            make_account()
        data, wrong = good(), table(BUDGET | {"amount_yuan": "x"})
    clerk, reviewer = browser_as("finance"), browser_as("finreview")
    clerk.get("/books/opening/template.xlsx")
    form = clerk.get("/books/opening/new").forms["opening"]
    form["file"] = ("o.csv", wrong)
    page = form.submit(status=422)
    assert "x" in page
    form = page.forms["opening"]
    form["file"] = ("o.csv", data)
    page = form.submit().follow()
    assert "take" not in page.forms
    page = reviewer.get("/home").click("o.csv", index=0)
    page = page.forms["take"].submit().follow()
    assert "30,000.00" in page
    with bare_app.app_context():
        assert verify() == []
        assert db.session.scalars(select(OpeningImport)).one().breaks == []
