"""Notices on lottery money: every published table imports, reconciles and prints; what was published stays."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import docx
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.documents.services import document_page
from core.money import Money
from finance.announcements.imports import read_notices
from finance.announcements.models import LotteryNotice
from finance.announcements.policy import checks_of, differences
from finance.announcements.queries import disclosed, disclosed_one, owed_notices, tier_labels
from finance.announcements.reports import document_facts, notice_word, notice_workbook
from finance.announcements.rules import NoticeRow, check_notices
from finance.announcements.services import (
    approve_notice,
    disclose,
    enter_year,
    import_notices,
    make_notice,
    publish_notice,
    remake_notice,
    review_notice,
    write_notice,
)
from finance.lottery import queries
from tests import world
from tests.finance.lottery import planned_budget, strict
from tests.finance.test_lottery_plans import paid_project

Browser = Callable[[str], TestApp]
DATA = Path(__file__).parent.parent / "data"
TABLE = DATA / "lottery_fund_use.csv"
ROWS = read_notices(TABLE, TABLE.name).rows
TITLES = list(dict.fromkeys(row.title for row in ROWS))
COMPLETE = [title for title in TITLES if not any(row.is_partial for row in ROWS if row.title == title)]
YEAR = clock.today().year
TEXTS = {
    "content": "助餐、助洁、探访", "leader": "示例刘洋", "phone": "0477-0000000", "progress": "完成过半", "effect": "服务180人",
    "targets": "3600人次", "problems": "",
}  # fmt: skip


def imported(title: str, *, rows: list[NoticeRow] | None = None) -> LotteryNotice:
    lines = [row for row in (rows or ROWS) if row.title == title]
    (notice,) = import_notices(
        lines, agency=world.agency(), sha256="0" * 64, file_name="t.csv", by=world.user("finance")
    )
    return notice


def publish(notice: LotteryNotice) -> None:
    review_notice(notice, by=world.user("finreview"))
    approve_notice(notice, by=world.user("leader"))
    publish_notice(notice, by=world.user("leader"))


def verdicts(notice: LotteryNotice) -> list[str]:
    return [check.verdict for tier in checks_of(notice) for check in tier.checks]


def word_of(notice: LotteryNotice) -> str:
    paper = docx.Document(notice_word(notice))
    cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(item.text for item in paper.paragraphs), *cells])


def test_five_of_the_eight_published_notices_are_complete() -> None:
    assert (len(TITLES), len(COMPLETE)) == (8, 5)


@pytest.mark.parametrize("title", COMPLETE)
def test_a_complete_notice_imports_reconciles_and_prints(app: Flask, title: str) -> None:
    with transaction():
        notice = imported(title)
        found = verdicts(notice)
        assert set(found) <= {"equal", "rounded", "not_compared"} and "equal" in found
        # What is not compared is the account alone, which these tables do not tell.
        silent = [
            check for tier in checks_of(notice) for check in tier.checks if check.verdict == "not_compared"
        ]
        assert {check.name.id for check in silent} == {
            "Opening and income against spending and closing, 万元"
        }
        publish(notice)
    assert hashlib.sha256(notice.frozen.encode()).hexdigest() == notice.digest
    frozen = json.loads(notice.frozen)
    own = [row for row in ROWS if row.title == title]
    assert [(row["row"], row["item"], row["amount"]) for row in frozen["rows"]] == [
        (row.row, row.item, row.amount_text) for row in own
    ]
    with app.test_request_context():
        page = document_page("announcements/document.html", document_facts(notice))
        word = word_of(notice)
        book = notice_workbook(notice)
    for row in own:
        assert row.amount_text in word and row.item in word
        assert f">{row.amount_text}<" in page
    # The Excel file is a table that the import reads: the same figures come back.
    again = read_notices(book, "notice.xlsx")
    assert not again.errors
    assert [
        (row.row, row.fund_tier, row.category, row.item, row.amount, row.is_subtotal) for row in again.rows
    ] == [(row.row, row.fund_tier, row.category, row.item, row.amount, row.is_subtotal) for row in own]


@pytest.mark.parametrize("title", [title for title in TITLES if title not in COMPLETE])
def test_a_partial_notice_is_never_judged_as_a_whole(app: Flask, title: str) -> None:
    with transaction():
        notice = imported(title)
        wholes = [check for tier in checks_of(notice) for check in tier.checks if check.covers == "whole"]
        assert wholes and {check.verdict for check in wholes} == {"not_compared"}
        assert not differences(notice)


with (DATA / "reconciliation_tests.csv").open(encoding="utf-8-sig") as stream:
    CASES = list(csv.DictReader(stream))
SUMS = [case for case in CASES if "/" not in case["expression"] and "*" not in case["expression"]]


def as_notice(case: dict[str, str], *, precision: str = "") -> list[NoticeRow]:
    """A published sum as a notice: its parts as items, the published figure as the total."""
    base = replace(
        ROWS[0], title=case["name"], fund_tier="示例", stated_percent="", project_count=None, is_partial=False,
        category="老年人福利类", is_subtotal=False, remark="",
    )  # fmt: skip
    parts = case["expression"].split("+")
    rows = [
        replace(
            base, row=place, item=f"项目{place}", amount=Money.parse(part, unit=1_000_000), amount_text=part
        )
        for place, part in enumerate(parts, 2)
    ]
    whole = case["published_value"]
    total = replace(
        base, row=1, item="合计", category="TOTAL", is_subtotal=True, remark=precision,
        amount=Money.parse(whole, unit=1_000_000), amount_text=whole,
    )  # fmt: skip
    return [total, *rows]


@pytest.mark.parametrize("case", SUMS, ids=lambda case: case["name"])
def test_each_published_sum_as_a_notice(case: dict[str, str]) -> None:
    """A match is reported as a match; the headline rounded to 0.1亿 as different, unless it tells its precision."""
    (notice,) = check_notices(as_notice(case))
    rounded = case["expected_result"].startswith("ROUND_TO")
    assert [check.verdict for check in notice.checks] == ["differs" if rounded else "equal"]
    if rounded:
        (told,) = check_notices(as_notice(case, precision="17.6亿元"))
        assert [check.verdict for check in told.checks] == ["rounded"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "占比" in case["name"]], ids=lambda case: case["name"]
)
def test_each_published_percentage_as_a_notice(case: dict[str, str]) -> None:
    """天津 2015 publishes 23% for 22.30%: reported as different. The others are rounded."""
    part, whole = case["expression"].removesuffix("*100").split("/")
    total, row = as_notice(case | {"expression": part, "published_value": whole})
    (notice,) = check_notices([total, replace(row, stated_percent=case["published_value"])])
    share = next(check for check in notice.checks if "percentage" in check.name.id)
    inconsistent = case["expected_result"].startswith("SOURCE_INCONSISTENT")
    assert share.verdict == ("differs" if inconsistent else "rounded")


def test_an_unexplained_difference_goes_nowhere(app: Flask) -> None:
    title = COMPLETE[0]
    rows = [
        replace(row, amount=Money.parse("1", unit=1_000_000), amount_text="1")
        if row.title == title and not row.is_subtotal
        else row
        for row in ROWS
    ]
    with transaction():
        notice = imported(title, rows=rows)
        with pytest.raises(Refusal) as no:
            review_notice(notice, by=world.user("finreview"))
        assert no.value.rule == "RLF-27" and "14804" in no.value.sentence.english()
        words = {"title": title, "number": "", "opening": "", "effect": "", "by": world.user("finance")}
        write_notice(notice, explanation="四舍五入", **words)
        with pytest.raises(Refusal):
            review_notice(notice, by=world.user("finreview"))
        write_notice(notice, explanation="原公告分项为示例数据，合计以决算为准。", **words)
        review_notice(notice, by=world.user("finreview"))


def test_opening_and_income_against_spending_and_closing() -> None:
    def lines(closing: str) -> list[NoticeRow]:
        total, *items = as_notice(SUMS[1])  # 2400.5 + 8599.5 = 11000
        figures = {"上年结余": "500", "筹集": "12000", "年末结余": closing}
        account = [
            replace(
                items[0],
                row=90 + place,
                category=name,
                item=name,
                amount_text=amount,
                amount=Money.parse(amount, unit=1_000_000),
            )
            for place, (name, amount) in enumerate(figures.items())
        ]
        return [total, *items, *account]

    for closing, verdict in (("1500", "equal"), ("1500.0001", "differs")):
        (notice,) = check_notices(lines(closing))
        assert [check.verdict for check in notice.checks] == ["equal", verdict]


# Made here --------------------------------------------------------------------------------------


def made(app: Flask) -> LotteryNotice:
    """The notice of a year with one project paid by half (ten 万元) and its account."""
    budget = planned_budget()
    commitment = paid_project(budget, "200000")
    enter_year(
        budget.fund_source, YEAR, opening=Money.yuan(50_000), raised=Money.yuan(1_000_000), closing=Money.yuan(950_000), basis="决算",
        by=world.user("finance"),
    )  # fmt: skip
    disclose(commitment, YEAR, texts=TEXTS, by=world.user("clerk"))
    return make_notice(world.agency(), YEAR, title="示例年度公告", by=world.user("finance"))


def test_a_notice_is_made_from_the_ledger_and_always_reconciles(app: Flask) -> None:
    with transaction():
        notice = made(app)
        assert set(verdicts(notice)) == {"equal"}
        assert [(row.category, row.amount_text, row.project_count) for row in notice.rows] == [
            ("TOTAL", "10", 1), ("老年人福利类", "10", 1), ("老年人福利类", "10", 1), ("上年结余", "5", None), ("筹集", "100", None),
            ("年末结余", "95", None),
        ]  # fmt: skip
        assert notice.rows[1].stated_percent == "100.00"
        # The ledger moves on: the draft says so, and takes the figures anew.
        paid_project(queries.plan_in_force(_source(), YEAR) and _budget(), "40000", number="P-2")
        assert "differs" in verdicts(notice)
        remake_notice(notice, by=world.user("finance"))
        assert "differs" in verdicts(notice)  # the closing entered is now 2 万元 too high
        assert notice.rows[0].amount_text == "12"


def _source() -> int:
    return db.session.query(LotteryNotice).one() and next(iter(tier_labels(world.agency().id).values())).id


def _budget():  # type: ignore[no-untyped-def]
    from finance.funds.models import Budget

    return db.session.query(Budget).one()


def test_published_and_frozen_with_digest(app: Flask) -> None:
    with transaction():
        notice = made(app)
        publish(notice)
    content = json.loads(notice.frozen)
    (project,) = content["projects"]
    assert (project["total"], project["allotted"], project["paid"], project["rest"]) == (
        "20",
        "20",
        "10",
        "10",
    )
    assert {name: project[name] for name in TEXTS} == TEXTS
    assert content["plan"][0] == {"tier": "市级", "category": "老年人福利类", "planned": "60", "spent": "10"}
    digest = notice.digest
    # What is written afterwards changes nothing of it.
    with transaction():
        commitment = disclosed([world.agency().id], YEAR)[0].commitment
        disclose(commitment, YEAR, texts=TEXTS | {"effect": "改了"}, by=world.user("clerk"))
    assert hashlib.sha256(db.session.get_one(LotteryNotice, notice.id).frozen.encode()).hexdigest() == digest
    for act in ("UPDATE lottery_notice SET title = 'x'", "DELETE FROM lottery_notice"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(act))


def test_three_people(app: Flask) -> None:
    with transaction():
        notice = made(app)
        with pytest.raises(Refusal):
            review_notice(notice, by=world.user("finance"))
        review_notice(notice, by=world.user("reviewer"))
        with pytest.raises(Refusal):
            approve_notice(notice, by=world.user("reviewer"))
        with pytest.raises(Refusal):
            publish_notice(notice, by=world.user("leader"))


def test_only_the_officer_discloses_and_only_lottery_money(app: Flask) -> None:
    with transaction():
        commitment = paid_project(planned_budget(), "200000")
        with pytest.raises(Refusal):
            disclose(commitment, YEAR, texts=TEXTS, by=world.user("finance"))
        row = disclosed_one(world.user("clerk"), commitment.id, YEAR)
        assert row is not None and not row.complete
        assert disclosed_one(world.user("banner_clerk"), commitment.id, YEAR) is None
        assert disclosed([world.agency().id], YEAR - 2) == []


def test_due_on_the_thirtieth_of_june(app: Flask, browser_as: Browser) -> None:
    with transaction():
        planned_budget()
    with clock.at(clock.at_local(date(YEAR + 1, 3, 1))):
        (owed,) = owed_notices()
        assert (owed.agency.name, owed.fiscal_year, owed.due) == ("示例市民政局", YEAR, date(YEAR + 1, 6, 30))


# Pages ------------------------------------------------------------------------------------------


def test_import_and_publication_on_the_pages(bare_app: Flask, browser_as: Browser) -> None:
    clerk = browser_as("finance")
    bad = TABLE.read_text(encoding="utf-8-sig").replace("14804", "14804.1234567", 1)
    form = clerk.get("/lottery/notices/import").forms["import"]
    form["file"] = ("n.csv", bad.encode())
    page = form.submit(status=422)
    assert "14804.1234567" in page
    with bare_app.app_context():
        assert db.session.query(LotteryNotice).count() == 0
    form = page.forms["import"]
    form["file"] = ("n.csv", TABLE.read_bytes())
    page = form.submit(status=303).follow()
    assert all(title in page for title in TITLES)
    with bare_app.app_context():
        number = db.session.query(LotteryNotice.id).filter_by(title=COMPLETE[1]).scalar()
    page = clerk.get(f"/lottery/notices/{number}")
    form = page.forms["words"]
    form["opening"] = "现将使用情况公告如下。"
    form.submit(status=303)
    address = f"/lottery/notices/{number}"
    browser_as("finreview").get(address).forms["review"].submit(status=303)
    leader = browser_as("leader")
    leader.get(address).forms["approve"].submit(status=303)
    anybody = browser_as("")
    anybody.get(f"/public/lottery/{number}", status=404)
    leader.get(address).forms["publish"].submit(status=303)
    page = anybody.get("/public/").click(href="/public/lottery$", index=0).click(COMPLETE[1])
    assert "972.749" in page and "现将使用情况公告如下。" in page
    data = anybody.get(f"/public/lottery/{number}/notice.json")
    assert hashlib.sha256(data.body).hexdigest() in page
    word = anybody.get(f"/public/lottery/{number}/notice.docx").body
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        body = archive.read("word/document.xml").decode()
    assert 'w:eastAsia="FangSong"' in body and 'w:eastAsia="SimHei"' in body and 'w:eastAsia="SimSun"' in body
    again = read_notices(io.BytesIO(anybody.get(f"/public/lottery/{number}/notice.xlsx").body), "n.xlsx")
    assert len(again.rows) == sum(row.title == COMPLETE[1] for row in ROWS)
    assert anybody.get(f"/public/lottery/{number}/notice.pdf").body.startswith(b"%PDF")


def test_a_disclosed_project_on_its_pages(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        number = paid_project(planned_budget(), "200000").id
    officer = browser_as("clerk")
    page = officer.get(f"/lottery/projects?year={YEAR}").click("示例项目P-1")
    form = page.forms["disclosure"]
    for name in TEXTS:
        form[name] = TEXTS[name]
    form["leader"] = ""
    page = form.submit(status=422)
    assert page.forms["disclosure"]["effect"].value == TEXTS["effect"]
    form = page.forms["disclosure"]
    form["leader"] = TEXTS["leader"]
    form.submit(status=303)
    book = officer.get(f"/lottery/projects.xlsx?year={YEAR}").body
    assert book.startswith(b"PK")
    assert "disclosure" not in browser_as("finance").get(f"/lottery/projects/{number}/{YEAR}").forms


def test_what_the_public_is_told_is_set_by_the_place(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        number = paid_project(planned_budget(), "200000").id
        strict(disclosure_fields=["content", "problems"])
    address = f"/lottery/projects/{number}/{YEAR}"
    form = browser_as("clerk").get(address).forms["disclosure"]
    for name in TEXTS:
        form[name] = TEXTS[name] if name == "content" else ""
    page = form.submit(status=422)
    page.forms["disclosure"]["problems"] = "无"
    page.forms["disclosure"].submit(status=303)
    with bare_app.app_context():
        (row,) = disclosed([world.agency().id], YEAR)
        assert row.complete
