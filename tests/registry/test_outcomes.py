"""Outcomes: three people decide, running projects are held, an entry closes when nothing is open."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.text import Message
from finance.commitments.queries import open_holds
from finance.commitments.services import commit, end
from registry.duplicates.models import OrganizationMerge
from registry.governance.models import Post
from registry.hubs.queries import memberships
from registry.hubs.services import join, leave, serve
from registry.organizations.models import Inspection, Organization, OrganizationChange, OrganizationTag
from registry.organizations.services import set_status
from registry.outcomes import queries, services
from registry.outcomes.models import OutcomeCase
from registry.outcomes.rules import missed_years
from registry.particulars.services import give_tag
from registry.proof.queries import checks
from tests import world
from tests.finance.money import make_earmark

TODAY_LATER = {"liquidator": "示例清算组", "liquidator_phone": "13612345678"}


def dormant() -> Organization:
    one = world.organization()
    db.session.query(Inspection).filter(
        Inspection.organization_id == one.id, Inspection.year >= clock.today().year - 2
    ).delete()
    db.session.expire(one)
    return one


def proposed(one, outcome="deregistered", ground="zombie"):
    return services.propose(
        one, outcome, ground=ground, facts="两年未参加年检，已多次提醒", document="示民函〔2026〕3号",
        liquidation_until=clock.today() + timedelta(days=90), by=world.user("clerk"), **TODAY_LATER,
    )  # fmt: skip


def decided(case):
    services.review(case, by=world.user("reviewer"))
    services.decide(case, by=world.user("leader"))


def test_a_body_is_wound_up_by_three_people_and_its_payments_stop_until_it_is_settled(app):
    with transaction():
        one = dormant()
        commitment = running(one)
        case = proposed(one)
        with pytest.raises(Refusal):
            services.review(case, by=world.user("clerk"))
        decided(case)
        assert one.status == "liquidating"
        assert [hold.reason for hold in open_holds(commitment)] == ["outcome"]
        told = {Message.from_dict(item["text"]).english(): item["count"] for item in case.consequences}
        assert told["Commitments on which payments were stopped"] == 1
        with pytest.raises(Refusal) as refused:
            services.close(case, by=world.user("clerk"))
        assert refused.value.rule == "ROU-4"
        end(commitment, on=clock.today(), by=world.user("clerk"))
        services.close(case, note="清算报告", by=world.user("clerk"))
        assert (one.status, case.state, case.closed_on) == ("deregistered", "closed", clock.today())
        changes = db.session.query(OrganizationChange).filter_by(organization_id=one.id, field="status").all()
        assert [(row.old, row.new, row.source) for row in changes] == [
            ("normal", "liquidating", "outcome"),
            ("liquidating", "deregistered", "outcome"),
        ]


def running(one):
    return commit(
        make_earmark(), organization=one, number="示例-01", title="示例项目", track="venture_grant",
        amount=Money.parse("8000"), starts_on=clock.today(), ends_on=clock.today() + timedelta(days=90),
        tranches=[(1, "首款", "signed")], from_reservation=False, by=world.user("finance"),
    )  # fmt: skip


def test_a_reactivated_body_is_paid_again(app):
    with transaction():
        one = dormant()
        commitment = running(one)
        set_status(one, "abnormal", under_investigation=True, reason="未年检", by=world.user("clerk"))
        revoked = proposed(one, "revoked")
        services.drop(revoked, reason="补交年报", by=world.user("reviewer"))
        decided(proposed(one, "reactivated", ground="abnormal"))
        assert (one.status, one.under_investigation) == ("normal", False)
        assert open_holds(commitment) == []


def test_the_register_must_bear_out_the_ground_and_only_an_outcome_closes_an_entry(app):
    with transaction():
        one = world.organization()
        with pytest.raises(Refusal) as refused:
            proposed(one)
        assert refused.value.rule == "ROU-1"
        with pytest.raises(Refusal) as refused:
            services.propose(one, "revoked", ground="violation", facts="违法", by=world.user("clerk"))
        assert refused.value.rule == "ROU-5"
        for status in ("deregistered", "revoked", "liquidating"):
            with pytest.raises(Refusal) as refused:
                set_status(one, status, under_investigation=False, reason="x", by=world.user("clerk"))
            assert refused.value.rule == "ROR-43"
        proposed(one, ground="own_wish")
        with pytest.raises(Refusal):
            proposed(one, ground="own_wish")


def test_the_database_refuses_one_person_in_two_places(app):
    with transaction():
        proposed(dormant())
    with pytest.raises(IntegrityError), transaction():
        db.session.query(OutcomeCase).update({"reviewed_by": world.user("clerk").id})


@given(
    st.dictionaries(st.integers(2014, 2025), st.sampled_from(["qualified", "basic", "failed", "missing"])),
    st.integers(2010, 2026),
)
def test_missed_years_are_those_at_the_end_without_a_result(results, registered):
    found = missed_years(results, registered_on=date(registered, 5, 1), on=date(2026, 6, 1))
    # Counted another way: walk forwards and forget whenever the body took part.
    expected: list[int] = []
    for year in range(max(registered + 1, 2016), 2026):
        taken = results.get(year, "missing") != "missing"
        expected = [] if taken else [year, *expected]
    assert found == expected


def test_the_pages_lead_three_people_through_a_case(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        number = dormant().id
    form = browser_as("clerk").get(f"/outcomes/new/{number}").forms["case"]
    form["outcome"], form["ground"], form["facts"] = "revoked", "zombie", "两年未年检"
    wrong = form.submit(expect_errors=True)
    assert "清算组" in wrong.text
    assert wrong.forms["case"]["facts"].value == "两年未年检"
    wrong.forms["case"]["liquidator"] = "示例清算组"
    path = wrong.forms["case"].submit().follow().request.path
    assert "step" not in browser_as("leader").get(path).forms
    browser_as("reviewer").get(path).forms["step"].submit()
    done = browser_as("leader").get(path).forms["step"].submit().follow()
    assert "清算中" in done.text
    with bare_app.app_context():
        assert db.session.get(Organization, number).status == "revoked"
    browser_as("township_clerk").get(path, status=404)
    # The organization reads what was decided about it.
    assert "示例清算组" in browser_as("so_leader").get(path).text
    browser_as("so_leader2").get(path, status=404)


def test_what_a_decision_stopped_opens_to_its_rows(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        one = dormant()
        commitment = running(one)
        case = proposed(one)
        decided(case)
        number, path = commitment.id, f"/outcomes/{case.id}"
        assert [(item["of"], item["count"], item["rows"]) for item in case.consequences] == [
            ("commitments", 1, [number]),
            ("projects", 0, []),
        ]
    page = browser_as("clerk").get(path)
    assert page.click("示例-01 示例项目").request.path == f"/commitments/{number}"
    with bare_app.app_context():
        # Who may not open a row is shown no link to it.
        stranger = world.user("township_clerk")
        found = db.session.get(OutcomeCase, int(path.rsplit("/", 1)[1]))
        assert [(measure.count, measure.rows) for measure in queries.measures(found, stranger)] == [
            (1, []),
            (0, []),
        ]


def test_a_hub_takes_members_of_its_department_and_notes_what_it_does(app, browser_as):
    clerk, today = world.user("clerk"), clock.today()
    with transaction():
        hub, member = world.organization("示例童伴儿童关爱协会"), world.organization()
        with pytest.raises(Refusal) as refused:
            join(hub, member, "member", since=today, by=clerk)
        assert refused.value.rule == "RHB-1"
        give_tag(hub, "hub", since=today - timedelta(days=400), by=clerk)
        row = join(hub, member, "member", since=today - timedelta(days=5), by=clerk)
        with pytest.raises(Refusal):
            join(hub, member, "served", since=today, by=clerk)
        serve(hub, member, "training", done_on=today, text="财务培训", by=world.user("operator3"))
        leave(row, until=today - timedelta(days=1), by=clerk)
        with pytest.raises(Refusal) as refused:
            serve(hub, member, "training", done_on=today, text="财务培训", by=clerk)
        assert refused.value.rule == "RHB-2"
        assert db.session.scalars(memberships(hub, on=today)).all() == []


def test_the_people_of_a_hub_keep_its_members_and_no_stranger_does(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        hub = world.organization("示例童伴儿童关爱协会")
        give_tag(hub, "hub", since=clock.today(), by=world.user("clerk"))
        number = hub.id
    own = browser_as("so_leader3")
    # Its people are led to its workspace by the menu; those of other organizations have no such entry.
    home = own.get("/organizations/own").maybe_follow()
    assert home.click("本枢纽成员", index=0).follow().request.path == f"/hubs/{number}"
    assert "本枢纽成员" not in browser_as("so_leader2").get("/organizations/own").maybe_follow().text
    form = own.get(f"/hubs/{number}/join").forms["record"]
    form["member"] = "示例没有此组织"
    wrong = form.submit(expect_errors=True)
    assert wrong.status_int == 422
    assert "名册中没有" in wrong.text
    wrong.forms["record"]["member"] = "示例暖邻社区服务中心"
    page = wrong.forms["record"].submit().follow()
    shown = page.click("示例暖邻社区服务中心")
    note = shown.click("登记服务").forms["record"]
    note["kind"], note["text"] = "guidance", "项目书辅导"
    assert "项目书辅导" in note.submit().follow().text
    browser_as("so_leader2").get(f"/hubs/{number}", status=404)
    browser_as("township_clerk").get(f"/hubs/{number}", status=404)
    listed = browser_as("clerk").get("/hubs/").text
    assert "示例童伴儿童关爱协会" in listed
    assert "示例夕阳红为老服务中心" not in listed


PLANTED = {
    "outcome-missing": lambda one: setattr(one, "status", "liquidating"),
    "filed-with-code": lambda one: setattr(one, "register_class", "filed"),
    "federation": lambda one: db.session.add(
        OrganizationTag(organization_id=one.id, tag="federation", since=clock.today())
    ),
    "post-interest": lambda one: db.session.add(
        Post(organization_id=one.id, person_id=one.legal_representative_id, post="chair", since=clock.today())
    ),
    "official-post": lambda one: db.session.add(
        Post(
            organization_id=one.id, person_id=one.legal_representative_id, post="chair", since=clock.today(),
            until=clock.today(), official="serving",
        )
    ),
    "joined-entry": lambda one: db.session.add(
        OrganizationMerge(
            agency_id=one.agency_id, kept_id=world.organization("示例童伴儿童关爱协会").id, gone_id=one.id,
            gone_name="x", reason="x", state="confirmed", proposed_by=world.user("clerk").id,
            proposed_at=clock.now(), decided_by=world.user("reviewer").id,
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_the_proof_of_the_register_names_each_planted_break(app, name):
    with transaction():
        PLANTED[name](world.organization())
    assert [check.name for check in checks() if any(True for _ in check.broken())] == [name]


def test_the_proof_names_a_case_that_its_standing_denies(app):
    with transaction():
        one = dormant()
        decided(proposed(one))
        db.session.query(Organization).filter_by(id=one.id).update({"status": "normal"})
    assert [check.name for check in checks() if any(True for _ in check.broken())] == ["outcome-standing"]
