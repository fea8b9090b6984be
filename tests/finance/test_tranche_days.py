"""When a tranche falls due, and that nothing is planned anew under a payment that is alive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.services import add_rule_set
from finance.commitments import services
from finance.commitments.rules import falls_due
from finance.disbursements.services import cancel
from finance.statements.queries import dues
from grants.applications.services import findings_for
from tests import world
from tests.finance.money import make_commitment, make_request
from tests.finance.test_recoveries import ordered, paid
from tests.grants import stage


def test_a_tranche_is_not_reduced_under_a_living_payment(app: Flask) -> None:
    with transaction():
        payment = make_request()
        tranche = payment.tranche
        with pytest.raises(Refusal, match=payment.number) as refused:
            services.reduce_tranche(tranche, Money(0), reason="审计核减", by=world.user("leader"))
        assert (refused.value.rule, bool(refused.value.source)) == ("RDT", True)
        cancel(payment, reason="重新申请", by=world.user("clerk"))
        services.reduce_tranche(tranche, Money.yuan("100"), reason="审计核减", by=world.user("leader"))
        assert tranche.amount == Money.yuan("100")
        done = paid(payment.commitment, 2)
        with pytest.raises(Refusal, match=done.number):
            services.reduce_tranche(done.tranche, Money(0), reason="审计核减", by=world.user("leader"))
        # Also when the money came back by a case: it was paid once.
        from_case = ordered(payment.commitment, done.amount.plain(), done)
        with pytest.raises(Refusal, match=done.number):
            services.reduce_tranche(
                from_case.disbursement.tranche, Money(0), reason="审计核减", by=world.user("leader")
            )


def test_the_agreed_day_goes_before_the_expected_one(app: Flask) -> None:
    with transaction():
        commitment = make_commitment()
    first, second, third = commitment.tranches
    today = clock.today()
    expected = [falls_due(item) for item in commitment.tranches]
    assert expected == [
        min(clock.add_months(today, 1), commitment.ends_on),
        today + timedelta(days=150),
        today + timedelta(days=300),
    ]
    day = today + timedelta(days=77)
    with transaction():
        services.plan_days(commitment, {2: day}, by=world.user("clerk"))
    assert [falls_due(item) for item in commitment.tranches] == [expected[0], day, expected[2]]
    calendar = {row.tranche.id: row.due_on for row in dues(world.user("finance"))}
    assert calendar == {first.id: expected[0], second.id: day, third.id: expected[2]}
    for wrong in ({3: day - timedelta(days=1)}, {1: commitment.starts_on - timedelta(days=1)}):
        with pytest.raises(Refusal, match="earliest"), transaction():
            services.plan_days(commitment, wrong, by=world.user("clerk"))
    with pytest.raises(Refusal, match="permission"), transaction():
        services.plan_days(commitment, {2: None}, by=world.user("finance"))
    with transaction():
        services.plan_days(commitment, {2: None}, by=world.user("clerk"))
    assert falls_due(second) == expected[1]


def test_the_days_are_set_on_the_page_of_the_commitment(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        payment = make_request()
        number, begins = payment.commitment_id, payment.commitment.starts_on
    clerk = browser_as("clerk")
    form = clerk.get(f"/commitments/{number}").forms["due"]
    # The first tranche is being paid: only the other two are asked for.
    assert [name for name in form.fields if name and name.startswith("days")] == ["days-0", "days-1"]
    form["days-0"], form["days-1"] = "2031-05-05", "2031-05-04"
    wrong = form.submit(status=422)
    assert wrong.forms["due"]["days-1"].value == "2031-05-04" and "2031-05-05" in wrong.text
    form = wrong.forms["due"]
    form["days-0"], form["days-1"] = (begins + timedelta(days=20)).isoformat(), ""
    page = form.submit(status=303).follow()
    assert page.forms["due"]["days-0"].value == (begins + timedelta(days=20)).isoformat()
    assert "due" not in browser_as("leader").get(f"/commitments/{number}").forms


@pytest.mark.parametrize(("limit", "verdict"), [("79.99", "fail"), ("80", "pass")])
def test_cofunding_is_judged_when_the_application_is(app: Flask, limit: str, verdict: str) -> None:
    """80,000.00 of 100,000.00 yuan are asked for: 80%; the call's own rules decide, also after publication."""
    with transaction():
        add_rule_set("RBL", {"grant_share_max": limit}, valid_from=clock.today(), source="示例公益创投办法")
        application = stage.application(stage.published())
        found = [item for item in findings_for(application, on=clock.today()) if item.rule == "RBL-SHARE"]
        assert [item.verdict.value for item in found] == [verdict]
    db.session.rollback()
    with transaction():
        add_rule_set("RBL", {"grant_share_max": "10"}, valid_from=clock.today(), source="示例新办法")
    found = [item for item in findings_for(application, on=clock.today()) if item.rule == "RBL-SHARE"]
    assert [item.verdict.value for item in found] == [verdict]
