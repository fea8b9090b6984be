"""Eligibility and budget rules at their boundaries."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money
from core.rules.rules import Finding, Verdict
from finance.lines.rules import (
    CAPPED,
    LINES,
    RBL_DEFAULTS,
    LineFacts,
    budget,
    percent_beside,
    share_limit,
)
from grants.applications.rules import (
    ApplicantFacts,
    CreditFact,
    add_months,
    eligibility,
    last_inspected_year,
)
from grants.calls.rules import REL_DEFAULTS, announced

ON = date(2026, 6, 15)
GOOD = ApplicantFacts(
    kind="social_service_agency",
    register_class="registered",
    credit_code="52150602MJ0000017X",
    status="normal",
    registered_on=date(2019, 6, 12),
    inspections={2023: "qualified", 2024: "qualified", 2025: "qualified"},
    grades=[(3, date(2024, 1, 1), date(2028, 12, 31))],
    full_members=3,
    party_org="sole",
    party_in_charter=True,
    business_scope="社区居家养老服务",
)


def verdicts(
    facts: ApplicantFacts = GOOD, *, committed: bool = True, most: int = 1, **values: object
) -> dict[str, Verdict]:
    found = eligibility(
        facts,
        {**REL_DEFAULTS, **values},
        applied_on=ON,
        on=ON,
        max_applications=most,
        party_committed=committed,
        rule_set="REL test",
    )
    return {item.rule: item.verdict for item in found}


def changed(**facts: object) -> ApplicantFacts:
    return dataclasses.replace(GOOD, **facts)  # type: ignore[arg-type]


def test_a_good_applicant_only_needs_a_person_for_the_scope() -> None:
    found = verdicts()
    assert {rule for rule, verdict in found.items() if verdict is Verdict.FAIL} == set()
    assert {rule for rule, verdict in found.items() if verdict is Verdict.MANUAL} == {"E10"}
    assert set(found) >= {
        "E1",
        "E2",
        "E3",
        "E4",
        "E5",
        "E6",
        "E7",
        "E8",
        "E9",
        "E13",
        "E14",
        "E16",
        "E17",
        "E20",
    }


def test_each_finding_names_its_source_and_survives_storage() -> None:
    found = eligibility(
        GOOD, REL_DEFAULTS, applied_on=ON, on=ON, max_applications=1, party_committed=True, rule_set="REL v1"
    )
    for item in found:
        assert item.source and item.rule_set == "REL v1"
        assert Finding.from_dict(item.to_dict()) == item


@pytest.mark.parametrize(
    ("facts", "rule", "verdict"),
    [
        (changed(register_class="filed", credit_code=None), "E1", Verdict.FAIL),
        (changed(register_class="filed", credit_code=None, has_host=True), "E1", Verdict.MANUAL),
        (changed(kind="enterprise", credit_code="91150602MJ0000017X"), "E2", Verdict.FAIL),
        (changed(credit_code="12150602MJ0000017X"), "E2", Verdict.FAIL),
        (changed(status="revoked"), "E2", Verdict.FAIL),
        (changed(registered_on=date(2025, 6, 15)), "E3", Verdict.PASS),
        (changed(registered_on=date(2025, 6, 16)), "E3", Verdict.FAIL),
        (changed(registered_on=None), "E3", Verdict.MANUAL),
        (changed(inspections={2025: "basic"}), "E4", Verdict.PASS),
        (changed(inspections={2025: "failed"}), "E4", Verdict.FAIL),
        (changed(inspections={2025: "missing"}), "E4", Verdict.FAIL),
        (changed(inspections={2024: "qualified"}), "E4", Verdict.MANUAL),
        (changed(registered_on=date(2025, 3, 1), inspections={}), "E4", Verdict.NOT_APPLICABLE),
        (changed(under_investigation=True), "E8", Verdict.FAIL),
        (changed(applications_in_call=2), "E13", Verdict.FAIL),
        (changed(running=["助餐项目"]), "E14", Verdict.MANUAL),
        (changed(party_org="none"), "E17", Verdict.MANUAL),
        (changed(party_org="none", full_members=2), "E17", Verdict.PASS),
        (changed(inspections={2025: "missing", 2024: "qualified"}), "E20", Verdict.PASS),
        (changed(inspections={2025: "missing", 2024: "missing"}), "E20", Verdict.FAIL),
    ],
)
def test_facts_decide(facts: ApplicantFacts, rule: str, verdict: Verdict) -> None:
    assert verdicts(facts)[rule] is verdict


def test_without_the_commitment_party_building_fails() -> None:
    assert verdicts(committed=False)["E17"] is Verdict.FAIL
    assert verdicts(changed(party_org="none"), party_org_blocks=True)["E17"] is Verdict.FAIL


@pytest.mark.parametrize(
    ("minimum", "verdict"),
    [(0, Verdict.NOT_APPLICABLE), (3, Verdict.PASS), (4, Verdict.FAIL)],
)
def test_a_minimum_grade_is_asked_only_where_set(minimum: int, verdict: Verdict) -> None:
    assert verdicts(min_grade=minimum)["E9"] is verdict


def test_an_expired_grade_does_not_count() -> None:
    facts = changed(grades=[(5, date(2020, 1, 1), ON - timedelta(days=1))])
    assert verdicts(facts, min_grade=3)["E9"] is Verdict.FAIL
    facts = changed(grades=[(5, date(2020, 1, 1), ON)])
    assert verdicts(facts, min_grade=3)["E9"] is Verdict.PASS


@pytest.mark.parametrize(
    ("rule", "kind", "months"),
    [("E5", "abnormal_list", 12), ("E6", "dishonesty_list", 24)],
)
def test_lists_block_while_on_them_and_for_months_after(rule: str, kind: str, months: int) -> None:
    def judged(entered: date, removed: date | None) -> Verdict:
        return verdicts(changed(credit=[CreditFact(kind, entered, removed)]))[rule]

    long_ago = date(2015, 1, 1)
    free = add_months(ON, -months)
    assert judged(long_ago, None) is Verdict.FAIL
    assert judged(long_ago, free) is Verdict.PASS
    assert judged(long_ago, free + timedelta(days=1)) is Verdict.FAIL
    # What is entered later does not count on that day.
    assert judged(ON + timedelta(days=1), None) is Verdict.PASS


@pytest.mark.parametrize(
    ("rule", "kind"),
    [("E7", "major_violation"), ("E16", "project_failed"), ("E16", "commitment_breach")],
)
def test_bars_last_their_months(rule: str, kind: str) -> None:
    entered = add_months(ON, -36)
    assert verdicts(changed(credit=[CreditFact(kind, entered)]))[rule] is Verdict.PASS
    assert verdicts(changed(credit=[CreditFact(kind, entered + timedelta(days=1))]))[rule] is Verdict.FAIL
    assert (
        verdicts(
            changed(credit=[CreditFact(kind, entered + timedelta(days=1))]),
            ban_months=12,
            violation_months=12,
        )[rule]
        is Verdict.PASS
    )


def test_inspections_of_a_year_close_at_the_end_of_may() -> None:
    assert last_inspected_year(date(2026, 5, 31)) == 2024
    assert last_inspected_year(date(2026, 6, 1)) == 2025


@given(st.dates(date(2000, 1, 1), date(2090, 12, 31)), st.integers(0, 240))
def test_months_keep_the_day_or_end_at_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@given(st.dates(date(2000, 1, 1), ON), st.integers(0, 60))
def test_age_passes_exactly_when_the_months_are_complete(registered: date, months: int) -> None:
    passed = verdicts(changed(registered_on=registered), registered_months=months)["E3"] is Verdict.PASS
    assert passed == (add_months(registered, months) <= ON)


CAP = Money.yuan("100000")


def lines_of(**grants: str) -> list[LineFacts]:
    return [LineFacts(code, Money.yuan(amount), Money(0)) for code, amount in grants.items()]


def checks(requested: str, lines: list[LineFacts], **values: object) -> dict[str, Verdict]:
    found = budget(Money.yuan(requested), Money(0), CAP, lines, {**RBL_DEFAULTS, **values})
    return {item.rule: item.verdict for item in found}


def test_a_budget_within_every_cap_passes() -> None:
    found = checks(
        "100000",
        lines_of(
            staff_cost="30000",
            management="10000",
            taxes="6720",
            volunteer_allowance="15000",
            publicity="10000",
            supplies="28280",
        ),
    )
    assert set(found.values()) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("rule", "code", "limit"),
    [
        ("RBL-STAFF", "staff_cost", "30000.01"),
        ("RBL-MGT", "management", "10000.01"),
        ("RBL-TAX", "taxes", "6720.01"),
        ("RBL-VOL", "volunteer_allowance", "15000.01"),
        ("RBL-PUB", "publicity", "10000.01"),
    ],
)
def test_a_fen_too_much_fails(rule: str, code: str, limit: str) -> None:
    rest = Money.yuan("100000") - Money.yuan(limit)
    lines = [*lines_of(**{code: limit}), LineFacts("supplies", rest, Money(0))]
    found = checks("100000", lines)
    assert {name for name, verdict in found.items() if verdict is Verdict.FAIL} == {rule}


def test_the_cap_and_the_sum_are_exact() -> None:
    assert checks("100000", lines_of(supplies="100000"))["RBL-CAP"] is Verdict.PASS
    assert checks("100000.01", lines_of(supplies="100000.01"))["RBL-CAP"] is Verdict.FAIL
    assert checks("50000", lines_of(supplies="49999.99"))["RBL-SUM"] is Verdict.FAIL
    assert checks("0", [])["RBL-SUM"] is Verdict.FAIL


def test_forbidden_and_unknown_lines_fail() -> None:
    for code in ("fixed_assets", "reception", "invented"):
        assert checks("100", lines_of(**{code: "100"}))["RBL-FORBID"] is Verdict.FAIL


@given(
    st.dictionaries(st.sampled_from(sorted(LINES)), st.integers(0, 10**7), min_size=1),
    st.integers(0, 10**7),
    st.sampled_from([code for _rule, code, _key, _title in CAPPED]),
    st.decimals(0, 100, places=2, allow_nan=False),
)
def test_shares_fail_exactly_above_their_limit(
    grants: dict[str, int], requested: int, code: str, limit: object
) -> None:
    key, rule = next((key, rule) for rule, line, key, _title in CAPPED if line == code)
    found = budget(
        Money(requested),
        Money(0),
        CAP,
        [LineFacts(name, Money(fen), Money(0)) for name, fen in grants.items()],
        {**RBL_DEFAULTS, key: str(limit)},
    )
    finding = next(item for item in found if item.rule == rule)
    amount = grants.get(code, 0)
    within = amount * 10000 <= requested * int(Fraction(str(limit)) * 100)
    assert (finding.verdict is Verdict.PASS) == within
    summed = next(item for item in found if item.rule == "RBL-SUM")
    assert (summed.verdict is Verdict.PASS) == (sum(grants.values()) == requested and requested > 0)


@given(st.fractions(0, 1, max_denominator=10**6), st.sampled_from(["30", "6.72", "15"]))
def test_a_share_above_its_limit_never_reads_like_it(ratio: Fraction, limit: str) -> None:
    maximum = share_limit(limit)
    shown = percent_beside(ratio, maximum)
    if ratio != maximum:
        assert shown.rstrip("%").rstrip("0").rstrip(".") != limit


def test_the_announced_rules_are_those_that_are_checked() -> None:
    shown = {item.rule for item in announced({**REL_DEFAULTS, **RBL_DEFAULTS}, max_applications=1)}
    assert set(verdicts()) <= shown
    assert {rule for rule, *_rest in CAPPED} <= shown
