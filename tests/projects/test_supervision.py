"""Nobody both accompanies and evaluates; nobody judges an organization of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from finance.commitments.queries import open_holds
from projects.agreements.services import resume_project, suspend_project
from projects.supervision.services import (
    answer_rectification,
    appoint,
    ask_again,
    close_rectification,
    fail_rectification,
    open_rectification,
)
from registry.interests.models import Interest
from tests import world
from tests.projects import road


def test_nobody_is_both_supervisor_and_evaluator(app) -> None:
    with transaction():
        project = road.running()
        organizer = world.user("organizer")
        appoint(project, organizer, "supervisor", by=world.user("clerk"))
        with pytest.raises(Refusal, match="nobody both"):
            appoint(project, organizer, "evaluator", by=world.user("clerk"))
        appoint(project, world.user("evaluator"), "evaluator", by=world.user("clerk"))
        with pytest.raises(Refusal, match="nobody both"):
            appoint(project, world.user("evaluator"), "supervisor", by=world.user("clerk"))


def test_nobody_of_the_organization_or_with_an_interest_is_appointed(app) -> None:
    with transaction():
        project = road.running()
        with pytest.raises(Refusal, match="belongs to the organization"):
            appoint(project, world.user("operator"), "supervisor", by=world.user("clerk"))
        evaluator = world.user("evaluator")
        db.session.add(
            Interest(
                person_id=evaluator.person_id,
                organization_id=project.organization_id,
                kind="kinship",
                since=clock.today() - timedelta(days=10),
            )
        )
        db.session.flush()
        with pytest.raises(Refusal, match="interest"):
            appoint(project, evaluator, "evaluator", by=world.user("clerk"))


def test_only_the_funder_appoints(app) -> None:
    with transaction():
        project = road.running()
        for login in ("so_leader", "banner_clerk", "leader"):
            with pytest.raises(Refusal, match="permission"):
                appoint(project, world.user("organizer"), "supervisor", by=world.user(login))


def test_a_rectification_goes_back_until_it_is_put_right(app) -> None:
    with transaction():
        project = road.running()
        clerk, operator = world.user("clerk"), world.user("operator")
        row = open_rectification(project, items="一", due_on=clock.today(), by=clerk)
        with pytest.raises(Refusal):
            close_rectification(row, by=clerk)
        answer_rectification(row, answer="已改", by=operator)
        ask_again(row, reason="缺照片", due_on=clock.today() + timedelta(days=5), by=clerk)
        assert row.state == "open" and "缺照片" in row.items
        answer_rectification(row, answer="已补照片", by=operator)
        close_rectification(row, by=clerk)
        assert open_holds(project.agreement.commitment) == []


def test_what_was_not_put_right_stays_on_hold(app) -> None:
    with transaction():
        project = road.running()
        row = open_rectification(project, items="一", due_on=clock.today(), by=world.user("clerk"))
        fail_rectification(row, reason="未整改", by=world.user("clerk"))
        assert [hold.reason for hold in open_holds(project.agreement.commitment)] == ["rectification"]


def test_an_evaluator_opens_one_only_where_appointed(app) -> None:
    with transaction():
        project = road.running()
        evaluator = world.user("evaluator")
        with pytest.raises(Refusal, match="permission"):
            open_rectification(project, items="一", due_on=clock.today(), by=evaluator)
        appoint(project, evaluator, "evaluator", by=world.user("clerk"))
        assert open_rectification(project, items="一", due_on=clock.today(), by=evaluator).state == "open"


def test_suspension_holds_payments_until_resumed(app) -> None:
    with transaction():
        project = road.running()
        suspend_project(project, reason="场地停用", by=world.user("clerk"))
        assert [hold.reason for hold in open_holds(project.agreement.commitment)] == ["suspension"]
        resume_project(project, reason="场地恢复", by=world.user("clerk"))
        assert open_holds(project.agreement.commitment) == [] and project.state == "running"
