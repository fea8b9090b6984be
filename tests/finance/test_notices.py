"""Published lottery fund notices: the expected verdict of every check of the published table."""

import csv
import io
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from core.money import Money
from finance.announcements.imports import read_notices
from finance.announcements.rules import COLUMNS, check_notices, compare, notices_to_dict
from finance.lottery.rules import exact_decimal

DATA = Path(__file__).parent.parent / "data"
TABLE = DATA / "lottery_fund_use.csv"

# (jurisdiction, tier) -> (covers, rows, expected, found, verdict) of each check in order.
VERDICTS = {
    ("鄂尔多斯市", "自治区本级"): [
        ("whole", [1, 2, 5], "1328.341", "810.341", "not_compared"),
        ("whole", [1, 2, 5], "48", "33", "not_compared"),
        ("part", [2, 3, 4], "745.341", "745.341", "equal"),
        ("part", [2, 3, 4], "30", "30", "equal"),
        ("part", [5, 6, 7], "65", "65", "equal"),
        ("part", [5, 6, 7], "3", "3", "equal"),
        ("part", [2, 1], "56.1", "74534100/1328341", "rounded"),
        ("part", [5, 1], "4.9", "6500000/1328341", "rounded"),
    ],
    ("内蒙古自治区", "中央集中"): [("whole", [17, 18, 19], "14804", "14804", "equal")],
    ("泸县", "ALL"): [("whole", [36, 37, 41, 44, 48], "972.749", "972.749", "equal")],
    ("泸县", "中央"): [("whole", [37, 38, 39, 40], "250.659", "250.659", "equal")],
    ("泸县", "省级"): [("whole", [41, 42, 43], "465", "465", "equal")],
    ("泸县", "市级"): [("whole", [44, 45, 46, 47], "40.63", "40.63", "equal")],
    ("泸县", "县本级"): [
        ("whole", [48, 49, 52, 53], "216.46", "216.46", "equal"),
        ("part", [49, 50, 51], "119.57", "119.57", "equal"),
        ("part", [53, 54, 55, 56], "75.14", "75.14", "equal"),
    ],
    ("宁波市", "市本级"): [
        ("whole", [57, 58, 59], "11000", "11000", "equal"),
        ("part", [59, 60, 61, 62], "8599.5", "8599.5", "equal"),
    ],
    ("上海市", "市本级"): [
        ("whole", [78, 79], "52400", "34945.8", "not_compared"),
        ("whole", [78, 79], "52", "21", "not_compared"),
        ("part", [74, 75, 76, 77], "158700", "158700", "equal"),
        ("part", [79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91], "34945.8", "29627.5", "not_compared"),
    ],
    ("延安市", "ALL"): [("whole", [129, 130, 137], "6462", "6462", "not_compared")],
    ("延安市", "中央"): [("whole", [130, 131, 132, 134, 133, 135, 136], "2110", "2110", "not_compared")],
    ("延安市", "省级"): [
        ("whole", [137, 138, 143, 146], "4352", "3472", "not_compared"),
        ("part", [138, 139, 140, 141, 142], "3247", "3247", "equal"),
        ("part", [143, 144, 145], "180", "180", "equal"),
    ],
    ("福建省", "中央"): [
        ("whole", [147, 148, 151, 154, 158], "6351", "6351", "equal"),
        ("part", [148, 149, 150], "3215", "3215", "equal"),
        ("part", [151, 152, 153], "1507", "1507", "equal"),
        ("part", [154, 155, 156, 157], "1015", "1015", "equal"),
        ("part", [158, 159, 160, 161], "614", "614", "equal"),
    ],
    ("长沙市", "市本级"): [
        ("whole", [204, 205, 206, 207, 208, 209, 210], "4500", "4500", "equal"),
        ("whole", [204], "62.5", "11250000/180143", "rounded"),
    ],
}


@pytest.fixture(scope="module")
def rows():
    result = read_notices(TABLE, TABLE.name)
    assert not result.errors and len(result.rows) == 95
    return result.rows


def verdicts(notice):
    return [(c.covers, list(c.rows), c.expected, c.found, c.verdict) for c in notice.checks]


