"""Lists of people brought in: as offices write them, sealed until taken in, nobody written down twice."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.jobs.models import Job
from core.jobs.services import run_next
from registry.persons.models import Person
from registry.persons.queries import holdings
from registry.persons.rules import identity_check_character
from registry.persons.services import erase_person, record_person
from registry.rosters import queries, services
from registry.rosters.imports import read_again, read_roster
from registry.rosters.jobs import KEEP_ROWS, forget
from registry.rosters.models import Roster, RosterRow
from registry.rosters.rules import LEVELS, MAX_ROWS, read_hours, read_level, read_skills
from registry.workforce import services as workforce
from registry.workforce.models import Certificate, SocialWorker, Volunteer, VolunteerCover
from registry.workforce.queries import minutes_of
from tests import world

WORKERS = ["姓名", "身份证号", "手机", "工作单位", "岗位", "专兼职", "入职时间", "社工证等级", "证书编号", "发证时间", "有效期至"]  # fmt: skip
VOLUNTEERS = ["姓名", "证件号码", "联系电话", "特长", "注册时间", "同意书签署日期", "同意书编号", "保险公司", "保单号", "保险起期", "保险止期", "累计服务时长", "统计截止日期"]  # fmt: skip


def identity(serial: int, born: str = "19880412") -> str:
    body = f"150602{born}{100 + serial}"
    return body + identity_check_character(body)


def worker(serial: int, **more: str) -> list[str]:
    row = {
        "name": f"示例社工{serial}", "identity": identity(serial), "phone": f"1380000{serial:04d}", "body": "", "post": "专干",
        "time": "专职", "since": "2021-03-01", "level": "社会工作师", "number": f"SG-{serial}", "issued": "2024年6月12日",
        "valid": "2027/6/11",
    } | more  # fmt: skip
    return list(row.values())


def volunteer(serial: int, **more: str) -> list[str]:
    row = {
        "name": f"示例志愿者{serial}", "identity": identity(serial), "phone": f"1370000{serial:04d}", "skills": "助老、驾驶",
        "since": "2023.5.4", "on": "2023-05-04", "form": f"同意书{serial}号", "insurer": "示例保险", "policy": f"P-{serial}",
        "from": "2026-01-01", "to": "2026-12-31", "hours": "126.5小时", "until": "2025-12-31",
    } | more  # fmt: skip
    return list(row.values())


def as_csv(rows, header, encoding="utf-8-sig"):
    stream = io.StringIO()
    csv.writer(stream).writerows([header, *rows])
    return stream.getvalue().encode(encoding)


def as_workbook(rows, header):
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for line, row in enumerate([header, *rows]):
        for place, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, place, cell, day)
            else:
                sheet.write(line, place, cell)
    book.close()
    return target.getvalue()


def read(rows, kind="workers", *, header=None, unit="示例市民政局", by="clerk", name="名单.csv", data=None):
    header = header or (WORKERS if kind == "workers" else VOLUNTEERS)
    with transaction():
        return read_roster(
            io.BytesIO(data or as_csv(rows, header)), name, agency=world.agency(unit), kind=kind, by=world.user(by)
        )  # fmt: skip


def take(roster):
    with transaction():
        return services.take_roster(roster.id, by=world.user("clerk"))


def figures(roster):
    return roster.new_rows, roster.changed_rows, roster.same_rows, roster.refused_rows


def drafts(roster, action):
    rows = db.session.scalars(queries.rows_of(roster, action).order_by(RosterRow.number))
    return [queries.opened(row) for row in rows]


def reasons(roster):
    return {
        draft.number: [(column, message.english()) for column, message in draft.reasons]
        for draft in drafts(roster, "refused")
    }


def people() -> int:
    return db.session.scalar(select(func.count()).select_from(Person))


# Reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["utf-8", "gb18030", "xlsx"])
def test_a_list_of_workers_goes_in_as_an_office_writes_it(app, form):
    body = world.organization()
    rows = [
        worker(1, body=body.name, issued=date(2024, 6, 12) if form == "xlsx" else "20240612"),
        worker(2, body=body.credit_code, level="助理社会工作师", time="兼职", since="二〇二一年三月一日"),
        worker(3, level="高 级社会工作师", valid="２０２７．６．１１", identity=f" {identity(3)[:6]} {identity(3)[6:]}".lower()),
        worker(4, level="无", number="/", issued="—", valid="", identity="", post=""),
        worker(5, level="中级", identity="", phone=""),
    ]  # fmt: skip
    rows, header = [WORKERS, *rows], ["示例市社会工作者花名册"]
    data = as_workbook(rows, header) if form == "xlsx" else as_csv(rows, header, "utf-8-sig" if form == "utf-8" else form)  # fmt: skip
    roster = read(rows, data=data)
    assert figures(roster) == (5, 0, 0, 0), reasons(roster)
    assert take(roster).state == "taken"
    found = {
        row.person.name: row for row in db.session.scalars(select(SocialWorker).order_by(SocialWorker.id))
    }
    assert [row.level for row in found.values()] == ["intermediate", "assistant", "senior", "", "intermediate"]  # fmt: skip
    first = found["示例社工1"]
    (certificate,) = first.certificates
    assert (certificate.number, certificate.issued_on, certificate.valid_to) == (
        "SG-1", date(2024, 6, 12), date(2027, 6, 11),
    )  # fmt: skip
    assert (first.organization_id, first.since, first.full_time) == (body.id, date(2021, 3, 1), True)
    assert found["示例社工2"].organization_id == body.id and not found["示例社工2"].full_time
    assert first.person.identity_masked == f"150602********{identity(1)[14:]}"
    assert first.person.born_on == date(1988, 4, 12)


def test_a_list_of_volunteers_goes_in_with_consent_insurance_and_hours(app):
    born = f"{clock.today().year - 15}0301"
    header = [*VOLUNTEERS, "监护人", "监护人电话", "监护人同意日期"]
    rows = [
        [*volunteer(1), "", "", ""],
        [*volunteer(2, identity=identity(2, born), hours="12小时30分"), "示例家长", "13700009999", "2026年3月8日"],
        [*volunteer(3, **dict.fromkeys(("insurer", "policy", "from", "to", "hours", "until"), "")), "", "", ""],
    ]  # fmt: skip
    roster = read(rows, "volunteers", header=header)
    assert figures(roster) == (3, 0, 0, 0), reasons(roster)
    take(roster)
    first, second, third = db.session.scalars(select(Volunteer).order_by(Volunteer.id))
    assert (first.skills, first.registered_on, first.consented_on) == (["care", "driving"], date(2023, 5, 4), date(2023, 5, 4))  # fmt: skip
    assert (first.consent_form, first.brought_minutes, first.brought_to) == ("同意书1号", 7590, date(2025, 12, 31))  # fmt: skip
    assert minutes_of([first.id, second.id, third.id]) == {first.id: 7590, second.id: 750, third.id: 0}
    assert (second.guardian.name, second.guardian_consented_on) == ("示例家长", date(2026, 3, 8))
    cover = db.session.scalars(select(VolunteerCover).where(VolunteerCover.volunteer_id == first.id)).one()
    assert (cover.number, cover.valid_to) == ("P-1", date(2026, 12, 31))


REFUSED = [
    ("workers", worker(1, identity=identity(1)[:-1] + ("0" if identity(1)[-1] != "0" else "1")), "identity", "GB 11643"),
    ("workers", worker(1, identity="123"), "identity", "18 characters"),
    ("workers", worker(1, identity="", phone="", number="", level="", issued="", valid=""), "identity", "name alone"),
    ("workers", worker(1, name=""), "name", "empty"),
    ("workers", worker(1, level="特级"), "level", "助理社会工作师"),
    ("workers", worker(1, valid=""), "valid_to", "told with"),
    ("workers", worker(1, valid="2023-01-01"), "valid_to", "before"),
    ("workers", worker(1, issued="2099-01-01", valid="2099-02-01"), "issued_on", "future"),
    ("workers", worker(1, issued="2024年6月"), "issued_on", "2025-03-01"),
    ("workers", worker(1, body="不存在的示例组织"), "organization", "no single organization"),
    ("workers", worker(1, phone="电话见附件"), "phone", "digits"),
    ("volunteers", volunteer(1, on=""), "consented_on", "RWF-1 个人信息保护法 第十三条"),
    ("volunteers", volunteer(1, form="未签"), "consented_on", "RWF-1 个人信息保护法 第十三条"),
    ("volunteers", volunteer(1, identity=identity(1, "20150301")), "guardian", "RWF-1 个人信息保护法"),
    ("volunteers", volunteer(1, to=""), "cover_to", "insurance is told"),
    ("volunteers", volunteer(1, to="2025-12-31"), "cover_to", "before it begins"),
    ("volunteers", volunteer(1, skills="魔术"), "skills", "探访照护"),
    ("volunteers", volunteer(1, hours="很多"), "hours", "126.5"),
]  # fmt: skip


def test_what_cannot_be_taken_is_refused_with_its_reason(app):
    for kind in ("workers", "volunteers"):
        told = [case[1:] for case in REFUSED if case[0] == kind]
        roster = read([row for row, _column, _says in told], kind)
        assert (figures(roster), roster.state) == ((0, 0, 0, len(told)), "wrong")
        for (_row, column, says), found in zip(told, reasons(roster).values(), strict=True):
            assert [(name, says in words) for name, words in found] == [(column, True)], found
        with pytest.raises(Refusal):
            take(roster)


def test_a_list_without_consent_or_too_long_is_refused_as_a_whole(app):
    roster = read([["示例", "13700000001"]], "volunteers", header=["姓名", "手机"])
    assert roster.state == "wrong" and "RWF-1" in str(roster.refusals)
    with pytest.raises(Refusal, match=f"at most {MAX_ROWS} rows"):
        read([["示例", "13700000001"]] * (MAX_ROWS + 1), header=["姓名", "手机"])
    with pytest.raises(Refusal, match="upload a CSV"):
        read([], data=b"\x00\x01\x02")


def test_levels_skills_and_hours_in_many_words():
    assert {
        read_level(word) for word in ("助理社会工作师", "助理社工师", "初级", " 助理 社会工作师证书 ")
    } == {"assistant"}
    assert {read_level(word) for word in ("社会工作师", "中级社会工作师", "社会工作师（中级）")} == {
        "intermediate"
    }
    assert {read_level(word) for word in ("高级社会工作师", "高级社工师")} == {"senior"}
    assert set(LEVELS.values()) == {"assistant", "intermediate", "senior"}
    assert read_skills("助老,驾驶；手语 助老") == ["care", "driving", "translation"]
    assert [read_hours(cell) for cell in (126.5, "126.5", "126.5 小时", "1,200", "12小时30分")] == [
        7590, 7590, 7590, 72_000, 750,
    ]  # fmt: skip


# Again and again ----------------------------------------------------------------------------------


def test_the_same_list_twice_changes_nothing_and_a_changed_one_shows_old_and_new(app):
    take(read([worker(1), worker(2)]))
    before = people()
    again = read([worker(1), worker(2)])
    assert figures(again) == (0, 0, 2, 0)
    take(again)
    changed = read(
        [worker(1, level="高级社会工作师", number="SG-900", post="督导"), worker(2, identity="", valid="2030-06-11", phone="13811112222")]
    )  # fmt: skip
    assert figures(changed) == (0, 2, 0, 0), reasons(changed)
    assert {draft.number: draft.changes for draft in drafts(changed, "changed")} == {
        2: [("post", "专干", "督导"), ("certificate", "", "SG-900")],
        3: [("phone", "13800000002", "13811112222"), ("valid_to", "2027-06-11", "2030-06-11")],
    }
    take(changed)
    assert people() == before and db.session.scalar(select(func.count()).select_from(SocialWorker)) == 2
    first, second = db.session.scalars(select(SocialWorker).order_by(SocialWorker.id))
    assert (first.level, first.post, len(first.certificates)) == ("senior", "督导", 2)
    assert (second.certificates[0].valid_to, second.person.phone) == (date(2030, 6, 11), "13811112222")
    # An older list takes nothing back.
    assert "older" in str(reasons(read([worker(2, phone="13811112222")])))


def test_a_person_who_is_known_is_not_written_down_again(app):
    with transaction():
        known = record_person("示例社工1", phone="13800000001", by=SYSTEM)
        other = record_person("示例社工7", phone="", identity_number=identity(7), by=SYSTEM)
        before = people()
    roster = read([worker(1), worker(7), worker(8, name="另一个名字", identity=identity(7))])
    assert figures(roster) == (2, 0, 0, 1)
    assert reasons(roster)[4][0][0] == "name" and "another name" in reasons(roster)[4][0][1]
    take(roster)
    assert people() == before
    assert known.identity_hash and {row.person_id for row in db.session.scalars(select(SocialWorker))} == {
        known.id, other.id,
    }  # fmt: skip
    # Another identity number for the same name and telephone is another human being, or a slip: people look.
    assert "another identity number" in str(reasons(read([worker(1, identity=identity(99), number="SG-99")])))
    # A certificate of one person under the number of another.
    assert "another person" in str(reasons(read([worker(1, number="SG-7")])))


def test_of_rows_about_one_human_being_the_first_stands(app):
    rows = [worker(1), worker(1, number="SG-11"), worker(2, number="SG-1"), worker(3, phone="13800000001", name="示例社工1", identity="", number="SG-3")]  # fmt: skip
    roster = read(rows)
    assert figures(roster) == (1, 0, 0, 3)
    assert {number: "row 2" in told[0][1] for number, told in reasons(roster).items()} == {
        3: True,
        4: True,
        5: True,
    }


def test_hours_until_a_day_are_counted_once(app):
    take(read([volunteer(1)], "volunteers"))
    row = db.session.scalars(select(Volunteer)).one()
    with transaction():
        workforce.note_hours(row, date(2026, 2, 1), 90, "探访", by=world.user("clerk"))
    assert minutes_of([row.id]) == {row.id: 7680}
    assert figures(read([volunteer(1)], "volunteers")) == (0, 0, 1, 0)
    # A later list tells everything until its day: 128 hours, of which the register noted one and a half itself.
    roster = read([volunteer(1, hours="128", until="2026-03-01")], "volunteers")
    assert figures(roster) == (0, 0, 1, 0)
    roster = read([volunteer(1, hours="130", until="2026-03-01")], "volunteers")
    assert drafts(roster, "changed")[0].changes == [("hours", 7680, 7800)]
    take(roster)
    assert minutes_of([row.id]) == {row.id: 7800} and row.brought_minutes == 7710
    assert "more than the list" in str(reasons(read([volunteer(1, hours="1", until="2026-03-01")], "volunteers")))  # fmt: skip


def test_who_took_the_consent_back_does_not_return_by_an_old_list(app):
    take(read([volunteer(1)], "volunteers"))
    row = db.session.scalars(select(Volunteer)).one()
    with transaction():
        workforce.withdraw_consent(row, by=SYSTEM)
    roster = read([volunteer(1)], "volunteers")
    assert figures(roster) == (0, 0, 0, 1) and "RWF-1" in str(reasons(roster))
    with clock.at(clock.now() + timedelta(days=2)):
        roster = read([volunteer(1, on=clock.today().isoformat(), form="新同意书")], "volunteers")
        assert figures(roster) == (0, 1, 0, 0), reasons(roster)
        take(roster)
    assert (row.left_on, row.consent_form) == (None, "新同意书")


def test_a_correction_of_a_certificate_and_a_return_to_the_list(app):
    take(read([worker(1)]))
    row = db.session.scalars(select(SocialWorker)).one()
    take(read([worker(1, level="助理社会工作师", issued="2024-06-10")]))
    assert (row.level, row.certificates[0].issued_on) == ("assistant", date(2024, 6, 10))
    with transaction():
        workforce.leave(row, date(2026, 1, 31), by=SYSTEM)
    assert "left the list" in str(reasons(read([worker(1)])))
    take(read([worker(1, level="助理社会工作师", issued="2024-06-10", since="2026-03-01")]))
    assert (row.since, row.until) == (date(2026, 3, 1), None)


rows_of_people = st.lists(
    st.fixed_dictionaries(
        {
            "serial": st.integers(1, 6),
            "known": st.sampled_from(["identity", "number", "phone"]),
            "level": st.sampled_from(["助理社会工作师", "社会工作师", "高级社会工作师", "无", "特级"]),
            "post": st.sampled_from(["", "督导", "专干"]),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows_of_people)
def test_taking_a_list_twice_changes_nothing(bare_app, told):
    rows = []
    for item in told:
        kept = {"identity": "", "phone": "", "number": ""}
        kept.pop(item["known"])
        if "number" in kept or item["level"] == "无":
            # Without a certificate there is no level either.
            kept |= {"number": "", "level": "", "issued": "", "valid": ""}
            if item["known"] == "number":
                kept.pop("phone", None)
        else:
            kept["level"] = item["level"]
        rows.append(worker(item["serial"], post=item["post"], **kept))
    with bare_app.app_context():
        first = read(rows)
        refused = first.refused_rows
        if first.state == "read":
            take(first)
        counts = [
            db.session.scalar(select(func.count()).select_from(table))
            for table in (Person, SocialWorker, Certificate)
        ]
        second = read(rows)
        assert (second.new_rows, second.changed_rows, second.refused_rows) == (0, 0, refused), reasons(second)
        if second.state == "read":
            take(second)
        assert counts == [
            db.session.scalar(select(func.count()).select_from(table))
            for table in (Person, SocialWorker, Certificate)
        ]
        # Nobody stands twice under one number.
        hashes = list(
            db.session.scalars(select(Person.identity_hash).where(Person.identity_hash.is_not(None)))
        )
        assert len(hashes) == len(set(hashes))


# Sealed, and gone ---------------------------------------------------------------------------------


def everything_stored() -> str:
    """Every value of every table as text, and every stored file."""
    told = []
    for table in db.metadata.sorted_tables:
        rows = db.session.execute(select(table)).all()
        told.append(json.dumps([[str(value) for value in row] for row in rows], ensure_ascii=False))
    return "\n".join(told)


def test_nothing_of_a_list_can_be_read_while_it_waits(bare_app, browser_as, tmp_path, caplog):
    number, wrong = identity(41), identity(42)[:-1] + ("0" if identity(42)[-1] != "0" else "1")
    rows = [worker(41, name="示例秘密甲", number="SG-SECRET"), worker(42, name="示例秘密乙", identity=wrong, phone="13899998888")]  # fmt: skip
    browser = browser_as("clerk")
    page = browser.get("/workforce/lists/workers/new")
    form = page.forms["import"]
    form["file"] = ("名单.xlsx", as_workbook(rows, WORKERS))
    page = form.submit().follow()
    marked = page.forms["marked"].submit()
    sheet = openpyxl.load_workbook(io.BytesIO(marked.body)).active
    assert [cell.value for cell in sheet[2]][:3] == ["示例秘密乙", wrong, "13899998888"]
    assert "GB 11643" in sheet[2][len(WORKERS)].value
    with bare_app.app_context():
        stored = everything_stored()
        secrets = ("示例秘密", number, number[6:14], wrong, "13899998888", "13800000041", "SG-SECRET")
        assert [secret for secret in secrets if secret in stored] == []
        assert [path for path in bare_app_files(bare_app) if number.encode() in path.read_bytes()] == []
        assert not any(secret in caplog.text for secret in secrets)
        roster = db.session.scalars(select(Roster)).one()
        assert db.session.scalars(select(RosterRow)).first().sealed
        events = set(db.session.scalars(select(AuditEntry.event).where(AuditEntry.object_type == "roster")))
        assert events == {"uploaded", "marked_workbook_made"}
    page.forms["take"].submit()
    with bare_app.app_context():
        assert [job.payload for job in db.session.scalars(select(Job))] == [{"roster": roster.id}]
        assert run_next()
        assert db.session.scalar(select(func.count()).select_from(RosterRow)) == 0
        person = db.session.scalars(select(Person).where(Person.name == "示例秘密甲")).one()
        assert number not in everything_stored() and person.identity_masked.endswith(number[14:])
        assert "13899998888" not in everything_stored()


def bare_app_files(app):
    return [path for path in Path(app.instance_path).rglob("*") if path.is_file()]


def test_a_list_is_forgotten_when_it_is_discarded_or_waits_too_long(app):
    kept, late = read([worker(1)]), read([worker(2)])
    with transaction():
        services.discard_roster(kept, by=world.user("clerk"))
    with clock.at(clock.now() + KEEP_ROWS - timedelta(hours=1)):
        forget()
        assert db.session.scalar(select(func.count()).select_from(RosterRow)) == 1
    with clock.at(clock.now() + KEEP_ROWS + timedelta(hours=1)):
        forget()
    assert db.session.scalar(select(func.count()).select_from(RosterRow)) == 0
    assert db.session.scalars(select(Roster)).all() == []
    assert late.id and people() == len(db.session.scalars(select(Person.id)).all())


def test_the_person_finds_and_takes_out_a_row_that_waits(app):
    with transaction():
        person = record_person("示例社工1", phone="", identity_number=identity(1), by=SYSTEM)
        guardian = record_person("示例家长", phone="13700009999", by=SYSTEM)
    roster = read([worker(1), worker(2)])
    header = [*VOLUNTEERS, "监护人", "监护人电话", "监护人同意日期"]
    child = read([[*volunteer(3, identity=identity(3, "20150301")), "示例家长", "13700009999", "2026-03-08"]], "volunteers", header=header)  # fmt: skip
    (entry,) = next(entries for part, entries in holdings(person, None) if part.name == "roster_row")
    assert entry.facts["Identity number"] == f"150602********{identity(1)[14:]}"
    assert entry.facts["Number of the certificate"] == "SG-1"
    (entry,) = next(entries for part, entries in holdings(guardian, None) if part.name == "roster_row")
    # A guardian's copy says nothing of the child.
    assert set(entry.facts) == {"Name of the guardian", "Mobile number of the guardian", "Guardian's consent given on"}  # fmt: skip
    # A unit that did not bring the list in sees nothing of it.
    assert "roster_row" not in {part.name for part, _ in holdings(person, world.user("township_clerk"))}
    with transaction():
        erase_person(person, reason="本人申请", user=None, by=SYSTEM)
        erase_person(guardian, reason="本人申请", user=None, by=SYSTEM)
    assert (figures(roster), figures(child)) == ((1, 0, 0, 0), (0, 0, 0, 0))
    assert child.state == "wrong"
    take(roster)
    assert [row.person.name for row in db.session.scalars(select(SocialWorker))] == ["示例社工2"]


def test_a_taking_that_is_killed_leaves_nothing_and_can_be_done_again(app, monkeypatch):
    roster, before = read([worker(1), worker(2)]), people()
    real, calls = services.add_worker, []

    def dies_at_the_second(*given, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given, **more)

    monkeypatch.setattr(services, "add_worker", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        take(roster)
    assert people() == before and db.session.scalar(select(func.count()).select_from(SocialWorker)) == 0
    monkeypatch.undo()
    take(roster)
    assert db.session.scalar(select(func.count()).select_from(SocialWorker)) == 2
    with pytest.raises(Refusal, match="taken already"):
        take(roster)


def test_a_register_that_changed_is_compared_again(app):
    roster = read([worker(1)])
    with transaction():
        workforce.add_worker(world.agency(), record_person("示例社工1", phone="13800000001", by=SYSTEM), since=date(2020, 1, 1), by=SYSTEM)  # fmt: skip
    with pytest.raises(Refusal, match="has changed"):
        take(roster)
    with transaction():
        read_again(db.session.get_one(Roster, roster.id), by=world.user("clerk"))
    assert figures(roster) == (0, 1, 0, 0)
    take(roster)
    assert db.session.scalars(select(SocialWorker)).one().level == "intermediate"


# Pages and rights ----------------------------------------------------------------------------------


def test_a_township_brings_in_people_of_its_own_subtree_only(bare_app, browser_as):
    header = [*WORKERS, "管理单位"]
    rows = [[*worker(1), ""], [*worker(2), "示例街道办事处"], [*worker(3), "示例市民政局"]]
    where = {"unit": "示例街道办事处", "by": "township_clerk"}
    with bare_app.app_context():
        roster = read(rows, header=header, **where)
        assert figures(roster) == (2, 0, 0, 1) and "no unit under it" in reasons(roster)[4][0][1]
        take(roster)
        assert {row.agency.name for row in db.session.scalars(select(SocialWorker))} == {"示例街道办事处"}
        # A certificate that stands at another unit is neither taken over nor told about.
        take(read([worker(7)]))
        told = str(reasons(read([worker(8, number="SG-7")], **where)))
        assert "another unit" in told and "示例社工7" not in told
        # What the register has of a person elsewhere is not shown here, and not changed.
        other = read([worker(7, phone="13911112222", number="", level="", issued="", valid="")], **where)
        assert (figures(other), drafts(other, "new")[0].changes) == ((1, 0, 0, 0), [])
        take(other)
        person = db.session.scalars(select(Person).where(Person.name == "示例社工7")).one()
        assert person.phone == "13800000007"
        mine = read([worker(9)], **where).id
    form = browser_as("township_clerk").get("/workforce/lists/workers/new").forms["import"]
    assert [name for _value, _chosen, name in form["agency"].options] == ["示例街道办事处"]
    for path in ("", "/rows/new"):
        browser_as("township_clerk").get(f"/workforce/lists/{mine}{path}")
        browser_as("clerk").get(f"/workforce/lists/{mine}{path}", status=404)
    browser_as("supervisor").get("/workforce/lists/workers", status=403)


def test_the_pages_from_upload_to_the_register(bare_app, browser_as):
    browser = browser_as("clerk")
    page = browser.get("/workforce/").click("导入的名单").click("导入名单", index=0)
    sample = page.click(href="sample.xlsx")
    assert openpyxl.load_workbook(io.BytesIO(sample.body)).active["A1"].value == "姓名"
    page = page.forms["import"].submit(expect_errors=True)
    assert page.status_int == 422 and "请选择" in page.text
    form = page.forms["import"]
    header = [*WORKERS[:8], "社工证书的号", *WORKERS[9:]]
    form["file"] = ("名单.csv", as_csv([worker(1, level=""), worker(2, identity="1")], header))
    page = form.submit().follow()
    page.forms["headings"]["column-0"] = "certificate"
    page = page.forms["headings"].submit().follow()
    with bare_app.app_context():
        assert figures(db.session.scalars(select(Roster)).one()) == (0, 0, 0, 2)
    # The heading is remembered for lists of this kind of this unit.
    form = browser.get("/workforce/lists/workers/new").forms["import"]
    form["file"] = ("名单.csv", as_csv([worker(1), worker(2, identity="1")], header))
    page = form.submit().follow()
    assert "headings" not in page.forms
    rows = page.click(href="/rows/new", index=0)
    with bare_app.app_context():
        # A volunteer of whom little is told, besides one of whom much is.
        little = volunteer(2, skills="", hours="", until="", identity="", **dict.fromkeys(("insurer", "policy", "from", "to"), ""))  # fmt: skip
        staged = read([volunteer(1), little], "volunteers")
        number = staged.id
    assert "126.5" in browser.get(f"/workforce/lists/{number}/rows/new").text
    browser.get(f"/workforce/lists/{number}/rows/changed")
    with bare_app.app_context(), transaction():
        services.discard_roster(db.session.get_one(Roster, number), by=SYSTEM)
    assert "示例社工1" in rows.text and identity(1) not in rows.text and "150602********" in rows.text
    page = page.forms["take"].submit().follow()
    with bare_app.app_context():
        assert run_next()
    page = browser.get(page.request.path)
    assert "示例社工1" in page.click("打开信息库名单").text
    form = browser.get("/workforce/lists/workers/new").forms["import"]
    form["file"] = ("名单.csv", as_csv([worker(1, post="督导")], header))
    page = form.submit().follow()
    changes = page.click(href="/rows/changed", index=0)
    assert "专干" in changes.text and "督导" in changes.text
    page = page.forms["discard"].submit().follow()
    assert "作废" in page.text
    with bare_app.app_context():
        (first, _taken) = db.session.scalars(select(Roster.id).order_by(Roster.id))
        assert set(db.session.scalars(select(RosterRow.roster_id))) == {first}


@pytest.mark.parametrize("kind", ["workers", "volunteers"])
def test_the_sample_goes_in(bare_app, browser_as, kind):
    browser = browser_as("clerk")
    sample = browser.get(f"/workforce/lists/{kind}/sample.xlsx").body
    with bare_app.app_context():
        roster = read([], kind, data=sample, name="sample.xlsx")
        assert roster.refused_rows == 0 and roster.new_rows >= 2, reasons(roster)
        take(roster)
