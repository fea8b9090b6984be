"""The purchase table: what is read, and every reason for which a row is refused."""

import csv
import io
import zipfile
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import pytest
import xlsxwriter

from core import spreadsheets
from core.money import Money
from finance.contracts.imports import COLUMNS, read_purchases

WORKED = Path(__file__).parent.parent / "data" / "worked" / "purchases.csv"

GOOD = {
    "contract_no": "HT-1", "fiscal_year": "2025", "division_code": "150602", "purchaser": "示例区民政局", "service_key": "A",
    "service_name": "老年助餐", "catalogue_code": "A0301", "public_service": "是", "contractor": "示例社会服务机构",
    "contractor_code": "52150602MJ1234561L", "contractor_kind": "社会服务机构", "host_code": "", "so_share": "",
    "amount_yuan": "1000.00", "cancelled_amount_yuan": "", "fund_source": "一般公共预算", "method": "公开招标",
    "signed_on": "2025-03-01", "is_venture": "否",
}  # fmt: skip
CONSORTIUM = {"contractor_kind": "联合体", "contractor_code": "", "so_share": "0.4"}


def as_csv(*rows, header=None, encoding="utf-8-sig"):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header or GOOD)
    for changes in rows:
        writer.writerow({**GOOD, **changes}.values())
    return io.BytesIO(text.getvalue().encode(encoding))


def as_xlsx(*rows, after=None):
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(GOOD))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, changes in enumerate(rows, start=1):
        for column, value in enumerate({**GOOD, **changes}.values()):
            if isinstance(value, datetime):
                sheet.write_datetime(number, column, value, day)
            elif isinstance(value, (int, float)):
                sheet.write_number(number, column, value)
            else:
                sheet.write_string(number, column, value)
    if after:
        after(book, sheet)
    book.close()
    stream.seek(0)
    return stream


def refusals(result):
    return [(error.row, error.column) for error in result.errors]


def test_worked_table_is_read_whole():
    result = read_purchases(WORKED, "purchases.csv")
    assert not result.errors and len(result.rows) == 13
    consortium = result.rows[9]
    assert (consortium.contract_no, consortium.row) == ("HT-010", 11)
    assert consortium.so_share == Fraction(2, 5)
    assert consortium.net == Money.yuan("200000")
    assert result.rows[10].service == ("150602", "示例区民政局", ("name", "邻里互助"))
    assert result.rows[0].signed_on == date(2024, 3, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_of_offices(encoding):
    result = read_purchases(as_csv({}, encoding=encoding), "表.csv")
    assert [row.purchaser for row in result.rows] == ["示例区民政局"]


def test_workbook_gives_the_same_rows_as_the_csv():
    def typed(text):
        return {
            **text, "amount_yuan": float(text["amount_yuan"]), "fiscal_year": int(text["fiscal_year"]),
            "division_code": int(text["division_code"]), "signed_on": datetime.fromisoformat(text["signed_on"]),
            "so_share": float(text["so_share"]) if text["so_share"] else "",
        }  # fmt: skip

    with WORKED.open(encoding="utf-8-sig") as stream:
        rows = [typed(row) for row in csv.DictReader(stream)]
    result = read_purchases(as_xlsx(*rows), "purchases.xlsx")
    assert not result.errors
    assert result.rows == read_purchases(WORKED, "purchases.csv").rows


def test_chinese_headings_and_any_order():
    header = [COLUMNS[name][0] for name in GOOD]
    result = read_purchases(as_csv({}, header=header), "表.csv")
    assert not result.errors and result.rows[0].amount == Money.yuan("1000")
    backwards = io.StringIO()
    csv.writer(backwards).writerows([list(GOOD)[::-1], list(GOOD.values())[::-1]])
    assert len(read_purchases(io.BytesIO(backwards.getvalue().encode()), "表.csv").rows) == 1


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({"amount_yuan": "１，２３４．５０"}, "amount", Money(123_450)),
        ({"amount_yuan": "￥1,234.5"}, "amount", Money(123_450)),
        ({"contractor_code": "５２150602mj1234561l"}, "contractor_code", "52150602MJ1234561L"),
        ({"division_code": "150602001000"}, "division_code", "150602001"),
        ({"division_code": "510132"}, "division_code", "510132"),
        ({"division_code": "441900003"}, "division_code", "441900003"),
        ({"signed_on": "2025年3月1日"}, "signed_on", date(2025, 3, 1)),
        ({"signed_on": "2025/3/1"}, "signed_on", date(2025, 3, 1)),
        ({"signed_on": "20250301"}, "signed_on", date(2025, 3, 1)),
        ({"fiscal_year": "2025年度"}, "fiscal_year", 2025),
        ({"contractor_kind": "民办非企业单位"}, "contractor_kind", "社会服务机构"),
        ({"contractor_kind": "个人", "contractor_code": ""}, "contractor_code", ""),
        ({"cancelled_amount_yuan": "1000"}, "cancelled_amount", Money(100_000)),
        ({**CONSORTIUM, "so_share": "40%"}, "so_share", Fraction(2, 5)),
        ({**CONSORTIUM, "so_share": "0"}, "so_share", Fraction(0)),
        ({**CONSORTIUM, "so_share": "1"}, "so_share", Fraction(1)),
        ({"service_key": ""}, "service_key", ""),
        ({"contract_no": '="0012"'}, "contract_no", "0012"),
    ],
)
def test_accepted(changes, attribute, value):
    result = read_purchases(as_csv(changes), "p.csv")
    assert not result.errors
    assert getattr(result.rows[0], attribute) == value


