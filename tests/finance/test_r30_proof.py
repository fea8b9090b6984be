"""The 30% figure proved from outside: random worlds, and the verifier that anybody can run."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.r30 import check

ROOT = Path(__file__).resolve().parents[2]
WORKED = ROOT / "tests" / "data" / "worked"
TOOL = ROOT / "tools" / "verify_r30.py"


@pytest.mark.parametrize("seed", range(5_000, 5_050))
def test_random_worlds_come_out_alike_five_ways(seed):
    assert check(seed, size=25) == 120


def verify(*words, folder):
    # Neither the product nor any installed package can be reached.
    return subprocess.run(
        [sys.executable, "-I", "-S", str(TOOL), *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )


def test_the_verifier_agrees_with_the_worked_example(tmp_path):
    done = verify(
        WORKED / "purchases_expected_2025.json", WORKED / "purchases.csv", "--year", 2025, folder=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "150600 2025 own: N 419,999.99 yuan, D 1,000,000.00 yuan, ratio 42.00% met" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("600000.00", "600000.01", 1), ("600000.00", "x", 2), ("600000.00", "-1", 2), ("600000.00", "1.001", 2)],
)
def test_the_verifier_sees_a_changed_row(tmp_path, old, new, code):
    table = tmp_path / "rows.csv"
    text = (WORKED / "purchases.csv").read_text(encoding="utf-8-sig")
    table.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = verify(WORKED / "purchases_expected_2025.json", table, "--year", 2025, folder=tmp_path)
    assert done.returncode == code
    assert ("DIFF" in done.stdout) == (code == 1)


def test_the_verifier_never_shows_a_miss_as_the_threshold(tmp_path):
    header = (WORKED / "purchases.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    base = {
        "contract_no": "1", "fiscal_year": "2025", "division_code": "150600", "purchaser": "示例局", "service_key": "A",
        "public_service": "是", "contractor_kind": "社会服务机构", "contractor_code": "52150602MJ1234561L",
        "amount_yuan": "299999.99", "fund_source": "一般公共预算", "signed_on": "2025-01-01", "is_venture": "否",
    }  # fmt: skip
    other = base | {
        "contract_no": "2", "service_key": "B", "contractor_kind": "企业", "contractor_code": "91150602MA0N123402",
        "amount_yuan": "700000.01",
    }  # fmt: skip
    text = io.StringIO()
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows([base, other])
    (tmp_path / "rows.csv").write_text(text.getvalue(), encoding="utf-8")
    figures = {
        view: {
            "added_total_fen": "100000000", "added_so_fen": "29999999", "ratio": "29999999/100000000",
            "status": "below", "gap_fen": "1", "total_fen": "100000000", "previous_total_fen": "0",
        }
        for view in ("own", "own_with_venture", "rollup", "rollup_with_venture")
    }  # fmt: skip
    (tmp_path / "figure.json").write_text(json.dumps({"150600": figures}), encoding="utf-8")
    done = verify(tmp_path / "figure.json", tmp_path / "rows.csv", "--year", 2025, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "29.99% below" in done.stdout and "30.00%" not in done.stdout
