"""Funds are approved by two people and serve only what they may; commitments split to the fen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from finance.catalogue.queries import in_force
from finance.catalogue.rules import levels_above
from finance.catalogue.services import add_item
from finance.commitments import services as commitments
from finance.commitments.models import Commitment
from finance.commitments.queries import open_holds, paid_total, running_commitments
from finance.disbursements import services as disbursements
from finance.funds.models import Earmark
from finance.funds.policy import (
    FORBIDDEN,
    LOTTERY,
    PURPOSES,
    forbidden_findings,
    purpose_finding,
    use_findings,
)
from finance.funds.queries import (
    Figures,
    earmark_available,
    figures_of_budgets,
    figures_of_earmarks,
    open_earmarks,
)
from finance.funds.services import (
    approve_budget,
    create_source,
    earmark,
    enter_budget,
    release_earmark,
)
from finance.ledger.queries import balance, find_account, trial_balance, verify
from tests import world
from tests.finance.lottery import strict
from tests.finance.money import TRANCHES, make_budget, make_commitment, make_earmark, make_request


def figure(budget: object) -> Figures:
    return figures_of_budgets([budget])[budget.id]  # type: ignore[attr-defined]


def test_a_budget_is_approved_by_a_second_person(app: Flask) -> None:
    with transaction() as session:
        source = create_source(
            world.agency(), kind="general_public_budget", name="示例一般公共预算", by=world.user("finance")
        )
        budget = enter_budget(source, fiscal_year=2026, amount=Money.yuan(100), by=world.user("finreview"))
        session.flush()
    with pytest.raises(Refusal) as caught, transaction():
        approve_budget(budget, by=world.user("finreview"))
    assert caught.value.rule == "RAP-2"
    with pytest.raises(Refusal), transaction():
        approve_budget(budget, by=world.user("leader"))
    assert balance("budget", budget.id, "budget") == Money(0)
    with pytest.raises(Refusal, match="second person"), transaction():
        earmark(
            budget,
            agency=world.agency(),
            title="示例",
            purpose="elderly",
            amount=Money(1),
            by=world.user("finance"),
        )


def test_approving_posts_from_source_to_budget(app: Flask) -> None:
    with transaction():
        budget = make_budget(1000)
    assert balance("fund_source", budget.fund_source_id, "source") == -Money.yuan(1000)
    assert balance("budget", budget.id, "budget") == Money.yuan(1000)
    with pytest.raises(Refusal), transaction():
        approve_budget(budget, by=world.user("finreview"))
    assert balance("budget", budget.id, "budget") == Money.yuan(1000)


@pytest.mark.parametrize("purpose", sorted(set(PURPOSES) - {"elderly", "children", "community"}))
def test_a_purpose_off_the_whitelist_is_refused_with_its_article(app: Flask, purpose: str) -> None:
    with transaction():
        budget = make_budget()
    with pytest.raises(Refusal) as caught, transaction():
        earmark(
            budget,
            agency=world.agency(),
            title="示例",
            purpose=purpose,
            amount=Money(1),
            by=world.user("finance"),
        )
    assert caught.value.rule == "RLF-1"
    assert "第三十三条" in caught.value.source
    assert figure(budget).available == Money.yuan(1_000_000)


def test_a_forbidden_use_in_the_title_is_refused(app: Flask) -> None:
    with transaction():
        budget = make_budget()
    with pytest.raises(Refusal) as caught, transaction():
        earmark(
            budget,
            agency=world.agency(),
            title="示例局机关工作经费",
            purpose="elderly",
            amount=Money(1),
            by=world.user("finance"),
        )
    assert caught.value.rule == "RLF-2d"


def test_more_than_the_budget_holds_cannot_be_set_aside(app: Flask) -> None:
    with transaction():
        budget = make_budget(100)
    with pytest.raises(Refusal) as caught, transaction():
        earmark(
            budget,
            agency=world.agency(),
            title="示例",
            purpose="elderly",
            amount=Money.yuan("100.01"),
            by=world.user("finance"),
        )
    assert caught.value.sentence.params["available"] == Money.yuan(100)
    assert caught.value.sentence.params["needed"] == Money.yuan("100.01")


def test_lottery_money_has_a_tier_and_four_purposes(app: Flask) -> None:
    with transaction():
        source = create_source(
            world.agency(), kind=LOTTERY, tier="city", name="示例", by=world.user("finance")
        )
    assert set(source.purposes) == {"elderly", "disability", "children", "relief"}
    for kind, tier in ((LOTTERY, ""), ("donation", "city")):
        with pytest.raises(Refusal), transaction():
            create_source(world.agency(), kind=kind, tier=tier, name="示例二", by=world.user("finance"))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("因公出国考察费", "RLF-2a"),
        ("公务接待费", "RLF-2b"),
        ("公务用车运行维护", "RLF-2c"),
        ("机关行政运行", "RLF-2d"),
        ("对企业股权投资", "RLF-2e"),
        ("发放津补贴", "RLF-2f"),
        ("职工住宅维修", "RLF-2g"),
    ],
)
def test_each_forbidden_use_is_found(line: str, rule: str) -> None:
    findings = forbidden_findings(LOTTERY, ["老年人助餐", line])
    assert [item.rule for item in findings] == [rule]
    assert findings[0].verdict is Verdict.FAIL
    assert findings[0].source
    assert forbidden_findings("donation", [line]) == []
    assert len({item.rule for item in FORBIDDEN}) == len(FORBIDDEN)


def test_the_list_of_the_place_is_a_parameter_and_article_6_is_none(app: Flask) -> None:
    with transaction():
        budget = make_budget()
        budget.fund_source.kind, budget.fund_source.tier = LOTTERY, "city"

        def failed(title: str) -> list[str]:
            found = use_findings(budget.fund_source, purpose="elderly", title=title)
            return [item.rule for item in found if item.verdict is Verdict.FAIL]

        assert failed("庆典活动") == [] and failed("职工住宅维修") == ["RLF-2g"]
        strict(forbidden_local=["RLF-2f"], forbidden_words=["庆典", "a.b"])
        assert failed("庆典活动") == ["RLF-2x"] and failed("职工住宅维修") == []
        assert failed("axb") == [], "words are found as they stand"
        assert failed("公务接待费") == ["RLF-2b"]


def test_project_staff_of_the_grantee_are_no_forbidden_use() -> None:
    (finding,) = forbidden_findings(LOTTERY, ["项目人员劳务费", "社工补贴", "助餐"])
    assert finding.verdict is Verdict.PASS


@given(
    purposes=st.dictionaries(st.sampled_from(sorted(PURPOSES)), st.just("")),
    purpose=st.sampled_from(sorted(PURPOSES)),
)
def test_the_whitelist_decides(purposes: dict[str, str], purpose: str) -> None:
    found = purpose_finding(LOTTERY, purposes, purpose).verdict
    if purpose == "party":
        assert found is Verdict.FAIL, "whatever the fund's own list says"
    elif not purposes:
        assert found is Verdict.NOT_APPLICABLE
    else:
        assert (found is Verdict.PASS) == (purpose in purposes)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=st.integers(10, 5_000_000), weights=st.lists(st.integers(1, 97), min_size=1, max_size=6))
def test_tranches_sum_to_the_fen(app: Flask, amount: int, weights: list[int]) -> None:
    today = clock.today()
    with transaction():
        lot = db.session.scalars(select(Earmark)).first() or make_earmark()
        count = db.session.scalar(select(func.count()).select_from(Commitment))
        parts = commitments.commit(
            lot,
            organization=world.organization(),
            number=f"HT-{count}",
            title="示例",
            track="venture_grant",
            amount=Money(amount),
            starts_on=today,
            ends_on=today,
            tranches=[(weight, f"第{n}款", "signed") for n, weight in enumerate(weights, 1)],
            from_reservation=False,
            by=world.user("leader"),
        ).tranches
    assert sum((part.amount for part in parts), Money(0)) == Money(amount)
    shares = [Money(amount * weight // sum(weights)) for weight in weights]
    assert [part.amount for part in parts[:-1]] == shares[:-1]
    assert verify() == []


def test_every_figure_of_a_budget(app: Flask) -> None:
    with transaction():
        payment = make_request(make_commitment("98000"))
        commitment = payment.commitment
        lot = commitment.earmark
        commitments.reserve(lot, Money.yuan(50_000), key="application/1", by=world.user("leader"))
        disbursements.review(payment, by=world.user("finreview"))
        disbursements.approve(payment, by=world.user("leader"))
    budget = lot.budget
    assert figure(budget) == Figures(
        budgeted=Money.yuan(1_000_000),
        available=Money.yuan(500_000),
        earmarked=Money.yuan(352_000),
        reserved=Money.yuan(50_000),
        committed=Money.yuan(49_000),
        payable=Money.yuan(49_000),
    )
    with transaction():
        disbursements.release(payment, by=world.user("finance"))
        disbursements.mark_paid(payment, paid_on=clock.today(), voucher_number="PZ", by=world.user("finance"))
        commitments.return_surplus(commitment, Money.yuan(9_000), key="closure/1", by=world.user("finance"))
        commitments.return_surplus(commitment, Money.yuan(9_000), key="closure/1", by=world.user("finance"))
        commitments.release_remainder(commitment, by=world.user("finance"))
        assert commitments.release_remainder(commitment, by=world.user("finance")) == Money(0)
        commitments.cancel_reservation(lot, Money.yuan(50_000), key="application/1", by=world.user("leader"))
    found = figure(budget)
    assert found == Figures(
        budgeted=Money.yuan(1_000_000),
        available=Money.yuan(509_000),
        earmarked=Money.yuan(451_000),
        paid=Money.yuan(40_000),
        returned=Money.yuan(9_000),
    )
    assert found.available + found.set_aside + found.bound + found.paid == found.budgeted
    assert paid_total(commitment) == Money.yuan(40_000)
    assert figures_of_earmarks([lot])[lot.id].paid == Money.yuan(40_000)
    root = find_account("budget", budget.id, "budget")
    assert root is not None
    rows = trial_balance(root)
    assert sum((row.account.balance for row in rows), Money(0)) == Money.yuan(1_000_000)
    assert all(row.came_in - row.went_out == row.account.balance for row in rows)
    assert verify() == []


def test_more_than_was_paid_cannot_come_back(app: Flask) -> None:
    with transaction():
        commitment = make_commitment()
    with pytest.raises(Refusal), transaction():
        commitments.return_surplus(commitment, Money(1), key="closure/1", by=world.user("finance"))


def test_an_earmark_gives_back_what_is_free(app: Flask) -> None:
    with transaction():
        lot = make_earmark(500)
        commitments.reserve(lot, Money.yuan(200), key="application/1", by=world.user("leader"))
        assert [item.id for item in open_earmarks(world.user("finance"))] == [lot.id]
        assert release_earmark(lot, by=world.user("finance")) == Money.yuan(300)
        assert earmark_available(lot) == Money(0)
        assert open_earmarks(world.user("finance")) == []
        with pytest.raises(Refusal):
            release_earmark(lot, by=world.user("finance"))
        commitments.cancel_reservation(lot, Money.yuan(200), key="application/1", by=world.user("leader"))
        assert release_earmark(lot, by=world.user("finance")) == Money.yuan(200)
    assert verify() == []


def test_a_commitment_takes_what_was_reserved(app: Flask) -> None:
    today = clock.today()
    facts = {
        "organization": world.organization(),
        "title": "示例项目",
        "track": "venture_grant",
        "starts_on": today,
        "ends_on": today + timedelta(days=9),
        "tranches": TRANCHES,
        "from_reservation": True,
        "by": world.user("leader"),
    }
    with transaction():
        lot = make_earmark(500)
        commitments.reserve(lot, Money.yuan(200), key="application/1", by=world.user("leader"))
    with pytest.raises(Refusal, match="reserved"), transaction():
        commitments.commit(lot, number="HT-1", amount=Money.yuan(201), **facts)
    with transaction():
        commitment = commitments.commit(lot, number="HT-1", amount=Money.yuan(200), **facts)
    assert earmark_available(lot) == Money.yuan(300)
    assert balance("earmark", lot.id, "reserved") == Money(0)
    with pytest.raises(Refusal, match="already in use"), transaction():
        commitments.commit(lot, number="HT-1", amount=Money.yuan(1), **facts)
    organization_id = commitment.organization_id
    assert [item.id for item in running_commitments(organization_id, today)] == [commitment.id]
    with transaction():
        hold = commitments.place_hold(commitment, reason="suspension", text="", by=world.user("clerk"))
        assert open_holds(commitment) == [hold]
        commitments.lift_hold(hold, by=world.user("clerk"))
        assert open_holds(commitment) == []
        commitments.end(commitment, on=today, by=world.user("leader"))
    assert running_commitments(organization_id, today) == []
    assert running_commitments(organization_id, today - timedelta(days=1)) == [commitment]


def test_a_tranche_is_only_reduced(app: Flask) -> None:
    with transaction():
        tranche = make_commitment("100").tranches[2]
        commitments.reduce_tranche(tranche, Money.yuan(4), reason="审计核减", by=world.user("clerk"))
        assert (tranche.original_amount, tranche.amount) == (Money.yuan(10), Money.yuan(4))
    with pytest.raises(Refusal), transaction():
        commitments.reduce_tranche(tranche, Money.yuan(5), reason="", by=world.user("clerk"))


def test_the_catalogue_of_the_nearest_level_holds(app: Flask) -> None:
    day = clock.today()
    facts = {"name": "养老服务", "public_service": True, "by": world.user("finance")}
    with transaction():
        city = add_item(division_code="150600", code="A01", valid_from=day - timedelta(days=90), **facts)
        assert [item.id for item in in_force("150602001", day)] == [city.id]
        own = add_item(division_code="150602", code="B01", valid_from=day - timedelta(days=50), **facts)
        assert [item.id for item in in_force("150602001", day)] == [own.id]
        assert [item.id for item in in_force("150603", day)] == [city.id]
        assert in_force("150603", day - timedelta(days=91)) == []
        newer = add_item(division_code="150600", code="A01", valid_from=day, **facts)
        assert [item.id for item in in_force("150600", day)] == [newer.id]
        assert [item.id for item in in_force("150600", day - timedelta(days=1))] == [city.id]
    with pytest.raises(Refusal), transaction():
        add_item(division_code="150600", code="A01", valid_from=day, **facts)
    assert levels_above("150602001") == ["150602001", "150602", "150600", "150000"]
