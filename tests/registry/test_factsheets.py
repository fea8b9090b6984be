"""Tables of facts about organizations: read as offices write them, shown first, taken in whole or not at all."""

from __future__ import annotations

import csv
import io
from datetime import date

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from registry.agencies.models import Agency
from registry.factsheets.imports import read_again, read_facts
from registry.factsheets.models import FactRow, FactSheet
from registry.factsheets.queries import rows_of, visible_sheets
from registry.factsheets.reports import sample_workbook, sentences
from registry.factsheets.rules import COLUMNS, read_wan, read_whole, read_yes, read_yuan, year_of_heading
from registry.factsheets.services import discard_sheet, take_facts
from registry.organizations.models import Inspection, OrganizationChange, PartyFacts
from registry.particulars.models import StaffCount
from registry.rosters.rules import draft_of
from tests import world

YEAR = clock.today().year - 1


def table(header, *rows) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


def read(header, *rows, login="clerk") -> int:
    user = world.user(login)
    with transaction():
        agency = db.session.get_one(Agency, world.organization().agency_id)
        return read_facts(table(header, *rows), "年检情况.csv", agency=agency, by=user).id


def why(number: int) -> list[str]:
    sheet = db.session.get_one(FactSheet, number)
    return [
        sentence
        for row in db.session.scalars(rows_of(sheet, "refused").order_by(FactRow.number))
        for sentence in sentences(draft_of(row.number, row.told))
    ]


def test_a_table_of_the_office_fills_the_register(app):
    one = world.organization()
    code = one.credit_code
    header = ["单位名称", "统一社会信用代码", f"{YEAR}年度年检结论", f"{YEAR - 1}年年检结果", "专职人数", "兼职人员", "持证社工", "年度", "正式党员",
              "党组织形式", "党建入章", "注册资金（万元）", "章程核准日期", "业务主管单位", "活动人数"]  # fmt: skip
    number = read(
        header,
        ["", f"{code[:8]} {code[8:]}", "基本合格", "未参加", "６人", 2.0, "1", f"{YEAR}年", "4", "联合组建", "是", "3", "二〇二〇年六月一日", "示例市教育局", "40"],
    )  # fmt: skip
    sheet = db.session.get_one(FactSheet, number)
    assert (sheet.state, sheet.changed_rows, sheet.refused_rows, sheet.unknown) == ("read", 1, 0, []), why(
        number
    )
    before = db.session.scalar(select(func.count()).select_from(OrganizationChange))
    assert take_facts(number, by=world.user("clerk")) == 1
    one = world.organization()
    results = {row.year: row.result for row in one.inspections}
    assert results[YEAR] == "basic" and results[YEAR - 1] == "missing"
    staff = db.session.scalars(
        select(StaffCount).where(StaffCount.organization_id == one.id, StaffCount.year == YEAR)
    ).one()
    assert (staff.full_time, staff.part_time, staff.social_workers) == (6, 2, 1)
    assert (one.party.full_members, one.party.party_org_kind, one.party.party_in_charter) == (
        4,
        "joint",
        True,
    )
    assert one.profile.capital == Money.yuan("30000") and one.profile.charter_on == date(2020, 6, 1)
    assert one.profile.supervising_unit == "示例市教育局" and one.profile.member_count == 40
    assert db.session.scalar(select(func.count()).select_from(OrganizationChange)) > before
    named = {
        row.evidence
        for row in db.session.scalars(select(OrganizationChange).where(OrganizationChange.organization_id == one.id, OrganizationChange.source == "import"))
    }  # fmt: skip
    assert named == {"年检情况.csv"}
    # The same table again changes nothing, and is not taken twice.
    again = db.session.get_one(FactSheet, read(header, ["", code, "基本合格", "未参加", "6", "2", "1", str(YEAR), "4", "联合", "是", "3", "2020-06-01", "示例市教育局", "40"]))  # fmt: skip
    assert (again.changed_rows, again.same_rows) == (0, 1)
    for used in (number, again.id):
        with pytest.raises(Refusal):
            take_facts(used, by=world.user("clerk"))


def test_titles_above_the_columns_are_passed_over(app):
    one = world.organization()
    number = read(
        ["附件2：年检情况汇总表", "", ""],
        ["填报单位：示例市民政局", "", ""],
        ["名称", "年检结论", "年度"],
        [one.name, "不合格", str(YEAR)],
    )
    sheet = db.session.get_one(FactSheet, number)
    assert (sheet.state, sheet.header, sheet.changed_rows) == ("read", ["名称", "年检结论", "年度"], 1)
    number = read(
        [f"{YEAR}年社会组织年检情况", "", ""],
        ["名称", f"{YEAR}年度年检结论", "备注"],
        [one.name, "不合格", ""],
    )
    assert db.session.get_one(FactSheet, number).header == ["名称", f"{YEAR}年度年检结论", "备注"]


