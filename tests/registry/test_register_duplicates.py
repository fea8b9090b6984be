"""Two entries become one: every link moves, nothing is lost, two people decide."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.queries import verify
from core.db import db, transaction
from registry.credit.services import record_entry
from registry.duplicates import queries, services
from registry.duplicates.models import OrganizationMerge, SimilarPair
from registry.governance.services import appoint, record_term
from registry.hubs.services import join
from registry.organizations.models import FormerIdentity, Inspection, Organization
from registry.organizations.services import record_grade, record_inspection, register_organization
from registry.particulars.services import give_tag, record_staff
from registry.persons.services import record_person
from tests import world


def make(name, serial=None, **values):
    filed = serial is None
    facts = {
        "agency": world.agency(), "kind": "filed_community_so" if filed else "social_service_agency",
        "name": name, "credit_code": None if filed else world.credit_code("52", "150602", serial),
        "register_class": "filed" if filed else "registered", "division_code": "150602001" if filed else "150602",
        "registered_on": None if filed else date(2020, 1, 1), "by": world.user("clerk"),
    } | values  # fmt: skip
    return register_organization(**facts)


def pairs():
    return {
        (pair.first.name, pair.second.name, pair.reason)
        for pair in db.session.scalars(queries.visible_pairs(world.user("clerk")))
    }


def test_similar_names_are_found_as_they_come_and_anew_for_the_whole_register(app):
    with transaction():
        make("示例市晨光社会工作服务中心", 301)
        make("晨光社工队")
        make("晨广志愿队")
        # Two counties have a federation of the same bare name: two registries, two bodies.
        make("示例东旗阳光协会", 302)
        make(
            "示例西旗阳光协会",
            303,
            division_code="150603",
            credit_code=world.credit_code("52", "150603", 303),
        )
    expected = {
        ("示例市晨光社会工作服务中心", "晨光社工队", "name"),
        ("示例市晨光社会工作服务中心", "晨广志愿队", "sound"),
        ("晨光社工队", "晨广志愿队", "sound"),
    }
    assert pairs() == expected
    with transaction():
        dismissed = db.session.scalars(queries.visible_pairs(world.user("clerk"))).first()
        services.dismiss(dismissed, note="两个地址", by=world.user("clerk"))
        kept = (dismissed.first.name, dismissed.second.name, dismissed.reason)
        db.session.execute(Organization.__table__.update().values(name_key="", sound_key=""))
        assert sum(1 for _ in iter(lambda: services.fill_keys(size=3), [])) > 1
        list(services.find_all_pairs(size=1))
    assert pairs() == expected - {kept}


def test_a_pair_with_a_strangers_entry_is_not_seen(app):
    with transaction():
        make("晨光社工队")
        make("晨光志愿社", agency=world.agency("示例西旗民政局"))
    assert len(pairs()) == 1
    assert db.session.scalars(queries.visible_pairs(world.user("banner_clerk"))).all() == []


def join_them(kept, gone):
    merge = services.propose_merge(kept, gone, reason="同一组织", by=world.user("clerk"))
    services.confirm_merge(merge, by=world.user("reviewer"))
    return merge


def test_everything_that_names_the_entry_names_the_other_afterwards(app):
    clerk, today = world.user("clerk"), clock.today()
    with transaction():
        kept, gone = make("晨光社会工作服务中心", 311), make("晨光社工队")
        hub = make("示例枢纽中心", 312)
        give_tag(hub, "hub", since=today - timedelta(days=9), by=clerk)
        person = record_person("示例甲", phone="13611111111", by=clerk)
        for body in (kept, gone):
            record_inspection(body, today.year - 1, "qualified" if body is kept else "basic", by=clerk)
            record_staff(body, today.year - 1, full_time=3, by=clerk)
            term = record_term(body, "council", 1, date(2024, 1, 1), date(2027, 1, 1), by=clerk)
            appoint(body, person, "chair", since=date(2024, 1, 1), term=term, by=clerk)
        record_grade(gone, 3, date(2024, 1, 1), date(2028, 1, 1), by=clerk)
        # Grades of projects stand beside each other; of a list one period is open at a time.
        for body in (kept, gone):
            record_entry(
                body, "project_grade", entered_on=date(2025, 1, 1), grounds="项目", grade="good", by=clerk
            )
        join(hub, gone, "member", since=today, by=clerk)
        gone_id, kept_id = gone.id, kept.id
        before = {
            link.name: count(link, gone_id) + count(link, kept_id) for link in queries.organization_links()
        }
        merge = join_them(kept, gone)
    db.session.expire_all()
    aside = {name: len(rows) for name, rows in merge.set_aside.items()}
    assert aside == {"organization": 1, "inspection": 1, "staff_count": 1, "term": 1}
    assert merge.set_aside["inspection"][0]["result"] == "basic"
    for link in queries.organization_links():
        assert count(link, gone_id) == 0, link.name
    # Each row is with the kept entry or, whole, with the record of the join. The join itself adds rows of its own.
    own = {
        "former_identity.organization_id", "organization_change.organization_id", "organization_merge.kept_id",
        "organization.host_id",
    }  # fmt: skip
    for name, number in before.items():
        table = name.partition(".")[0]
        now = next(count(link, kept_id) for link in queries.organization_links() if link.name == name)
        if name not in own:
            assert now + aside.get(table, 0) == number, name
    assert db.session.get(Organization, gone_id) is None
    assert [row.result for row in db.session.scalars(select(Inspection).where(Inspection.organization_id == kept_id))] == ["qualified"]  # fmt: skip
    former = {(row.kind, row.value) for row in db.session.scalars(select(FormerIdentity).where(FormerIdentity.organization_id == kept_id))}  # fmt: skip
    assert former == {("name", "晨光社工队"), ("number", str(gone_id))}
    assert verify() == []
    events = db.session.scalars(
        select(AuditEntry.event).where(
            AuditEntry.object_type == "organization", AuditEntry.object_id == gone_id
        )
    ).all()
    assert events[-1] == "merged_away"


def count(link, number):
    return db.session.scalar(select(func.count()).select_from(link.table).where(link.column == number))


def test_the_number_of_a_joined_entry_is_never_given_again(app):
    with transaction():
        kept, gone = make("晨光社会工作服务中心", 321), make("晨光社工队")
        number = gone.id
        join_them(kept, gone)
    with transaction():
        assert make("示例后来者服务队").id > number


def test_one_person_does_not_join_alone_and_the_database_says_so_too(app):
    with transaction():
        kept, gone = make("晨光社会工作服务中心", 331), make("晨光社工队")
        merge = services.propose_merge(kept, gone, reason="同一组织", by=world.user("clerk"))
        with pytest.raises(Refusal):
            services.confirm_merge(merge, by=world.user("clerk"))
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(
            OrganizationMerge.__table__.update().values(state="confirmed", decided_by=world.user("clerk").id)
        )


def test_what_shows_two_bodies_is_not_joined(app):
    with transaction():
        kept, gone = make("晨光社会工作服务中心", 341), make("晨光社工队")
        gone.host_id = kept.id
        db.session.flush()
        with pytest.raises(Refusal) as refused:
            services.propose_merge(kept, gone, reason="同一组织", by=world.user("clerk"))
        assert refused.value.rule == "RDU-1"
        gone.host_id = None
        with pytest.raises(Refusal) as refused:
            services.propose_merge(gone, kept, reason="同一组织", by=world.user("clerk"))
        assert "credit code" in refused.value.sentence.english()


def test_a_join_is_seen_compared_and_confirmed_on_its_pages(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        kept, gone = make("晨光社会工作服务中心", 351), make("晨光社工队", phone="0477-8588228")
        kept_id, gone_id = kept.id, gone.id
    clerk = browser_as("clerk")
    page = clerk.get("/duplicates/").click("比对")
    page.forms["merge"]["reason"] = "同一地址同一负责人"
    page = page.forms["merge"].submit().follow()
    path = page.request.path
    assert "decide" in page.forms
    reviewer = browser_as("reviewer")
    done = reviewer.get(path).forms["decide"].submit().follow()
    assert "已合并" in done.text
    assert "0477-8588228" in reviewer.get(f"/organizations/{kept_id}").text
    # An old link leads to the entry that stayed.
    assert reviewer.get(f"/organizations/{gone_id}", status=301).location.endswith(
        f"/organizations/{kept_id}"
    )
    browser_as("township_clerk").get(path, status=404)
    browser_as("township_clerk").get(f"/organizations/{gone_id}", status=404)


def test_a_pair_needs_two_entries_in_order(app):
    with pytest.raises(IntegrityError), transaction():
        one, two = make("晨光社工队"), make("晨光合唱社")
        db.session.execute(SimilarPair.__table__.delete())
        db.session.add(
            SimilarPair(
                agency_id=one.agency_id,
                other_agency_id=one.agency_id,
                first_id=two.id,
                second_id=one.id,
                reason="name",
            )
        )
        db.session.flush()
