"""Records and vouchers: persons apart from person-times, a photo by content, one voucher once."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from core import clock
from core.access.policy import Refusal
from core.db import transaction
from core.money import Money
from core.rules.rules import Verdict
from projects.agreements.models import Project
from projects.agreements.queries import budget_lines
from projects.agreements.rules import budget_by_line
from projects.delivery.queries import totals
from projects.delivery.services import add_record
from projects.spending.queries import line_findings, spent_total
from tests import world
from tests.projects import road


def _record(project: Project, photo: bytes | None = None, name: str = "现场.jpg", **changes: object):
    facts = {
        "held_on": clock.today(),
        "title": "手机课堂",
        "place": "示例社区",
        "persons": 20,
        "person_times": 23,
        "volunteers": 4,
        "by": world.user("operator"),
        **changes,
    }
    return add_record(
        project,
        photo=(io.BytesIO(photo), name) if photo is not None else None,
        **facts,  # type: ignore[arg-type]
    )


def test_persons_and_person_times_are_kept_apart(app) -> None:
    with transaction():
        project = road.running()
        _record(project)
        _record(project, persons=5, person_times=10, volunteers=0)
        found = totals(project)
        assert (found.records, found.persons, found.person_times, found.volunteers) == (2, 25, 33, 4)
        with pytest.raises(Refusal, match="Person-times"):
            _record(project, persons=5, person_times=4)


def test_a_photo_is_judged_by_its_content(app) -> None:
    with transaction():
        project = road.running()
        assert _record(project, road.picture(), "任意名字.pdf").photo_id is not None
        for content in (b"%PDF-1.4\n%%EOF\n", b"<svg onload=alert(1)>", b"GIF89a" + bytes(20)):
            with pytest.raises(Refusal, match="not a file of a kind"):
                _record(project, content, "现场.jpg")


def test_a_record_lies_within_the_project(app) -> None:
    with transaction():
        project = road.running()
        with pytest.raises(Refusal, match="future"):
            _record(project, held_on=clock.today() + timedelta(days=1))
        with pytest.raises(Refusal, match="before the project"):
            _record(project, held_on=project.agreement.starts_on - timedelta(days=1))
        with pytest.raises(Refusal, match="permission"):
            _record(project, by=world.user("operator2"))


def test_a_voucher_pays_once(app) -> None:
    with transaction():
        project = road.running()
        road.spend(project, "100.00", "FP-7")
        with pytest.raises(Refusal, match="pays once"):
            road.spend(project, "100.00", " FP-7 ")
        assert spent_total(project) == Money.yuan(100)


def test_only_budgeted_lines_are_booked_and_an_overrun_is_told(app) -> None:
    with transaction():
        project = road.running()
        with pytest.raises(Refusal, match="no such budget line"):
            road.spend(project, "1.00", "FP-1", "taxes")
        road.spend(project, "20000.00", "FP-1")
        assert line_findings(project) == []
        road.spend(project, "2000.00", "FP-2")
        (finding,) = line_findings(project)
        assert finding.verdict is Verdict.MANUAL
        road.spend(project, "0.01", "FP-3")
        (finding,) = line_findings(project)
        assert finding.verdict is Verdict.FAIL


def test_lines_shrink_with_the_award_and_still_sum_to_it(app) -> None:
    with transaction():
        project = road.running()
        assert budget_lines(project) == {code: Money.yuan(amount) for code, amount in road.LINES}
    asked = [("venue", Money.yuan(3)), ("supplies", Money.yuan(3)), ("venue", Money.yuan(3))]
    shrunk = budget_by_line(Money(100), asked)
    assert shrunk == {"venue": Money(66), "supplies": Money(34)}
    assert sum(shrunk.values(), Money(0)) == Money(100)