def test_what_cannot_be_is_said_with_its_row(app):
    one = world.organization()
    number = read(
        ["名称", "信用代码", "年检结论", "年度", "专职人数", "备案编号", "正式党员人数"],
        [one.name, "", "优秀", str(YEAR), "", "", ""],
        [one.name, "", "合格", "", "", "", ""],
        ["示例没有这家协会", "", "合格", str(YEAR), "", "", ""],
        ["", "", "合格", str(YEAR), "", "", ""],
        ["", one.credit_code[:-1] + "?", "合格", str(YEAR), "", "", ""],
        [one.name, "", "", "", "", "备2024-1", ""],
        [one.name, "", "", str(YEAR), "三人", "", ""],
        [one.name, "", "合格", str(YEAR), "", "", "5"],
        [one.name, "", "基本合格", str(YEAR), "", "", ""],
    )
    sheet = db.session.get_one(FactSheet, number)
    assert (sheet.state, sheet.refused_rows, sheet.changed_rows) == ("read", 8, 1)
    told = "\n".join(why(number))
    for words in ("优秀", "增加“年度”列", "没有此名称", "未写明", "不需填写", "整数人数", "第 9 行"):
        assert words in told, told


def test_rules_of_the_register_refuse_at_the_taking_and_nothing_is_half_done(app):
    one = world.organization()
    other = next(row for row in db.session.scalars(visible(world.user("clerk"))) if row.id != one.id)
    results = db.session.scalar(select(func.count()).select_from(Inspection))
    header = ["统一社会信用代码", "年度", "专职人数", "持证社工人数", "年检结论"]
    number = read(
        header, [other.credit_code, str(YEAR), "3", "1", "不合格"], [one.credit_code, str(YEAR), "1", "5", ""]
    )
    with pytest.raises(Refusal, match="Nothing was taken"):
        take_facts(number, by=world.user("clerk"))
    assert db.session.scalar(select(func.count()).select_from(Inspection)) == results
    assert not db.session.scalar(
        select(StaffCount).where(StaffCount.organization_id == other.id, StaffCount.full_time == 3)
    )
    sheet = db.session.get_one(FactSheet, number)
    assert (sheet.state, sheet.changed_rows, sheet.refused_rows) == ("read", 1, 1)
    assert "持证社工多于从业人员" in "".join(why(number))
    assert take_facts(number, by=world.user("clerk")) == 1


def visible(user):
    from registry.organizations.models import Organization

    return (
        select(Organization)
        .where(
            Organization.agency_id.in_(user.agency_ids("organization.edit")),
            Organization.register_class == "registered",
            Organization.credit_code.is_not(None),
        )
        .order_by(Organization.id)
    )


def test_a_stranger_neither_sees_nor_names_what_is_elsewhere(app):
    number = read(["名称", "年检结论", "年度"], [world.organization().name, "合格", str(YEAR)])
    stranger = world.user("township_clerk")
    assert number not in {sheet.id for sheet in db.session.scalars(visible_sheets(stranger))}
    with transaction():
        agency = db.session.scalars(
            select(Agency).where(Agency.id.in_(stranger.agency_ids("organization.edit")))
        ).first()
        sheet = read_facts(
            table(["名称", "年检结论", "年度"], [world.organization().name, "合格", str(YEAR)], ["示例没有这家协会", "合格", str(YEAR)]),
            "外.csv", agency=agency, by=stranger,
        )  # fmt: skip
    assert (
        sheet.state == "wrong" and len(set(why(sheet.id))) == 1
    )  # one that is elsewhere is told like one that is nowhere


def test_tables_that_are_none_are_refused_whole_and_columns_can_be_explained(app):
    clerk = world.user("clerk")
    sheet = db.session.get_one(FactSheet, read(["单位", "说明"], ["示例", "好"]))
    assert sheet.state == "wrong" and sheet.refusals and sheet.unknown == ["单位", "说明"]
    sheet = db.session.get_one(FactSheet, read(["名称", "今年检查"], [world.organization().name, "合格"]))
    assert sheet.state == "wrong" and "fact" in str(sheet.refusals)
    assert db.session.get_one(FactSheet, read(["名称", "年检结论", "年度"])).state == "wrong"
    with transaction():
        discard_sheet(db.session.get_one(FactSheet, sheet.id), by=clerk)
    assert db.session.get(FactSheet, sheet.id) is None
    kept = read(["名称", f"{YEAR}年检"], [world.organization().name, "不合格"])
    with transaction() as session:
        world.organization().name = "示例改名社区服务中心"
        session.flush()
        read_again(session.get_one(FactSheet, kept), by=clerk)
    assert db.session.get_one(FactSheet, kept).state == "wrong"