REFUSED = [
    ({"amount_yuan": "0"}, "amount_yuan"),
    ({"amount_yuan": "-1"}, "amount_yuan"),
    ({"amount_yuan": "100.001"}, "amount_yuan"),
    ({"amount_yuan": "100.000"}, "amount_yuan"),
    ({"amount_yuan": "一千"}, "amount_yuan"),
    ({"amount_yuan": "1e308"}, "amount_yuan"),
    ({"amount_yuan": "1,23"}, "amount_yuan"),
    ({"amount_yuan": "NaN"}, "amount_yuan"),
    ({"amount_yuan": "inf"}, "amount_yuan"),
    ({"amount_yuan": "9" * 18}, "amount_yuan"),
    ({"amount_yuan": "9" * 400}, "amount_yuan"),
    ({"amount_yuan": ""}, "amount_yuan"),
    ({"amount_yuan": "=1+1"}, "amount_yuan"),
    ({"amount_yuan": "#REF!"}, "amount_yuan"),
    ({"cancelled_amount_yuan": "-0.01"}, "cancelled_amount_yuan"),
    ({"cancelled_amount_yuan": "1000.01"}, "cancelled_amount_yuan"),
    ({"cancelled_amount_yuan": "1.001"}, "cancelled_amount_yuan"),
    ({**CONSORTIUM, "so_share": "1.0001"}, "so_share"),
    ({**CONSORTIUM, "so_share": "-0.1"}, "so_share"),
    ({**CONSORTIUM, "so_share": "101%"}, "so_share"),
    ({**CONSORTIUM, "so_share": "40"}, "so_share"),
    ({**CONSORTIUM, "so_share": "1/3"}, "so_share"),
    ({**CONSORTIUM, "so_share": "1e-1"}, "so_share"),
    ({**CONSORTIUM, "so_share": "0.3333333333"}, "so_share"),
    ({"catalogue_code": "A" * 17}, "catalogue_code"),
    ({"method": "招" * 41}, "method"),
    ({"fund_source": "款" * 61}, "fund_source"),
    ({"so_share": "0.4"}, "so_share"),
    ({"so_share": "0"}, "so_share"),
    ({"public_service": "Y"}, "public_service"),
    ({"public_service": ""}, "public_service"),
    ({"is_venture": "不是"}, "is_venture"),
    ({"is_venture": ""}, "is_venture"),
    ({"contractor_code": "52150602MJ1234561K"}, "contractor_code"),
    ({"contractor_code": "52150602MJ123456"}, "contractor_code"),
    ({"contractor_code": ""}, "contractor_code"),
    ({"host_code": "123"}, "host_code"),
    ({"contractor_kind": "企业"}, "contractor_kind"),
    ({"contractor_kind": "社会团体"}, "contractor_kind"),
    ({"contractor_kind": "基金会"}, "contractor_kind"),
    ({"contractor_kind": "事业单位"}, "contractor_kind"),
    ({"contractor_kind": "群团组织"}, "contractor_kind"),
    ({"contractor_kind": "个人"}, "contractor_kind"),
    ({"contractor_kind": "公司"}, "contractor_kind"),
    ({"contractor_kind": ""}, "contractor_kind"),
    ({"contractor_code": "91150602MA0N123402"}, "contractor_kind"),
    ({"division_code": "150699"}, "division_code"),
    ({"division_code": "999999001"}, "division_code"),
    ({"division_code": "15060"}, "division_code"),
    ({"division_code": "鄂尔多斯"}, "division_code"),
    ({"division_code": ""}, "division_code"),
    ({"contract_no": ""}, "contract_no"),
    ({"contract_no": "X" * 81}, "contract_no"),
    ({"purchaser": "  "}, "purchaser"),
    ({"purchaser": "局" * 121}, "purchaser"),
    ({"contractor": ""}, "contractor"),
    ({"contractor": "=cmd|' /C calc'!A0"}, "contractor"),
    ({"contractor": "甲\x07"}, "contractor"),
    ({"fund_source": ""}, "fund_source"),
    ({"service_key": "", "service_name": ""}, "service_name"),
    ({"fiscal_year": "25"}, "fiscal_year"),
    ({"fiscal_year": "1899"}, "fiscal_year"),
    ({"fiscal_year": "9999"}, "fiscal_year"),
    ({"fiscal_year": ""}, "fiscal_year"),
    ({"signed_on": ""}, "signed_on"),
    ({"signed_on": "2025-02-29"}, "signed_on"),
    ({"signed_on": "3月1日"}, "signed_on"),
    ({"signed_on": "45717"}, "signed_on"),
    ({"signed_on": "0025-03-01"}, "signed_on"),
]


