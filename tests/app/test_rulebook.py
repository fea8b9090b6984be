"""Rules come into force by three people and are then for good; each value is typed, never JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.rulebook.families import FAMILIES, BadValue
from app.rulebook.models import RuleDraft
from app.rulebook.queries import changes_of, draft_in_scope, effect_on_ratio, in_force
from app.rulebook.services import draft_change, edit_draft, take_step
from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.lifecycle import Conflict
from core.rules.models import RuleSet
from finance.contracts.imports import read_purchases
from finance.contracts.models import Purchase
from finance.contracts.queries import ratio_parameters
from finance.purchasing.services import import_purchases
from tests import world

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests" / "data" / "worked" / "purchases.csv"
# Decided by two people for one contractor each, on pages of their own.
ELSEWHERE = {("R30", "overrides")}


def change(unit: str = "示例市民政局", by: str = "clerk", family: str = "R30", **values: object) -> RuleDraft:
    found = FAMILIES[family]
    return draft_change(
        world.agency(unit),
        found,
        {**{item.name: found.defaults[item.name] for item in found.parameters}, **values},
        valid_from=clock.today(),
        source="示例市政府购买服务管理细则 第三条",
        reason="本市提高要求",
        by=world.user(by),
    )


def test_every_rule_that_the_code_reads_has_its_words():
    asked = set()
    for floor in ("registry", "finance", "grants", "projects", "evaluation", "app"):
        for path in (ROOT / floor).rglob("*.py"):
            asked |= set(re.findall(r'\b(?:parameters|reader)\(\s*"([A-Z0-9]+)"', path.read_text("utf-8")))
    assert asked <= set(FAMILIES)
    for family in FAMILIES.values():
        words = {item.name for item in family.parameters}
        assert {(family.code, name) for name in set(family.defaults) ^ words} <= ELSEWHERE, family.code


@pytest.mark.parametrize(
    ("code", "item"),
    [(family.code, item) for family in FAMILIES.values() for item in family.parameters],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_each_default_can_be_typed_and_reads_as_words(code, item):
    default = FAMILIES[code].defaults[item.name]
    assert item.as_stored(item.as_typed(default)) == default
    assert all(word.english() for word in item.words(default))


@given(st.fractions(0, 1, max_denominator=10_000).filter(lambda value: 10_000 % value.denominator == 0))
def test_a_percentage_is_kept_exactly(value):
    item = FAMILIES["R30"].by_name["threshold"]
    assert Fraction(item.as_stored(item.as_typed(value))) == value


@given(st.text(max_size=12))
@example("0\x1f")
def test_whatever_is_typed_is_stored_within_bounds_or_refused(typed):
    for family in FAMILIES.values():
        for item in family.parameters:
            if item.kind in ("marks", "texts"):
                continue
            try:
                stored = item.as_stored(typed)
            except BadValue:
                continue
            if item.kind == "whole":
                assert item.low <= stored <= item.high
            if item.kind == "ratio":
                assert 0 <= Fraction(stored) <= 1


@pytest.mark.parametrize(
    ("family", "name", "typed"),
    [
        ("R30", "threshold", "130"), ("R30", "threshold", "-1"), ("R30", "threshold", "1e2000"),
        ("R30", "threshold", "NaN"), ("R30", "threshold", "三成"), ("R30", "organization_prefixes", []),
        ("R30", "organization_prefixes", ["91"]), ("R30", "count_venture", "maybe"), ("REL", "min_grade", "6"),
        ("REL", "registered_months", "12.5"), ("REL", "registered_months", "１２"), ("RBL", "tax_max", "101"),
        ("REV", "bands", "90 80"), ("REV", "bands", "80 90 60"), ("REV", "bands", "101 80 60"),
        ("RPC", "ratio_due", "02-30"), ("RPC", "ratio_due", "soon"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused(family, name, typed):
    with pytest.raises(BadValue):
        FAMILIES[family].by_name[name].as_stored(typed)


def test_three_people_put_a_rule_in_force_and_it_holds_from_its_day(app: Flask) -> None:
    with transaction():
        draft = change(threshold="7/20")
        assert draft.parameters == {"threshold": "7/20"}
        with pytest.raises(Refusal) as refused:
            take_step(draft, "approve", by=world.user("leader"))
        assert refused.type is Conflict
        take_step(draft, "review", by=world.user("reviewer"))
        take_step(draft, "approve", by=world.user("leader"))
    assert draft.state == "in_force"
    today = clock.today()
    assert ratio_parameters("150600", today)[0].threshold == Fraction(7, 20)
    assert ratio_parameters("150602", today)[0].threshold == Fraction(7, 20)
    # As of yesterday the old rule held, and elsewhere it still does.
    assert ratio_parameters("150600", today - timedelta(days=1))[0].threshold == Fraction(3, 10)
    assert ratio_parameters("330200", today)[0].threshold == Fraction(3, 10)
    line = next(
        item for item in in_force(FAMILIES["R30"], on=today, jurisdiction="150602") if item.origin is not None
    )
    assert line.parameter.name == "threshold" and line.origin.id == draft.rule_set_id
    assert [(item.before, item.after) for item in changes_of(draft)] == [("3/10", "7/20")]


def test_nobody_takes_two_steps(app: Flask) -> None:
    with transaction():
        draft = change(by="finance", threshold="2/5")
        draft.drafted_by = world.user("finreview").id
        with pytest.raises(Refusal) as refused:
            take_step(draft, "review", by=world.user("finreview"))
        assert refused.value.rule == "RAP-2"
        draft.drafted_by = world.user("finance").id
        take_step(draft, "review", by=world.user("finreview"))
        with pytest.raises(Refusal):
            take_step(draft, "approve", by=world.user("finreview"))


def test_the_database_too_says_three_people(app: Flask) -> None:
    with pytest.raises(DBAPIError, match="reviewer_not_drafter"), transaction():
        draft = change(threshold="2/5")
        draft.reviewed_by = draft.drafted_by
        db.session.flush()


def test_a_rule_does_not_work_backwards(app: Flask) -> None:
    with transaction():
        with pytest.raises(Refusal) as refused:
            draft_change(
                world.agency(), FAMILIES["R30"], {**FAMILIES["R30"].defaults, "threshold": "2/5"},
                valid_from=clock.today() - timedelta(days=1), source="x", reason="x", by=world.user("clerk"),
            )  # fmt: skip
        assert refused.value.rule == "RULE-DATE"
        draft = change(threshold="2/5")
        draft.valid_from = clock.today() - timedelta(days=1)
        take_step(draft, "review", by=world.user("reviewer"))
        with pytest.raises(Refusal) as refused:
            take_step(draft, "approve", by=world.user("leader"))
        assert refused.value.rule == "RULE-DATE"


def test_what_is_in_force_is_never_changed(app: Flask) -> None:
    with transaction():
        draft = change(threshold="2/5")
        take_step(draft, "review", by=world.user("reviewer"))
        take_step(draft, "approve", by=world.user("leader"))
        with pytest.raises(Refusal):
            edit_draft(
                draft, FAMILIES["R30"], dict(FAMILIES["R30"].defaults), valid_from=clock.today(),
                source="x", reason="x", by=world.user("clerk"),
            )  # fmt: skip
        with pytest.raises(Conflict):
            take_step(draft, "withdraw", by=world.user("leader"))
    for statement in (
        "UPDATE rule_draft SET parameters = '{}'",
        "UPDATE rule_draft SET state = 'withdrawn'",
        "DELETE FROM rule_draft",
        "UPDATE rule_set SET parameters = '{}'",
    ):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))


def test_a_later_rule_leaves_the_day_before_alone(app: Flask) -> None:
    for threshold in ("2/5", "1/2"):
        with transaction():
            draft = change(threshold=threshold)
            if threshold == "1/2":
                draft.valid_from = clock.today() + timedelta(days=30)
            take_step(draft, "review", by=world.user("reviewer"))
            take_step(draft, "approve", by=world.user("leader"))
    today = clock.today()
    seen = [
        ratio_parameters("150600", today + timedelta(days=days))[0].threshold for days in (-1, 0, 29, 30, 400)
    ]
    assert seen == [Fraction(3, 10), Fraction(2, 5), Fraction(2, 5), Fraction(1, 2), Fraction(1, 2)]


def test_nothing_changed_is_nothing_drafted(app: Flask) -> None:
    with pytest.raises(Refusal, match="Nothing differs"), transaction():
        change()
    with pytest.raises(Refusal, match="odd number"), transaction():
        change(family="REX", panel_size=6)


def test_the_preview_says_what_the_figure_would_be_and_writes_nothing(app: Flask) -> None:
    with transaction():
        import_purchases(
            read_purchases(TABLE, TABLE.name).rows, file_name="a.csv", sha256="0" * 64, by=SYSTEM
        )
        draft = change(threshold="1/2")
        counted = (db.session.query(Purchase).count(), db.session.query(RuleSet).count())
        effects = effect_on_ratio(draft, [2025])
        assert (db.session.query(Purchase).count(), db.session.query(RuleSet).count()) == counted
    own = effects[0]
    assert own.now.status == "met" and own.then.status == "below"
    assert own.now.ratio == own.then.ratio
    assert own.then.gap_fen == Fraction(1, 2) * own.then.added_total_fen - own.then.added_so_fen


def test_a_unit_drafts_for_its_own_division_and_sees_its_own_drafts(app: Flask) -> None:
    with transaction():
        with pytest.raises(Refusal):
            change(unit="示例市民政局", by="banner_clerk", threshold="2/5")
        draft = change(unit="示例东旗民政局", by="banner_clerk", threshold="2/5")
        assert draft.jurisdiction == "150602"
        assert draft_in_scope(world.user("township_clerk"), draft.id) is None
        assert draft_in_scope(world.user("clerk"), draft.id) is draft
        with pytest.raises(Refusal):
            take_step(draft, "review", by=world.user("reviewer"))
        mine = change(threshold="2/5")
        assert draft_in_scope(world.user("banner_clerk"), mine.id) is None


def test_the_way_of_a_change_over_the_pages(bare_app: Flask, browser_as: Callable) -> None:
    clerk = browser_as("clerk")
    page = clerk.get("/rules/R30").click(href="/rules/R30/draft")
    form = page.forms["rule"]
    assert form["value_threshold"].value == "30"
    form["value_threshold"], form["source"], form["reason"] = "130", "细则 第三条", "提高"
    again = form.submit(status=422)
    assert "130" in again and "0" in again
    form = again.forms["rule"]
    form["value_threshold"] = "35"
    page = form.submit(status=303).follow()
    assert "35.00%" in page and "30.00%" in page
    address = page.request.path
    page = browser_as("reviewer").get(address).forms["review"].submit(status=303).follow()
    leader = browser_as("leader")
    assert address in leader.get("/home")
    leader.get(address).forms["approve"].submit(status=303)
    page = browser_as("operator").get("/rules/R30?division=150602")
    assert "35.00%" in page and "R30 150600 v1" in page
    page = browser_as("operator").get(
        f"/rules/R30?division=150602&as-of={(clock.today() - timedelta(days=1)).isoformat()}"
    )
    assert "<b>30.00%</b>" in page
    public = browser_as("").get("/public/rules?division=150600")
    assert "35.00%" in public and "提高" not in public


@pytest.mark.parametrize("address", ["/rules/R30?as-of=2026-13-01", "/rules/XXX", "/rules/R30?division=15", "/rules/R30?programme=x", "/rules/sets/999", "/rules/drafts/999"])  # fmt: skip
def test_an_address_that_makes_no_sense_is_not_found(browser_as: Callable, address: str) -> None:
    status = 200 if "division=15" in address else 404
    browser_as("clerk").get(address, status=status)


def test_the_day_of_a_rule_is_a_date(app: Flask) -> None:
    with transaction():
        assert isinstance(change(threshold="2/5").valid_from, date)
