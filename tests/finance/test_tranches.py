"""Templates of tranches: exact in fen, the last one takes the remainder; paid whole only when small."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.db import db, transaction
from core.money import Money
from core.rules.models import RuleSet
from finance.commitments.queries import tranche_parameters, whole_at_once
from finance.commitments.rules import TRANCHE_DEFAULTS, template_weights, tranche_amounts
from tests import world
from tests.finance.money import make_commitment, make_earmark


@given(fen=st.integers(1, 10**13), template=st.sampled_from(TRANCHE_DEFAULTS["tranche_templates"]))
def test_every_template_is_exact_in_fen(fen: int, template: str) -> None:
    weights = [int(part) for part in template.split("/")]
    parts = [part.fen for part in tranche_amounts(Money(fen), template)]
    # The oracle: whole hundredths rounded down, and the last takes what is left.
    expected = [fen * weight // 100 for weight in weights[:-1]]
    assert parts == [*expected, fen - sum(expected)]


@pytest.mark.parametrize("template", ["", "50/40", "50/60/-10", "a/b", "110", "50//50", "0/100"])
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|invalid literal"):
        template_weights(template)


def test_original_and_present_amount_are_both_kept(app: Flask) -> None:
    with transaction():
        commitment = make_commitment("0.07")
    assert [item.amount.fen for item in commitment.tranches] == [3, 2, 2]
    assert [item.original_amount.fen for item in commitment.tranches] == [3, 2, 2]


def test_a_grant_is_paid_whole_only_up_to_the_limit_of_its_programme(app: Flask) -> None:
    agency = world.agency().id
    assert whole_at_once(agency, "venture_grant", [100], Money.yuan(20_000)) is None
    assert whole_at_once(agency, "venture_grant", [100], Money.yuan("20000.01")) is not None
    assert whole_at_once(agency, "venture_grant", [60, 40], Money.yuan(900_000)) is None
    with transaction():
        db.session.add(
            RuleSet(
                family="RDT",
                version=1,
                jurisdiction="",
                programme="micro",
                valid_from=clock.today() - timedelta(days=1),
                parameters={"micro_limit_yuan": 50_000, "tranche_templates": ["100"]},
                source="示例微项目资助办法",
            )
        )
    assert whole_at_once(agency, "micro", [100], Money.yuan(50_000)) is None
    assert whole_at_once(agency, "venture_grant", [100], Money.yuan(50_000)) is not None
    assert tranche_parameters(agency, "micro")["tranche_templates"] == ["100"]


def test_the_form_of_a_call_names_the_templates(bare_app: Flask, browser_as) -> None:
    with bare_app.app_context(), transaction():
        make_earmark()
    page = browser_as("clerk").get("/calls/new")
    assert "50/40/10, 60/30/10" in page.text
