"""A tranche waits for its step, for 70% spent, and for nothing to be put right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.access.policy import Refusal
from core.db import transaction
from core.money import Money
from core.rules.rules import Verdict
from finance.commitments.queries import open_holds, paid_total
from finance.disbursements.services import approve, release, request_running, review
from finance.ledger.queries import verify
from projects.claims.rules import dues, earlier_spent, surplus
from projects.claims.services import return_claim, submit_claim
from projects.supervision.services import answer_rectification, close_rectification, open_rectification
from tests import world
from tests.finance.money import make_account
from tests.projects import road

fen = st.integers(min_value=0, max_value=10**12).map(Money)


def test_seventy_percent_counts_to_the_fen(app) -> None:
    with transaction():
        project = road.running()
        account = make_account()
        road.claim_and_pay(project, 1, account)
        road.evaluated(project, midterm="pass")
        # 70% of 49,000.00 is 34,300.00.
        road.spend(project, "34299.99")
        with pytest.raises(Refusal, match="70%"):
            road.claimed(project, 2, account)
        road.spend(project, "0.01", "FP-2")
        assert road.claimed(project, 2, account).amount == Money.yuan("39200.00")


def test_no_officer_asks_for_a_tranche_past_the_claim(app) -> None:
    with transaction():
        tranche = road.running().agreement.commitment.tranches[0]
        account = make_account()
    with pytest.raises(Refusal, match="claims this tranche") as refusal, transaction():
        request_running(
            tranche, payee_account=account, receipt_number="SJ-1", basis="x", by=world.user("clerk")
        )
    assert refusal.value.rule == "RDT-a"


@given(paid=fen, spent=fen, percent=st.integers(min_value=0, max_value=100))
def test_the_share_is_compared_exactly(paid: Money, spent: Money, percent: int) -> None:
    found = earlier_spent(number=2, earlier_paid=paid, earlier_unpaid=0, spent=spent, percent=percent)
    enough = 100 * spent.fen >= percent * paid.fen
    assert (found.verdict is Verdict.PASS) == enough


def test_a_tranche_waits_for_its_evaluation(app) -> None:
    with transaction():
        project = road.running()
        account = make_account()
        road.claim_and_pay(project, 1, account)
        road.spend(project, "49000.00", line="staff_cost")
        with pytest.raises(Refusal, match="no result yet"):
            road.claimed(project, 2, account)
        road.evaluated(project, midterm="fail")
        with pytest.raises(Refusal, match="withheld"):
            road.claimed(project, 2, account)
        road.evaluated(project, midterm="good")
        road.claim_and_pay(project, 2, account)
        assert paid_total(project.agreement.commitment) == Money.yuan("88200.00")
    assert verify() == []


def test_tranches_follow_one_another(app) -> None:
    with transaction():
        project = road.running()
        road.evaluated(project, midterm="pass")
        with pytest.raises(Refusal, match="earlier tranche"):
            road.claimed(project, 2)


def test_a_rectification_stops_the_release_and_closing_it_frees_it(app) -> None:
    with transaction():
        project = road.running()
        disbursement = road.claimed(project, 1)
        review(disbursement, by=world.user("finreview"))
        approve(disbursement, by=world.user("leader"))
        row = open_rectification(
            project,
            items="补齐签到表",
            due_on=clock.today() + timedelta(days=15),
            by=world.user("clerk"),
        )
        with pytest.raises(Refusal):
            release(disbursement, by=world.user("finance"))
        answer_rectification(row, answer="已补齐", by=world.user("so_leader"))
        with pytest.raises(Refusal):
            release(disbursement, by=world.user("finance"))
        close_rectification(row, by=world.user("clerk"))
        assert open_holds(project.agreement.commitment) == []
        release(disbursement, by=world.user("finance"))
        assert disbursement.state == "released"


def test_an_open_rectification_stops_a_claim(app) -> None:
    with transaction():
        project = road.running()
        open_rectification(project, items="补齐签到表", due_on=clock.today(), by=world.user("clerk"))
        with pytest.raises(Refusal, match="not closed"):
            road.claimed(project, 1)


def test_a_returned_claim_may_be_made_again(app) -> None:
    with transaction():
        project = road.running()
        account = make_account()
        tranche = project.agreement.commitment.tranches[0]
        claim = submit_claim(
            project, tranche, payee_account=account, receipt_number="SJ-0", by=world.user("so_leader")
        )
        return_claim(claim, reason="票据抬头不符", by=world.user("clerk"))
        road.claim_and_pay(project, 1, account)
        with pytest.raises(Refusal, match="on its way or paid"):
            road.claimed(project, 1, account)


def test_only_the_leader_claims(app) -> None:
    with transaction():
        project = road.running()
        for login in ("operator", "so_leader2"):
            with pytest.raises(Refusal, match="permission"):
                submit_claim(
                    project,
                    project.agreement.commitment.tranches[0],
                    payee_account=make_account(f"6228480012345678{login[-1] if login[-1].isdigit() else 0}1"),
                    receipt_number="SJ-1",
                    by=world.user(login),
                )


@given(originals=st.lists(fen, max_size=5), eligible=fen, paid=fen)
def test_dues_never_exceed_plan_or_cost(originals: list[Money], eligible: Money, paid: Money) -> None:
    result = dues(originals, eligible=eligible, paid=paid)
    assert all(Money(0) <= due <= planned for due, planned in zip(result, originals, strict=True))
    left = max(eligible - paid, Money(0))
    assert sum(result, Money(0)) == min(left, sum(originals, Money(0)))
    # The last tranches are reduced first: what is due is a full beginning, one part, then nothing.
    cut = [index for index, due in enumerate(result) if due < originals[index]]
    assert all(result[index] == Money(0) for index in cut[1:])


@given(eligible=fen, paid=fen)
def test_surplus_is_what_was_paid_beyond_the_cost(eligible: Money, paid: Money) -> None:
    extra = surplus(eligible=eligible, paid=paid)
    assert extra >= Money(0)
    assert paid - extra == min(paid, eligible)
    assert not (extra and sum(dues([paid], eligible=eligible, paid=paid), Money(0)))
