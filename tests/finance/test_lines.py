"""Budget lines: every cap at its boundary, stated rates, uses never paid for, and what a voucher may be."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.db import transaction
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.rules.services import add_rule_set
from core.text import Message
from finance.funds.policy import LOTTERY
from finance.lines.queries import caps
from finance.lines.rules import (
    CAPPED,
    LINE_DEFAULTS,
    LINES,
    PROGRAMME_DEFAULTS,
    SOURCES,
    TREE,
    USES,
    LineFacts,
    VoucherFacts,
    budget,
    stated_rate,
    transfer_finding,
    voucher,
)
from projects.spending.models import Expense
from projects.spending.services import add_expense
from tests import world
from tests.projects import road

CAP = Money.yuan(100_000)


def checked(lines: list[LineFacts], *, fund_kind: str = "", **values: Any) -> dict[str, list[Finding]]:
    total = sum((line.grant for line in lines), Money(0))
    found: dict[str, list[Finding]] = {}
    for item in budget(total, Money(0), CAP, lines, {**LINE_DEFAULTS, **values}, fund_kind=fund_kind):
        found.setdefault(item.rule, []).append(item)
    return found


def line(code: str, yuan: str, basis: str = "") -> LineFacts:
    return LineFacts(code, Money.yuan(yuan), Money(0), basis)


def test_every_line_stands_once_in_the_tree() -> None:
    assert sorted(code for group in TREE for code in group.lines) == sorted(LINES)
    assert {code for _rule, code, *_rest in CAPPED} <= set(LINES)


@given(
    st.dictionaries(st.sampled_from(sorted(LINES)), st.integers(1, 10**7), min_size=1),
    st.sampled_from(CAPPED),
    st.decimals(0, 100, places=2, allow_nan=False),
)
def test_the_shares_against_whole_numbers(grants, capped, limit) -> None:
    """The engine compares ratios; this oracle multiplies whole fen by hundredths of a percent."""
    rule, code, key, _title = capped
    found = checked(
        [LineFacts(name, Money(fen), Money(0)) for name, fen in grants.items()], **{key: str(limit)}
    )
    within = grants.get(code, 0) * 10_000 <= sum(grants.values()) * int(limit * 100)
    assert (found[rule][0].verdict is Verdict.PASS) == within
    assert found[rule][0].source


@pytest.mark.parametrize(("staff", "verdict"), [("60", Verdict.PASS), ("59.99", Verdict.FAIL)])
def test_a_service_contract_pays_mostly_the_people_who_serve(staff, verdict) -> None:
    values = PROGRAMME_DEFAULTS["service_purchase"]
    rest = Money.yuan(100) - Money.yuan(staff)
    lines = [line("staff_cost", staff), LineFacts("supplies", rest, Money(0))]
    found = checked(lines, **values)
    assert found["RBL-STAFFMIN"][0].verdict is verdict
    assert found["RBL-STAFF"][0].verdict is Verdict.PASS
    assert "RBL-STAFFMIN" not in checked(lines)


@pytest.mark.parametrize(
    ("basis", "rate"),
    [
        ("20人×5天，100元/人/天", "100"),
        ("每次 800 元／半天，共6次", "800"),
        ("100.5元/天；120元/人·天", "120"),
        ("志愿者20人", None),
        ("预算2000元", None),
    ],
)
def test_a_rate_is_read_from_what_the_line_says(basis, rate) -> None:
    assert stated_rate(basis) == (Money.yuan(rate) if rate else None)


def test_stated_rates_are_held_to_the_programme() -> None:
    good = [
        line("volunteer_allowance", "500", "100元/人/天"),
        line("insurance", "10"),
        line("supplies", "9490"),
    ]
    found = checked(good)
    assert found["RBL-VOLDAY"][0].verdict is Verdict.PASS and found["RBL-INS"][0].verdict is Verdict.PASS
    bad = [line("volunteer_allowance", "500", "100.01元/人/天"), line("expert_fee", "500", "801元/半天")]
    found = checked(bad)
    assert found["RBL-VOLDAY"][0].verdict is Verdict.FAIL and found["RBL-EXPERT"][0].verdict is Verdict.FAIL
    assert found["RBL-INS"][0].verdict is Verdict.NOT_APPLICABLE
    assert "RBL-INS" not in checked(bad, insurance_flag=False)


def test_uses_never_paid_for_are_found_in_words_and_a_programme_chooses_its_list() -> None:
    for basis, rule in (
        ("购置固定资产：投影仪", "RBL-FORBID"),
        ("发放慰问金", "RBL-FORBID"),
        ("借调在编人员补贴", "RBL-ADMIN"),
    ):
        found = checked([line("other", "100", basis)])
        assert [item.verdict for item in found[rule]] == [Verdict.FAIL] and found[rule][0].source
    trip = [line("other", "100", "外出考察")]
    assert checked(trip)["RBL-FORBID"][0].verdict is Verdict.PASS
    assert checked(trip, forbidden=["travel"])["RBL-FORBID"][0].verdict is Verdict.FAIL


def test_the_lottery_forbids_its_own_uses_besides() -> None:
    lines = [line("other", "100", "公务接待费")]
    assert all(rule.startswith("RBL") for rule in checked(lines))
    found = checked(lines, fund_kind=LOTTERY)
    assert found["RLF-2b"][0].verdict is Verdict.FAIL


def test_every_rule_that_can_fail_names_its_source() -> None:
    assert all(SOURCES.values()) and all(use.source for use in USES.values())


@given(planned=st.integers(0, 10**8), spent=st.integers(0, 2 * 10**8), limit=st.integers(0, 100))
def test_a_line_may_be_exceeded_by_its_tolerance_and_no_fen_more(planned, spent, limit) -> None:
    finding = transfer_finding(Message("venue"), Money(planned), Money(spent), {"line_transfer": str(limit)})
    if spent <= planned:
        assert finding is None
        return
    tolerance = Money(planned).share(Fraction(limit, 100)).fen
    assert finding is not None
    assert (finding.verdict is Verdict.MANUAL) == (planned > 0 and spent - planned <= tolerance)


def facts(**changes: Any) -> VoucherFacts:
    base: dict[str, Any] = {
        "line": "venue", "label": Message("venue"), "budget": Money.yuan(1000), "spent": Money.yuan(500),
        "amount": Money.yuan(500), "purpose": "活动场地", "means": "transfer", "invoice_title": "示例中心",
        "titles": ["示例中心", "示例联合会"], "units": None, "has_file": True,
    }  # fmt: skip
    return VoucherFacts(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, None),
        ({"invoice_title": "示例联合会"}, None),
        ({"invoice_title": ""}, None),
        ({"invoice_title": "示例商店"}, "RBL-TITLE"),
        ({"means": "cash", "amount": Money.yuan(1000)}, None),
        ({"means": "cash", "amount": Money.yuan("1000.01")}, "RBL-CASH"),
        ({"line": "volunteer_allowance", "units": 5, "amount": Money.yuan(500)}, None),
        ({"line": "volunteer_allowance", "units": 5, "amount": Money.yuan("500.01")}, "RBL-VOLDAY"),
        ({"line": "expert_fee", "units": 1, "amount": Money.yuan("800.01")}, "RBL-EXPERT"),
        ({"line": "staff_cost", "has_file": False}, "RBL-LIST"),
        ({"purpose": "发放红包"}, "RBL-FORBID"),
        ({"spent": Money.yuan("1000.01")}, "RBL-LINE"),
    ],
)
def test_a_voucher_at_each_boundary(changes, rule) -> None:
    found = voucher(facts(**changes), LINE_DEFAULTS)
    assert [item.rule for item in found] == ([rule] if rule else [])
    assert all(item.source for item in found)


def test_caps_are_data_of_place_programme_and_day(app) -> None:
    today = clock.today()
    with transaction():
        add_rule_set(
            "RBL",
            {"staff_max": "40", "volunteer_day": 80},
            valid_from=today,
            source="示例市公益创投办法",
            jurisdiction="150600",
            programme="venture_grant",
        )
    here = caps(jurisdiction="150602", programme="venture_grant", on=today)
    assert (here["staff_max"], here["volunteer_day"]) == ("40", 80) and "示例市公益创投办法" in here.source
    before = caps(jurisdiction="150602", programme="venture_grant", on=today - timedelta(days=1))
    assert before["staff_max"] == "30"
    bought = caps(jurisdiction="150602", programme="service_purchase", on=today)
    assert (bought["staff_min"], bought["management_max"]) == ("60", "15")


def test_findings_stay_with_the_voucher_and_forbidden_uses_are_not_booked(app) -> None:
    with transaction():
        project = road.running()
        base = {
            "line_code": "venue", "spent_on": clock.today(), "payee": "示例商店", "by": world.user("operator"),
        }  # fmt: skip
        with pytest.raises(Refusal, match="does not pay for"):
            add_expense(project, amount=Money.yuan(10), voucher_number="F1", purpose="慰问金", **base)
        row = add_expense(
            project, amount=Money.yuan("1000.01"), voucher_number="F2", purpose="场地", means="cash",
            invoice_title="示例商店", **base,
        )  # fmt: skip
        assert [item["rule"] for item in row.findings] == ["RBL-TITLE", "RBL-CASH"]


def test_no_voucher_of_lottery_money_pays_what_the_lottery_never_pays(app) -> None:
    with transaction():
        project = road.running()
        source = project.agreement.commitment.shares[0].earmark.budget.fund_source
        base = {
            "line_code": "venue", "spent_on": clock.today(), "payee": "示例饭店", "amount": Money.yuan(10),
            "by": world.user("operator"),
        }  # fmt: skip
        source.kind, source.tier = "general_public_budget", ""
        assert add_expense(project, voucher_number="F1", purpose="公务接待费", **base).findings == []
        source.kind, source.tier = LOTTERY, "city"
        with pytest.raises(Refusal, match="lottery money may not have") as refusal:
            add_expense(project, voucher_number="F2", purpose="公务接待费", **base)
        assert refusal.value.rule == "RLF-2b" and "第六条" in refusal.value.source


def test_the_page_of_lines_and_a_voucher_booked_with_findings(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        number = road.running().id
    page = browser_as("clerk").get("/lines/")
    assert "6.72%" in page.text and "RBL-FORBID" in page.text
    assert "60%" in browser_as("so_leader").get("/lines/?programme=service_purchase").text
    operator = browser_as("operator")
    form = operator.get(f"/projects/{number}/spending/new").forms["expense"]
    form["line_code"], form["amount"], form["payee"], form["voucher_number"] = (
        "venue",
        "2000",
        "示例商店",
        "F9",
    )
    form["purpose"], form["means"] = "发放红包", "cash"
    page = form.submit(status=422)
    assert "不得列支" in page.text
    page.forms["expense"]["purpose"] = "活动场地"
    page = page.forms["expense"].submit().follow()
    assert "现金支付超限" in page.text
    with bare_app.app_context():
        assert Expense.query.one().means == "cash"
