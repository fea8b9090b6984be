"""Lists brought in: as offices write them, whole or not at all, also when the work is killed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from sqlalchemy import func, select

from core import spreadsheets
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.jobs.services import run_next
from core.spreadsheets import CellError
from registry.agencies.models import Agency
from registry.intake import services
from registry.intake.imports import header_of, read_import
from registry.intake.models import ImportHeading, ImportProblem, ImportRow, RegisterImport
from registry.intake.rules import Places
from registry.keys.jobs import sort_in
from registry.organizations.models import FormerIdentity, Grade, Organization, OrganizationChange
from tests import world

ROOT = Path(__file__).resolve().parents[2]
HEADER = [
    "社会组织名称",
    "统一社会信用代码",
    "类型",
    "所属区划",
    "成立时间",
    "评估等级",
    "等级有效期起",
    "等级有效期止",
    "责任部门",
]


def code(serial, prefix="52", division="150602"):
    return world.credit_code(prefix, division, serial)


def rows_as_offices_write_them():
    spaced = code(902)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code(903))
    return [
        ["示例甲社会工作服务中心", code(901), "民办非企业单位", "150602", "2019-06-12", "", "", "", ""],
        ["示例乙养老服务中心", f" {spaced[:8]} {spaced[8:]} ", "社会服务机构", "鄂尔多斯市东胜区", "2019年6月12日", "4A", "2023/1/1", "2027.12.31", ""],
        ["示例丙协会", code(904, "51").lower(), "社团", "１５０６０２", "２０１９．６．１２", "无", "", "", "示例东旗民政局"],
        ["示例丁志愿者协会", wide, "", "内蒙古鄂尔多斯东胜", "20190612", "AAA", "20230101", "20271231", ""],
        ["示例戊基金会", code(905, "53"), "基金会", "150602001000", "二〇一九年六月十二日", "", "", "", "示例街道办事处"],
        ["示例己邻里互助队", "", "备案社区社会组织", "示例街道办事处", "", "", "", "", "示例街道办事处"],
    ]  # fmt: skip


def as_csv(rows, header=HEADER, encoding="utf-8-sig"):
    stream = io.StringIO()
    csv.writer(stream).writerows([header, *rows])
    return stream.getvalue().encode(encoding)


def as_workbook(rows, header=HEADER):
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet()
    for line, row in enumerate([header, *rows]):
        for place, cell in enumerate(row):
            sheet.write_datetime(line, place, cell) if isinstance(cell, date) else sheet.write(
                line, place, cell
            )
    book.close()
    return target.getvalue()


def opened(data, name="名单.csv", unit="示例市民政局", by=SYSTEM):
    agency = db.session.scalars(select(Agency).where(Agency.name == unit)).one()
    with transaction():
        return services.open_import(io.BytesIO(data), name, agency=agency, by=by).id


def read(data, name="名单.csv", **where):
    number = opened(data, name, **where)
    read_import(number)
    return db.session.get_one(RegisterImport, number)


def take(number):
    with transaction():
        return services.take_import(number, by=SYSTEM)


def reasons(batch):
    found = db.session.scalars(
        select(ImportProblem).where(ImportProblem.import_id == batch.id).order_by(ImportProblem.number)
    )
    return {
        problem.number: [(column, message["id"]) for column, message in problem.reasons] for problem in found
    }


def test_whoever_leads_a_filed_organization_comes_with_its_one_telephone(app):
    header = ["社会组织名称", "所属街道", "登记备案情况", "牵头人", "联系方式"]
    batch = read(as_csv([["示例晨光舞蹈队", "示例街道办事处", "备案", "示例甲", "13900000777"]], header))
    assert not reasons(batch)
    take(batch.id)
    taken = db.session.scalars(select(Organization).where(Organization.name == "示例晨光舞蹈队")).one()
    assert (
        taken.legal_representative.name == "示例甲"
        and taken.legal_representative.phone == taken.phone == "13900000777"
    )


@pytest.mark.parametrize("form", ["utf-8", "gb18030", "xlsx"])
def test_a_list_as_offices_write_it_goes_in(app, form):
    with app.app_context():
        rows = rows_as_offices_write_them()
        data = (
            as_workbook(rows)
            if form == "xlsx"
            else as_csv(rows, encoding="utf-8-sig" if form == "utf-8" else form)
        )
        batch = read(data, "名单.xlsx" if form == "xlsx" else "名单.csv")
        assert (batch.state, batch.new_rows, batch.wrong_rows) == ("read", 6, 0), reasons(batch)
        before = db.session.scalar(select(func.count()).select_from(Organization))
        take(batch.id)
        assert db.session.scalar(select(func.count()).select_from(Organization)) == before + 6
        made = {
            row.name: row
            for row in db.session.scalars(
                select(Organization).where(Organization.name.in_([row[0] for row in rows]))
            )
        }
        assert len(made) == 6
        assert {row.registered_on for row in made.values()} == {date(2019, 6, 12), None}
        assert {row.division_code for row in made.values()} == {"150602", "150602001"}
        assert made["示例丁志愿者协会"].credit_code == code(903)
        assert made["示例丁志愿者协会"].kind == "social_service_agency"
        assert made["示例丙协会"].agency.name == "示例东旗民政局"
        assert made["示例己邻里互助队"].register_class == "filed"
        grades = db.session.scalars(
            select(Grade).where(Grade.organization_id == made["示例乙养老服务中心"].id)
        ).all()
        assert [(item.grade, item.valid_from, item.valid_to) for item in grades] == [
            (4, date(2023, 1, 1), date(2027, 12, 31))
        ]
        assert sort_in() == 6
        assert db.session.get_one(Organization, made["示例丙协会"].id).sort_key == "shi li bing xie hui"


WRONG = [
    (["示例", code(911)[:-1] + ("0" if code(911)[-1] != "0" else "1"), "社会服务机构", "150602", "2019-06-12"], "credit_code"),
    (["示例", code(912), "社会团体", "150602", "2019-06-12"], "kind"),
    (["示例", code(913), "社会服务机构", "火星区", "2019-06-12"], "division_code"),
    (["示例", code(914), "社会服务机构", "鼓楼区", "2019-06-12"], "division_code"),
    (["示例", code(915), "社会服务机构", "150602", "2019年6月"], "registered_on"),
    (["示例", code(916), "社会服务机构", "150602", "2999-01-01"], "registered_on"),
    (["示例", code(917), "社会服务机构", "150602", ""], "registered_on"),
    (["", code(918), "社会服务机构", "150602", "2019-06-12"], "name"),
    (["示例", code(919), "俱乐部", "150602", "2019-06-12"], "kind"),
    (["示例", "", "社会服务机构", "150602", "2019-06-12"], "credit_code"),
    (["示例", code(920), "社会服务机构", "150602", "2019-06-12", "6A", "", ""], "grade"),
    (["示例", code(921), "社会服务机构", "150602", "2019-06-12", "3A", "", ""], "grade_from"),
    (["示例", code(922), "社会服务机构", "150602", "2019-06-12", "", "", "", "查无此局"], "unit"),
    (["=1+1", code(923), "社会服务机构", "150602", "2019-06-12"], "name"),
]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_titles_above_the_columns_are_passed_over(bare_app, form):
    """“附件1 …”, who filled the table in, then the names of the columns: rows keep the numbers of the sheet."""
    titles = [
        ["附件1：示例市社会组织基本情况一览表"],
        ["填报单位：示例市民政局（盖章）", "", "", "填报时间：2026年11月20日"],
    ]
    rows = rows_as_offices_write_them()
    rows[1][1] = code(902)[:-1] + "Z"
    with bare_app.app_context():
        data = (
            as_workbook([titles[1], HEADER, *rows], header=titles[0])
            if form == "xlsx"
            else as_csv([titles[1], HEADER, *rows], header=titles[0])
        )
        batch = read(data, f"名单.{form}")
        assert (batch.state, batch.new_rows, batch.wrong_rows) == ("read", 5, 1), reasons(batch)
        assert list(reasons(batch)) == [5]
        assert header_of(batch) == HEADER


def test_a_place_without_national_code_is_called_as_its_office_is():
    units = {
        "示例市民政局": "150600",
        "示例城关街道办事处": "150602001",
        "示例东风社区居民委员会": "150602001001",
    }
    places = Places("150600", units)
    for name, found in (
        ("示例城关街道", "150602001"),
        ("示例城关", "150602001"),
        ("示例东风社区", "150602001001"),
    ):
        assert places.code_of(name) == found
    with pytest.raises(CellError):
        places.code_of("示例河东街道")
    twice = Places("150600", units | {"示例城关人民政府": "150621101"})
    with pytest.raises(CellError, match="150602001, 150621101"):
        twice.code_of("示例城关")


def test_each_mistake_is_told_at_its_cell_and_the_good_rows_may_be_taken(app):
    with app.app_context():
        good = ["示例好社会工作服务中心", code(930), "社会服务机构", "150602", "2019-06-12"]
        batch = read(as_csv([row for row, _column in WRONG] + [good, [*good[:1], good[1], *good[2:]]]))
        found = reasons(batch)
        for number, (row, column) in enumerate(WRONG, 2):
            assert column in [item[0] for item in found[number]], (row, found.get(number))
        assert found[len(WRONG) + 3] == [("credit_code", "the same organization stands in row %(first)s")]
        assert (batch.new_rows, batch.wrong_rows) == (1, len(WRONG) + 1)
        take(batch.id)
        assert db.session.scalar(select(Organization.id).where(Organization.credit_code == code(930)))
        assert not db.session.scalar(select(Organization.id).where(Organization.credit_code == code(915)))


def test_the_marked_workbook_has_the_wrong_rows_and_mended_it_goes_in(app, browser_as):
    browser = browser_as("clerk")
    page = browser.get("/organizations/imports/new")
    form = page.forms["import"]
    form["agency"].select(text="示例市民政局")
    bad = ["示例标注服务中心", code(940), "社会服务机构", "查无此区", "2019-06-12"]
    form["file"] = ("名单.xlsx", as_workbook([[*bad, "", "", "", "", 13900001111]], [*HEADER, "联系电话"]))
    page = form.submit().follow()
    assert "读取中" in page.text
    with app.app_context():
        assert run_next()
    db.session.remove()
    page = browser.get(page.request.path)
    assert "查无此区" in page.text
    data = browser.get(f"{page.request.path}/marked.xlsx").body
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.active
    assert [cell.value for cell in sheet[1]][:5] == HEADER[:5]
    assert sheet["D2"].fill.fgColor.rgb.endswith("F8D7DA")
    assert sheet.cell(2, len(HEADER) + 1).value == "13900001111"
    assert "查无此区" in sheet.cell(2, len(HEADER) + 2).value
    sheet["D2"] = "东胜区"
    target = io.BytesIO()
    book.save(target)
    with app.app_context():
        again = read(target.getvalue(), "改正.xlsx")
        assert (again.new_rows, again.wrong_rows) == (1, 0), reasons(again)


def test_a_second_list_changes_by_code_shows_the_difference_and_keeps_the_history(app, browser_as):
    with app.app_context():
        rows = rows_as_offices_write_them()
        take(read(as_csv(rows)).id)
        rows[0][0] = "示例甲社工服务中心（更名）"
        rows[1][4] = "2018-01-01"
        rows[4][3] = ""
        header = HEADER[:5]
        rows[4][3] = "150603"
        number = opened(as_csv([row[:5] for row in rows], header), by=world.user("clerk"))
        read_import(number)
        batch = db.session.get_one(RegisterImport, number)
        # Rows that name no unit belong to the importing one; the filed one is another there.
        assert (batch.new_rows, batch.wrong_rows) == (1, 0), reasons(batch)
        changed = batch.changed_rows
    page = browser_as("clerk").get(f"/organizations/imports/{number}/changes")
    assert "示例甲社工服务中心" in page.text
    assert "2019年6月12日" in page.text
    assert "2018年1月1日" in page.text
    with app.app_context():
        take(number)
        first = db.session.scalars(select(Organization).where(Organization.credit_code == code(901))).one()
        assert first.name.startswith("示例甲社工")
        assert first.verified_by is None
        history = db.session.scalars(
            select(OrganizationChange).where(OrganizationChange.organization_id == first.id)
        ).all()
        assert [(item.field, item.old, item.source) for item in history] == [
            ("name", "示例甲社会工作服务中心", "import")
        ]
        assert db.session.scalar(
            select(FormerIdentity.value).where(FormerIdentity.organization_id == first.id)
        )
        again = read(as_csv([row[:5] for row in rows[:5]], header))
        assert (again.changed_rows, again.same_rows) == (0, 5)
        assert changed >= 3


def test_a_row_of_another_unit_s_organization_is_refused_and_units_are_only_those_below(app):
    with app.app_context():
        batch = read(
            as_csv([["示例", code(1), "社会服务机构", "150602", "2019-06-12"]]), unit="示例西旗民政局"
        )
        assert [column for column, _id in reasons(batch)[2]] == ["credit_code"]
        row = ["示例", code(950), "社会服务机构", "150602", "2019-06-12", "", "", "", "示例市民政局"]
        batch = read(as_csv([row]), unit="示例西旗民政局")
        assert [column for column, _id in reasons(batch)[2]] == ["unit"]


def test_unknown_headings_are_explained_once_for_a_unit(app, browser_as):
    rows = [["示例名目服务中心", code(960), "150602", "2019-06-12"]]
    header = ["机构大名", "统一社会信用代码", "行政区划", "成立日期"]
    with app.app_context():
        batch = read(as_csv(rows, header), by=world.user("clerk"))
        assert batch.state == "wrong"
        number = batch.id
    browser = browser_as("clerk")
    form = browser.get(f"/organizations/imports/{number}").forms["headings"]
    form["column-0"] = "name"
    form.submit()
    with app.app_context():
        assert run_next()
        assert db.session.get_one(RegisterImport, number).new_rows == 1
        assert db.session.scalar(select(ImportHeading.column_name)) == "name"
        assert read(as_csv([["示例另一服务中心", code(961), "150602", "2019-06-12"]], header)).new_rows == 1
        assert read(as_csv(rows, header), unit="示例西旗民政局").state == "wrong"


def bomb():
    """Small as it lies there, and larger unpacked than the test lets a table be."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 5_000_000)
    return target.getvalue()