def changed(rows, number, amount):
    return [
        replace(row, amount=Money.parse(amount, unit=1_000_000), amount_text=amount)
        if row.row == number
        else row
        for row in rows
    ]


def differing(rows):
    return [
        (list(check.rows), check.verdict)
        for notice in check_notices(rows)
        for check in notice.checks
        if check.verdict == "differs"
    ]


def test_every_published_notice(rows):
    notices = check_notices(rows)
    assert {(n.jurisdiction, n.fund_tier): verdicts(n) for n in notices} == VERDICTS
    assert len(notices) == len(VERDICTS)


def test_shape_of_the_output(rows):
    output = notices_to_dict(check_notices(rows))
    assert json.loads(json.dumps(output)) == output
    assert list(output) == ["notices"]
    for notice in output["notices"]:
        assert list(notice) == ["title", "jurisdiction", "fiscal_year", "fund_tier", "checks"]
        for check in notice["checks"]:
            assert list(check)[:6] == ["name", "covers", "expected", "found", "verdict", "rows"]
            assert ("reason" in check) == (check["verdict"] in ("differs", "not_compared"))
            assert all(isinstance(check[key], str) for key in ("name", "expected", "found"))


def test_whole_of_a_partial_notice_is_never_judged(rows):
    for number in (1, 78, 129, 130, 137):
        for notice in check_notices(changed(rows, number, "1")):
            if notice.jurisdiction in ("鄂尔多斯市", "上海市", "延安市"):
                wholes = [check.verdict for check in notice.checks if check.covers == "whole"]
                assert wholes and set(wholes) == {"not_compared"}


@pytest.mark.parametrize(
    ("number", "amount", "differs"),
    [
        (19, "3420.5", [[17, 18, 19]]),
        (36, "972.748", [[36, 37, 41, 44, 48]]),
        (48, "216.5", [[36, 37, 41, 44, 48]]),
        (52, "21.76", [[48, 49, 52, 53]]),
        (58, "2401", [[57, 58, 59]]),
        (60, "5560", [[59, 60, 61, 62]]),
        (76, "30900", [[74, 75, 76, 77]]),
        (3, "115.242", [[2, 3, 4]]),
        (4, "630", [[2, 3, 4]]),
        (140, "1366", [[138, 139, 140, 141, 142]]),
        (80, "9000", [[79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91]]),
        (153, "584", [[151, 152, 153]]),
        (210, "61", [[204, 205, 206, 207, 208, 209, 210]]),
    ],
)
def test_a_changed_figure_differs(rows, number, amount, differs):
    assert differing(rows) == []
    assert [place for place, _ in differing(changed(rows, number, amount))] == differs


def test_a_total_published_rounder_is_rounded(rows):
    county = next(n for n in check_notices(changed(rows, 48, "216.5")) if n.fund_tier == "县本级")
    assert county.checks[0].verdict == "rounded"


def test_headline_in_hundred_millions_is_rounded_at_its_own_precision(rows):
    shanghai = [replace(row, remark="") if row.row == 74 else row for row in changed(rows, 77, "49863.2")]
    assert [place for place, _ in differing(shanghai)] == [[74, 75, 76, 77]]
    assert differing(changed(rows, 77, "49863.2")) == []


def test_changed_percentage_and_count_differ(rows):
    wrong = [replace(row, stated_percent="56.2") if row.row == 2 else row for row in rows]
    assert differing(wrong) == [([2, 1], "differs")]
    wrong = [replace(row, project_count=29) if row.row == 4 else row for row in rows]
    assert differing(wrong) == [([2, 3, 4], "differs")]


def test_percentage_of_a_base_outside_the_table_is_not_compared(rows):
    without = [replace(row, remark="") for row in rows if row.jurisdiction == "长沙市"]
    check = check_notices(without)[0].checks[-1]
    assert (check.verdict, check.expected) == ("not_compared", "62.5")
    assert check.reason is not None


