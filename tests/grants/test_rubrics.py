"""Rubrics: three standard ones, 100 points each, frozen at publication."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.access.policy import Refusal
from core.db import db, transaction
from grants.rubrics.models import Criterion, Rubric
from grants.rubrics.queries import rubrics_of, standard_criteria
from grants.rubrics.rules import CriterionFacts, problems
from grants.rubrics.services import change_criteria, copy_rubric, create_standard_rubrics
from tests import world
from tests.grants import stage


def test_the_standard_rubrics_sum_to_a_hundred() -> None:
    criteria = standard_criteria()
    assert set(criteria) == {"selection", "midterm", "final"}
    for lines in criteria.values():
        assert problems(lines) == []
    assert [len(lines) for lines in criteria.values()] == [19, 17, 16]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30))
def test_only_a_hundred_points_make_a_rubric(points: list[int]) -> None:
    lines = [CriterionFacts("组", f"项{n}", value) for n, value in enumerate(points)]
    assert (problems(lines) == []) == (sum(points) == 100)


@pytest.mark.parametrize(
    "lines",
    [
        [CriterionFacts("", "项", 100)],
        [CriterionFacts("组", " ", 100)],
        [CriterionFacts("组", "项", 50), CriterionFacts("组", "项", 50)],
        [CriterionFacts("组", "甲", 0), CriterionFacts("组", "乙", 100)],
        [],
    ],
)
def test_criteria_need_names_and_points(lines: list[CriterionFacts]) -> None:
    assert problems(lines)


def test_creating_the_standard_rubrics_twice_creates_them_once(app: Flask) -> None:
    with transaction():
        first = create_standard_rubrics(world.agency(), by=world.user("clerk"))
        again = create_standard_rubrics(world.agency(), by=world.user("clerk"))
        assert {row.id for row in first.values()} == {row.id for row in again.values()}
    assert len(rubrics_of(world.agency().id, "selection")) == 1


def test_a_published_rubric_is_frozen_and_its_copy_free(app: Flask) -> None:
    with transaction():
        call = stage.published()
        rubric = call.selection_rubric
        assert rubric.frozen_at is not None
        other = [CriterionFacts("组", "项", 100)]
        with pytest.raises(Refusal) as refused:
            change_criteria(rubric, other, pass_score=60, by=world.user("clerk"))
        assert refused.value.status == 409
        copy = copy_rubric(rubric, name="另一份", by=world.user("clerk"))
        change_criteria(copy, other, pass_score=70, by=world.user("clerk"))
        assert [item.points for item in copy.criteria] == [100]
        assert len(rubric.criteria) == 19


def test_criteria_are_changed_on_the_page(browser_as, bare_app: Flask) -> None:
    browser = browser_as("clerk")
    browser.get("/rubrics/").forms["standard"].submit(status=303)
    with bare_app.app_context():
        rubric_id = rubrics_of(world.agency().id, "selection")[0].id
    page = browser.get(f"/rubrics/{rubric_id}/edit")
    form = page.forms["rubric"]
    form.set("points", "9", index=0)
    wrong = form.submit(status=422)
    assert "101" in wrong.text
    form = wrong.forms["rubric"]
    assert form.fields["points"][0].value == "9"
    form.set("points", "7", index=0)
    form.set("points", "6", index=1)
    form.set("points", "6", index=2)
    form.set("points", "9", index=3)
    form.submit(status=303)
    with bare_app.app_context():
        points = db.session.scalars(
            db.select(Criterion.points).where(Criterion.rubric_id == rubric_id).order_by(Criterion.position)
        ).all()
        assert points[:4] == [7, 6, 6, 9]
        assert sum(points) == 100


def test_a_rubric_of_another_unit_is_not_found(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        rubric = create_standard_rubrics(world.agency("示例西旗民政局"), by=world.user("clerk"))["final"]
        rubric_id = rubric.id
        assert db.session.get(Rubric, rubric_id) is not None
    browser_as("banner_clerk").get(f"/rubrics/{rubric_id}", status=404)
    # The city reads what lies under it but does not edit there.
    browser_as("clerk").get(f"/rubrics/{rubric_id}", status=200)
    browser_as("clerk").get(f"/rubrics/{rubric_id}/edit", status=404)
