"""What follows when a list is taken: keys to be found by, similar names; and days as offices write them."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from core.db import db, transaction
from core.spreadsheets import CellError
from registry.duplicates.jobs import compare_names
from registry.duplicates.models import SimilarPair
from registry.duplicates.services import dismiss, find_all_pairs
from registry.intake import services
from registry.intake.imports import read_import
from registry.intake.rules import read_day
from registry.keys.jobs import follow_up
from registry.organizations.models import Organization
from registry.persons.models import Person
from tests import world
from tests.registry.test_intake import HEADER, as_csv, code, opened, read, take

CASES = list(
    csv.DictReader(
        (Path(__file__).parents[1] / "data" / "date_cases.csv").read_text(encoding="utf-8-sig").splitlines()
    )
)
NAMES = ("示例市晨光社会工作服务中心", "晨光社会工作服务中心", "示例市晨广协会", "示例市夕阳养老服务中心")


def rows_of(names):
    return [[name, code(3000 + n), "", "150602", "2019-06-12"] for n, name in enumerate(names)]


def pairs():
    return {(pair.first_id, pair.second_id, pair.reason) for pair in db.session.scalars(select(SimilarPair))}


def test_after_a_list_the_pairs_of_similar_names_are_those_of_a_whole_comparison(bare_app, browser_as):
    with bare_app.app_context():
        number = opened(as_csv(rows_of(NAMES), HEADER[:5]), by=world.user("clerk"))
        read_import_and_take(number)
        assert not pairs()
        db.session.remove()
    browser = browser_as("clerk")
    assert "正在比对" in browser.get("/duplicates/").text
    assert "仍在编入" in browser.get(f"/organizations/imports/{number}").text
    with bare_app.app_context():
        follow_up()
        found = pairs()
        with transaction():
            db.session.query(SimilarPair).delete()
            list(find_all_pairs())
        assert found == pairs()
        assert len(found) >= 1
        assert compare_names() == 0
        # A second list renames one of them: its pairs go, a pair that was looked at stays away.
        with transaction():
            first = db.session.scalars(select(SimilarPair).order_by(SimilarPair.id)).first()
            dismiss(first, note="两家单位", by=world.user("clerk"))
            kept = (first.first_id, first.second_id)
        read_import_and_take(
            opened(as_csv([["示例市彩虹服务中心", code(3002), "", "150602", "2019-06-12"]], HEADER[:5]))
        )
        follow_up()
        renamed = db.session.scalar(select(Organization.id).where(Organization.credit_code == code(3002)))
        assert kept in {pair[:2] for pair in pairs()}
        assert not {pair for pair in pairs() if renamed in pair[:2] and pair[:2] != kept}
        db.session.remove()
    assert "仍在编入" not in browser.get(f"/organizations/imports/{number}").text


def read_import_and_take(number):
    read_import(number)
    take(number)


def test_leaders_of_a_list_are_entered_once_and_known_ones_are_found(app, monkeypatch):
    monkeypatch.setattr(services, "CHUNK", 3)
    header = [*HEADER[:5], "法定代表人", "法定代表人电话"]
    with app.app_context():
        with transaction():
            kept = Person(name="示例甲", phone="13900000001", sort_key="")
            db.session.add(kept)
            db.session.flush()
            db.session.add(Person(name="示例乙", phone="13900000002", sort_key="", merged_into_id=kept.id))
        known = kept.id
        leaders = [("示例甲", "13900000001"), ("示例乙", "13900000002"), ("示例丙", "13900000003")]
        rows = [
            [*row, *leaders[n % 3]] for n, row in enumerate(rows_of([f"示例第{n}中心" for n in range(8)]))
        ]
        take(read(as_csv(rows, header)).id)
        made = db.session.scalars(
            select(Organization)
            .where(Organization.name.like("示例第%中心"))
            .order_by(Organization.credit_code)
        ).all()
        assert db.session.scalars(select(Person).where(Person.name == "示例丙")).one().sort_key
        third = db.session.scalar(select(Person.id).where(Person.name == "示例丙"))
        assert [item.legal_representative_id for item in made] == [
            [known, known, third][n % 3] for n in range(8)
        ]


def test_more_repeated_rows_than_can_be_shown_refuse_the_table(app, monkeypatch):
    monkeypatch.setattr(services, "MAX_PROBLEMS", 2)
    row = rows_of(NAMES)[0]
    with app.app_context(), pytest.raises(services.Refusal, match="rows have mistakes"):
        read(as_csv([row] * 4, HEADER[:5]))


def ways(day):
    """A day as offices write it."""
    signs = dict(zip("0123456789", "〇一二三四五六七八九", strict=True))

    def small(number):
        """Up to thirty-one, as it is said: 二十三."""
        if number < 10:
            return signs[str(number)]
        tens, ones = divmod(number, 10)
        return ("" if tens == 1 else signs[str(tens)]) + "十" + (signs[str(ones)] if ones else "")

    iso = day.isoformat()
    return [
        day, iso, f" {iso} ", f"{day.year}-{day.month}-{day.day}", f"{day.year}/{day.month:02d}/{day.day}", f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日", f"{day.year} 年 {day.month} 月 {day.day} 日", f"{day:%Y%m%d}", f"{iso} 00:00:00", f"{iso}T09:30",
        "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in iso),
        f"{''.join(signs[sign] for sign in str(day.year))}年{small(day.month)}月{small(day.day)}日",
        (day - date(1899, 12, 30)).days, float((day - date(1899, 12, 30)).days), str((day - date(1899, 12, 30)).days),
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case["row"] for case in CASES])
def test_every_day_of_the_published_cases_is_read_however_it_is_written(case):
    assert len(CASES) == 7
    for column in ("start_or_issue", "end_or_deadline"):
        day = date.fromisoformat(case[column])
        assert [read_day(text) for text in ways(day)] == [day] * len(ways(day))
        # A month, an order of day and month that nobody can know, and a period are no day.
        for text in (
            f"{day.year}年{day.month}月",
            f"{day.day:02d}/{day.month:02d}/{day.year}",
            case["stated_rule"],
        ):
            if text.strip():
                with pytest.raises(CellError):
                    read_day(text)


def test_who_came_new_with_a_list_has_that_in_its_own_trail(bare_app, browser_as):
    """Numbers of new organizations follow from their rows, also when somebody took a number meanwhile."""
    with bare_app.app_context():
        with transaction():
            other = Organization(
                agency_id=world.agency("示例西旗民政局").id, kind="filed_community_so", register_class="filed", name="示例同时登记单位",
                division_code="150603", sort_key="",
            )  # fmt: skip
            db.session.add(other)
        number = opened(as_csv([*rows_of(NAMES), ["", "", "", "150602", ""]], HEADER[:5]), "名单甲.csv", by=world.user("clerk"))  # fmt: skip
        read_import_and_take(number)
        made = dict(
            db.session.execute(
                select(Organization.name, Organization.id).where(Organization.name.in_(NAMES))
            ).all()
        )
        old, kept = other.id, world.organization().id
        assert len(made) == len(NAMES)
        with transaction():
            later = Organization(
                agency_id=world.agency().id, kind="filed_community_so", register_class="filed", name="示例后来单位",
                division_code="150602", sort_key="",
            )  # fmt: skip
            db.session.add(later)
            db.session.flush()
            after = later.id
        db.session.remove()
    browser = browser_as("clerk")
    for number in made.values():
        page = browser.get(f"/organizations/{number}").text
        assert "随名单导入" in page
        assert "名单甲.csv" in page
    assert old not in made.values()
    for number in (kept, after):
        assert "随名单导入" not in browser.get(f"/organizations/{number}").text
