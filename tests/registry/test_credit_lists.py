"""Periods of a list, what is due for one, the way on and off, and one answer for page and application."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from grants.applications.rules import ApplicantFacts, eligibility
from grants.calls.rules import REL_DEFAULTS
from registry.credit import queries, services
from registry.credit.models import LISTS, AdverseRecord, CreditEntry, CreditProposal, CreditRemoval
from registry.credit.rules import (
    CREDIT_DEFAULTS,
    STANDING_DEFAULTS,
    AdverseFact,
    CreditFact,
    StandingFacts,
    consequences,
    due_for_dishonesty,
    due_for_dormancy,
    overlaps,
    standing,
)
from registry.organizations.models import Inspection
from registry.organizations.services import record_inspection
from tests import world

ON = date(2026, 6, 15)
periods = st.tuples(st.integers(0, 59), st.none() | st.integers(0, 40)).map(
    lambda it: (ON - timedelta(it[0]), None if it[1] is None else ON - timedelta(it[0] - it[1]))
)


def _days(period, horizon=date(2026, 9, 1)):
    since, until = period
    return {since + timedelta(days=step) for step in range(((until or horizon) - since).days)}


@settings(max_examples=60)
@given(periods, periods)
def test_periods_overlap_when_they_share_a_day(first, second):
    assert overlaps(first, second) == bool(_days(first) & _days(second))


@pytest.mark.parametrize("kind", LISTS)
def test_the_database_refuses_two_periods_of_one_list_that_overlap(bare_app, kind):
    start = date(2024, 3, 1)
    with bare_app.app_context():
        identity = world.organization().id

        def enter(since, until):
            with transaction() as session:
                session.add(
                    CreditEntry(
                        organization_id=identity,
                        kind=kind,
                        entered_on=since,
                        removed_on=until,
                        grounds="示例",
                    )
                )

        enter(start, start + timedelta(days=100))
        # One that was removed on the day it was made never held; one that begins as the other ends is free.
        enter(start + timedelta(days=10), start + timedelta(days=10))
        enter(start + timedelta(days=100), start + timedelta(days=120))
        for since, until in ((99, None), (-5, 1), (20, 30), (119, 200)):
            with pytest.raises(IntegrityError):
                enter(
                    start + timedelta(days=since),
                    None if until is None else start + timedelta(days=until),
                )
        assert db.session.execute(queries.overlapping_periods()).all() == []
        # The service says it in words.
        with pytest.raises(Refusal, match="already"), transaction():
            services.record_entry(
                world.organization(), kind, entered_on=start + timedelta(days=110), grounds="示例", by=SYSTEM
            )


def test_the_proof_of_the_register_names_what_is_broken(bare_app):
    today = clock.today()
    with bare_app.app_context(), transaction() as session:
        organization = world.organization()
        entry = CreditEntry(
            organization_id=organization.id,
            kind="dishonesty_list",
            entered_on=date(2001, 1, 1),
            grounds="示例",
        )
        session.add(entry)
        session.flush()
        clerk, reviewer = world.user("clerk").id, world.user("reviewer").id
        session.add(
            CreditRemoval(
                agency_id=organization.agency_id,
                entry_id=entry.id,
                reason="示例",
                state="granted",
                applied_by=clerk,
                applied_on=today,
                examined_by=clerk,
                decided_by=reviewer,
                decided_on=today,
            )
        )
        session.add(
            CreditProposal(
                agency_id=organization.agency_id, organization_id=organization.id, kind="zombie_list", finding={},
                grounds="示例", state="confirmed", proposed_by=clerk, proposed_on=today, decided_by=reviewer,
            )
        )  # fmt: skip
    told = bare_app.test_cli_runner().invoke(args=["registry", "check"])
    assert told.exit_code == 1
    for name in ("credit-too-early", "credit-removal", "credit-proposal"):
        assert f"{name}: 示例暖邻社区服务中心" in told.output
    assert "credit-overlap" not in told.output


def test_an_entry_goes_off_by_application_and_three_people(app):
    with transaction():
        entry = services.record_entry(
            world.organization(), "abnormal_list", entered_on=clock.today() - timedelta(days=30), grounds="示例",
            by=world.user("clerk"),
        )  # fmt: skip
        removal = services.apply_for_removal(entry, reason="已整改", by=world.user("so_leader"))
        identity = removal.id
    with pytest.raises(Refusal, match="under way"), transaction():
        services.apply_for_removal(
            db.session.get_one(CreditRemoval, identity).entry, reason="再次", by=world.user("clerk")
        )
    for step in (services.grant_removal, services.refuse_removal):
        with pytest.raises(Refusal), transaction():
            step(db.session.get_one(CreditRemoval, identity), note="直接", by=world.user("reviewer"))
    with transaction():
        services.examine_removal(
            db.session.get_one(CreditRemoval, identity), opinion="属实", by=world.user("clerk")
        )
    for step, who in ((services.verify_removal, "clerk"), (services.grant_removal, "leader")):
        with pytest.raises(Refusal), transaction():
            step(db.session.get_one(CreditRemoval, identity), by=world.user(who))
    with transaction():
        services.verify_removal(db.session.get_one(CreditRemoval, identity), by=world.user("reviewer"))
    with pytest.raises(Refusal), transaction():
        services.grant_removal(db.session.get_one(CreditRemoval, identity), by=world.user("reviewer"))
    with transaction():
        services.grant_removal(db.session.get_one(CreditRemoval, identity), by=world.user("leader"))
    row = db.session.get_one(CreditRemoval, identity)
    assert row.state == "granted" and row.entry.removed_on == clock.today()
    with pytest.raises(IntegrityError), transaction() as session:
        session.get_one(CreditRemoval, identity).decided_by = row.examined_by
    with pytest.raises(IntegrityError), transaction() as session:
        session.get_one(CreditRemoval, identity).decided_by = row.verified_by


def test_a_dormant_body_is_found_proposed_and_confirmed(app):
    last = clock.today().year - 1
    with transaction() as session:
        organization = world.organization()
        for row in session.scalars(select(Inspection).where(Inspection.organization_id == organization.id)):
            row.result = "missing"
    clerk, reviewer = world.user("clerk"), world.user("reviewer")
    (organization, kind, finding) = next(
        item for item in queries.due_entries(clerk) if item[1] == "zombie_list"
    )
    assert organization.name == world.organization().name and finding.rule == "E20" and finding.source
    assert str(last - 1) in finding.numbers.english()
    assert not queries.due_entries(world.user("banner_clerk"))
    with transaction():
        made = services.propose_entry(organization, kind, finding=finding, grounds="示例", by=clerk).id
    assert not [item for item in queries.due_entries(clerk) if item[1] == "zombie_list"]
    with pytest.raises(Refusal), transaction():
        services.confirm_proposal(db.session.get_one(CreditProposal, made), by=clerk)
    for who in (reviewer, world.user("leader")):
        with pytest.raises(Refusal), transaction():
            services.confirm_proposal(db.session.get_one(CreditProposal, made), by=who)
    with transaction():
        services.review_proposal(db.session.get_one(CreditProposal, made), by=reviewer)
    assert not [item for item in queries.due_entries(clerk) if item[1] == "zombie_list"]
    with pytest.raises(Refusal), transaction():
        services.propose_entry(organization, kind, finding=finding, grounds="示例", by=clerk)
    with pytest.raises(IntegrityError), transaction() as session:
        row = session.get_one(CreditProposal, made)
        row.decided_by = row.reviewed_by
    with transaction():
        services.confirm_proposal(db.session.get_one(CreditProposal, made), by=world.user("leader"))
    found = standing(
        queries.standing_facts(world.organization()), STANDING_DEFAULTS, on=clock.today(), applied_on=clock.today()
    )  # fmt: skip
    assert found["E20"].verdict is Verdict.FAIL
    assert not [item for item in queries.due_entries(clerk) if item[1] == "zombie_list"]


def test_who_has_no_result_on_record_is_not_accused(app):
    """A list that was brought in names no results: that says nothing of the organizations on it."""
    clerk = world.user("clerk")
    with transaction() as session:
        organization = world.organization()
        session.execute(Inspection.__table__.delete().where(Inspection.organization_id == organization.id))
        before = queries.without_results(clerk).number
        assert before >= 1 and not [
            item
            for item in queries.due_entries(clerk)
            if item[1] == "zombie_list" and item[0] is organization
        ]
        organization.register_class = "outside"
        session.flush()
        assert queries.without_results(clerk).number == before - 1
        organization.register_class = "registered"
        record_inspection(organization, clock.today().year - 3, "missing", by=clerk)
        assert queries.without_results(clerk).number == before - 1
        assert [
            item
            for item in queries.due_entries(clerk)
            if item[1] == "zombie_list" and item[0] is organization
        ]


def _facts(*credit, **more):
    return StandingFacts(credit=credit, registered_on=date(2015, 1, 1), **more)


@pytest.mark.parametrize(
    ("credit", "rule"),
    [
        ([CreditFact("abnormal_list", date(2024, 6, 15))], "C1"),
        ([CreditFact("abnormal_list", date(2024, 6, 16))], None),
        ([CreditFact("abnormal_list", date(2020, 6, 15), date(2023, 1, 1))], None),
        ([CreditFact("penalty", date(2026, 1, 1), None, "fine", Money.yuan("50000"))], "C2"),
        ([CreditFact("penalty", date(2026, 1, 1), None, "fine", Money.yuan("49999.99"))], None),
        ([CreditFact("penalty", date(2026, 1, 1), None, "warning"), CreditFact("penalty", date(2023, 6, 16), None, "warning")], "C3"),
        ([CreditFact("penalty", date(2026, 1, 1), None, "warning"), CreditFact("penalty", date(2023, 6, 15), None, "warning")], None),
        ([CreditFact("penalty", date(2026, 1, 1), None, "suspension")], "C4"),
        # On the list already, or it led there once.
        ([CreditFact("penalty", date(2026, 1, 1), None, "suspension"), CreditFact("dishonesty_list", date(2026, 2, 1))], None),
        ([CreditFact("penalty", date(2022, 1, 1), None, "suspension"), CreditFact("dishonesty_list", date(2022, 2, 1), date(2024, 3, 1))], None),
    ],
)  # fmt: skip
def test_what_leads_to_serious_dishonesty(credit, rule):
    found = due_for_dishonesty(_facts(*credit), CREDIT_DEFAULTS, on=ON)
    assert (found.rule if found else None) == rule
    assert found is None or found.source


@pytest.mark.parametrize(
    ("inspections", "credit", "due"),
    [
        ({}, [], True),
        ({2025: "missing", 2024: "missing"}, [], True),
        ({2025: "missing", 2024: "qualified"}, [], False),
        ({2025: "failed"}, [], False),
        ({}, [CreditFact("project_grade", date(2025, 1, 1))], False),
        ({}, [CreditFact("project_grade", date(2024, 6, 15))], True),
        ({}, [CreditFact("zombie_list", date(2025, 1, 1))], False),
    ],
)
def test_what_makes_a_body_dormant(inspections, credit, due):
    facts = _facts(*credit, inspections=inspections)
    assert (due_for_dormancy(facts, 2, on=ON) is not None) == due
    assert due_for_dormancy(StandingFacts(registered_on=date(2024, 2, 1)), 2, on=ON) is None


def test_lists_say_what_they_forbid():
    facts = _facts(
        CreditFact("dishonesty_list", date(2026, 1, 1)),
        CreditFact("abnormal_list", date(2020, 1, 1), date(2021, 1, 1)),
    )
    ((kind, since, keys),) = consequences(facts, CREDIT_DEFAULTS, on=ON)
    assert (kind, since) == ("dishonesty_list", date(2026, 1, 1))
    assert {"no_funding", "no_purchase", "no_honours"} <= set(keys)
    assert consequences(facts, CREDIT_DEFAULTS, on=date(2022, 1, 1)) == []


APPLICANT = ApplicantFacts(
    kind="social_service_agency",
    register_class="registered",
    credit_code="52150602MJ0000017X",
    status="normal",
    registered_on=date(2015, 1, 1),
)
entries = st.lists(
    st.builds(
        lambda kind, since, length: CreditFact(kind, since, None if length is None else since + timedelta(days=length)),
        st.sampled_from(("abnormal_list", "dishonesty_list", "zombie_list", "major_violation", "project_failed", "commitment_breach")),
        st.dates(date(2021, 1, 1), ON),
        st.none() | st.integers(0, 900),
    ),
    max_size=4,
)  # fmt: skip


@settings(max_examples=60)
@given(entries, st.booleans(), st.sampled_from((date(2024, 6, 15), ON)))
def test_the_page_and_an_application_get_one_answer(credit, investigated, on):
    """An application finds against its applicant exactly what the page of that day finds."""
    facts = StandingFacts(under_investigation=investigated, credit=credit)
    told = {rule: (item.verdict, item.sentence) for rule, item in standing(facts, STANDING_DEFAULTS, on=on, applied_on=on).items()}  # fmt: skip
    asked = eligibility(
        ApplicantFacts(**{**{name: getattr(APPLICANT, name) for name in APPLICANT.__slots__}, "credit": credit, "under_investigation": investigated}),
        REL_DEFAULTS, applied_on=on, on=on, max_applications=1, party_committed=True,
    )  # fmt: skip
    assert {item.rule: (item.verdict, item.sentence) for item in asked if item.rule in told} == told


def test_an_adverse_record_follows_the_person(app):
    today = clock.today()
    with transaction():
        leader = world.organization().legal_representative
        made = services.record_adverse(
            world.agency("示例东旗民政局"), leader, "illegal_body", entered_on=today, grounds="示例",
            by=world.user("banner_clerk"),
        ).id  # fmt: skip

    def judged(**values):
        facts = queries.standing_facts(world.organization())
        return standing(facts, {**STANDING_DEFAULTS, **values}, on=today, applied_on=today)["E22"].verdict

    assert judged() is Verdict.MANUAL and judged(adverse_blocks=True) is Verdict.FAIL
    assert judged(adverse_months=0) is Verdict.PASS
    with pytest.raises(Refusal), transaction():
        services.remove_adverse(
            db.session.get_one(AdverseRecord, made), reason="误登", by=world.user("banner_clerk")
        )
    with transaction():
        services.remove_adverse(
            db.session.get_one(AdverseRecord, made), reason="误登", by=world.user("reviewer")
        )
    assert judged() is Verdict.PASS
    record = AdverseFact("project_leader", "示例", "other", date(2026, 1, 1))
    found = standing(_facts(adverse=[record]), STANDING_DEFAULTS, on=ON, applied_on=ON)["E22"]
    assert "project leader" in found.sentence.english()


def test_a_penalty_names_itself_and_a_fine_its_amount(app):
    for facts in (
        {"kind": "penalty"},
        {"kind": "penalty", "penalty": "fine"},
        {"kind": "penalty", "penalty": "warning", "fine": Money.yuan("10")},
        {"kind": "major_violation", "penalty": "warning"},
    ):
        with pytest.raises(Refusal), transaction():
            services.record_entry(
                world.organization(), entered_on=clock.today(), grounds="示例", by=SYSTEM, **facts
            )


def test_the_pages_of_the_lists(bare_app, browser_as):
    today = clock.today()
    with bare_app.app_context(), transaction():
        organization = world.organization()
        services.record_entry(
            organization, "abnormal_list", entered_on=clock.add_months(today, -25), grounds="连续未报年报", by=SYSTEM
        )  # fmt: skip
        identity = organization.id
    browser = browser_as("clerk")
    assert "连续未报年报" in browser.get("/credit/lists?kind=abnormal_list&standing=open").text
    assert "连续未报年报" not in browser_as("township_clerk").get("/credit/lists").text
    page = browser.get("/credit/due")
    assert "满 2 年" in page.text
    form = page.click(href=f"/of/{identity}/propose/dishonesty_list").forms["proposal"]
    address = form.submit().location
    assert "decide" not in browser.get(address).forms
    for who in ("reviewer", "leader"):
        page = browser_as(who).get(address)
        page.forms["decide"].submit().follow()
        assert "decide" not in browser_as(who).get(address).forms
    standing_page = browser_as("operator").get(f"/credit/of/{identity}/standing")
    assert "不给予资金资助" in standing_page.text and "E6" in standing_page.text
    before = clock.add_months(today, -26).isoformat()
    assert "没有限制申报的信用情形" in browser.get(f"/credit/of/{identity}/standing?on={before}").text
    browser.get(f"/credit/of/{identity}/standing?on=nonsense", status=404)
    browser_as("operator2").get(f"/credit/of/{identity}/standing", status=404)
    form = browser.get("/credit/adverse/new").forms["adverse"]
    form["name"], form["phone"], form["grounds"] = "示例某人", "13800000009", "发起非法组织"
    form["entered_on"], form["organization"] = today.isoformat(), "不存在的组织"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and page.forms["adverse"]["name"].value == "示例某人"
    page.forms["adverse"]["organization"] = ""
    assert "示例某人" in page.forms["adverse"].submit().follow().text
    page = browser_as("reviewer").get("/credit/adverse").click(href="/end")
    page.forms["end"]["reason"] = "查无实据"
    assert "已移出" in page.forms["end"].submit().follow().text
