"""A township calls by itself, with its own people; the city above it only reads, the neighbour not even that."""

from __future__ import annotations

from datetime import date

from tests.story.desk import Desk, Picked, number_in, reads, refused, send
from tests.story.people import arrives

TOWNSHIP, CALL = "示例街道办事处", "2025年示例街道社区微创投征集公告"
PURSE, TITLE = "示例街道社区微创投资金", "楼道里的邻居"


def test_a_township_runs_its_own_call(desk: Desk) -> None:
    arrives(desk, "township_reviewer", "示例苏和", "funder_reviewer", TOWNSHIP)
    arrives(desk, "township_leader", "示例朝鲁", "funder_leader", TOWNSHIP)
    arrives(desk, "west_clerk", "示例王芳", "funder_clerk", "示例西旗民政局")
    # The city sets money of its own budget aside for the township.
    page = desk.opens("finance", "/funds/sources/new")
    page = send(
        page,
        "source",
        name="示例市级福彩公益金",
        kind="welfare_lottery_fund",
        tier="city",
        purposes={"elderly"},
    )
    page = page.click(href="/budgets/new$", index=0)
    budget = send(
        page, "budget", fiscal_year="2025", amount="100,000", document_number="示财社〔2025〕4号"
    ).request.path
    send(desk.takes("finreview", budget), "approve")
    page = desk.opens("finance", budget).click(href="/earmarks/new$", index=0)
    send(page, "earmark", agency_id=Picked(TOWNSHIP), title=PURSE, purpose="elderly", amount="30,000.00")

    # Drafted, reviewed and approved in the township; the city's purse is not offered to anybody else.
    send(desk.opens("township_clerk", "/rubrics/"), "standard")
    facts = {
        "title": CALL,
        "categories": {"elderly"},
        "earmark_id": Picked(PURSE),
        "project_cap": "10,000.00",
        "opens_at": "2025-02-10T09:00",
        "deadline_at": "2025-02-28T17:30",
    }
    page = send(desk.opens("township_clerk", "/calls/new"), "call", facts)
    number, path = number_in(page), page.request.path
    assert "review" not in desk.opens("reviewer", path).forms
    for above in ("clerk", "reviewer", "leader", "banner_clerk"):
        # The units above see the draft and can do nothing with it.
        page = desk.opens(above, path)
        reads(page, CALL)
        assert not {"review", "approve", "publish", "return", "cancel"} & set(page.forms)
        for step in ("review", "approve", "publish", "cancel"):
            assert desk.forces(above, f"{path}/{step}", reason="上级要求").status_int in (403, 404, 409)
        assert desk.has_no_task(above, path)
    desk.opens("west_clerk", path, status=404)
    assert desk.forces("west_clerk", f"{path}/cancel", reason="与我无关").status_int == 404
    send(desk.takes("township_reviewer", path, about=CALL), "review")
    send(desk.takes("township_leader", path, about=CALL), "approve")
    desk.on(date(2025, 2, 10), 9)
    page = send(desk.takes("township_leader", path, about=CALL), "publish")
    reads(page, "示街发〔2025〕1号")
    reads(desk.opens("", f"/public/calls/{number}"), CALL, TOWNSHIP)

    # An organization of the city's register applies; the township's clerk confirms, the city reads.
    desk.on(date(2025, 2, 12))
    page = send(desk.opens("operator", f"/applications/start/{number}"), "start", title=TITLE)
    application = number_in(page)
    page = desk.opens("so_leader", f"/applications/{application}/edit")
    receipt = send(
        page,
        "application",
        category="elderly",
        requested="9,000.00",
        place="示例街道",
        beneficiaries="40",
        person_times="400",
        starts_on="2025-05-01",
        ends_on="2025-12-31",
        leader_name="示例孙悦",
        leader_phone="13800001111",
        need="楼道里独居老人40名。",
        goals="400人次。",
        plan="每周两次。",
        risks="入户意外；志愿者流失；天气。",
        party_building="党小组牵头。",
        integrity_committed=True,
        party_committed=True,
        line_supplies_grant="9,000.00",
        line_supplies_basis="按清单",
        button=("do", "submit"),
    )
    reads(receipt, "150602-GYCT-2025-01-001")
    desk.on(date(2025, 3, 3))
    path = f"/applications/{application}"
    reads(desk.opens("leader", path), TITLE, "E4")
    for above in ("clerk", "banner_clerk"):
        assert "eligibility" not in desk.opens(above, path).forms
        assert (
            desk.forces(above, f"{path}/eligibility", result="eligible", answer_E10="yes").status_int == 404
        )
    desk.opens("west_clerk", path, status=404)
    page = desk.opens("township_clerk", path)
    reads(refused(page, "eligibility", button=("result", "eligible")), "E10")
    page = send(
        desk.opens("township_clerk", path), "eligibility", answer_E10="yes", button=("result", "eligible")
    )
    reads(page, "示例巴图")
    reads(desk.opens("leader", path), "示例巴图")
