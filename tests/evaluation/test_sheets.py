"""Sheets are blind, complete, and hidden until all are in; the mean is exact."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.access.policy import Refusal
from core.db import db, transaction
from evaluation.panels import queries as panels
from evaluation.panels.models import Panel
from evaluation.reviews import queries, rules, services
from evaluation.reviews.forms import Sheet
from evaluation.reviews.models import Review
from tests import world
from tests.evaluation import rounds
from tests.evaluation.oracle_mean import published_score

TOTALS = st.lists(st.integers(0, 200).map(lambda half: half * 50), min_size=1, max_size=15)


@rounds.CALM
@given(TOTALS)
def test_the_published_score_agrees_with_a_second_computation(totals: list[int]) -> None:
    assert rules.half_up(rules.trimmed_mean(totals)) == published_score(totals)


@pytest.mark.parametrize(
    ("totals", "score"),
    [
        ([10000, 0, 8000, 8050, 8100], 8050),  # one highest and one lowest go
        ([10000, 10000, 8000, 0, 0], 6000),  # only one of equal ones goes
        ([8000, 9000, 10000, 7000], 8500),  # four sheets: all count
        ([8000, 8050, 8050], 8033),
        ([100, 101], 101),  # 1.005 is 1.01: half up, where binary floats say 1.00
    ],
)
def test_scores_by_hand(totals: list[int], score: int) -> None:
    assert rules.half_up(rules.trimmed_mean(totals)) == score


def test_the_spread_is_measured_from_the_median() -> None:
    assert rules.median([100, 300]) == Fraction(200)
    assert rules.outliers({1: 8000, 2: 6000, 3: 5999, 4: 8000, 5: 10001}) == {3, 5}


@pytest.mark.parametrize(
    ("typed", "points", "wrong"),
    [("4.5", 450, False), ("４．５", 450, False), ("4.3", 430, True), ("8.5", 850, True), ("-1", -100, True)],
)
def test_points_come_in_half_steps_up_to_the_most(typed: str, points: int, wrong: bool) -> None:
    sheet = Sheet([rules.Line(1, "需求", 8)], {"points-1": typed})
    assert sheet.points[1] == points and bool(sheet.errors) is wrong


@pytest.mark.parametrize("typed", ["viel", "1e400", "NaN", "Infinity", "0.005"])
def test_what_is_no_number_is_said_so(typed: str) -> None:
    assert Sheet([rules.Line(1, "需求", 8)], {"points-1": typed}).errors


def test_a_low_score_needs_its_reason_or_a_comment() -> None:
    lines = [rules.Line(1, "需求", 5), rules.Line(2, "目标", 8)]
    assert set(rules.gaps(lines, {1: 250, 2: 800}, {}, "")) == {1}
    assert (
        not rules.gaps(lines, {1: 300, 2: 500}, {}, "")
        or set(rules.gaps(lines, {1: 300, 2: 500}, {}, "")) == set()
    )
    assert set(rules.gaps(lines, {1: 300, 2: 450}, {}, "")) == {2}, "60% of 8 points are 4.8"
    assert not rules.gaps(lines, {1: 250, 2: 800}, {1: "无数据"}, "")
    assert not rules.gaps(lines, {1: 250, 2: 800}, {}, "总评")
    assert set(rules.gaps(lines, {1: None}, {}, "总评")) == {1, 2}


@rounds.CALM
@given(st.text(max_size=60), st.text(max_size=60))
def test_names_and_numbers_are_masked_wherever_they_stand(before: str, after: str) -> None:
    name = "示例暖邻社区服务中心"
    text = f"{before} {name} 13900001111 a.b@example.org 110101199001011234 {after}"
    shown = rules.blind(text, [name])
    assert name not in shown and "13900001111" not in shown
    assert "@example.org" not in shown and "110101199001011234" not in shown


def test_the_last_sheet_closes_the_panel_and_only_then_there_are_results(app) -> None:
    with transaction():
        panel = rounds.scoring(rounds.make_call())
        every = rounds.sheets(panel)
        for review in every[:-1]:
            rounds.fill(review)
            assert panel.state == "scoring" and queries.results(panel) == []
            assert queries.readable_sheet(world.user("leader"), review.id) is None
        rounds.fill(every[-1])
        assert panel.state == "closed" and len(queries.results(panel)) == 3
        assert queries.readable_sheet(world.user("leader"), every[0].id) is not None


def test_means_of_a_whole_panel_by_the_second_computation(app) -> None:
    with transaction():
        panel = rounds.scoring(rounds.make_call())
        for number, review in enumerate(rounds.sheets(panel)):
            rounds.fill(review, 55 + number * 3)
        for result in queries.results(panel):
            totals = [row.total for row in result.sheets]
            assert len(totals) == 5 and result.score == published_score(totals)
            assert sum(result.parts.values()) == Fraction(sum(totals), 5)


def test_a_sheet_belongs_to_its_expert_and_is_submitted_once(app) -> None:
    with transaction():
        panel = rounds.scoring(rounds.make_call())
        review, other = rounds.sheets(panel)[0], rounds.sheets(panel)[-1]
        stranger = rounds.user_of(other.person_id)
        assert stranger.person_id != review.person_id
        with pytest.raises(Refusal, match="own expert alone"):
            services.save_review(review, points={}, reasons={}, comment="", by=stranger)
        own = rounds.user_of(review.person_id)
        with pytest.raises(Refusal, match="not finished"):
            services.submit_review(review, by=own)
        rounds.fill(review)
        with pytest.raises(Refusal):
            services.save_review(review, points={}, reasons={}, comment="x", by=own)
        with pytest.raises(Refusal):
            services.submit_review(review, by=own)


def test_a_recusal_takes_the_sheet_away(app) -> None:
    with transaction():
        panel = rounds.scoring(rounds.make_call())
        review = rounds.sheets(panel)[0]
        rounds.fill(review, submit=False)
        number = review.id
        panels_service = services.panel_services
        panels_service.declare_interest(
            panel, review.application, reason="亲属任职", by=rounds.user_of(review.person_id)
        )
        assert db.session.scalar(select(Review).where(Review.id == number)) is None
        assert (review.person_id, review.application_id) in panels.recused_persons(panel.id)


def started(bare_app) -> tuple[int, int, str]:
    """(panel id, a sheet's id, its expert's login) of a scoring panel."""
    with bare_app.app_context(), transaction():
        panel = rounds.scoring(rounds.make_call())
        first = rounds.sheets(panel)[0]
        return panel.id, first.id, rounds.user_of(first.person_id).login


def test_scoring_over_http_blind_with_draft_and_refusal(bare_app, browser_as) -> None:
    _, review_id, login = started(bare_app)
    browser = browser_as(login)
    page = browser.get(f"/reviews/{review_id}/score")
    for hidden in ("示例暖邻社区服务中心", "示例联系人", "13900001111", "a@example.org", "示例法人"):
        assert hidden not in page.text
    form = page.forms["sheet"]
    fields = [name for name in form.fields if name and name.startswith("points-")]
    form[fields[0]] = "7.5"
    page = form.submit("act", value="save").follow()
    assert page.forms["sheet"][fields[0]].value == "7.5"
    form = page.forms["sheet"]
    form[fields[0]] = "99"
    form["comment"] = "尚可"
    page = form.submit("act", value="submit", expect_errors=True)
    assert page.status_code == 422 and page.forms["sheet"][fields[0]].value == "99"
    assert page.forms["sheet"]["comment"].value == "尚可"
    with bare_app.app_context():
        review = db.session.get(Review, review_id)
        most = {item.id: item.points for item in queries.criteria(review.application.call)}
    form = page.forms["sheet"]
    for name in fields:
        form[name] = str(most[int(name.removeprefix("points-"))])
    page = form.submit("act", value="submit").follow()
    with bare_app.app_context():
        review = db.session.get(Review, review_id)
        assert (review.state, review.total) == ("submitted", 10000)


def test_nobody_sees_a_figure_before_all_sheets_are_in(bare_app, browser_as) -> None:
    panel_id, review_id, login = started(bare_app)
    with bare_app.app_context(), transaction():
        panel = db.session.get(Panel, panel_id)
        every = rounds.sheets(panel)
        for review in every[:-1]:
            # A total that stands nowhere else on these pages (the pass line is 60).
            rounds.fill(review, 77)
        total = rules.points_text(every[0].total)
        members = {rounds.user_of(item.person_id).login for item in panel.members}
        last = every[-1].id
    assert re.fullmatch(r"\d\d(\.5)?", total) and total != "60"
    for who in ("clerk", "reviewer", "leader", "organizer", "supervisor"):
        browser = browser_as(who)
        assert browser.get(f"/reviews/{review_id}", expect_errors=True).status_code == 404
        page = browser.get(f"/reviews/results/{panel_id}")
        shown = page.html.select_one("main").get_text(" ")
        assert "14" in shown and not re.search(rf"(?<![\d.]){re.escape(total)}(?![\d.])", shown)
        assert "propose" not in page.forms
    for who in sorted(members):
        browser = browser_as(who)
        assert browser.get(f"/reviews/results/{panel_id}", expect_errors=True).status_code == 404
        expected = 200 if who == login else 404
        assert browser.get(f"/reviews/{review_id}/score", expect_errors=True).status_code == expected
        assert browser.get(f"/reviews/{review_id}", expect_errors=True).status_code == 404
    with bare_app.app_context(), transaction():
        rounds.fill(db.session.get(Review, last), 77)
    assert browser_as("leader").get(f"/reviews/{review_id}").status_code == 200
    assert total in browser_as("clerk").get(f"/reviews/results/{panel_id}").text
    assert browser_as(login).get(f"/reviews/results/{panel_id}").status_code == 200
    for who in ("banner_clerk", "township_clerk"):
        assert browser_as(who).get(f"/reviews/{review_id}", expect_errors=True).status_code == 404
        assert browser_as(who).get(f"/reviews/results/{panel_id}", expect_errors=True).status_code == 404
    assert browser_as("operator").get(f"/reviews/{review_id}", expect_errors=True).status_code == 403


def test_dissent_stands_in_the_result(bare_app, browser_as) -> None:
    panel_id, review_id, login = started(bare_app)
    with bare_app.app_context(), transaction():
        for review in rounds.sheets(db.session.get(Panel, panel_id)):
            rounds.fill(review)
    page = browser_as(login).get(f"/reviews/{review_id}")
    page.forms["dissent"]["dissent"] = "预算测算明显偏高"
    page.forms["dissent"].submit().follow()
    assert "预算测算明显偏高" in browser_as("leader").get(f"/reviews/results/{panel_id}").text


def test_stepping_back_over_http(bare_app, browser_as) -> None:
    _, review_id, login = started(bare_app)
    browser = browser_as(login)
    page = browser.get(f"/reviews/{review_id}/recuse")
    assert page.forms["recuse"].submit(expect_errors=True).status_code == 422
    page.forms["recuse"]["reason"] = "曾为该项目提供咨询"
    page.forms["recuse"].submit().follow()
    assert browser.get(f"/reviews/{review_id}/score", expect_errors=True).status_code == 404


def test_an_absent_member_does_not_hold_the_panel_up(bare_app, browser_as) -> None:
    panel_id, _, login = started(bare_app)
    with bare_app.app_context(), transaction():
        panel = db.session.get(Panel, panel_id)
        absent = world.user(login).person_id
        position = next(item.position for item in panel.members if item.person_id == absent)
        for review in rounds.sheets(panel):
            if review.person_id != absent:
                rounds.fill(review)
    address = f"/reviews/results/{panel_id}/release/{position}"
    assert browser_as("clerk").get(address, expect_errors=True).status_code == 403
    organizer = browser_as("organizer")
    page = organizer.get(address)
    assert page.forms["release"].submit(expect_errors=True).status_code == 422
    page.forms["release"]["reason"] = "因病住院"
    page.forms["release"].submit().follow()
    with bare_app.app_context():
        panel = db.session.get(Panel, panel_id)
        assert panel.state == "closed"
        assert all(len(item.sheets) == 4 for item in queries.results(panel))
