"""Mid-term and final evaluation: exact bands, outside eyes, and the way of a failed mid-term."""

import re
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from evaluation.checkpoints import queries, rules, services
from evaluation.checkpoints.models import Checkpoint
from finance.commitments.queries import open_holds
from projects.agreements.models import Project
from projects.supervision import services as supervision
from projects.supervision.models import Appointment, Rectification
from registry.credit.queries import entries_of
from tests import world
from tests.evaluation import rounds


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        ("0", "fail"),
        ("59.99", "fail"),
        ("60", "pass"),
        ("79.995", "pass"),
        ("80", "good"),
        ("89.5", "good"),
        ("89.999", "good"),
        ("90", "excellent"),
        ("105", "excellent"),
    ],
)
def test_the_edges_of_the_bands(score: str, grade: str) -> None:
    assert rules.grade_of(Fraction(score)) == grade


@rounds.CALM
@given(st.fractions(0, 100), st.fractions(0, 100))
def test_a_higher_score_never_has_a_lower_grade(one: Fraction, other: Fraction) -> None:
    order = ["fail", "pass", "good", "excellent"]
    low, high = sorted((one, other))
    assert order.index(rules.grade_of(low)) <= order.index(rules.grade_of(high))


def make_project() -> Project:
    call = rounds.make_call()
    application = rounds.panels.queries.applicants(call.id)[0]
    application.state = "awarded"
    return rounds.make_project(call, application)


def planned(project: Project, kind: str = "midterm") -> Checkpoint:
    return services.plan_checkpoint(
        project, kind, due_on=clock.today(), evaluator=world.user("evaluator"), by=world.user("clerk")
    )