def with_macros():
    target = io.BytesIO(as_workbook([["示例"]]))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    return target.getvalue()


def two_sheets():
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    for _ in range(2):
        book.add_worksheet().write(0, 0, "名称")
    book.close()
    return target.getvalue()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00binary", "is no table"), (with_macros, "macros"), (bomb, "larger than"),
        (two_sheets, "several sheets"), (lambda: b"PK\x03\x04broken", "damaged"), (lambda: b"\xd0\xcf\x11\xe0old", "old or encrypted"),
        (lambda: as_csv([], ["颜色", "大小"]), "columns are missing"), (lambda: as_csv([]), "no rows"),
        (lambda: as_csv([], ["名称", "单位名称", "行政区划"]), "Two columns"),
    ],
    ids=["binary", "macros", "bomb", "sheets", "broken", "old", "columns", "empty", "twice"],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason(bare_app, monkeypatch, made, said):
    monkeypatch.setattr(spreadsheets, "MAX_BYTES", 2_000_000)
    data = made()
    assert len(data) < 40_000
    with bare_app.app_context():
        batch = read(data, "坏.xlsx")
        assert batch.state == "wrong"
        assert any(said in message["id"] for message in batch.refusals), batch.refusals
        assert not db.session.scalar(select(func.count()).select_from(ImportRow))


