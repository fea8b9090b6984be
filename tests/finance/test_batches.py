"""A batch goes out once; what the bank answers moves a payment only where everything agrees."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import xlsxwriter
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.db import db, transaction
from core.money import Money
from finance.batches import services
from finance.batches.imports import read_answers
from finance.batches.models import Batch, BatchItem, ReceiptFile, ReceiptLine
from finance.batches.queries import candidates
from finance.batches.reports import payment_file
from finance.batches.rules import (
    FIELDS,
    STANDARD,
    Answer,
    Heading,
    Request,
    compare,
    harmless,
    layout_problem,
)
from finance.commitments.models import Commitment
from finance.commitments.queries import sums_of
from finance.commitments.services import commit, place_hold
from finance.disbursements import services as till
from finance.disbursements.models import Disbursement
from finance.ledger.queries import verify
from tests import world
from tests.finance.money import NUMBER, make_account, make_commitment

TODAY = clock.today()


def approved(count: int = 3, amount: str = "90000.01") -> list[Disbursement]:
    """A commitment in so many equal tranches, each approved."""
    commitment = make_commitment(amount, tranches=[(1, f"第{n}款", "signed") for n in range(1, count + 1)])
    account = make_account()
    rows = []
    for tranche in commitment.tranches:
        row = till.request_disbursement(
            tranche, payee_account=account, receipt_number=f"SJ-{tranche.number}", by=world.user("clerk")
        )
        till.review(row, by=world.user("finreview"))
        till.approve(row, by=world.user("leader"))
        rows.append(row)
    return rows


def batch_of(rows: list[Disbursement]) -> Batch:
    return services.make_batch(world.agency(), rows, by=world.user("finance"))


def send(batch: Batch) -> None:
    services.export_batch(batch, total=batch.total, make=payment_file, by=world.user("finance"))


def table(rows: list[list[str]], *heads: str) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows([heads or HEADS, *rows])
    return target.getvalue().encode()


HEADS = ("支付单号", "支付结果", "支付金额(元)", "收款人", "账号", "支付日期", "凭证号", "退回原因")


def answer_row(item: Disbursement, result: str = "成功", **other: str) -> list[str]:
    values = {
        "支付单号": item.number,
        "支付结果": result,
        "支付金额(元)": item.amount.plain(),
        "收款人": item.payee_account.account_name,
        "账号": NUMBER,
        "支付日期": TODAY.isoformat(),
        "凭证号": f"PZ-{item.id}" if result == "成功" else "",
        "退回原因": "" if result == "成功" else "户名不符",
        **other,
    }
    return [values[head] for head in HEADS]


def read_in(data: bytes) -> ReceiptFile:
    result = read_answers(io.BytesIO(data), "回单.csv")
    assert not result.errors, [error.sentence().english() for error in result.errors]
    return services.keep_answers(world.agency(), "回单.csv", data, result, by=world.user("finance"))


def test_a_batch_goes_out_and_is_answered(app: Flask) -> None:
    with transaction():
        rows = approved()
        batch = batch_of(rows)
        assert (batch.count, batch.total) == (3, Money.yuan("90000.01"))
        assert [row.state for row in rows] == ["approved"] * 3
    with transaction():
        send(batch)
    assert [row.state for row in rows] == ["released"] * 3
    assert all(row.released_at and row.released_by == world.user("finance").id for row in rows)
    with transaction():
        file = read_in(table([answer_row(rows[0]), answer_row(rows[1]), answer_row(rows[2], "退回")]))
        assert [line.verdict for line in file.lines] == ["matched"] * 3
        assert [row.state for row in rows] == ["released"] * 3, "reading moves nothing"
    with transaction():
        assert services.apply_answers(file, by=world.user("finance")) == 3
    assert [row.state for row in rows] == ["paid", "paid", "returned"]
    assert (batch.state, file.state) == ("answered", "applied")
    sums = sums_of([rows[0].commitment])[rows[0].commitment_id]
    assert (sums["paid"].plain(), sums["committed"].plain(), sums["payable"].plain()) == (
        "60000.00",
        "30000.01",
        "0.00",
    )
    assert verify() == []
    # The one that came back is issued again, as a new payment that names the old.
    with transaction():
        again = till.reissue(
            rows[2], payee_account=rows[2].payee_account, receipt_number="SJ-3", by=world.user("clerk")
        )
    assert again.reissues_id == rows[2].id and again.number == f"{rows[2].number}-2"
    with pytest.raises(Refusal, match="already issued again"), transaction():
        till.reissue(
            rows[2], payee_account=rows[2].payee_account, receipt_number="SJ-9", by=world.user("clerk")
        )


def test_only_what_may_go_out_goes_in_and_the_rest_says_why(app: Flask) -> None:
    with transaction():
        rows = approved(2)
        other = another(rows[0].commitment)
        held = till.request_disbursement(
            other.tranches[0],
            payee_account=rows[0].payee_account,
            receipt_number="SJ-H",
            by=world.user("clerk"),
        )
        till.review(held, by=world.user("finreview"))
        till.approve(held, by=world.user("leader"))
        place_hold(other, reason="objection", text="群众来信", by=world.user("clerk"))
    found = {
        item.disbursement.id: item.reason for item in candidates(world.agency().id, world.user("finance"))
    }
    assert found[rows[0].id] is None and found[rows[1].id] is None
    assert found[held.id] is not None and "群众来信" in found[held.id].english()
    with pytest.raises(Refusal, match="stays out"), transaction():
        batch_of([rows[0], held])
    with transaction():
        first = batch_of([rows[0]])
    with pytest.raises(Refusal, match="lies in batch"), transaction():
        batch_of(rows)
    with pytest.raises(Refusal, match="permission"), transaction():
        services.make_batch(world.agency(), [rows[1]], by=world.user("leader"))
    with transaction():
        services.drop_batch(first, by=world.user("finance"))
        batch_of(rows)


def another(first: Commitment) -> Commitment:
    """A second commitment from the same earmark."""
    return commit(
        first.earmark,
        organization=first.organization,
        number="150600-GYCT-2026-05-004-HT",
        title="示例邻里食堂",
        track="venture_grant",
        amount=Money.yuan(20000),
        starts_on=TODAY,
        ends_on=TODAY + timedelta(days=90),
        tranches=[(50, "首期款", "signed"), (50, "尾款", "final_passed")],
        from_reservation=False,
        by=world.user("leader"),
    )


def test_a_hold_after_the_batch_was_made_stops_the_whole_export(app: Flask) -> None:
    with transaction():
        rows = approved()
        batch = batch_of(rows)
        place_hold(rows[0].commitment, reason="suspension", text="", by=world.user("clerk"))
    with pytest.raises(Refusal, match="stands against it"), transaction():
        send(batch)
    assert batch.state == "made" and [row.state for row in rows] == ["approved"] * 3
    assert batch.files == []


def test_the_total_must_be_what_was_confirmed(app: Flask) -> None:
    with transaction():
        rows = approved()
        batch = batch_of(rows)
        services.drop_item(batch.items[1], by=world.user("finance"))
    assert (batch.count, batch.total) == (2, Money.yuan("60000.01"))
    with pytest.raises(Refusal, match="confirmed"), transaction():
        services.export_batch(
            batch, total=Money.yuan("90000.01"), make=payment_file, by=world.user("finance")
        )
    with transaction():
        send(batch)
    assert [row.state for row in rows] == ["released", "approved", "released"]
    with pytest.raises(Refusal, match="not sent yet"), transaction():
        services.drop_item(batch.items[0], by=world.user("finance"))


def test_whoever_took_an_earlier_step_does_not_send(app: Flask) -> None:
    with transaction() as session:
        rows = approved(1)
        session.execute(Disbursement.__table__.update().values(requested_by=world.user("finance").id))
        session.expire_all()
    with pytest.raises(Refusal, match="two steps"), transaction():
        batch_of(rows)


def test_a_second_fetching_gives_the_same_bytes_and_is_logged(app: Flask) -> None:
    with transaction():
        batch = batch_of(approved())
        with pytest.raises(Refusal, match="when the batch is sent"):
            services.fetch_file(batch, "csv", by=world.user("finance"))
        send(batch)
    for kind in ("csv", "xlsx"):
        with transaction():
            first = services.fetch_file(batch, kind, by=world.user("finance"))
        with transaction():
            second = services.fetch_file(batch, kind, by=world.user("finance"))
        assert first == second
        digest = next(item.sha256 for item in batch.files if item.kind == kind)
        assert hashlib.sha256(first).hexdigest() == digest
    with pytest.raises(Refusal, match="permission"), transaction():
        services.fetch_file(batch, "csv", by=world.user("leader"))
    fetched = db.session.scalar(
        select(func.count()).where(AuditEntry.event == "file_fetched", AuditEntry.object_id == batch.id)
    )
    assert fetched == 4
    with pytest.raises(Refusal), transaction():
        send(batch)
    assert db.session.scalar(select(func.count()).select_from(Batch)) == 1
    # The number lies nowhere in clear.
    if db.engine.dialect.name == "sqlite":
        for path in Path(app.instance_path).rglob("shanzhi.db*"):
            assert NUMBER.encode() not in path.read_bytes()


def test_the_file_holds_text_as_text_and_no_live_formula(app: Flask) -> None:
    with transaction():
        rows = approved(2)
        rows[0].commitment.title = '=HYPERLINK("http://x","付款")'
        services.set_layout(
            world.agency(),
            [
                Heading("单号", "number"),
                Heading("户名", "payee"),
                Heading("账号", "account_number"),
                Heading("金额", "amount"),
                Heading("用途", "purpose"),
                Heading("科目", "function_code"),
                Heading("备注", "fixed", "+1 代付"),
            ],
            by=world.user("finance"),
        )
        batch = batch_of(rows)
        send(batch)
        files = {kind: services.fetch_file(batch, kind, by=world.user("finance")) for kind in ("csv", "xlsx")}
    lines = [*csv.reader(io.StringIO(files["csv"].decode("utf-8-sig")))]
    assert lines[0] == ["单号", "户名", "账号", "金额", "用途", "科目", "备注"]
    assert lines[1][2] == f"\t{NUMBER}" and lines[1][3] == "45000.00" and lines[2][3] == "45000.01"
    assert lines[1][4].startswith("'=HYPERLINK") and lines[1][6] == "'+1 代付" and lines[1][5] == "2296002"
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(files["xlsx"])).get_sheet_by_index(0).to_python()
    assert sheet[1][2] == NUMBER and sheet[1][3] == 45000.0 and sheet[1][4].startswith("=HYPERLINK")
    assert b"<f>" not in files["xlsx"]


@given(st.text(max_size=12))
def test_no_cell_of_the_csv_begins_like_a_formula(text: str) -> None:
    assert harmless(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert harmless(text).removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ([Heading("号", "number"), Heading("名", "payee"), Heading("额", "amount")], "exactly once"),
        ([*(Heading(name, name) for name in STANDARD), Heading("x", "secret")], "no known content"),
        ([*(Heading(name, name) for name in STANDARD), Heading("amount", "bank")], "same heading"),
        ([*(Heading(name, name) for name in STANDARD), Heading("额", "amount")], "exactly once"),
        ([*(Heading(name, name) for name in STANDARD), Heading("注", "fixed")], "write it"),
        ([*(Heading(name, name) for name in STANDARD), Heading(" ", "bank")], "heading"),
        ([Heading(str(n), "serial") for n in range(21)], "At most"),
    ],
)
def test_a_layout_that_nobody_could_pay_from_is_refused(columns: list[Heading], match: str) -> None:
    problem = layout_problem(columns)
    assert problem is not None and match in problem.english()
    assert layout_problem([Heading(FIELDS[name], name) for name in STANDARD]) is None


REQUEST = Request("ZF-1", "released", Money.yuan("100"), "示例（甲）中心", "7890", TODAY, None, "")
ANSWER = Answer(2, "ZF-1", "paid", Money.yuan("100"), "示例(甲)中心", "7890", TODAY, "PZ-1", "")


@given(
    amount=st.integers(9999, 10001),
    posted=st.sampled_from([None, 9999, 10000]),
    name=st.sampled_from(["", "示例(甲)中心", "别家"]),
    digits=st.sampled_from(["", "7890", "0000"]),
    state=st.sampled_from(["requested", "approved", "released", "paid", "returned", "cancelled"]),
    result=st.sampled_from(["paid", "returned"]),
    early=st.booleans(),
)
def test_matched_means_that_all_three_agree(
    amount: int, posted: int | None, name: str, digits: str, state: str, result: str, early: bool
) -> None:
    request = Request(
        "ZF-1",
        state,
        Money(10000),
        "示例（甲）中心",
        "7890",
        TODAY,
        TODAY if state == "paid" else None,
        "PZ-1" if state == "paid" else "",
    )
    day = TODAY - timedelta(days=1) if early else TODAY
    answer = Answer(2, "ZF-1", result, Money(amount), name, digits, day, "PZ-1", "户名不符")
    found = compare(request, answer, Money(posted) if posted is not None else None)
    compared = state in ("released", "paid", "returned") and posted is not None
    agrees = amount == 10000 == posted and name != "别家" and digits != "0000" and not early
    agrees = agrees and not (state == "returned" and result == "paid")
    assert found.verdict == ("not_compared" if not compared else "matched" if agrees else "different")
    assert bool(found.differences) == (found.verdict != "matched")


def test_an_unknown_number_is_not_compared() -> None:
    assert compare(None, ANSWER, Money.yuan(100)).verdict == "not_compared"
    assert compare(REQUEST, ANSWER, Money.yuan(100)).verdict == "matched"


def test_what_differs_or_is_unknown_moves_nothing(app: Flask) -> None:
    with transaction():
        rows = approved(4)
        batch = batch_of(rows[:3])
        send(batch)
        file = read_in(
            table(
                [
                    answer_row(rows[0], **{"支付金额(元)": "1.00"}),
                    answer_row(rows[1], 收款人="示例别家"),
                    answer_row(rows[3]),
                    answer_row(rows[2], 支付单号="ZF-9999"),
                ]
            )
        )
        verdicts = [line.verdict for line in file.lines]
        assert verdicts == ["different", "different", "not_compared", "not_compared"]
        assert services.apply_answers(file, by=world.user("finance")) == 0
    assert [row.state for row in rows] == ["released"] * 3 + ["approved"]
    assert batch.state == "exported"
    assert not any(line.applied for line in file.lines)


def test_what_moved_between_reading_and_applying_is_compared_again(app: Flask) -> None:
    with transaction():
        rows = approved(2)
        send(batch_of(rows))
        data = table([answer_row(rows[0]), answer_row(rows[1])])
        file = read_in(data)
        till.mark_paid(rows[0], paid_on=TODAY, voucher_number="PZ-ANDERS", by=world.user("finance"))
    with pytest.raises(Refusal, match="already"), transaction():
        read_in(data)
    with transaction():
        assert services.apply_answers(file, by=world.user("finance")) == 1
    assert [line.verdict for line in file.lines] == ["different", "matched"]
    assert rows[0].voucher_number == "PZ-ANDERS"
    with pytest.raises(Refusal), transaction():
        services.apply_answers(file, by=world.user("finance"))
    # The same answers in another table: they agree with what is known, and move nothing.
    with transaction():
        again = read_in(table([answer_row(rows[1]), answer_row(rows[0], 凭证号="PZ-ANDERS")]))
        assert [line.verdict for line in again.lines] == ["matched", "matched"]
        assert services.apply_answers(again, by=world.user("finance")) == 0


BAD_ROWS = {
    "negative": {"支付金额(元)": "-1.00"},
    "zero": {"支付金额(元)": "0"},
    "three decimals": {"支付金额(元)": "1.005"},
    "huge": {"支付金额(元)": "1e308"},
    "endless": {"支付金额(元)": "9" * 40},
    "full-width": {"支付金额(元)": "１００．００"},
    "formula": {"支付金额(元)": "=1+1"},
    "words": {"支付金额(元)": "一百元"},
    "unknown result": {"支付结果": "处理中"},
    "no number": {"支付单号": ""},
    "no voucher": {"凭证号": ""},
    "future": {"支付日期": (TODAY + timedelta(days=1)).isoformat()},
    "no day": {"支付日期": "2026-02-30"},
    "account": {"账号": "６２２８４８"},
    "formula name": {"收款人": "=cmd|' /C calc'!A0"},
    "long": {"凭证号": "P" * 61},
}
GOOD = ["ZF-1", "成功", "100.00", "示例甲", "1234567890", TODAY.isoformat(), "PZ-1", ""]


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_bad_row_is_refused_with_its_row_and_reason(fault: str) -> None:
    bad = dict(zip(HEADS, GOOD, strict=True)) | {"支付单号": "ZF-2"} | BAD_ROWS[fault]
    result = read_answers(io.BytesIO(table([GOOD, [bad[head] for head in HEADS]])), "x.csv")
    assert {error.row for error in result.errors} == {3}, fault
    assert all(error.message.english() for error in result.errors)


def _book(write: object) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADS)
    write(book, sheet)  # type: ignore[operator]
    book.close()
    return target.getvalue()


BAD_FILES = {
    "binary": b"\x00\x01\x02\xff" * 50,
    "old Excel": b"\xd0\xcf\x11\xe0" + b"\x00" * 600,
    "empty": b"  ",
    "broken zip": b"PK\x03\x04" + b"x" * 90,
    "no rows": table([]),
    "other table": table([["a", "b"]], "甲", "乙"),
    "twice": table([GOOD, GOOD]),
    "head twice": table([[*GOOD, "1"]], *HEADS, "金额"),
    "formula": _book(lambda b, s: (s.write_row(1, 0, GOOD), s.write_formula(1, 2, "=50+50"))),
    "merged": _book(lambda b, s: (s.write_row(1, 0, GOOD), s.merge_range(1, 2, 2, 2, "100.00"))),
    "two sheets": _book(lambda b, s: (s.write_row(1, 0, GOOD), b.add_worksheet().write(0, 0, "x"))),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_wrong_file_is_refused_whole(fault: str) -> None:
    result = read_answers(io.BytesIO(BAD_FILES[fault]), f"{fault}.xlsx")
    assert result.errors and all(error.sentence().english() for error in result.errors)


def test_a_workbook_of_the_bank_is_read(app: Flask) -> None:
    data = _book(
        lambda book, sheet: (
            sheet.write_row(1, 0, GOOD),
            sheet.write_number(1, 2, 100),
            sheet.write_datetime(
                1,
                5,
                clock.local(clock.now()).replace(tzinfo=None),
                book.add_format({"num_format": "yyyy-mm-dd"}),
            ),
        )
    )
    result = read_answers(io.BytesIO(data), "x.xlsx")
    assert not result.errors
    assert (result.rows[0].amount, result.rows[0].happened_on) == (Money.yuan(100), TODAY)


def test_a_table_with_a_mistake_leaves_nothing_behind(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        rows = approved(2)
        send(batch_of(rows))
        data = table([answer_row(rows[0]), answer_row(rows[1], **{"支付金额(元)": "0"})])
    page = browser_as("finance").get("/batches/answers/new")
    page.forms["answers"]["file"] = ("回单.csv", data)
    told = page.forms["answers"].submit(expect_errors=True)
    assert told.status_int == 422 and ">3</td>" in told.text and ">amount</td>" in told.text
    with bare_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ReceiptFile)) == 0
        assert db.session.scalar(select(func.count()).select_from(ReceiptLine)) == 0


def test_of_many_who_send_at_once_one_releases(bare_app: Flask) -> None:
    """64 at once: one export, one set of files, every payment released once."""
    with bare_app.app_context(), transaction():
        batch_id = batch_of(approved(4)).id
    outcomes = at_once(bare_app, 64, lambda: send(db.session.get_one(Batch, batch_id)))
    assert sorted(outcomes) == ["409"] * 63 + ["done"]
    with bare_app.app_context():
        batch = db.session.get_one(Batch, batch_id)
        assert batch.state == "exported" and len(batch.files) == 2
        released = db.session.scalar(select(func.count()).where(AuditEntry.event == "released"))
        assert released == 4
        assert verify() == []


def test_of_many_who_put_together_at_once_each_payment_lies_in_one(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        ids = [row.id for row in approved(3)]

    def make() -> None:
        batch_of([db.session.get_one(Disbursement, item) for item in ids])

    outcomes = at_once(bare_app, 16, make)
    assert sorted(outcomes) == ["409"] * 15 + ["done"]
    with bare_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(BatchItem)) == 3


def at_once(app: Flask, number: int, work: object) -> list[str]:
    start = threading.Barrier(number)
    outcomes: list[str] = []

    def run() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    work()  # type: ignore[operator]
                outcomes.append("done")
            except Refusal as refusal:
                outcomes.append(str(refusal.status))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_pages_of_a_batch(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        approved(2)
    browser = browser_as("finance")
    page = browser.get("/disbursements/").click(href="/batches/$").click(href="/batches/new$", index=0)
    assert "90,000.01" in page.text
    page = page.forms["batch"].submit().follow()
    form = page.forms["export"]
    form["total"], form["proof"] = "90000", world.PASSWORD
    assert form.submit(expect_errors=True).status_int == 422
    form["total"], form["proof"] = "90,000.01", "wrong wrong wrong"
    wrong = form.submit(expect_errors=True)
    assert wrong.status_int == 422 and "90,000.01" in wrong.text
    form = wrong.forms["export"]
    form["total"], form["proof"] = "90,000.01", world.PASSWORD
    page = form.submit().follow()
    file = page.forms["fetch-csv"].submit()
    assert NUMBER in file.text and "attachment" in file.headers["Content-Disposition"]
    assert NUMBER not in page.text
    for login in ("leader", "clerk"):
        seen = browser_as(login).get(page.request.path)
        assert "fetch-csv" not in seen.forms
    page = browser.get("/batches/layout")
    page.forms["layout"]["columns-0-heading"] = "序"
    assert "序" in page.forms["layout"].submit().follow().text
    page = browser.get("/batches/layout")
    page.forms["layout"]["columns-1-field"] = ""
    kept = page.forms["layout"].submit(expect_errors=True)
    assert kept.status_int == 422 and kept.forms["layout"]["columns-0-heading"].value == "序"
