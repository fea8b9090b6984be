"""Importing purchases and the 30% page, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from webtest import Upload

from core.audit.services import SYSTEM
from core.db import db, transaction
from core.jobs.services import run_next
from core.money import Money
from finance.continuations.services import confirm_continuation
from finance.contracts.imports import read_purchases
from finance.contracts.models import Purchase, PurchaseImport
from finance.figures.queries import figures, ratio
from finance.purchasing import jobs
from finance.purchasing.queries import planned
from finance.purchasing.services import import_purchases

DATA = Path(__file__).parents[1] / "data"
TABLE = DATA / "worked" / "purchases.csv"
EXPECTED = json.loads((DATA / "worked" / "purchases_expected_2025.json").read_text(encoding="utf-8"))


@pytest.fixture
def imported(bare_app):
    runner = bare_app.test_cli_runner()
    result = runner.invoke(args=["purchasing", "import", str(TABLE)])
    assert result.exit_code == 0, result.output
    return bare_app


@pytest.mark.parametrize("division", sorted(EXPECTED))
def test_the_worked_example_comes_out_of_the_command(imported, division):
    result = imported.test_cli_runner().invoke(
        args=["purchasing", "ratio", "--division", division, "--year", "2025", "--json"]
    )
    assert result.exit_code == 0
    assert json.loads(result.output) == EXPECTED[division]


def test_a_faulty_file_imports_nothing_and_names_the_place(bare_app, tmp_path):
    text = TABLE.read_text(encoding="utf-8-sig").replace("600000.00", "-1.00")
    faulty = tmp_path / "faulty.csv"
    faulty.write_text(text, encoding="utf-8")
    result = bare_app.test_cli_runner().invoke(args=["purchasing", "import", str(faulty)])
    assert result.exit_code == 1
    assert "Row 3, amount_yuan" in result.stderr
    with bare_app.app_context():
        assert db.session.query(Purchase).count() == 0
        assert db.session.query(PurchaseImport).count() == 0


def test_the_same_number_again_replaces_its_row(app):
    rows = read_purchases(TABLE, TABLE.name).rows
    with transaction():
        import_purchases(rows, file_name="a.csv", sha256="0" * 64, by=SYSTEM)
    with transaction():
        batch = import_purchases(rows[:2], file_name="b.csv", sha256="1" * 64, by=SYSTEM)
        assert batch.replaced == 2
    assert db.session.query(Purchase).count() == len(rows)
    assert ratio("150600", 2025).to_dict() == EXPECTED["150600"]


def test_a_confirmed_continuation_joins_last_year(app):
    rows = read_purchases(TABLE, TABLE.name).rows
    with transaction():
        import_purchases(rows, file_name="a.csv", sha256="0" * 64, by=SYSTEM)
        confirm_continuation(
            ("150602", "示例区民政局", ("key", "C-001")),
            ("150600", "示例市民政局", ("key", "A-003")),
            fiscal_year=2025,
            by=SYSTEM,
        )
    figure = ratio("150600", 2025).figures["own"]
    # Both identities are one service of the city now: 2024 1,000,000; 2025 800,000 + 500,000.01.
    assert figure.previous_total_fen == 80_000_000 + 100_000_000


def test_the_page_shows_each_level_and_why_rows_count(imported, browser_as):
    page = browser_as("clerk").get("/ratio/?division=150600&year=2025")
    assert "42.00%" in page
    page = page.click(href=r"/ratio/contracts\?.*verdict=outside")
    assert "HT-007" in page
    assert "不是公共资金" in page
    page = browser_as("clerk").get("/ratio/?division=150602001&year=2025")
    assert "0.00%" in page and "24,000.00" in page


def test_a_township_sees_its_own_level_only(imported, browser_as):
    browser = browser_as("township_clerk")
    assert browser.get("/ratio/?division=150602001&year=2025").status_int == 200
    assert browser.get("/ratio/?division=150600&year=2025", status=404)
    assert browser.get("/ratio/?division=150603&year=2025", status=404)


def upload(browser, name, data, **fields):
    """The page of a table that was uploaded and looked through."""
    form = browser.get("/purchasing/import").forms["import"]
    form["file"] = Upload(name, data)
    for field, value in fields.items():
        form[field] = value
    return form.submit(status=303).follow()


def numbers(app):
    with app.app_context():
        return set(db.session.scalars(select(Purchase.contract_no)))


def test_import_over_the_page_lists_mistakes_and_takes_a_good_table(bare_app, browser_as):
    browser = browser_as("finance")
    page = upload(browser, "broken.csv", TABLE.read_bytes().replace(b"600000.00", b"600000.001"))
    assert "amount_yuan" in page and "600000.001" in page
    assert "take" not in page.forms
    page = upload(browser, "purchases.csv", TABLE.read_bytes())
    assert "HT-001" in page and not numbers(bare_app)
    page = page.forms["take"].submit(status=303).follow()
    assert len(numbers(bare_app)) == 13
    assert "take" not in page.forms
    assert "42.00%" in browser.get("/ratio/?division=150600&year=2025")
    assert "purchases.csv" in browser.get("/purchasing/imports")


def test_a_banner_may_not_import_for_another(bare_app, browser_as):
    foreign = TABLE.read_text(encoding="utf-8-sig").replace(",150602,", ",330200,")
    page = upload(browser_as("finance"), "foreign.csv", foreign.encode())
    assert "330200" in page and "take" not in page.forms
    assert not numbers(bare_app)


def test_a_stranger_does_not_find_the_table_of_a_unit(bare_app, browser_as, client_as):
    page = upload(browser_as("finance"), "purchases.csv", TABLE.read_bytes())
    address = page.request.path
    assert client_as("clerk").get(address).status_code == 403
    assert client_as("township_clerk").get(address).status_code == 403


def test_a_corrected_file_replaces_its_own_rows_and_takes_back_what_is_gone(bare_app, browser_as):
    browser = browser_as("finance")
    text = TABLE.read_text(encoding="utf-8-sig")
    header, *rows = text.splitlines()
    upload(browser, "all.csv", "\n".join([header, *rows[:6]]).encode()).forms["take"].submit()
    upload(browser, "other.csv", "\n".join([header, *rows[6:]]).encode()).forms["take"].submit()
    with bare_app.app_context():
        first = db.session.scalars(select(PurchaseImport).order_by(PurchaseImport.id)).first().id
    corrected = "\n".join([header, *rows[:4], rows[4].replace(",公开招标,", ",询价,")])
    page = upload(browser, "all-2.csv", corrected.encode(), replaces=str(first))
    gone = rows[5].split(",")[0]
    assert gone in page and numbers(bare_app) >= {gone}
    page.forms["take"].submit(status=303)
    assert numbers(bare_app) == {row.split(",")[0] for row in rows} - {gone}
    with bare_app.app_context():
        batch = db.session.scalars(select(PurchaseImport).order_by(PurchaseImport.id.desc())).first()
        assert (batch.rows, batch.replaced, batch.removed) == (5, 5, 1)
        for division in EXPECTED:
            assert figures(division, 2025, exact=True).figures == ratio(division, 2025).figures


def test_own_headings_are_explained_once_and_remembered(bare_app, browser_as):
    browser = browser_as("finance")
    text = TABLE.read_text(encoding="utf-8-sig").replace("amount_yuan", "政府合同款", 1)
    page = upload(browser, "own.csv", text.encode())
    form = page.forms["headings"]
    form["column-0"] = "amount_yuan"
    page = form.submit(status=303).follow()
    assert "take" in page.forms
    again = upload(browser, "own-2.csv", text.encode())
    assert "take" in again.forms and "headings" not in again.forms
    refused = upload(browser, "wan.csv", text.replace("政府合同款", "合同款(万元)").encode()).forms[
        "headings"
    ]
    refused["column-0"] = "amount_yuan"
    assert "万元" in refused.submit(status=422)


def test_a_large_table_is_looked_through_and_taken_in_the_background(bare_app, browser_as, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 0)
    browser = browser_as("finance")
    page = upload(browser, "purchases.csv", TABLE.read_bytes())
    assert "take" not in page.forms
    with bare_app.app_context():
        assert run_next()
    page = browser.get(page.request.path)
    page.forms["take"].submit(status=303)
    assert not numbers(bare_app)
    with bare_app.app_context():
        assert run_next()
    assert len(numbers(bare_app)) == 13
    # One that is discarded while it waits takes nothing.
    page = upload(browser, "again.csv", TABLE.read_bytes().replace(b"HT-001", b"HT-901"))
    page.forms["discard"].submit(status=303)
    with bare_app.app_context():
        run_next()
    assert len(numbers(bare_app)) == 13


def test_a_table_is_taken_once(bare_app, browser_as):
    browser = browser_as("finance")
    page = upload(browser, "purchases.csv", TABLE.read_bytes())
    take, discard = page.forms["take"], page.forms["discard"]
    take.submit(status=303)
    assert discard.submit(status=409)
    same = upload(browser, "purchases.csv", TABLE.read_bytes())
    assert "purchases.csv" in same and "take" in same.forms


def test_a_contract_concluded_here_is_not_changed_by_a_table(app):
    rows = read_purchases(TABLE, TABLE.name).rows
    take(rows)
    with transaction():
        db.session.scalars(
            select(Purchase).where(Purchase.contract_no == "HT-002")
        ).one().commitment_id = None
        plan = planned(rows, None, ["150600"])
        assert not plan.refusals and len(plan.before) == 13
        strange = planned(rows, None, ["150602"])
        assert [refusal.status for refusal in strange.refusals] == [403]


def take(rows):
    with transaction():
        import_purchases(rows, file_name="a.csv", sha256="0" * 64, by=SYSTEM)


def test_a_continuation_is_proposed_and_confirmed_or_dismissed_by_a_person(bare_app, browser_as):
    with bare_app.app_context():
        rows = read_purchases(TABLE, TABLE.name).rows
        old = replace(
            rows[0], fiscal_year=2024, purchaser="示例市民政局", service_key="Z-1", service_name="社区居家养老服务",
            contract_no="N-1", amount=Money.yuan("90000"), division_code="150600",
        )  # fmt: skip
        new = replace(
            old, fiscal_year=2025, purchaser="示例市社会工作部", service_key="SG-9", contract_no="N-2",
            service_name="社区居家养老服务项目", amount=Money.yuan("95000"),
        )  # fmt: skip
        other = replace(new, service_key="SG-8", service_name="绿化养护", contract_no="N-3")
        take([old, new, other])
        assert figures("150600", 2025).figures["own"].added_total_fen == 19_000_000
    browser = browser_as("finance")
    page = browser.get("/purchasing/continuations?division=150600&year=2025")
    assert "社区居家养老服务项目" in page and "绿化养护" not in page
    confirm = next(form for form in page.forms.values() if form.action.endswith("/confirm"))
    dismiss = next(form for form in page.forms.values() if form.action.endswith("/dismiss"))
    page = confirm.submit(status=303).follow()
    with bare_app.app_context():
        assert figures("150600", 2025).figures["own"].added_total_fen == 10_000_000
    undo = next(form for form in page.forms.values() if form.action.endswith("/undo"))
    undo.submit(status=303)
    with bare_app.app_context():
        assert figures("150600", 2025).figures["own"].added_total_fen == 19_000_000
    dismiss.submit(status=303)
    page = browser.get("/purchasing/continuations?division=150600&year=2025")
    assert not [form for form in page.forms.values() if form.action.endswith("/confirm")]


def test_the_export_is_a_workbook_with_reasons(imported, browser_as):
    answer = browser_as("clerk").get("/ratio/rows.xlsx?division=150600&year=2025&view=rollup")
    again = read_purchases(__import__("io").BytesIO(answer.body), "rows.xlsx")
    assert not again.errors
    assert len(again.rows) == 13
