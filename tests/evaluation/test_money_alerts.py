"""What the rooms above money see of it: lines over their cap and self reports that do not come, each found once."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from core import clock
from core.db import db, transaction
from evaluation.checkpoints.services import plan_checkpoint, report
from finance.alerts.models import FundAlert
from finance.alerts.queries import subjects_of
from finance.alerts.services import find_alerts, sentence_of
from finance.lines.rules import SOURCES
from tests import world
from tests.projects import road


def alerts() -> list[FundAlert]:
    return list(db.session.scalars(select(FundAlert).order_by(FundAlert.id)))


def test_a_line_over_its_budget_is_found_above_the_tolerance_only(app: Flask) -> None:
    """The venue has 20,000.00 yuan: ten percent more are for the supervisor, a fen more is an alert."""
    with transaction():
        project = road.running()
        road.spend(project, "22000.00", "FP-1")
        assert find_alerts() == 0
        road.spend(project, "0.01", "FP-2")
        assert find_alerts() == 1
        (alert,) = alerts()
        assert (alert.kind, alert.subject_type, alert.subject_id) == ("overspend", "project", project.id)
        assert (alert.agency_id, alert.source) == (project.agency_id, SOURCES["RBL-LINE"])
        sentence = sentence_of(alert).english()
        assert "22,000.01" in sentence and "20,000.00" in sentence
        assert subjects_of(alerts())["project", project.id].name == project.title
        # Once, while its case is open.
        road.spend(project, "1.00", "FP-3")
        assert find_alerts() == 0


def test_a_capped_line_is_found_by_its_cap(app: Flask) -> None:
    """Staff at most 30% of 98,000.01 yuan, also where the budget has more: 29,400.00 is within, a fen more is not."""
    with transaction():
        project = road.running()
        road.spend(project, "29400.00", "FP-1", "staff_cost")
        assert find_alerts() == 0
        road.spend(project, "0.01", "FP-2", "staff_cost")
        assert find_alerts() == 1
        sentence = sentence_of(alerts()[0]).english()
        assert "29,400.01" in sentence and "30%" in sentence and "98,000.01" in sentence
        assert alerts()[0].source == SOURCES["RBL-STAFF"]


def test_a_self_report_that_does_not_come(app: Flask) -> None:
    with transaction():
        project = road.running()
        checkpoint = plan_checkpoint(
            project,
            "midterm",
            due_on=clock.today(),
            evaluator=world.user("evaluator"),
            by=world.user("clerk"),
        )
        assert find_alerts() == 0
    with clock.at(clock.at_local(clock.today() + timedelta(days=1), 9)), transaction():
        assert find_alerts() == 1
        (alert,) = alerts()
        assert (alert.kind, alert.subject_type, alert.subject_id) == (
            "late_report",
            "checkpoint",
            checkpoint.id,
        )
        assert subjects_of([alert])["checkpoint", checkpoint.id].name == project.title
        assert find_alerts() == 0


def test_a_self_report_that_came_is_no_alert(app: Flask) -> None:
    with transaction():
        project = road.running()
        checkpoint = plan_checkpoint(
            project,
            "midterm",
            due_on=clock.today(),
            evaluator=world.user("evaluator"),
            by=world.user("clerk"),
        )
        report(checkpoint, "已完成全部活动。", by=world.user("so_leader"))
    with clock.at(clock.at_local(clock.today() + timedelta(days=1), 9)), transaction():
        assert find_alerts() == 0
