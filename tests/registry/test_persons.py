"""Persons: one row for a human being, a sealed identity number, merging, handing out and taking out."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from app.trail.reports import as_csv
from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.queries import entries_of, verify
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from core.mail.models import Mail
from registry.credit.services import record_adverse
from registry.experts.models import Expert
from registry.experts.services import add_expert
from registry.governance.services import QUESTIONS, appoint, check_candidate, end_post
from registry.interests.models import Interest, Kinship
from registry.interests.queries import conflict, reason_of
from registry.interests.services import declare_interest, end_interest, record_employment, record_kinship
from registry.organizations.models import Organization, OrganizationChange
from registry.organizations.queries import trail_of
from registry.organizations.services import edit_organization
from registry.party.services import add_member, add_worker, end_member, give_post
from registry.persons.models import Person
from registry.persons.queries import holdings, parts, person_of_identity
from registry.persons.services import (
    erase_person,
    merge_persons,
    record_person,
    reveal_identity,
    set_email,
    set_identity,
)
from tests import world

SECOND = "示例夕阳红为老服务中心"
NUMBER = "11010519491231002X"
OTHER = "150602199003078516"


def person(name="示例甲", phone="13700000001", **more):
    return record_person(name, phone=phone, by=SYSTEM, **more)


def test_the_number_lies_sealed_and_is_found_by_its_hash(app):
    with transaction() as session:
        one = person(identity_number=NUMBER)
        assert (one.identity_masked, one.born_on, one.sex) == (
            "110105********002X",
            date(1949, 12, 31),
            "female",
        )
        # The same human being whatever telephone is given; nowhere in the database does the number stand.
        assert person(phone="", identity_number=" 110105 19491231 002x ").id == one.id
        assert person_of_identity(NUMBER).id == one.id
        stored = str(session.execute(text("SELECT * FROM person")).all())
        stored += str(session.execute(text("SELECT details FROM audit_entry")).all())
        assert NUMBER not in stored and NUMBER[6:14] not in stored.replace("1949-12-31", "")


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [("示例乙", NUMBER, "another name"), ("示例甲", NUMBER[:-1] + "1", "does not fit")],
)
def test_a_number_under_another_name_or_a_wrong_one_is_refused(app, name, number, words):
    with transaction():
        person(identity_number=NUMBER)
        with pytest.raises(Refusal, match=words):
            person(name, "13700000002", identity_number=number)
        second = person("示例丙", "13700000003")
        with pytest.raises(Refusal, match="belongs to another entry"):
            set_identity(second, NUMBER, by=SYSTEM)


def test_each_reading_is_written_down_with_its_reason(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        expert = db.session.query(Expert).order_by(Expert.id).first()
        set_identity(expert.person, NUMBER, by=SYSTEM)
        number, name = expert.person_id, expert.person.name
    browser = browser_as("clerk")
    found = browser.get("/persons/", {"q": "示例专家甲"})
    # Several people may bear a name: the list says through what each is known.
    assert "专家库" in found.html.find("tbody").get_text()
    page = found.click(name)
    assert "110105********002X" in page.text and NUMBER not in page.text
    assert page.forms["reveal"].submit(expect_errors=True).status_int == 422
    page.forms["reveal"]["reason"] = "核对证书"
    shown = page.forms["reveal"].submit()
    assert NUMBER in shown.text
    with bare_app.app_context():
        last = entries_of(db.session.get(Person, number))[0]
        assert (last.event, last.actor_name) == ("identity_read", "示例陈静")
        assert "核对证书" in last.details
    # A leader sees the page and no way to the number; a township that does not know the person sees nothing.
    assert "reveal" not in browser_as("leader").get(f"/persons/{number}").forms
    browser_as("township_clerk").get(f"/persons/{number}", status=404)
    assert name not in browser_as("township_clerk").get("/persons/").text


def test_merging_moves_every_link_and_keeps_the_other_row_as_a_name(app):
    with transaction():
        kept, gone = person(), person("示例甲", "13700000009", identity_number=NUMBER)
        body = world.organization()
        tie = declare_interest(gone, body, "advice", clock.today(), by=SYSTEM)
        expert = add_expert(world.agency(), gone, fields=["elderly"], employer="示例大学", by=SYSTEM)
        relative = person("示例亲属", "13700000010")
        record_kinship(gone, relative, "spouse", by=SYSTEM)
        record_kinship(relative, kept, "spouse", by=SYSTEM)
        record_kinship(gone, kept, "sibling", by=SYSTEM)
        merge_persons(kept, gone, reason="同一身份证件", by=SYSTEM)
        assert {db.session.get(Interest, tie.id).person_id, db.session.get(Expert, expert.id).person_id} == {
            kept.id
        }
        assert gone.merged_into_id == kept.id and gone.identity_hash is None
        assert kept.identity_masked == "110105********002X" and person_of_identity(NUMBER).id == kept.id
        # Nobody is kin of themselves now.
        assert all(kept.id in (row.person_id, row.relative_id) for row in db.session.query(Kinship))
        assert all(row.person_id != row.relative_id for row in db.session.query(Kinship))
        assert conflict(kept.id, body.id, on=clock.today()).kind == "advice"
        with pytest.raises(Refusal, match="neither of them merged"):
            merge_persons(kept, gone, reason="再次", by=SYSTEM)


def test_what_speaks_against_merging_is_said(app):
    with transaction():
        one, two = person(identity_number=NUMBER), person("示例甲", "13700000009", identity_number=OTHER)
        with pytest.raises(Refusal, match="two human beings"):
            merge_persons(one, two, reason="同名", by=SYSTEM)
        clerk, leader = world.user("clerk"), world.user("leader")
        with pytest.raises(Refusal, match="Both have an account"):
            merge_persons(clerk.person, leader.person, reason="同名", by=SYSTEM)
        experts = db.session.query(Expert).order_by(Expert.id).limit(2).all()
        leader.active = False
        for user in db.session.query(type(leader)).filter_by(person_id=experts[1].person_id):
            user.active = False
        with pytest.raises(Refusal, match="same list"):
            merge_persons(experts[0].person, experts[1].person, reason="同名", by=SYSTEM)


def test_a_reviewer_merges_what_looks_double(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        first = record_person("示例重名", phone="13600000001", by=SYSTEM)
        second = Person(name="示例重名", phone="13600000001")
        db.session.add(second)
        db.session.flush()
        for item in (first, second):
            declare_interest(item, world.organization(), "declared", clock.today(), by=SYSTEM)
        kept, gone = first.id, second.id
    page = browser_as("reviewer").get("/persons/duplicates")
    assert page.text.count("条目编号") >= 2
    form = page.click(href=f"/persons/{kept}/merge").forms["form"]
    form["given_up"], form["reason"] = str(gone), "同一电话，本人确认"
    assert "#" not in form.submit().follow().html.h1.text
    browser_as("clerk").get("/persons/duplicates", status=403)
    browser_as("reviewer").get(f"/persons/{gone}", status=404)


def test_kinship_counts_from_both_sides_and_says_why(app):
    with transaction():
        body = world.organization("示例企业甲")
        head = db.session.get(Person, body.legal_representative_id)
        clerk = world.user("clerk")
        record_kinship(head, clerk.person, "child", by=SYSTEM)
        tie = conflict(clerk.person_id, body.id, on=clock.today())
        assert tie.kind == "kinship" and head.name in reason_of(tie).english()
        with pytest.raises(Refusal, match="noted already"):
            record_kinship(clerk.person, head, "parent", by=SYSTEM)
        assert conflict(clerk.person_id, world.organization().id, on=clock.today()) is None


def test_working_life_counts_by_row_and_by_exact_name_for_three_years(app):
    today = clock.today()
    with transaction():
        one, two = person(), person("示例乙", "13700000002")
        body, other = world.organization(), world.organization("示例企业甲")
        record_employment(
            one,
            "",
            today - timedelta(days=900),
            until=today - timedelta(days=500),
            organization=body,
            by=SYSTEM,
        )
        record_employment(
            two, other.name, today - timedelta(days=3000), until=today - timedelta(days=1300), by=SYSTEM
        )
        assert conflict(one.id, body.id, on=today).kind == "employment"
        assert conflict(two.id, other.id, on=today) is None
        assert conflict(two.id, other.id, on=today - timedelta(days=400)).kind == "employment"


def test_a_copy_holds_everything_and_what_no_duty_holds_goes(bare_app, browser_as):
    today = clock.today()
    with bare_app.app_context(), transaction():
        one = person(identity_number=NUMBER)
        body = world.organization()
        old = declare_interest(one, body, "advice", today - timedelta(days=2000), by=SYSTEM)
        end_interest(old, today - timedelta(days=1500), by=SYSTEM)
        fresh = declare_interest(one, body, "declared", today, note="表亲", by=SYSTEM)
        number, stays, goes = one.id, fresh.id, old.id
    browser = browser_as("clerk")
    form = browser.get(f"/persons/{number}/export").forms["form"]
    form["reason"] = "本人来信"
    book = CalamineWorkbook.from_filelike(io.BytesIO(form.submit().body))
    cells = str([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])
    assert "示例甲" in cells and "表亲" in cells and "110105********002X" in cells and NUMBER not in cells
    page = browser.get(f"/persons/{number}/erase")
    assert "政府采购法实施条例 第九条" in page.text
    form = page.forms["erase"]
    form["reason"] = "本人来信"
    assert "1" in form.submit().follow().text
    with bare_app.app_context():
        assert db.session.get(Interest, goes) is None and db.session.get(Interest, stays) is not None
        # What must be kept names the person, so the name stays.
        kept = db.session.get(Person, number)
        assert kept.name == "示例甲" and kept.erased_on == today


def test_when_nothing_must_be_kept_nothing_names_the_person(app):
    with transaction():
        one = person(identity_number=NUMBER)
        old = declare_interest(
            one, world.organization(), "advice", clock.today() - timedelta(days=2000), by=SYSTEM
        )
        end_interest(old, clock.today() - timedelta(days=1500), by=SYSTEM)
        assert erase_person(one, reason="本人意愿", user=None, by=SYSTEM) == (1, 0)
        assert (one.name, one.phone, one.identity_masked, one.born_on) == ("***", "", "", None)
        assert person_of_identity(NUMBER) is None
        with pytest.raises(Refusal, match="No identity number"):
            reveal_identity(one, reason="核对", by=SYSTEM)


def test_everybody_sees_and_takes_along_what_is_kept_about_them(bare_app, browser_as):
    browser = browser_as("expert1")
    page = browser.get("/account").click("我的个人信息")
    assert "示例暖邻社区服务中心" in page.text and "政府采购法 第四十二条" in page.text
    answer = page.forms["own-export"].submit()
    assert answer.headers["Content-Type"].endswith("sheet")
    assert "示例专家甲" in str(
        CalamineWorkbook.from_filelike(io.BytesIO(answer.body)).get_sheet_by_index(0).to_python()
    )


def test_asking_whether_somebody_must_stand_back(bare_app, browser_as):
    with bare_app.app_context():
        number = world.user("expert1").person_id
    form = browser_as("clerk").get(f"/interests/person/{number}/check").forms["check"]
    form["organization"] = "示例暖邻社区服务中心"
    page = form.submit()
    assert "须回避" in page.text and "REX" in page.text
    form["organization"] = "示例企业甲"
    assert "未发现" in form.submit().text


# Tables that name a person and are told by the part of another table.
TOLD_ELSEWHERE = {
    "person": "a merged row only names the one that was kept",
    "party_facts": "its instructor is written from the posts of party workers",
    "liaison_receipt": "told with the liaison officer",
    "recusal": "told with the seat on the panel and the interest behind it",
    "excluded_person": "told with the score sheet or the kinship behind it",
}


def test_every_table_that_names_a_person_is_told_to_the_person(app):
    naming = {
        table.name
        for table in db.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "person.id" for key in column.foreign_keys)
    }
    told = {part.name for part in parts()}
    told |= {"volunteer"} if "guardian" in told else set()
    assert naming - told == set(TOLD_ELSEWHERE)


def _cells(login, browser_as):
    page = browser_as(login).get("/account").click("我的个人信息")
    book = CalamineWorkbook.from_filelike(io.BytesIO(page.forms["own-export"].submit().body))
    return page.text, str([book.get_sheet_by_name(name).to_python() for name in book.sheet_names])


def test_posts_checks_and_records_are_in_the_copy(bare_app, browser_as):
    today = clock.today()
    with bare_app.app_context(), transaction():
        one, body, clerk = world.user("expert1").person, world.organization(), world.user("clerk")
        appoint(body, one, "vice_chair", since=today, official="retired", birth_year=1960, approved_by="示例干部处", approval_document="示批1号", approved_on=today, by=clerk)  # fmt: skip
        check_candidate(
            body, one, "chair", answers={"age_in_limit": True}, checked_on=today, note="示例未通过", by=clerk
        )
        record_adverse(body.agency, one, "false_papers", entered_on=today, grounds="示例虚假材料", by=clerk)
        worker = add_worker(body.agency, one, source="retired", since=today, by=clerk)
        give_post(body, worker, "instructor", since=today, by=clerk)
        add_member(body, one, kind="full", since=today, by=clerk)
    seen, cells = _cells("expert1", browser_as)
    for words in ("副会长", "示批1号", "示例未通过", "年龄", "示例虚假材料", "指导员", "正式党员"):
        assert words in cells, words
    assert "副会长" in seen and "有无不良记录" not in seen
    # The unit that keeps the organization sees them on the person's page, another one does not.
    with bare_app.app_context():
        number = world.user("expert1").person_id
    assert "副会长" in browser_as("clerk").get(f"/persons/{number}").text
    for login in ("banner_clerk", "township_clerk"):
        browser_as(login).get(f"/persons/{number}", status=404)


def test_posts_and_checks_go_when_no_duty_holds_them(app):
    today = clock.today()
    with transaction():
        body, clerk = world.organization(), world.user("clerk")
        one = person()
        row = appoint(body, one, "director", since=today - timedelta(days=3000), birth_year=1960, by=clerk)
        good = dict.fromkeys(QUESTIONS, True)
        check = check_candidate(body, one, "director", answers=good, checked_on=today, by=clerk)

        def duties():
            return {
                part.name: [entry.duty is not None for entry in entries]
                for part, entries in holdings(one, None)
            }

        assert duties()["post"] == duties()["candidate_check"] == [True]
        assert erase_person(one, reason="本人意愿", user=None, by=SYSTEM)[0] == 0
        assert (row.person_id, check.person_id) == (one.id, one.id)
        # Ended, recusal asks for it for three years; the check is not needed any more.
        end_post(row, until=today - timedelta(days=1000), by=clerk)
        assert (duties()["post"], duties()["candidate_check"]) == ([True], [False])
        row.until = today - timedelta(days=1200)
        db.session.get_one(Interest, row.interest_id).until = row.until
        db.session.flush()
        assert duties()["post"] == [False]
        gone, stay = erase_person(one, reason="本人意愿", user=None, by=SYSTEM)
        assert (gone, stay) == (3, 0)
        db.session.refresh(row), db.session.refresh(check)
        assert one.name == row.person.name == check.person.name == "***"
        assert (row.post, row.birth_year, check.answers, check.note) == ("director", None, {}, "")
        assert one.id not in (row.person_id, check.person_id)


def _found(words: tuple[str, ...]) -> set[str]:
    """Every table and column of the whole database in which one of the words stands, however JSON writes it."""
    spelt = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    found = set()
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')).mappings():
            for column, value in row.items():
                told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
                if any(form in told for form in spelt):
                    found.add(f"{table.name}.{column}")
    return found


PHONE = "13977778888"


def _long_gone(*, older: bool) -> tuple[Person, int]:
    """Somebody whose posts, checks and membership nothing holds any more; ``older``: as earlier versions wrote it."""
    today, clerk, body = clock.today(), world.user("clerk"), world.organization()
    one = record_person("示例待删人", phone=PHONE, identity_number=NUMBER, by=SYSTEM)
    set_email(one, "gone@example.org", by=SYSTEM)
    now = clock.now()
    db.session.add(
        Mail(address=one.email, name=one.name, template="x", body=one.name, queued_at=now, due_at=now)
    )
    before = body.legal_representative
    facts = {name: getattr(body, name) for name in ("kind", "register_class", "name", "credit_code", "division_code", "registered_on", "host", "business_scope", "fields", "address", "phone")}  # fmt: skip
    edit_organization(body, **facts, legal_representative=one, by=clerk)
    edit_organization(body, **facts, legal_representative=before, by=clerk)
    row = appoint(body, one, "director", since=today - timedelta(days=3000), birth_year=1960, by=clerk)
    check_candidate(body, one, "vice_chair", answers={}, checked_on=today, note="示例年龄不符", by=clerk)
    end_post(row, until=today - timedelta(days=1000), by=clerk)
    member = add_member(body, one, kind="full", since=today - timedelta(days=3000), by=clerk)
    end_member(member, body, by=clerk)
    row.until = today - timedelta(days=1200)
    db.session.get_one(Interest, row.interest_id).until = row.until
    if older:
        for change in db.session.scalars(select(OrganizationChange)):
            change.old, change.new = (one.name if side == {"person": one.id} else side for side in (change.old, change.new))  # fmt: skip
        record(body, "appointed", by=clerk, details={"post": "director", "person": one.id, "note": one.name})
        record(body, "post_ended", by=clerk, details={"post": "director", "note": one.name})
    db.session.flush()
    return one, body.id


def test_after_the_erasure_nothing_in_the_database_names_the_person(app):
    with transaction():
        one, body = _long_gone(older=False)
        names = (one.name, PHONE, NUMBER, "1960", "110105********002X", "gone@example.org")
        assert "person.name" in _found(names)
        assert {"old", "new", "details"} & {place.split(".")[1] for place in _found((one.name,))} == set()
        gone, stay = erase_person(one, reason="本人意愿", user=None, by=SYSTEM)
        assert gone and stay == 0 and one.name == "***"
        assert _found(names[:3] + names[4:]) == set()
        assert verify() == []
        events = [
            event
            for event in trail_of(db.session.get_one(Organization, body))
            if event.event in ("appointed", "post_ended")
        ]
        assert [event.note for event in events] == ["***", "***"]


def test_what_older_versions_wrote_is_shown_nowhere_and_the_chain_still_proves(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        one, body = _long_gone(older=True)
        name = one.name
        namesake = record_person(name, phone="13966665555", by=SYSTEM)
        other = world.organization(SECOND)
        appoint(other, namesake, "director", since=clock.today(), by=world.user("clerk"))
        db.session.scalars(select(OrganizationChange).where(OrganizationChange.organization_id == other.id)).one().new = name  # fmt: skip
        erase_person(one, reason="本人意愿", user=None, by=SYSTEM)
        other_id = other.id
    with bare_app.app_context():
        # The namesake keeps the name; of the person only the entries under the hash have it, for nobody to read.
        assert _found((PHONE, NUMBER)) == set()
        rows = db.session.scalars(
            select(OrganizationChange).where(OrganizationChange.organization_id == body)
        ).all()
        assert rows and not [row for row in rows if name in (row.old, row.new)]
        assert _found((name,)) == {"person.name", "organization_change.new", "audit_entry.details"}
        assert verify() == []
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.object_type == "organization")).all()
        assert name not in as_csv(entries).decode("utf-8-sig")
    clerk, auditor = browser_as("clerk"), browser_as("auditor")
    for path in (
        f"/organizations/{body}",
        f"/organizations/{body}/particulars/changes",
        f"/organizations/{body}/leaders/",
    ):
        assert name not in clerk.get(path).text, path
    assert name not in auditor.get(f"/trail/organization/{body}").text
    assert name in clerk.get(f"/organizations/{other_id}/particulars/changes").text
