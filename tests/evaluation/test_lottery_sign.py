"""The sign of the lottery (彩票管理条例实施细则 Art. 60): no pass without a photo that shows it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError
from webtest import TestApp, Upload

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from evaluation.checkpoints import queries, services
from evaluation.checkpoints.models import Checkpoint
from finance.funds.models import Budget
from projects.delivery.models import ServiceRecord
from projects.delivery.queries import sign_of
from projects.delivery.services import add_record
from tests import world
from tests.evaluation.test_checkpoints import graded, make_project, planned, points
from tests.finance.lottery import strict

# The smallest picture: one white point.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f00010101007ac7ad6a0000000049454e44ae426082"
)
Browser = Callable[[str], TestApp]


def photo() -> tuple[io.BytesIO, str]:
    return io.BytesIO(PNG), "sign.png"


def reported(kind: str = "midterm") -> Checkpoint:
    checkpoint = planned(make_project(), kind)
    services.report(checkpoint, "按计划推进", by=world.user("so_leader"))
    services.begin(checkpoint, by=world.user("evaluator"))
    return checkpoint


def grade(checkpoint: Checkpoint, share: int) -> str:
    return services.grade(
        checkpoint,
        points=points(checkpoint, share),
        reasons={},
        opinion="签到表缺页",
        by=world.user("evaluator"),
    )


def test_no_pass_without_the_photo(app: Flask) -> None:
    with transaction():
        strict(plan_required=False)
        checkpoint = reported()
        assert sign_of(checkpoint.project) == "福彩公益金资助"
        with pytest.raises(Refusal) as no:
            grade(checkpoint, 90)
        assert no.value.rule == "RLF-29" and "第六十条" in no.value.source
        services.hand_in_sign(checkpoint, photo(), by=world.user("operator"))
        assert grade(checkpoint, 90) == "good"
        assert checkpoint.facts["sign"]["verdict"] == "pass"
        with pytest.raises(Refusal):  # concluded: nothing is taken any more
            services.hand_in_sign(checkpoint, photo(), by=world.user("operator"))


def test_a_fail_needs_none(app: Flask) -> None:
    with transaction():
        strict(plan_required=False)
        assert grade(reported(), 50) == "fail"


def test_the_sign_is_a_parameter(app: Flask) -> None:
    with transaction():
        strict(plan_required=False, sign_text=["市福彩资助"])
        assert sign_of(reported().project) == "市福彩资助"
    with transaction():
        strict(plan_required=False, sign_required=False)
        assert sign_of(db.session.query(Checkpoint).one().project) == ""


def test_other_money_needs_no_sign(app: Flask) -> None:
    with transaction():
        strict(plan_required=False)
        checkpoint = reported()
        source = db.session.query(Budget).one().fund_source
        source.kind, source.tier = "general_public_budget", ""
        db.session.flush()
        assert queries.sign_finding(checkpoint).verdict == "na"
        assert grade(checkpoint, 90) == "good"


def test_a_service_record_counts_and_the_final_wants_a_newer_one(app: Flask) -> None:
    with transaction():
        strict(plan_required=False)
        project = make_project()
        project.state = "running"
        project.agreement.starts_on = clock.today() - timedelta(days=10)
        add_record(
            project, held_on=clock.today() - timedelta(days=5), title="助餐", place="活动室", persons=1, person_times=1, photo=photo(),
            shows_sign=True, by=world.user("operator"),
        )  # fmt: skip
        assert graded(planned(project), 90) == "good"
        project.state = "closing"
        final = planned(project, "final")
        assert queries.sign_finding(final).verdict == "fail"


def test_the_sign_is_seen_in_a_photo(app: Flask) -> None:
    with transaction():
        project = make_project()
        project.state, project.agreement.starts_on = "running", clock.today()
        with pytest.raises(Refusal):
            add_record(
                project, held_on=clock.today(), title="x", place="x", persons=0, person_times=0, shows_sign=True, by=world.user("operator")
            )  # fmt: skip
    with pytest.raises(IntegrityError), transaction() as session:
        row = ServiceRecord(
            project_id=project.id, organization_id=project.organization_id, held_on=clock.today(), title="x", place="x", persons=0,
            person_times=0, recorded_by=world.user("operator").id, recorded_at=clock.now(), shows_sign=True,
        )  # fmt: skip
        session.add(row)


def test_handed_in_with_the_self_report_and_later(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        strict(plan_required=False)
        number = planned(make_project()).id
    leader = browser_as("so_leader")
    page = leader.get(f"/checkpoints/{number}/report")
    form = page.forms["report"]
    form["text"] = "按计划推进"
    form["sign"] = Upload("sign.png", PNG, "image/png")
    page = form.submit(status=303).follow()
    address = page.html.find("section", id="sign").find("img")["src"]
    assert leader.get(address).body == PNG
    form = page.forms["sign-form"]
    assert form.submit(status=422)
    form["sign"] = Upload("sign.png", PNG, "image/png")
    form.submit(status=303)
    evaluator = browser_as("evaluator")
    assert evaluator.get(address).body == PNG
    browser_as("operator2").get(address, status=404)
    with bare_app.app_context():
        assert len(queries.evidence_of(db.session.get_one(Checkpoint, number))) == 2