@pytest.mark.parametrize(
    ("heading", "year"),
    [("2024年度年检结论", 2024), ("２０２３年 年报结果", 2023), ("2022年检", 2022), ("2021年度检查情况", 2021), ("年检结论", None), ("2024年收入", None)],
)  # fmt: skip
def test_a_heading_names_its_year(heading, year):
    assert year_of_heading(heading) == year


@given(st.integers(0, 9_999_999))
def test_numbers_are_read_as_offices_write_them(number):
    for text in (str(number), f"{number:,}", f"{number}人", float(number), f"{number}.0", f" {number} "):
        assert read_whole(text) == number
    assert read_yuan(f"{number:,}元") == number * 100 and read_wan(str(number)) == number * 1_000_000


def test_yes_and_no():
    assert read_yes("是") and read_yes("√") and not read_yes("否") and not read_yes("×")


RESULT = st.sampled_from(["合格", "基本合格", "不合格", "未参加", ""])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=st.lists(RESULT, min_size=1, max_size=4), members=st.one_of(st.none(), st.integers(0, 30)))
def test_a_table_taken_twice_changes_nothing_the_second_time(app, results, members):
    code, clerk = world.organization().credit_code, world.user("clerk")
    header = ["统一社会信用代码", "正式党员人数", *(f"{YEAR - n}年度年检结论" for n in range(len(results)))]
    row = [code, "" if members is None else str(members), *results]
    first = db.session.get_one(FactSheet, read(header, row))
    if first.changed_rows:
        take_facts(first.id, by=clerk)
    second = db.session.get_one(FactSheet, read(header, row))
    assert (second.changed_rows, second.same_rows, second.refused_rows) == (0, 1, 0)
    one = world.organization()
    words = {"合格": "qualified", "基本合格": "basic", "不合格": "failed", "未参加": "missing"}
    now = {item.year: item.result for item in one.inspections}
    assert all(now[YEAR - n] == words[text] for n, text in enumerate(results) if text)
    if members is not None:
        assert (
            db.session.scalars(select(PartyFacts).where(PartyFacts.organization_id == one.id))
            .one()
            .full_members
            == members
        )


def test_the_sample_has_every_column():
    sheet = openpyxl.load_workbook(sample_workbook()).active
    assert [cell.value for cell in sheet[1]] == [headings[0] for headings in COLUMNS.values()]


def test_the_pages_lead_from_the_upload_to_the_register(bare_app, browser_as):
    with bare_app.app_context():
        one = world.organization()
        name, number, agency = one.name, one.id, one.agency_id
    clerk = browser_as("clerk")
    page = clerk.get("/organizations/facts/new")
    form = page.forms["import"]
    form["file"] = ("2024年检.csv", table(["名称", f"{YEAR}年度年检结论", "电梯"], [name, "不合格", "1"], ["示例没有", "合格", ""]).read())  # fmt: skip
    form["agency"] = str(agency)
    shown = form.submit().follow()
    assert "示例没有" in shown.text and "年度年检结论" in shown.text
    marked = clerk.get(shown.request.path + "/marked.xlsx")
    assert openpyxl.load_workbook(io.BytesIO(marked.body)).active.cell(2, 4).value
    assert "不合格" in clerk.get(shown.request.path + "/changes").text
    headings = shown.forms["headings"]
    headings["column-0"] = "member_count"
    shown = headings.submit().follow()
    shown = shown.forms["read"].submit().follow()
    taking = shown.forms["take"].submit().follow()
    assert taking.status_int == 200
    with bare_app.app_context():
        sheet = db.session.scalars(select(FactSheet).order_by(FactSheet.id.desc())).first()
        take_facts(sheet.id, by=world.user("clerk"))
        assert next(row.result for row in world.organization().inspections if row.year == YEAR) == "failed"
        assert world.organization().profile.member_count == 1
    assert "年检.csv" in clerk.get("/organizations/facts/").text
    assert browser_as("township_clerk").get(shown.request.path, expect_errors=True).status_int == 404
    assert number