def test_input_order_does_not_change_verdicts(rows):
    def by_group(table):
        return {
            (n.title, n.fund_tier): sorted((c.covers, sorted(c.rows), c.verdict) for c in n.checks)
            for n in check_notices(table)
        }

    assert by_group(rows) == by_group(rows[::-1])


def as_csv(**changes):
    row = {
        "row": "9", "jurisdiction": "某市", "notice_title_or_subject": "公告", "fiscal_year": "2024", "fund_tier": "市本级", "category": "TOTAL",
        "item": "合计", "amount_wan_yuan": "318.9993", "project_count": "", "stated_percent": "", "is_subtotal": "Y", "completeness": "full",
        "source_kind": "", "source_url": "", "remark": "",
    } | changes  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerows([row.keys(), row.values()])
    return io.BytesIO(text.getvalue().encode())


def test_four_decimals_of_wan_are_whole_fen():
    (row,) = read_notices(as_csv(), "n.csv").rows
    assert (row.amount, row.row) == (Money(318_999_300), 9)
    (row,) = read_notices(as_csv(row="", amount_wan_yuan="1,000"), "n.csv").rows
    assert (row.amount, row.row) == (Money.yuan("10000000"), 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("jurisdiction", ""), ("notice_title_or_subject", ""), ("fund_tier", ""), ("item", ""), ("fiscal_year", "24"), ("fiscal_year", "1900"),
        ("amount_wan_yuan", ""), ("amount_wan_yuan", "-1"), ("amount_wan_yuan", "1.0000001"), ("amount_wan_yuan", "1e9"), ("amount_wan_yuan", "约5"),
        ("project_count", "2.5"), ("stated_percent", "half"), ("is_subtotal", ""), ("is_subtotal", "yes"), ("completeness", "most"), ("row", "x"),
        ("remark", "=1"),
    ],
)  # fmt: skip
def test_refused_rows(column, value):
    result = read_notices(as_csv(**{column: value}), "n.csv")
    assert not result.rows
    assert [(error.row, error.column) for error in result.errors] == [(2, column)]
    assert result.errors[0].sentence().english().startswith(f"Row 2, {column}: ")


def test_missing_column_and_no_table():
    assert [e.column for e in read_notices(io.BytesIO(b"row,item\n1,x\n"), "n.csv").errors] == [
        name
        for name in COLUMNS
        if name
        in (
            "jurisdiction",
            "notice_title_or_subject",
            "fiscal_year",
            "fund_tier",
            "category",
            "amount_wan_yuan",
            "is_subtotal",
        )
    ]
    assert read_notices(io.BytesIO(b"\x00"), "n.csv").errors[0].row == 0


with (DATA / "reconciliation_tests.csv").open(encoding="utf-8-sig") as stream:
    RECONCILIATION = list(csv.DictReader(stream))


def evaluate(expression):
    """Sums, products and quotients from left to right, as the table writes them."""
    total = Fraction(0)
    for term in expression.split("+"):
        factors = term.replace("/", "*/").split("*")
        product = Fraction(1)
        for factor in factors:
            product = product / Fraction(factor[1:]) if factor.startswith("/") else product * Fraction(factor)
        total += product
    return total


@pytest.mark.parametrize("case", RECONCILIATION, ids=lambda case: case["name"])
def test_published_sums(case):
    found = evaluate(case["expression"])
    assert round(found, 6) == Fraction(case["computed"])
    published, result = case["published_value"], case["expected_result"]
    if result == "EQUAL":
        assert compare(published, found) == "equal"
    elif result.startswith("ROUND_TO_0.1亿"):
        assert compare(published, found, step=Fraction(1_000)) == "rounded"
        assert compare(published, found) == "differs"
    elif result.startswith("ROUND_"):
        assert compare(published, found) == "rounded"
        assert len(published.partition(".")[2]) == int(result[-1])
    else:
        assert result.startswith("SOURCE_INCONSISTENT")
        assert compare(published, found) == "differs"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(1, 3), "1/3"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 80), "0.0125"),
        (Fraction(1000), "1000"),
        (Fraction(-7, 4), "-1.75"),
        (Fraction(0), "0"),
    ],
)
def test_exact_decimal(number, text):
    assert exact_decimal(number) == text
