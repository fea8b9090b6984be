"""Awards of the register: asked for by a call, and bonus points that no expert gives."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.rules.rules import Finding, Verdict
from grants.applications.queries import bonuses
from grants.applications.rules import ApplicantFacts, award_bonus, eligibility
from grants.applications.services import findings_for
from grants.calls.queries import rules_of
from grants.calls.rules import RAW_DEFAULTS, REL_DEFAULTS, announced, awards_announced
from registry.particulars.rules import RANKS, HonourFact
from registry.particulars.services import record_honour, revoke_honour
from tests import world
from tests.grants import stage
from tests.grants.oracle_bonus import bonus_points

ON = date(2026, 6, 15)
POINTS = {f"bonus_{level}": worth for level, worth in zip(RANKS, (0, 1, 2, 3, 5), strict=True)}


def fact(number: int = 1, level: str = "city", **changes: object) -> HonourFact:
    told = {
        "kind": "award",
        "title": "示例先进社会组织",
        "given_by": "示例市民政局",
        "given_on": date(2025, 5, 1),
    }
    return HonourFact(id=number, level=level, **{**told, **changes})  # type: ignore[arg-type]


def award_finding(*honours: HonourFact, **values: object) -> Finding | None:
    facts = ApplicantFacts(
        kind="social_service_agency", register_class="registered", credit_code="52150602MJ0000017X", status="normal",
        registered_on=date(2019, 6, 12), honours=honours,
    )  # fmt: skip
    asked = {"award_kind": "award", "award_level": "city", "award_years": 3, **values}
    found = eligibility(
        facts, {**REL_DEFAULTS, **asked}, applied_on=ON, on=ON, max_applications=1, party_committed=True
    )
    return next((item for item in found if item.rule == "E23"), None)


def test_a_call_that_asks_for_no_award_says_nothing_of_awards():
    assert award_finding(fact(), award_level="none") is None
    values = {**REL_DEFAULTS, **RAW_DEFAULTS}
    assert awards_announced(values) == []
    assert award_bonus([fact()], values, on=ON).points == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"given_on": ON}, None),
        ({"given_on": date(2023, 6, 15)}, None),
        ({"valid_to": ON}, None),
        ({"given_on": date(2023, 6, 14)}, "too long ago"),
        ({"given_on": ON + timedelta(days=1)}, "after the application"),
        ({"valid_to": ON - timedelta(days=1)}, "in force no more"),
        ({"level": "county"}, "too low"),
        ({"kind": "brand"}, "another kind"),
        ({"revoked_on": ON + timedelta(days=9)}, "taken back"),
    ],
)
def test_the_finding_names_the_award_or_what_is_missing(changes, reason):
    finding = award_finding(fact(**changes))
    assert finding is not None and Finding.from_dict(finding.to_dict()) == finding
    sentence = finding.sentence.english()
    assert "示例先进社会组织" in sentence and finding.source
    if reason is None:
        assert finding.verdict is Verdict.PASS and finding.facts == {"honours": [1]}
    else:
        assert finding.verdict is Verdict.FAIL and reason in sentence
        assert "registration authority" in sentence


def test_without_any_award_the_finding_says_how_to_mend_it():
    finding = award_finding()
    assert finding is not None and finding.verdict is Verdict.FAIL
    assert "knows no brand and no award" in finding.sentence.english()


HONOURS = st.builds(
    fact,
    number=st.integers(1, 50),
    level=st.sampled_from(RANKS),
    kind=st.sampled_from(("brand", "award")),
    given_on=st.dates(ON - timedelta(days=1200), ON + timedelta(days=5)),
    valid_to=st.none() | st.dates(ON - timedelta(days=5), ON + timedelta(days=5)),
    revoked_on=st.none() | st.just(ON),
)


@settings(deadline=None, max_examples=150)
@given(
    honours=st.lists(HONOURS, max_size=6),
    kind=st.sampled_from(("any", "brand", "award")),
    years=st.integers(0, 4),
    cap=st.integers(0, 12),
)
def test_the_points_agree_with_a_second_computation(honours, kind, years, cap):
    values = {**RAW_DEFAULTS, **POINTS, "bonus_kind": kind, "bonus_years": years, "bonus_cap": cap}
    bonus = award_bonus(honours, values, on=ON)
    assert bonus.points == bonus_points(honours, POINTS, kind=kind, years=years, cap=cap, on=ON)
    assert bonus.points <= cap * 100 and bonus.points <= bonus.full
    assert sum(item["points"] for item in bonus.awards) == bonus.full
    assert {item["id"] for item in bonus.awards} <= {item.id for item in honours}


def give(level: str = "city", days: int = 30, name: str = "示例暖邻社区服务中心"):
    return record_honour(
        world.organization(name), kind="award", title="示例先进社会组织", level=level, given_by="示例市民政局",
        given_on=clock.today() - timedelta(days=days), by=world.user("clerk"),
    )  # fmt: skip


def test_a_published_call_checks_the_award_against_the_register(app):
    with transaction():
        call = stage.published(rules={"award_level": "city", "award_kind": "award", "award_years": 1})
        row = stage.application(call)

        def verdict() -> Verdict:
            return next(item for item in findings_for(row, on=clock.today()) if item.rule == "E23").verdict

        assert verdict() is Verdict.FAIL
        honour = give()
        assert verdict() is Verdict.PASS
        revoke_honour(honour, revoked_on=clock.today(), reason="示例市民政局撤销决定", by=world.user("clerk"))
        assert verdict() is Verdict.FAIL
        rules = announced(rules_of(call), max_applications=1)
        assert any(rule.rule == "E23" and rule.source for rule in rules)


def test_points_follow_the_register_on_the_day_of_the_deadline(app):
    with transaction():
        call = stage.published(rules={"bonus_city": 2, "bonus_county": 1, "bonus_cap": 2})
        row = stage.application(call)
        assert bonuses(call, [row]) == {}
        first = give()
        give("county")
        give("national")
        found = bonuses(call, [row])[row.id]
        assert (found.points, found.full) == (200, 300)
        assert [item["level"] for item in found.awards] == ["city", "county"]
        revoke_honour(first, revoked_on=clock.today(), reason="示例撤销", by=world.user("clerk"))
        assert bonuses(call, [row])[row.id].points == 100


def test_points_need_their_sum_and_a_purchase_rests_on_no_award(app):
    with transaction() as session:
        fields = stage.call_fields(
            earmark=stage.earmark(amount="50000"), project_cap=stage.Money.yuan("20000")
        )
        clerk = world.user("clerk")

        def draft(programme: str, **rules: object) -> None:
            with session.begin_nested():
                stage.calls.draft_call(world.agency(), programme=programme, by=clerk, **fields, rules=rules)

        with pytest.raises(Refusal, match="at most 1"):
            draft("venture_grant", bonus_city=2, bonus_cap=1)
        for rules in ({"award_level": "city"}, {"bonus_city": 2, "bonus_cap": 2}):
            with pytest.raises(Refusal, match="purchase") as refused:
                draft("service_purchase", **rules)
            assert "第二十条" in str(refused.value.source)
        draft("venture_grant", award_level="city", bonus_city=2, bonus_cap=2)


def test_an_award_is_taken_back_once_with_its_reason(app):
    with transaction():
        honour, clerk = give(), world.user("clerk")
        for day, reason in ((clock.today(), " "), (clock.today() + timedelta(days=1), "示例"), (honour.given_on - timedelta(days=1), "示例")):  # fmt: skip
            with pytest.raises(Refusal):
                revoke_honour(honour, revoked_on=day, reason=reason, by=clerk)
        revoke_honour(honour, revoked_on=clock.today(), reason="示例撤销", by=clerk)
        with pytest.raises(Refusal, match="already"):
            revoke_honour(honour, revoked_on=clock.today(), reason="示例撤销", by=clerk)


def test_the_form_of_a_call_keeps_and_refuses_points(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        number = stage.draft().id
        honour = give()
        root = f"/organizations/{honour.organization_id}/particulars"
        revoke = f"{root}/honour/{honour.id}/revoke"
    clerk = browser_as("clerk")
    form = clerk.get(f"/calls/{number}/edit").forms["call"]
    form["bonus_city"] = "3"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and page.forms["call"]["bonus_city"].value == "3"
    form = page.forms["call"]
    form["bonus_cap"], form["award_level"], form["award_years"] = "5", "county", "2"
    form.submit().follow().mustcontain("RAW", "E23")
    with bare_app.app_context():
        rules = db.session.get_one(stage.Call, number).rules
        assert (rules["bonus_city"], rules["bonus_cap"], rules["award_level"], rules["award_years"]) == (
            3,
            5,
            "county",
            2,
        )
    form = clerk.get(f"{root}/").click(href=revoke).forms["record"]
    assert form.submit(expect_errors=True).status_int == 422
    form["reason"] = "示例市民政局撤销决定"
    form.submit().follow().mustcontain("示例市民政局撤销决定")
    assert browser_as("banner_clerk").get(revoke, expect_errors=True).status_int == 404