def points(checkpoint: Checkpoint, share: int) -> dict[int, int]:
    return {item.id: item.points * share // 50 * 50 for item in checkpoint.rubric.criteria}


def graded(checkpoint: Checkpoint, share: int) -> str:
    services.report(checkpoint, "按计划推进", by=world.user("so_leader"))
    evaluator = world.user("evaluator")
    services.begin(checkpoint, by=evaluator)
    return services.grade(
        checkpoint, points=points(checkpoint, share), reasons={}, opinion="签到表缺页", by=evaluator
    )


def test_a_passed_midterm_is_written_down_and_appoints_once(app) -> None:
    with transaction():
        project = make_project()
        assert graded(planned(project), 90) in ("good", "excellent", "pass")
        assert project.midterm_grade != "fail" and project.midterm_grade
        final = planned(project, "final")
        appointments = db.session.scalars(select(Appointment)).all()
        assert [item.role for item in appointments] == ["evaluator"]
        assert graded(final, 100) == "excellent"
        assert project.final_grade == "excellent"
        entries = entries_of(project.organization)
        assert [(item.kind, item.grade) for item in entries] == [("project_grade", "excellent")]


def test_a_failed_midterm_is_put_right_and_checked_once_more(app) -> None:
    with transaction():
        project = make_project()
        checkpoint = planned(project)
        assert graded(checkpoint, 50) == "fail"
        assert (checkpoint.state, project.midterm_grade) == ("rectifying", "fail")
        rectification = db.session.scalars(select(Rectification)).one()
        assert rectification.due_on <= clock.today() + timedelta(days=30)
        assert "签到表缺页" in rectification.items
        commitment = project.agreement.commitment
        assert [hold.reason for hold in open_holds(commitment)] == ["rectification"]
        first = checkpoint.total
        evaluator = world.user("evaluator")
        assert queries.waiting_for(evaluator) == [], "first the organization puts it right"
        with pytest.raises(Refusal, match="rectification is closed"):
            services.grade(
                checkpoint, points=points(checkpoint, 80), reasons={}, opinion="已整改", by=evaluator
            )
    with transaction():
        checkpoint = db.session.scalars(select(Checkpoint)).one()
        project = checkpoint.project
        rectification = db.session.scalars(select(Rectification)).one()
        supervision.answer_rectification(rectification, answer="已补签到表", by=world.user("so_leader"))
        supervision.close_rectification(rectification, by=world.user("clerk"))
        evaluator = world.user("evaluator")
        assert queries.waiting_for(evaluator) == [checkpoint]
        verdict = services.grade(
            checkpoint, points=points(checkpoint, 85), reasons={}, opinion="已整改", by=evaluator
        )
        assert (checkpoint.state, project.midterm_grade) == ("final", verdict) and verdict != "fail"
        assert checkpoint.facts["first"]["total"] == first and checkpoint.facts["first"]["grade"] == "fail"
        assert open_holds(project.agreement.commitment) == []
        with pytest.raises(Refusal):
            services.grade(checkpoint, points=points(checkpoint, 99), opinion="再来", by=evaluator)


def test_a_second_fail_stays_a_fail(app) -> None:
    with transaction():
        project = make_project()
        checkpoint = planned(project)
        graded(checkpoint, 50)
        rectification = db.session.scalars(select(Rectification)).one()
        supervision.answer_rectification(rectification, answer="已整改", by=world.user("so_leader"))
        supervision.close_rectification(rectification, by=world.user("clerk"))
        evaluator = world.user("evaluator")
        verdict = services.grade(
            checkpoint, points=points(checkpoint, 40), reasons={}, opinion="仍不合格", by=evaluator
        )
        assert (verdict, checkpoint.state, project.midterm_grade) == ("fail", "final", "fail")
        assert len(db.session.scalars(select(Rectification)).all()) == 1, "only one chance"


def test_a_failed_final_stands_on_the_credit_file(app) -> None:
    with transaction():
        project = make_project()
        graded(planned(project), 90)
        assert graded(planned(project, "final"), 50) == "fail"
        assert [item.kind for item in entries_of(project.organization)] == ["project_failed"]


def test_outside_eyes_only(app) -> None:
    with transaction():
        project = make_project()
        clerk = world.user("clerk")
        with pytest.raises(Refusal, match="interest in this organization"):
            services.plan_checkpoint(
                project, "midterm", due_on=clock.today(), evaluator=world.user("operator"), by=clerk
            )
        supervision.appoint(project, world.user("evaluator"), "supervisor", by=clerk)
        with pytest.raises(Refusal, match="accompanies"):
            planned(project)


def test_nobody_else_grades_and_nothing_half_done(app) -> None:
    with transaction():
        checkpoint = planned(make_project())
        services.report(checkpoint, "自评", by=world.user("operator"))
        with pytest.raises(Refusal):
            services.begin(checkpoint, by=world.user("clerk"))
        evaluator = world.user("evaluator")
        services.begin(checkpoint, by=evaluator)
        some = dict(list(points(checkpoint, 90).items())[:3])
        with pytest.raises(Refusal, match="not finished"):
            services.grade(checkpoint, points=some, reasons={}, opinion="意见", by=evaluator)
        assert checkpoint.state == "under_review" and checkpoint.grade == ""


def test_the_final_one_follows_the_concluded_midterm(app) -> None:
    with transaction():
        project = make_project()
        planned(project)
        with pytest.raises(Refusal, match="follows when"):
            planned(project, "final")
        with pytest.raises(Refusal, match="planned already"):
            planned(project)


def test_the_facts_are_counted(app) -> None:
    with transaction():
        found = queries.facts(make_project())
        assert (found["records"], found["person_times"], found["planned_person_times"]) == (0, 0, 3600)
        assert (found["spent_fen"], found["granted_fen"]) == (0, Money.yuan(60_000).fen)
        assert (found["days_gone"], found["days_in_all"]) == (101, 301)


def test_the_archive_holds_sheets_and_checkpoints(app) -> None:
    with transaction():
        call = rounds.make_call()
        rounds.closed(call)
        application = rounds.panels.queries.applicants(call.id)[0]
        project = rounds.make_project(call, application)
        graded(planned(project), 90)
        sheets = dict(rounds.review_services.archived_sheets(project))
        verdicts = dict(services.archived_checkpoints(project))
        assert sheets == dict(rounds.review_services.archived_sheets(project))
        assert "签到表缺页".encode() in verdicts["09-evaluation/checkpoints.json"]
        assert "总体评语".encode() in sheets["09-evaluation/score-sheets.json"]


def test_a_batch_over_http_from_plan_to_grade(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        call = rounds.make_call(pot=200_000)
        call_id = call.id
        for application in rounds.panels.queries.applicants(call.id):
            rounds.make_project(call, application, amount=50_000)
        names = {item.id: item.name for item in db.session.scalars(select(world.Organization))}
    clerk = browser_as("clerk")
    page = clerk.get(f"/checkpoints/new?call={call_id}&kind=midterm")
    page.forms["plan"]["due_on"] = "2020-01-01"
    page = page.forms["plan"].submit(expect_errors=True)
    assert page.status_code == 422
    page.forms["plan"]["due_on"] = (clock.today() + timedelta(days=20)).isoformat()
    page = page.forms["plan"].submit().follow()
    assert "0/3" in page.text
    batch = page.request.path
    with bare_app.app_context():
        rows = {names[item.organization_id]: item.id for item in db.session.scalars(select(Checkpoint))}
    mine, other = rows["示例暖邻社区服务中心"], rows["示例夕阳红为老服务中心"]
    operator = browser_as("operator")
    assert operator.get(f"/checkpoints/{other}", expect_errors=True).status_code == 404
    assert operator.get(f"/checkpoints/{other}/report", expect_errors=True).status_code == 404
    page = operator.get(f"/checkpoints/{mine}/report")
    page.forms["report"]["text"] = "中期完成四成，服务1500人次。"
    page.forms["report"].submit().follow()
    evaluator = browser_as("evaluator")
    page = evaluator.get(f"/checkpoints/{mine}").forms["begin"].submit().follow()
    form = page.forms["sheet"]
    fields = [name for name in form.fields if name and name.startswith("points-")]
    form[fields[0]] = "3.5"
    page = form.submit("act", value="save").follow()
    assert page.forms["sheet"][fields[0]].value == "3.5"
    # The organization sees no draft.
    shown = operator.get(f"/checkpoints/{mine}").html.select_one("main").get_text(" ")
    assert not re.search(r"(?<![\d.])3\.5(?![\d.])", shown)
    with bare_app.app_context():
        most = {item.id: item.points for item in db.session.get(Checkpoint, mine).rubric.criteria}
    form = page.forms["sheet"]
    for name in fields:
        form[name] = str(most[int(name.removeprefix("points-"))])
    page = form.submit("act", value="submit", expect_errors=True)
    assert page.status_code == 422, "an opinion is due"
    page.forms["sheet"]["comment"] = "进展良好"
    page.forms["sheet"].submit("act", value="submit").follow()
    page = clerk.get(batch)
    assert "1/3" in page.text and "100.00" in page.text
    assert "进展良好" in operator.get(f"/checkpoints/{mine}").text
    assert browser_as("banner_clerk").get(batch, expect_errors=True).status_code == 404
    assert browser_as("banner_clerk").get(f"/checkpoints/{mine}", expect_errors=True).status_code == 404
    assert browser_as("operator2").get(f"/checkpoints/{mine}", expect_errors=True).status_code == 404
    assert evaluator.get(f"/checkpoints/{other}").status_code == 200
    assert browser_as("expert1").get(f"/checkpoints/{mine}", expect_errors=True).status_code == 403