def test_formulas_in_a_workbook_are_refused_at_their_cell(bare_app):
    with bare_app.app_context():
        batch = read(
            as_workbook([["=CONCAT(1,2)", code(970), "社会服务机构", "150602", "2019-06-12"]]), "公式.xlsx"
        )
        assert [column for column, _id in reasons(batch)[2]] == ["name"]


def test_a_register_that_changed_since_is_compared_again(app):
    with app.app_context():
        batch = read(as_csv([["示例先来服务中心", code(980), "社会服务机构", "150602", "2019-06-12"]]))
        other = read(as_csv([["示例先来服务中心", code(980), "社会服务机构", "150602", "2019-06-12"]]))
        take(other.id)
        with pytest.raises(services.Refusal, match="has changed since"):
            take(batch.id)
        with pytest.raises(services.Refusal, match="taken already"):
            take(other.id)


def many(count):
    return as_csv(
        [
            [f"示例第{n}服务中心", code(10_000 + n), "社会服务机构", "150602", "2019-06-12"]
            for n in range(count)
        ],
        HEADER[:5],
    )


def test_a_cancelled_reading_keeps_what_it_read_and_goes_on(app, monkeypatch):
    monkeypatch.setattr(services, "CHUNK", 50)
    with app.app_context():
        number = opened(many(220))

        def stop(done, _total):
            if done >= 100:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            read_import(number, step=stop)
        db.session.rollback()
        batch = db.session.get_one(RegisterImport, number)
        assert (batch.state, batch.read_to) == ("reading", 101)
        read_import(number)
        db.session.expire_all()
        assert db.session.get_one(RegisterImport, number).new_rows == 220
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 220


