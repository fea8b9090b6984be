"""Plans of lottery money and the accounts of its tiers: what is refused, what counts, who steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from finance.announcements.policy import account_findings
from finance.announcements.queries import spending_rows, spent_in_year, tier_year
from finance.announcements.services import enter_year
from finance.commitments.services import commit
from finance.disbursements.services import approve, mark_paid, release, request_disbursement, review
from finance.funds.models import FundSource
from finance.funds.services import approve_budget, create_source, earmark, enter_budget, release_earmark
from finance.lottery import policy, queries, rules
from finance.lottery.models import LotteryPlan, LotteryPlanLine, LotteryYear
from finance.lottery.services import Line, approve_plan, review_plan, revise_plan, save_lines, send_back
from tests import world
from tests.finance.lottery import LINES, draft, in_force, line, planned_budget, strict
from tests.finance.money import TRANCHES, make_account, make_budget

Browser = Callable[[str], TestApp]
YEAR = clock.today().year


def failed(lines: object, **parameters: object) -> set[str]:
    """The rules a plan with these lines breaks."""
    strict(**parameters)
    plan = draft(make_budget().fund_source, lines)
    return {item.rule for item in policy.findings_of(plan) if item.verdict is Verdict.FAIL}


def paid_project(
    budget, amount: str, *, purpose: str = "elderly", number: str = "P-1", paid_on: date | None = None
):
    """A commitment from the budget whose first tranche (half) is paid."""
    money = earmark(
        budget,
        agency=world.agency(),
        title="示例公益创投",
        purpose=purpose,
        amount=Money.yuan(amount),
        by=world.user("finance"),
    )
    today = clock.today()
    commitment = commit(
        money,
        organization=world.organization(),
        number=number,
        title=f"示例项目{number}",
        track="venture_grant",
        amount=Money.yuan(amount),
        starts_on=today,
        ends_on=today.replace(year=today.year + 1, day=1),
        tranches=TRANCHES,
        from_reservation=False,
        by=world.user("leader"),
    )
    account = make_account() if number == "P-1" else _account()
    payment = request_disbursement(
        commitment.tranches[0], payee_account=account, receipt_number=f"SJ-{number}", by=world.user("clerk")
    )
    review(payment, by=world.user("finreview"))
    approve(payment, by=world.user("leader"))
    release(payment, by=world.user("finance"))
    mark_paid(payment, paid_on=today, voucher_number=f"ZF-{number}", by=world.user("finance"))
    return commitment


def _account():
    from finance.disbursements.models import PayeeAccount

    return db.session.query(PayeeAccount).first()


@pytest.mark.parametrize(
    ("lines", "broken"),
    [
        (LINES, set()),
        ((), {"RLF-20"}),
        ((line("54"), line("46", "children", title="儿童")), {"RLF-21"}),
        ((line("55"), line("45", "children", title="儿童")), set()),
        ((line("60"), line("40", "relief", title="济困")), {"RLF-1"}),
        ((line("60"), line("40", "party", title="主题活动")), {"RLF-1"}),
        ((line("60"), line("40", "community", title="公务接待费")), {"RLF-2b"}),
        ((line("60"), line("40", "community", title="局机关日常公用经费")), {"RLF-2d"}),
        ((line("60"), line("40", "community", title="出国考察")), {"RLF-2a"}),
        ((line("100", title="项目人员经费"),), {"RLF-22"}),
        ((line("100", staff_of="administering", staff_amount=Money.yuan(1)),), {"RLF-22"}),
        ((line("100", staff_of="grantee", staff_amount=Money.yuan(300_000)),), set()),
        ((line("100", staff_of="grantee", staff_amount=Money(30_000_001)),), {"RLF-23"}),
        ((line("100", category="welfare"),), {"RLF-20", "RLF-21"}),
        ((line("60"), line("20", "community", "welfare", "甲"), line("20", "community", "elderly", "乙")), {"RLF-20"}),
    ],
)  # fmt: skip
def test_what_a_plan_may_hold(app: Flask, lines: tuple[Line, ...], broken: set[str]) -> None:
    with transaction():
        assert failed(lines) == broken


def test_shares_follow_the_place() -> None:
    wanted = {
        code: {
            name: rules.defaults_of(code)[key]
            for name, key in rules.SHARES.items()
            if rules.defaults_of(code)[key]
        }
        for code in ("150600", "310000", "370500", "371000", "500000")
    }
    assert wanted == {
        "150600": {"elderly": "55"},
        "310000": {"elderly": "60"},
        "370500": {"elderly": "55", "disability": "15"},
        "371000": {"elderly": "50", "disability": "15"},
        "500000": {"elderly": "55", "disability": "10"},
    }


def test_a_rule_set_replaces_the_shares(app: Flask) -> None:
    lines = (
        line("59"),
        line("31", "children", title="儿童"),
        line("10", "community", "disability", title="助残"),
    )
    with transaction():
        assert failed(lines, elderly_min="60", disability_min="10", children_min="") == {"RLF-21"}
        (plan,) = db.session.query(LotteryPlan)
        shares = {
            item.verdict.value: item.source for item in policy.findings_of(plan) if item.rule == "RLF-21"
        }
        assert shares == {"fail": "tests only", "pass": "tests only"}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.integers(1, 10**12), min_size=1, max_size=6), percent=st.integers(1, 100))
def test_the_share_is_exact_to_the_fen(parts: list[int], percent: int) -> None:
    """The oracle multiplies whole numbers; what is missing, added to the part, meets the share and one fen less does not."""
    codes = ["elderly", "children", "disability", "elderly", "welfare", "elderly"]
    lines = [
        LotteryPlanLine(
            purpose=code,
            category=code,
            title="x",
            amount=Money(fen),
            staff_of="",
            staff_amount=Money(0),
            reason="",
        )
        for code, fen in zip(codes, parts, strict=False)
    ]
    finding = policy._minimum_share(lines, "elderly", str(percent), policy.Context(rules={}))
    part = sum(fen for code, fen in zip(codes, parts, strict=False) if code == "elderly")
    assert (finding.verdict is Verdict.PASS) == (part * 100 >= percent * sum(parts))
    missing = finding.sentence.params["missing"].fen
    assert (part + missing) * 100 >= percent * sum(parts)
    assert not missing or (part + missing - 1) * 100 < percent * sum(parts)


def test_money_is_set_aside_only_within_the_plan_in_force(app: Flask) -> None:
    agency, by = world.agency(), world.user("finance")
    with transaction():
        strict()
        budget = make_budget()
        with pytest.raises(Refusal) as no:
            earmark(budget, agency=agency, title="为老", purpose="elderly", amount=Money.yuan(1), by=by)
        assert no.value.rule == "RLF-26" and "彩票管理条例 第三十三条" in no.value.source
    with transaction():
        plan = draft(budget.fund_source)
        review_plan(plan, by=world.user("finreview"))
        with pytest.raises(Refusal):  # reviewed is not in force
            earmark(budget, agency=agency, title="为老", purpose="elderly", amount=Money.yuan(1), by=by)
        approve_plan(plan, by=world.user("leader"))
        money = earmark(
            budget, agency=agency, title="为老", purpose="elderly", amount=Money.yuan(600_000), by=by
        )
        for purpose, amount in (("elderly", Money(1)), ("children", Money(25_000_001))):
            with pytest.raises(Refusal) as no:
                earmark(budget, agency=agency, title="再设", purpose=purpose, amount=amount, by=by)
            assert no.value.rule == "RLF-26"
        # What is released is free in the plan again.
        release_earmark(money, by=by)
        earmark(budget, agency=agency, title="为老", purpose="elderly", amount=Money.yuan(600_000), by=by)


def test_three_people_and_nobody_twice(app: Flask) -> None:
    with transaction():
        strict()
        plan = draft(make_budget().fund_source)
        with pytest.raises(Refusal):
            approve_plan(plan, by=world.user("leader"))
        with pytest.raises(Refusal):
            review_plan(plan, by=world.user("finance"))
        review_plan(plan, by=world.user("reviewer"))
        with pytest.raises(Refusal):
            approve_plan(plan, by=world.user("reviewer"))
        approve_plan(plan, by=world.user("leader"))
        assert (plan.state, plan.approved_by) == ("approved", world.user("leader").id)
        assert '"RLF-21"' in plan.findings
        with pytest.raises(Refusal):
            save_lines(plan, list(LINES), by=world.user("finance"))


def test_the_database_refuses_one_person_in_two_places(app: Flask) -> None:
    with pytest.raises(IntegrityError), transaction() as session:
        plan = draft(make_budget().fund_source)
        plan.reviewed_by = plan.drafted_by
        session.flush()


def test_a_plan_that_breaks_a_rule_is_not_reviewed(app: Flask) -> None:
    with transaction():
        strict()
        plan = draft(make_budget().fund_source, (line("50"), line("50", "children", title="儿童")))
        with pytest.raises(Refusal) as no:
            review_plan(plan, by=world.user("finreview"))
        assert no.value.rule == "RLF-21" and "国办发〔2019〕5号" in no.value.source
        save_lines(plan, list(LINES), by=world.user("finance"))
        review_plan(plan, by=world.user("finreview"))
        send_back(plan, note="补充依据", by=world.user("leader"))
        assert (plan.state, plan.reviewed_by) == ("draft", None)


def test_a_revision_replaces_and_never_plans_below_what_is_set_aside(app: Flask) -> None:
    by = world.user("finance")
    with transaction():
        budget = planned_budget()
        earmark(
            budget, agency=world.agency(), title="为老", purpose="elderly", amount=Money.yuan(580_000), by=by
        )
        first = queries.plan_in_force(budget.fund_source_id, YEAR)
        assert first is not None
        second = revise_plan(first, note="追加儿童项目", by=by)
        assert (second.revision, second.state, first.state) == (2, "draft", "approved")
        with pytest.raises(Refusal):  # one at a time
            revise_plan(first, note="再来", by=by)
        save_lines(second, [line("57"), line("30", "children", title="儿童")], note="x", by=by)
        with pytest.raises(Refusal) as no:
            review_plan(second, by=world.user("finreview"))
        assert no.value.rule == "RLF-24"
        save_lines(second, [line("58"), line("40", "children", title="儿童")], note="x", by=by)
        review_plan(second, by=world.user("finreview"))
        approve_plan(second, by=world.user("leader"))
        db.session.refresh(first)
        assert (first.state, second.state) == ("replaced", "approved")
        assert queries.plan_in_force(budget.fund_source_id, YEAR) is second


def test_plan_against_what_became_of_the_money(app: Flask) -> None:
    with transaction():
        budget = planned_budget()
        paid_project(budget, "200000")
        uses = queries.use_by_purpose(budget.fund_source_id, YEAR)
        assert uses == {"elderly": queries.Use(Money.yuan(200_000), Money.yuan(200_000), Money.yuan(100_000))}


# Accounts ---------------------------------------------------------------------------------------


def test_tiers_are_kept_apart_and_spending_is_the_ledgers(app: Flask) -> None:
    by = world.user("finance")
    with transaction():
        budget = planned_budget()
        other = create_source(
            world.agency(),
            kind="welfare_lottery_fund",
            tier="province",
            name="示例省级",
            purposes={"elderly": ""},
            by=by,
        )
        second = enter_budget(other, fiscal_year=YEAR, amount=Money.yuan(500_000), by=by)
        approve_budget(second, by=world.user("finreview"))
        in_force(other, (line("50"),))
        paid_project(budget, "200000")
        paid_project(second, "60000", number="P-2")
        assert spent_in_year(budget.fund_source_id, YEAR) == Money.yuan(100_000)
        assert spent_in_year(other.id, YEAR) == Money.yuan(30_000)
        assert spent_in_year(other.id, YEAR - 1) == Money(0)
        rows = spending_rows(other.id, YEAR)
        assert [(row.commitment.number, row.amount) for row in rows] == [("P-2", Money.yuan(30_000))]


@pytest.mark.parametrize(
    ("opening", "raised", "closing", "before", "expected"),
    [
        (50, 100, 140, 50, {"RLF-27": {"pass"}, "RLF-28": {"pass"}}),
        (50, 100, 141, 50, {"RLF-27": {"pass", "fail"}, "RLF-28": {"pass"}}),
        (50, 100, 140, 49, {"RLF-27": {"pass", "fail"}, "RLF-28": {"pass"}}),
        (50, 4, 44, None, {"RLF-27": {"pass", "na"}, "RLF-28": {"pass"}}),
        (5, 4, 0, None, {"RLF-27": {"fail", "na"}, "RLF-28": {"fail"}}),
        (None, 100, None, None, {"RLF-27": {"na"}, "RLF-28": {"pass"}}),
    ],
)
def test_the_account_of_a_year(app: Flask, opening, raised, closing, before, expected) -> None:  # type: ignore[no-untyped-def]
    def wan(value: int | None) -> Money | None:
        return None if value is None else Money.yuan(value * 10_000)

    with transaction():
        budget = planned_budget()
        paid_project(budget, "200000")  # ten 万元 are paid
        source, by = budget.fund_source, world.user("finance")
        if before is not None:
            enter_year(source, YEAR - 1, opening=None, raised=None, closing=wan(before), basis="决算", by=by)
        enter_year(
            source, YEAR, opening=wan(opening), raised=wan(raised), closing=wan(closing), basis="决算", by=by
        )
        found: dict[str, set[str]] = {}
        account = tier_year(source, YEAR)
        for item in account_findings(account):
            found.setdefault(item.rule, set()).add(item.verdict.value)
        assert found == expected
        assert account.spent == Money.yuan(100_000)
        if raised == 4:
            assert account.from_carry_over == Money.yuan(60_000)


@pytest.mark.parametrize(("next_year", "most"), [(False, 150), (True, 50)])
def test_raised_this_year_used_next_year(app: Flask, next_year: bool, most: int) -> None:
    with transaction():
        strict(use_next_year=next_year)
        source = make_budget().fund_source
        enter_year(
            source, YEAR, opening=Money.yuan(500_000), raised=Money.yuan(1_000_000), closing=None, basis="下达文件", by=world.user("finance")
        )  # fmt: skip
        for amount, verdict in ((str(most), Verdict.PASS), (f"{most}.000001", Verdict.FAIL)):
            plan = LotteryPlan(fund_source=source, fund_source_id=source.id, fiscal_year=YEAR)
            plan.lines = [
                LotteryPlanLine(
                    position=1, purpose="elderly", category="elderly", title="x", staff_of="", staff_amount=Money(0), reason="",
                    amount=Money.parse(amount, unit=1_000_000),
                )
            ]  # fmt: skip
            db.session.expunge(plan) if plan in db.session else None
            found = {item.rule: item.verdict for item in policy.findings_of(plan)}
            assert found["RLF-25"] is verdict


def test_an_account_is_entered_by_the_units_own_clerk(app: Flask) -> None:
    with pytest.raises(Refusal), transaction():
        enter_year(
            make_budget().fund_source,
            YEAR,
            opening=Money(0),
            raised=None,
            closing=None,
            basis="x",
            by=world.user("clerk"),
        )
    assert db.session.query(LotteryYear).count() == 0


# Pages ------------------------------------------------------------------------------------------


def test_a_plan_on_its_pages(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        strict()
        number = make_budget().fund_source_id
    clerk = browser_as("finance")
    page = clerk.get("/lottery/").click(href="/lottery/plans/new", index=0)
    page = page.forms["plan"].submit(status=303).follow()
    form = page.forms["plan"]
    form["lines-0-title"], form["lines-0-amount"] = "为老助餐", "abc"
    page = form.submit("act", value="save", status=422)
    assert page.forms["plan"]["lines-0-amount"].value == "abc" and "is-invalid" in page
    form = page.forms["plan"]
    form["lines-0-purpose"], form["lines-0-category"], form["lines-0-amount"] = (
        "elderly",
        "elderly",
        "318.9993",
    )
    form["lines-1-title"], form["lines-1-purpose"] = "公务用车购置", "community"
    form["lines-1-category"], form["lines-1-amount"] = "welfare", "10"
    page = form.submit("act", value="more", status=200)
    assert page.forms["plan"]["lines-0-amount"].value == "318.9993" and "lines-11-title" in page
    page = page.forms["plan"].submit("act", value="save", status=303).follow()
    assert "RLF-2c" in page and "328.9993" in page and "review" not in page.forms
    address = page.request.path
    reviewer = browser_as("finreview")
    assert "/lottery/plans/" in reviewer.get("/home")
    refused = reviewer.get(address).forms["review"].submit(status=409)
    assert "RLF-2c" in refused and "第六条" in refused
    form = clerk.get(f"{address}/edit").forms["plan"]
    form["lines-1-title"] = "社区治理"
    form.submit("act", value="save", status=303)
    page = reviewer.get(address).forms["review"].submit(status=303).follow()
    page = browser_as("leader").get(address).forms["approve"].submit(status=303).follow()
    assert "approve" not in page.forms
    assert clerk.get(f"{address}/purposes/elderly").status_int == 200
    form = clerk.get(address).forms["revise"]
    form["note"] = "年中调整"
    assert form.submit(status=303).location.endswith("/edit")
    page = clerk.get(f"/lottery/accounts/{number}/{YEAR}")
    form = page.forms["account-form"]
    form["opening"], form["raised"], form["basis"] = "5", "-1", "决算"
    page = form.submit(status=422)
    assert page.forms["account-form"]["raised"].value == "-1"
    form = page.forms["account-form"]
    form["raised"] = "400"
    assert "405" in form.submit(status=303).follow()


def test_a_stranger_sees_nothing(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        budget = planned_budget()
        fund = budget.fund_source_id
        number = queries.plan_in_force(fund, YEAR).id  # type: ignore[union-attr]
    for login in ("banner_clerk", "operator"):
        stranger = browser_as(login)
        code = 404 if login == "banner_clerk" else 403
        assert stranger.get(f"/lottery/plans/{number}", status=code)
        assert stranger.get(f"/lottery/accounts/{fund}/{YEAR}", status=code)


def test_fractions_of_a_fen_are_no_amount(app: Flask) -> None:
    assert Money.parse("318.9993", unit=1_000_000) == Money(318_999_300)
    assert rules.wan_text(Money(318_999_301)) == "318.999301"
    assert Fraction(rules.wan_text(Money(1))) == Fraction(1, 1_000_000)
    assert db.session.query(FundSource).count() == 0
