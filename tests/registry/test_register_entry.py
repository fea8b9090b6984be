"""The entry of an organization over time: three registers, history by field, verification that grows old."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from registry.organizations import services
from registry.organizations.models import FormerIdentity, Organization, OrganizationChange
from registry.organizations.queries import register_facts, stale_before, stale_organizations
from registry.organizations.rules import ROR_DEFAULTS, name_keys, register_findings, supervision_level
from registry.particulars.services import end_tag, give_tag, set_profile
from tests import world

CODE = world.credit_code("52", "150602", 77)


def make(**values):
    facts = {
        "agency": world.agency(), "kind": "social_service_agency", "name": "示例新芽服务中心", "credit_code": CODE,
        "division_code": "150602", "registered_on": date(2020, 1, 1), "by": world.user("clerk"),
    } | values  # fmt: skip
    return services.register_organization(**facts)


def filed(**values):
    return make(
        **(
            {
                "kind": "filed_community_so", "register_class": "filed", "credit_code": None, "registered_on": None,
                "division_code": "150602001", "name": "示例邻里合唱队",
            }
            | values
        )
    )  # fmt: skip


def failed(organization):
    findings = register_findings(register_facts(organization), on=clock.today())
    assert all(item.source and item.rule.startswith("ROR-") for item in findings)
    return {item.rule for item in findings if item.verdict is Verdict.FAIL}


def test_each_register_asks_for_its_own_fields_until_they_are_there(app):
    with transaction():
        clerk = world.user("clerk")
        registered = make()
        assert failed(registered) == {"ROR-2", "ROR-3", "ROR-4", "ROR-5", "ROR-6", "ROR-7", "ROR-8"}
        set_profile(
            registered,
            capital=Money.parse("30000"),
            certificate_from=date(2020, 1, 1),
            certificate_to=clock.today() - timedelta(days=1),
            charter_on=date(2020, 1, 1),
            supervising_unit="示例市民政局",
            by=clerk,
        )
        # The certificate ended yesterday.
        assert failed(registered) == {"ROR-2", "ROR-3", "ROR-4", "ROR-5"}
        community = filed(host=world.organization("示例童伴儿童关爱协会"))
        assert failed(community) == {"ROR-3", "ROR-4", "ROR-12", "ROR-13", "ROR-14", "ROR-16"}
        outside = make(
            name="示例外地机构",
            register_class="outside",
            credit_code=world.credit_code("52", "440300", 78),
            division_code="440300",
        )
        assert failed(outside) == {"ROR-3", "ROR-4", "ROR-22", "ROR-23", "ROR-24"}


def test_a_code_of_this_place_is_no_outside_organization_without_a_look(app):
    with transaction():
        near = make(
            name="示例本地机构", register_class="outside", credit_code=world.credit_code("52", "150602", 79)
        )
        found = {
            item.rule: item.verdict for item in register_findings(register_facts(near), on=clock.today())
        }
        assert found["ROR-21"] is Verdict.MANUAL


def test_a_filed_organization_that_registers_keeps_row_history_and_links(app):
    with transaction():
        clerk = world.user("clerk")
        host = world.organization("示例童伴儿童关爱协会")
        community = filed(host=host, community_type="culture")
        set_profile(community, member_count=40, by=clerk)
        number = community.id
        with pytest.raises(Refusal) as refused:
            services.upgrade_filed(
                community, kind="social_association", name="示例合唱协会", credit_code=CODE,
                registered_on=date(2024, 5, 6), division_code="150602", evidence="登记证书", by=clerk,
            )  # fmt: skip
        assert "51" in refused.value.sentence.english()
        services.upgrade_filed(
            community, kind="social_service_agency", name="示例合唱中心", credit_code=CODE,
            registered_on=date(2024, 5, 6), division_code="150602", evidence="示民登〔2024〕7号", by=clerk,
        )  # fmt: skip
    db.session.expire_all()
    after = db.session.get_one(Organization, number)
    assert (after.register_class, after.credit_code, after.host_id) == ("registered", CODE, None)
    assert after.profile.member_count == 40
    assert after.community_type == "culture"
    changes = {
        row.field: row
        for row in db.session.scalars(
            select(OrganizationChange).where(
                OrganizationChange.organization_id == number, OrganizationChange.source == "upgrade"
            )
        )
    }
    assert (changes["register_class"].old, changes["register_class"].new) == ("filed", "registered")
    assert changes["host_id"].old == host.name
    assert changes["credit_code"].evidence == "示民登〔2024〕7号"
    assert changes["credit_code"].changed_by == world.user("clerk").id
    former = db.session.scalars(select(FormerIdentity).where(FormerIdentity.organization_id == number)).all()
    assert [(row.kind, row.value) for row in former] == [("name", "示例邻里合唱队")]
    with transaction(), pytest.raises(Refusal):
        services.upgrade_filed(
            after, kind="social_service_agency", name="示例", credit_code=CODE, registered_on=date(2024, 5, 6),
            division_code="150602", evidence="again", by=world.user("clerk"),
        )  # fmt: skip


def test_every_changed_field_is_a_row_of_the_history_and_nothing_else(app):
    with transaction():
        clerk = world.user("clerk")
        one = make(phone="0477-1111111")
        before = db.session.query(OrganizationChange).count()
        services.edit_organization(
            one, by=clerk, evidence="证书", kind=one.kind, name=one.name, credit_code=one.credit_code,
            division_code=one.division_code, registered_on=one.registered_on, register_class="registered", host=None,
            legal_representative=None, business_scope="养老服务", fields=["elderly"], address="", phone="0477-2222222",
        )  # fmt: skip
        rows = db.session.scalars(
            select(OrganizationChange).where(OrganizationChange.organization_id == one.id)
        ).all()
        assert {(row.field, str(row.old), str(row.new)) for row in rows} == {
            ("business_scope", "", "养老服务"),
            ("fields", "[]", "['elderly']"),
            ("phone", "0477-1111111", "0477-2222222"),
        }
        assert db.session.query(OrganizationChange).count() == before + 3
        assert one.verified_by is None


def test_an_entry_grows_stale_and_another_person_confirms_it(app):
    with transaction():
        one = make()
        services.verify_organization(one, by=world.user("reviewer"))
        one.verified_on = clock.today() - timedelta(days=400)
        db.session.flush()
        reviewer = world.user("reviewer")
        stale = stale_organizations(reviewer, stale_before(ROR_DEFAULTS))
        assert [row.id for row in db.session.scalars(stale)] == [one.id]
        with pytest.raises(Refusal) as refused:
            services.confirm_unchanged(one, by=world.user("clerk"))
        assert refused.value.rule == "RAP-2"
        services.confirm_unchanged(one, by=reviewer, evidence="登记证书副本")
        assert one.verified_on == clock.today()
        assert list(db.session.scalars(stale)) == []


def test_only_a_social_association_becomes_a_federation_and_only_a_legal_person_a_hub(app):
    with transaction():
        clerk, today = world.user("clerk"), clock.today()
        with pytest.raises(Refusal) as refused:
            give_tag(make(), "federation", since=today, by=clerk)
        assert refused.value.rule == "ROR-9"
        federation = make(
            name="示例联合会", kind="social_association", credit_code=world.credit_code("51", "150602", 80)
        )
        tag = give_tag(federation, "federation", since=today - timedelta(days=9), by=clerk)
        with pytest.raises(Refusal):
            give_tag(federation, "federation", since=today, by=clerk)
        end_tag(tag, until=today, by=clerk)
        with pytest.raises(Refusal) as refused:
            give_tag(filed(), "hub", since=today, by=clerk)
        assert refused.value.rule == "ROR-42"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"detachment": "done"}, "day on which it was detached"),
        ({"detachment": "pending", "detached_on": date(2024, 1, 1)}, "day of detachment belongs"),
        (
            {"certificate_from": date(2024, 1, 2), "certificate_to": date(2024, 1, 1)},
            "certificate ends before",
        ),
        ({"capital": Money(-1)}, "capital cannot be below zero"),
    ],
)
def test_particulars_that_cannot_be_are_refused(app, facts, sentence):
    with transaction(), pytest.raises(Refusal) as refused:
        set_profile(make(), by=world.user("clerk"), **facts)
    assert sentence in refused.value.sentence.english()


def test_supervision_follows_the_class_and_is_close_when_something_stands_against_a_body():
    level = lambda *args, **values: supervision_level(*args, parameters=ROR_DEFAULTS, **values).facts["level"]  # noqa: E731
    assert level("filed", "normal", under_investigation=False) == "light"
    assert level("registered", "normal", under_investigation=False) == "standard"
    assert level("filed", "abnormal", under_investigation=False) == "close"
    assert level("registered", "normal", under_investigation=True) == "close"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("示例市晨光社会工作服务中心", "晨光社工服务站"),
        ("示例东旗暖邻社区服务中心", "暖邻（示例）志愿者协会"),
        ("示例东旗城关镇夕阳红合唱队", "夕阳红合唱社"),
    ],
)
def test_names_without_division_and_form_are_the_same(one, other):
    assert name_keys(one) == name_keys(other)


def test_a_name_that_sounds_the_same_has_the_same_sound_only():
    assert name_keys("夕阳红老年协会")[1] == name_keys("夕阳虹老年协会")[1]
    assert name_keys("夕阳红老年协会")[0] != name_keys("夕阳虹老年协会")[0]
    assert name_keys("社区协会")[0] == "社区"
    assert name_keys("会")[0] == "会"