CHILDREN = """
import json, os, sys, time
from app.factory import create_app
from registry.intake import services

create_app()
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child:
        os.write(1, b"%d\\n" % child)
        os.write(1, b"GONE %d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        continue
    os.environ.update(order["environment"])
    services.CHUNK = order["chunk"]
    before, calls = getattr(services, order["name"]), []

    def at_the_place(*given, **named):
        result = before(*given, **named)
        calls.append(1)
        if len(calls) == order["after"]:
            os.write(1, b"HERE\\n")
            time.sleep(60)
        return result

    setattr(services, order["name"], at_the_place)
    create_app().test_cli_runner().invoke(args=order["arguments"], catch_exceptions=False)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Starts the command and kills it for good (SIGKILL) as soon as a function has been called so often.

    Starting an interpreter with all of the product costs seconds, so one process starts and each command is
    a fork of it: that one is killed, with its own application and its own connections.
    """
    instance = tmp_path_factory.mktemp("children")
    environment = os.environ | {
        "APP_INSTANCE": str(instance), "DATABASE_URL": f"sqlite:///{instance / 'none.db'}", "FLASK_APP": "wsgi.py",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", CHILDREN], cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip

    def kill(app, arguments, *, name, after, chunk):
        order = {
            "environment": {
                "APP_INSTANCE": str(app.instance_path), "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
            },
            "arguments": arguments, "name": name, "after": after, "chunk": chunk,
        }  # fmt: skip
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        child = int(process.stdout.readline())
        assert process.stdout.readline() == b"HERE\n"
        os.kill(child, signal.SIGKILL)
        assert process.stdout.readline() == b"GONE %d\n" % -signal.SIGKILL
        time.sleep(0.2)  # PostgreSQL sees by then that its client is gone

    yield kill
    process.kill()
    process.communicate()


def test_a_killed_import_leaves_nothing_half_done_and_is_resumed(bare_app, tmp_path, killed):
    """The command is killed while it reads, in its third chunk, and while it takes; then it goes on."""
    file = tmp_path / "名单.csv"
    count, chunk = 600, 100
    file.write_bytes(many(count))
    with bare_app.app_context():
        before = db.session.scalar(select(func.count()).select_from(Organization))
        db.session.remove()
    killed(
        bare_app, ["registry", "import", str(file), "--unit", "示例市民政局", "--take"],
        name="stage", after=3, chunk=chunk,
    )  # fmt: skip
    with bare_app.app_context():
        batch = db.session.scalars(select(RegisterImport)).one()
        assert (batch.state, batch.read_to) == ("reading", 2 * chunk + 1)
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 2 * chunk
        assert db.session.scalar(select(func.count()).select_from(Organization)) == before
        number = batch.id
        db.session.remove()
    killed(
        bare_app, ["registry", "import", "--resume", str(number), "--take"], name="_enter", after=1, chunk=chunk
    )  # fmt: skip
    with bare_app.app_context():
        assert db.session.get_one(RegisterImport, number).state == "read"
        assert db.session.scalar(select(func.count()).select_from(Organization)) == before
        db.session.remove()
        result = bare_app.test_cli_runner().invoke(
            args=["registry", "import", "--resume", str(number), "--take"]
        )
        assert result.exit_code == 0, result.output
        assert f"taken: {count} rows" in result.output
        db.session.expire_all()
        assert db.session.scalar(select(func.count()).select_from(Organization)) == before + count
