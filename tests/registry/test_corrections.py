"""What was noted about an organization by mistake can be put right or struck out, and the history tells."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.corrections.services import KINDS, correct, row_of, strike
from registry.keys.models import DirectoryEntry
from registry.organizations.models import OrganizationChange
from registry.organizations.services import record_grade
from registry.particulars.services import (
    assign_department,
    file_fundraising,
    give_tag,
    record_qualification,
    set_up_fund,
)
from tests import world
from tests.registry.test_register_pages import send


def _noted() -> dict[str, int]:
    """One row of each kind; their ids."""
    one = world.organization()
    start = date(2025, 1, 1)
    with transaction():
        rows = {
            "grade": record_grade(one, 4, start, date(2029, 12, 31), by=SYSTEM),
            "tag": give_tag(one, "hub", since=start, by=SYSTEM),
            "department": assign_department(
                one, "industry", agency=None, unit_name="示例局", since=start, by=SYSTEM
            ),
            "qualification": record_qualification(
                one, "public_fundraising", valid_from=start, valid_to=date(2027, 12, 31), by=SYSTEM
            ),
        }
        rows["filing"] = file_fundraising(
            one, number=f"{one.credit_code}A25001", title="方案", starts_on=date(2025, 3, 1), ends_on=date(2025, 9, 1),
            target=None, by=SYSTEM,
        )  # fmt: skip
        rows["fund"] = set_up_fund(
            one,
            name="示例社区基金",
            division_code="150602001001",
            purpose="互助",
            set_up_on=date(2025, 4, 1),
            by=SYSTEM,
        )
        return {kind: row.id for kind, row in rows.items()}


def _history(field: str) -> list[OrganizationChange]:
    return list(
        db.session.scalars(
            select(OrganizationChange)
            .where(
                OrganizationChange.organization_id == world.organization().id,
                OrganizationChange.field == field,
            )
            .order_by(OrganizationChange.id)
        )
    )


def test_a_correction_keeps_what_stood_there_and_why(app):
    noted = _noted()
    one = world.organization()
    values = {
        "grade": {"grade": 3, "valid_from": date(2025, 1, 1), "valid_to": date(2029, 12, 31)},
        "tag": {"since": date(2025, 2, 1), "until": None, "document": "示民发〔2025〕2号"},
        "department": {"since": date(2025, 2, 1), "until": None},
        "qualification": {
            "valid_from": date(2025, 2, 1),
            "valid_to": None,
            "issued_by": "示例市民政局",
            "document": "",
        },
        "filing": {
            "title": "方案二",
            "starts_on": date(2025, 3, 2),
            "ends_on": date(2025, 9, 1),
            "target": None,
        },
        "fund": {"name": "示例基金", "purpose": "互助", "set_up_on": date(2025, 4, 1), "ended_on": None},
    }
    assert set(values) == set(KINDS)
    for kind, wanted in values.items():
        row = row_of(one, kind, noted[kind])
        with pytest.raises(Refusal, match="why"), transaction():
            correct(one, kind, row, wanted, reason=" ", by=SYSTEM)
        with transaction():
            correct(one, kind, row_of(one, kind, noted[kind]), wanted, reason="抄错了", by=SYSTEM)
        row = row_of(one, kind, noted[kind])
        assert {name: getattr(row, name) for name in wanted} == wanted
        last = _history(KINDS[kind].field(row))[-1]
        assert last.evidence == "抄错了" and last.old and last.new and last.old != last.new
        with pytest.raises(Refusal, match="Nothing is different"), transaction():
            correct(one, kind, row_of(one, kind, noted[kind]), wanted, reason="再来", by=SYSTEM)
        first, last_day = KINDS[kind].days
        with pytest.raises(Refusal, match="ends before it begins"), transaction():
            correct(
                one, kind, row_of(one, kind, noted[kind]),
                wanted | {first: date(2026, 1, 2), last_day: date(2026, 1, 1)}, reason="日期", by=SYSTEM,
            )  # fmt: skip
    marks = db.session.get_one(DirectoryEntry, one.id).marks
    assert "grade=3" in marks.split() and "grade=4" not in marks.split()


def test_what_is_struck_out_is_gone_and_told(app):
    noted = _noted()
    for kind in ("fund", "filing", "qualification", "department", "tag", "grade"):
        one = world.organization()
        row = row_of(one, kind, noted[kind])
        field = KINDS[kind].field(row)
        with transaction():
            strike(one, kind, row, reason="录错了组织", by=SYSTEM)
        assert row_of(world.organization(), kind, noted[kind]) is None
        last = _history(field)[-1]
        assert last.old and last.new is None and last.evidence == "录错了组织"


def test_a_qualification_is_not_taken_from_under_what_stands_on_it(app):
    noted = _noted()
    one = world.organization()
    wanted = {"valid_from": date(2025, 3, 15), "valid_to": None, "issued_by": "", "document": ""}
    with pytest.raises(Refusal, match="stands on this") as refused, transaction():
        strike(
            one, "qualification", row_of(one, "qualification", noted["qualification"]), reason="错", by=SYSTEM
        )
    assert refused.value.rule == "ROR-51" and refused.value.source
    with pytest.raises(Refusal, match="stands on this"), transaction():
        correct(
            one,
            "qualification",
            row_of(one, "qualification", noted["qualification"]),
            wanted,
            reason="错",
            by=SYSTEM,
        )
    with pytest.raises(Refusal, match="no qualification"), transaction():
        correct(
            one, "filing", row_of(one, "filing", noted["filing"]),
            {"title": "方案", "starts_on": date(2024, 12, 31), "ends_on": date(2025, 9, 1), "target": None},
            reason="日期", by=SYSTEM,
        )  # fmt: skip


def test_the_page_corrects_strikes_out_and_keeps_what_was_typed(bare_app, browser_as):
    with bare_app.app_context():
        noted, number = _noted(), world.organization().id
    clerk, root = browser_as("clerk"), f"/organizations/{number}/corrections"
    shown = clerk.get(f"/organizations/{number}/particulars/")
    for kind in ("tag", "department", "qualification", "filing", "fund"):
        assert f"{root}/{kind}/{noted[kind]}" in shown.text
    assert f"{root}/grade/{noted['grade']}" in clerk.get(f"/organizations/{number}").text
    wrong = send(clerk, f"{root}/grade/{noted['grade']}", status=422, grade="3", reason="")
    assert wrong.forms["record"]["grade"].value == "3"
    send(clerk, f"{root}/grade/{noted['grade']}", grade="3", reason="证书为3A")
    send(clerk, f"{root}/tag/{noted['tag']}", struck=True, reason="录错了组织")
    history = clerk.get(f"/organizations/{number}/particulars/changes").text
    assert "证书为3A" in history and "录错了组织" in history and "4A" in history and "评估等级" in history
    assert clerk.get(f"{root}/tag/{noted['tag']}", expect_errors=True).status_int == 404
    assert browser_as("banner_clerk").get(
        f"{root}/grade/{noted['grade']}", expect_errors=True
    ).status_int in (403, 404)