@pytest.mark.parametrize(("changes", "column"), REFUSED)
def test_refused_with_its_place_and_a_sentence(changes, column):
    result = read_purchases(
        as_csv({}, {**changes, "contract_no": changes.get("contract_no", "HT-2")}), "p.csv"
    )
    assert len(result.rows) == 1
    assert refusals(result) == [(3, column)]
    error = result.errors[0]
    assert error.sentence().english().startswith(f"Row 3, {column}: ")
    assert error.to_dict()["message"]["id"] == error.message.id


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"amount_yuan": 100.005}, "amount_yuan"),
        ({"amount_yuan": 0.125}, "amount_yuan"),
        ({"amount_yuan": 1e308}, "amount_yuan"),
        ({"amount_yuan": 0.0}, "amount_yuan"),
        ({"amount_yuan": datetime.fromisoformat("2025-01-01")}, "amount_yuan"),
        ({"contract_no": 123456789012345678}, "contract_no"),
        ({"signed_on": 45717}, "signed_on"),
        ({"fiscal_year": 2025.5}, "fiscal_year"),
    ],
)
def test_spreadsheet_numbers_that_are_refused(changes, column):
    assert refusals(read_purchases(as_xlsx(changes), "p.xlsx")) == [(2, column)]


def test_same_contract_twice_in_a_file():
    other_year, other_purchaser = {"fiscal_year": "2024"}, {"purchaser": "另一局"}
    result = read_purchases(as_csv({}, other_year, other_purchaser, {"contract_no": "ＨＴ-1"}), "p.csv")
    assert refusals(result) == [(5, "contract_no")]
    assert result.errors[0].message.params == {"first": 2}
    assert len(result.rows) == 3


def test_columns_missing_twice_or_unknown():
    names = list(GOOD)
    assert refusals(read_purchases(as_csv(header=[*names[:-1], "note"]), "p.csv")) == [(1, "is_venture")]
    assert refusals(read_purchases(as_csv(header=[*names, "contract_no"]), "p.csv")) == [(1, "contract_no")]
    extra = read_purchases(as_csv({}, header=[*names, "note"]), "p.csv")
    assert (len(extra.rows), extra.ignored_columns) == (1, ["note"])


def test_row_numbers_are_those_of_the_spreadsheet():
    blank = dict.fromkeys(GOOD, "")
    result = read_purchases(
        as_csv({}, blank, {"amount_yuan": "0", "contract_no": "2", "contractor": "两\n行"}), "p.csv"
    )
    assert refusals(result) == [(4, "amount_yuan")]
    assert refusals(
        read_purchases(as_xlsx({}, blank, {"amount_yuan": 0.0, "contract_no": "2"}), "p.xlsx")
    ) == [(4, "amount_yuan")]


