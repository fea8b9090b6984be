"""Scenes for the tests of grants: money set aside, a published call, a complete application."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from core import clock
from core.db import db
from core.money import Money
from finance.funds import services as funds
from finance.funds.models import Earmark
from grants.applications import services as applications
from grants.applications.models import Application
from grants.calls import services as calls
from grants.calls.models import Call
from grants.notices import services as notices
from grants.notices.models import Notice
from grants.rubrics import services as rubrics
from tests import world

TITLE = "第六届公益创投"

FIELDS: dict[str, Any] = {
    "title": "“暖邻敲门”独居老人关爱",
    "category": "elderly",
    "need": "辖区独居老人180人，走访120户，六成半年内跌倒过。",
    "goals": "服务180人、3600人次，2027年4月30日前，以签到表为证。",
    "plan": "每月入户两次，每季度一次健康讲座。",
    "risks": "志愿者流失：储备名单；老人意外：购买保险；天气：调整日期。",
    "party_building": "五嵌入：组织、项目、服务、队伍、监督。",
    "place": "示例城关街道4个社区",
    "beneficiaries": 180,
    "person_times": 3600,
    "leader_name": "示例刘洋",
    "leader_phone": "13912345678",
    "integrity_committed": True,
    "party_committed": True,
    "requested": Money.yuan("80000"),
}
LINES = [
    {"code": "venue", "basis": "活动室20次×200元", "grant": Money.yuan("4000"), "own": Money(0)},
    {"code": "supplies", "basis": "防滑垫等", "grant": Money.yuan("38000"), "own": Money.yuan("6000")},
    {"code": "publicity", "basis": "海报", "grant": Money.yuan("4000"), "own": Money(0)},
    {"code": "volunteer_allowance", "basis": "60元×100人次", "grant": Money.yuan("6000"), "own": Money(0)},
    {"code": "staff_cost", "basis": "社工1名×10月", "grant": Money.yuan("24000"), "own": Money.yuan("14000")},
    {"code": "management", "basis": "办公分摊", "grant": Money.yuan("4000"), "own": Money(0)},
]


def earmark(agency: str = "示例市民政局", amount: str = "1000000") -> Earmark:
    unit = world.agency(agency)
    enters, approves = world.user("finance"), world.user("finreview")
    source = funds.create_source(
        unit, kind="welfare_lottery_fund", name="市级福彩公益金", tier="city",
        purposes={"elderly": "老年人服务", "community": "城乡社区建设"}, basis="市级彩票公益金管理办法", by=enters,
    )  # fmt: skip
    budget = funds.enter_budget(
        source, fiscal_year=clock.today().year, amount=Money.yuan(amount), function_code="2296002", by=enters
    )
    funds.approve_budget(budget, by=approves)
    return funds.earmark(
        budget, agency=unit, title=TITLE, purpose="elderly", amount=Money.yuan(amount), by=enters
    )


def call_fields(**changes: Any) -> dict[str, Any]:
    """Everything a call needs, open since yesterday for twenty days."""
    made = rubrics.create_standard_rubrics(world.agency(), by=world.user("clerk"))
    now = clock.now()
    fields: dict[str, Any] = {
        "title": TITLE,
        "year": clock.today().year,
        "round_number": 6,
        "summary": "为老服务",
        "contact": "示例陈静 0477-8588228",
        "earmark": earmark() if "earmark" not in changes else None,
        "project_cap": Money.yuan("100000"),
        "categories": [{"code": "elderly", "name": "扶老"}, {"code": "community", "name": "社区治理"}],
        "max_applications": 1,
        "tranche_weights": [50, 40, 10],
        "notice_days": 5,
        "count_start_day": True,
        "selection_rubric": made["selection"],
        "midterm_rubric": made["midterm"],
        "final_rubric": made["final"],
        "opens_at": now - timedelta(days=1),
        "deadline_at": now + timedelta(days=20),
    }
    return {**fields, **changes}


def draft(**changes: Any) -> Call:
    return calls.draft_call(world.agency(), by=world.user("clerk"), **call_fields(**changes))


def published(**changes: Any) -> Call:
    """A call through the hands of three people."""
    call = draft(**changes)
    calls.review_call(call, by=world.user("reviewer"))
    calls.approve_call(call, by=world.user("leader"))
    calls.publish_call(call, by=world.user("clerk"))
    return call


def fields(**changes: Any) -> dict[str, Any]:
    start = clock.today() + timedelta(days=60)
    return {**FIELDS, "starts_on": start, "ends_on": start + timedelta(days=300), **changes}


def application(
    call: Call, *, who: str = "operator", organization: str = "示例暖邻社区服务中心", **changes: Any
) -> Application:
    """A complete draft."""
    by = world.user(who)
    row = applications.start_application(call, world.organization(organization), title="草稿", by=by)
    applications.save_application(row, fields=fields(**changes), lines=LINES, by=by)
    return row


def submitted(call: Call, **kwargs: Any) -> Application:
    leader = {"operator": "so_leader", "operator2": "so_leader2", "operator3": "so_leader3"}
    row = application(call, **kwargs)
    applications.submit_application(row, by=world.user(leader[kwargs.get("who", "operator")]))
    return row


def eligible(call: Call, **kwargs: Any) -> Application:
    row = submitted(call, **kwargs)
    applications.confirm_eligibility(row, eligible=True, answers={"E10": True}, by=world.user("clerk"))
    return row


def proposed(call: Call, *, rank: int = 1, amount: str = "80000", **kwargs: Any) -> Application:
    row = eligible(call, **kwargs)
    applications.record_outcome(
        row, "shortlisted", score=8650, rank=rank, scored_by=[world.user("expert2").person_id],
        by=world.user("clerk"),
    )  # fmt: skip
    applications.propose(row, amount=Money.yuan(amount), by=world.user("leader"))
    return row


def close(call: Call) -> None:
    """Move the deadline of a call into the past, as if time had gone by."""
    db.session.flush()
    now = clock.now()
    call.opens_at, call.deadline_at = now - timedelta(days=20), now - timedelta(days=1)
    db.session.flush()


def in_notice(call: Call, *rows: Application) -> Notice:
    close(call)
    return notices.publish_notice(
        call,
        items=[
            (row, place, row.score or 0, row.proposed_amount or Money(0)) for place, row in enumerate(rows, 1)
        ],
        contact="示例陈静 0477-8588228",
        supervision_phone="0477-8588000",
        experts="示例专家乙、示例专家丙",
        by=world.user("clerk"),
    )


def over(notice: Notice) -> None:
    """Move the days of a notice into the past."""
    notice.published_on, notice.ends_on = date(2025, 3, 3), date(2025, 3, 7)
    db.session.flush()
