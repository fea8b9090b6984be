"""Importing purchases and the 30% page, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from webtest import Upload

from core.audit.services import SYSTEM
from core.db import db, transaction
from finance.purchasing.imports import read_purchases
from finance.purchasing.models import Purchase, PurchaseImport
from finance.purchasing.queries import ratio
from finance.purchasing.services import confirm_continuation, import_purchases

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
    assert "HT-007" in page
    assert "不是公共资金" in page
    page = browser_as("clerk").get("/ratio/?division=150602001&year=2025")
    assert "0.00%" in page and "24,000.00" in page


def test_a_township_sees_its_own_level_only(imported, browser_as):
    browser = browser_as("township_clerk")
    assert browser.get("/ratio/?division=150602001&year=2025").status_int == 200
    assert browser.get("/ratio/?division=150600&year=2025", status=404)
    assert browser.get("/ratio/?division=150603&year=2025", status=404)


def test_import_over_the_page_lists_mistakes_and_takes_a_good_table(bare_app, browser_as):
    browser = browser_as("finance")
    page = browser.get("/purchasing/import")
    form = page.forms["import"]
    broken = TABLE.read_bytes().replace(b"600000.00", b"600000.001")
    form["file"] = Upload("broken.csv", broken)
    answer = form.submit(status=422)
    assert "amount_yuan" in answer
    form = answer.forms["import"]
    form["file"] = Upload("purchases.csv", TABLE.read_bytes())
    assert form.submit(status=303)
    with bare_app.app_context():
        assert db.session.query(Purchase).count() == 13


def test_a_banner_may_not_import_for_another(bare_app, client_as, browser_as):
    form = browser_as("finance").get("/purchasing/import").forms["import"]
    foreign = TABLE.read_text(encoding="utf-8-sig").replace(",150602,", ",330200,")
    form["file"] = Upload("foreign.csv", foreign.encode())
    answer = form.submit(status=403)
    assert "330200" in answer


def test_the_export_is_a_workbook_with_reasons(imported, browser_as):
    answer = browser_as("clerk").get("/ratio/rows.xlsx?division=150600&year=2025&view=rollup")
    again = read_purchases(__import__("io").BytesIO(answer.body), "rows.xlsx")
    assert not again.errors
    assert len(again.rows) == 13