def test_row_longer_than_the_header():
    result = read_purchases(io.BytesIO(as_csv({}).getvalue().rstrip() + b",left over"), "p.csv")
    assert refusals(result) == [(2, "")]


def test_errors_stop_at_a_thousand():
    result = read_purchases(
        as_csv(*({"amount_yuan": "0", "contract_no": str(n)} for n in range(1_200))), "p.csv"
    )
    assert (len(result.errors), result.truncated) == (spreadsheets.MAX_ERRORS, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n",
        b"\x00\x01\x02",
        b"\xff\xfe\x00\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        b"PK\x03\x04 no archive",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        ",".join(GOOD).encode() + b'\n"unclosed,1',
        b",".join([b"x"] * 80),
    ],
)
def test_files_that_are_no_table(content):
    result = read_purchases(io.BytesIO(content), "x.csv")
    assert not result.rows and refusals(result) == [(0, "")]
    assert result.errors[0].sentence().english()


def test_formula_and_merged_cells_are_named():
    amount = list(GOOD).index("amount_yuan")

    def formula(_book, sheet):
        sheet.write_formula(1, amount, "=500*2", None, 1000)

    def merged(_book, sheet):
        sheet.merge_range(1, 3, 2, 3, "示例区民政局")

    assert refusals(read_purchases(as_xlsx({}, after=formula), "p.xlsx")) == [(2, "amount_yuan")]
    both = read_purchases(as_xlsx({}, {"contract_no": "2"}, after=merged), "p.xlsx")
    assert set(refusals(both)) == {(2, "purchaser"), (3, "purchaser")}


def test_hidden_sheets_are_ignored_and_two_tables_are_not_guessed():
    def hidden(book, _sheet):
        other = book.add_worksheet("codes")
        other.write_formula(1, list(GOOD).index("amount_yuan"), "=1")
        other.hide()

    def second(book, _sheet):
        book.add_worksheet("second").write(0, 0, "x")

    def empty(book, _sheet):
        book.add_worksheet("Sheet2")

    assert len(read_purchases(as_xlsx({}, after=hidden), "p.xlsx").rows) == 1
    assert len(read_purchases(as_xlsx({}, after=empty), "p.xlsx").rows) == 1
    assert refusals(read_purchases(as_xlsx({}, after=second), "p.xlsx")) == [(0, "")]


def rewritten(stream, change):
    """The workbook with every entry passed through ``change(name, content)``."""
    output = io.BytesIO()
    with zipfile.ZipFile(stream) as source, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    output.seek(0)
    return output


def test_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MAX_BYTES", 2_000_000)
    bomb = rewritten(
        as_xlsx({}), lambda name, content: content + b" " * 3_000_000 if "sheet1" in name else content
    )
    assert len(bomb.getvalue()) < 100_000
    result = read_purchases(bomb, "p.xlsx")
    assert "larger than" in result.errors[0].message.english()


@pytest.mark.parametrize("place", [b"A1048576", b"XFD2", b"BM2", b"A300002"])
def test_a_cell_far_away_is_refused(place):
    far = rewritten(
        as_xlsx({}),
        lambda name, content: (
            content.replace(
                b"</sheetData>", b'<row r="3"><c r="' + place + b'"><v>1</v></c></row></sheetData>'
            )
            if "sheet1" in name
            else content
        ),
    )
    assert refusals(read_purchases(far, "p.xlsx")) == [(0, "")]


def test_damaged_workbook_is_refused():
    content = bytearray(as_xlsx({}).getvalue())
    content[len(content) // 3] ^= 0xFF
    assert read_purchases(io.BytesIO(bytes(content)), "p.xlsx").errors
    assert refusals(read_purchases(rewritten(as_xlsx({}), lambda _n, c: c[: len(c) // 2]), "p.xlsx")) == [
        (0, "")
    ]


def test_too_many_rows(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 2)
    rows = [{"contract_no": str(number)} for number in range(3)]
    for stream in (as_csv(*rows), as_xlsx(*rows)):
        result = read_purchases(stream, "p")
        assert (0, "") in refusals(result)
    for stream in (as_csv(*rows[:2]), as_xlsx(*rows[:2])):
        assert not read_purchases(stream, "p").errors
