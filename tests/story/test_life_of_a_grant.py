"""One venture grant from money set aside to a sealed archive, over HTTP, each step by the person whose step it is.

The figures are worked out by hand, never by the product's own code:

    budget of the year    1,000,000.00
    set aside                70,000.00
    new organization         33,333.33 = 16,666.66 + 13,333.33 +  3,333.34
    second organization      28,888.88 = 14,444.44 + 11,555.55 +  2,888.89
    third organization       30,000.00   not funded: only 7,777.79 are left
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from datetime import date

from sqlalchemy import func, select
from webtest import TestResponse, Upload

from core.db import db
from core.documents.services import pdf_available
from finance.ledger.models import Account
from tests import world
from tests.story.desk import (
    Desk,
    Picked,
    lacks,
    number_in,
    picture,
    points,
    reads,
    refused,
    seen,
    send,
)
from tests.story.people import arrives, is_given, loses
from tests.story.till import pays, proves_the_chains, records_account

UNIT = "示例市民政局"
SOURCE, PURSE = "示例市级福彩公益金", "示例市第六届公益创投资金"
CALL = "2025年示例市第六届公益创投征集公告"
NEW, SECOND, THIRD = "示例新芽社会工作服务中心", "示例暖邻社区服务中心", "示例夕阳红为老服务中心"
SPROUT, NEIGHBOURS, SUNSET = "独居老人守望相助", "楼院互助养老", "银龄手工坊"
LEADERS = {SPROUT: "sprout_head", NEIGHBOURS: "so_leader"}
NEW_CODE = world.credit_code("52", "150602", 77)
WRONG_CODE = NEW_CODE[:-1] + ("0" if NEW_CODE[-1] != "0" else "1")


def _row_of(page: TestResponse, part: str, words: str) -> str:
    """The row of a table that has these words."""
    for row in page.html.select(f"{part} tr"):
        if words in row.get_text():
            return " ".join(row.get_text(" ").split())
    return ""


class Story:
    """The verbs of the story; what one step makes is remembered for the next."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.applications: dict[str, int] = {}
        self.projects: dict[str, int] = {}
        self.agreements: dict[str, int] = {}

    # Money ----------------------------------------------------------------------------------------

    def sets_money_aside(self) -> None:
        """A lottery fund of the city tier, its budget by two people, and money for one call."""
        desk = self.desk
        page = desk.opens("finance", "/funds/").click(href="/funds/sources/new$", index=0)
        source = send(
            page,
            "source",
            name=SOURCE,
            kind="welfare_lottery_fund",
            tier="city",
            purposes={"elderly", "children", "disability"},
        )
        reads(source, SOURCE, desk.words("services for the elderly"))
        page = source.click(href=r"/budgets/new$", index=0)
        budget = send(
            page, "budget", fiscal_year="2025", amount="1,000,000.00", document_number="示财社〔2025〕3号"
        )
        self.budget = budget.request.path
        assert "approve" not in desk.opens("finance", self.budget).forms, "whoever enters does not approve"
        assert desk.forces("finance", f"{self.budget}/approve").status_int == 403
        desk.on(date(2025, 1, 7))
        page = desk.takes("finreview", self.budget, about=SOURCE)
        reads(send(page, "approve"), "1,000,000.00")

        page = desk.opens("finance", self.budget).click(href="/earmarks/new$", index=0)
        asked = {"title": PURSE, "amount": "70000"}
        no = refused(page, "earmark", asked, purpose="party")
        reads(no, "RLF-1", "彩票管理条例 第三十三条", "扶老、助残、救孤、济困")
        no = refused(page, "earmark", purpose="elderly", title="局机关公务接待费", amount="70000")
        reads(no, "RLF-2b")
        self.shows_money(available="1,000,000.00")
        page = send(page, "earmark", asked, purpose="elderly")
        reads(page, "70,000.00", PURSE)
        self.purse = page.request.path
        self.shows_money(available="930,000.00", free="70,000.00")

    def shows_money(self, **figures: str) -> None:
        """The budget's page says where its money is: these figures, and zero for all others."""
        labels = {
            "paid": "Paid",
            "payable": "Approved, to be paid",
            "committed": "Committed",
            "reserved": "Reserved",
            "free": "Set aside, free",
            "available": "Available",
        }
        page = self.desk.opens("finance", self.budget)
        for name, label in labels.items():
            reads(page, f"{self.desk.words(label)} {figures.get(name, '0.00')}")

    # The call -------------------------------------------------------------------------------------

    def publishes_the_call(self) -> None:
        """Drafted, reviewed, approved by three people; published with its calendar, rules and rubric."""
        desk = self.desk
        desk.on(date(2025, 1, 8))
        page = send(desk.opens("clerk", "/rubrics/"), "standard")
        reads(page, "立项评审标准", "中期评估标准", "末期绩效评价标准")
        rubric = page.click("立项评审标准")
        page = desk.opens("clerk", "/calls/").click(href="/calls/new$", index=0)
        facts = {
            "title": CALL,
            "round_number": "6",
            "categories": {"elderly", "children"},
            "summary": "面向全市征集为老服务公益创投项目。",
            "contact": "示例市民政局社会组织科 0477-8500000",
            "earmark_id": Picked(PURSE),
            "project_cap": "50,000.00",
            "opens_at": "2025-02-10T09:00",
            "deadline_at": "2025-03-07T17:30",
            "tranche_1": "50",
            "tranche_2": "40",
        }
        no = refused(page, "call", facts, tranche_3="20")
        assert no.forms["call"]["title"].value == CALL, "nothing typed is lost"
        page = send(page, "call", facts, tranche_3="10")
        self.call = number_in(page)
        reads(page, CALL, "50,000.00", "25,000.00", "20,000.00", "5,000.00")

        # 经办 ≠ 复核: even with the reviewer's role the drafter does not review the own draft.
        is_given(desk, "clerk", "funder_reviewer", UNIT)
        assert "review" not in desk.opens("clerk", f"/calls/{self.call}").forms
        no = desk.forces("clerk", f"/calls/{self.call}/review")
        assert no.status_int == 403
        reads(no, "RAP-2")
        loses(desk, "clerk", "funder_reviewer")
        desk.on(date(2025, 1, 9))
        send(desk.takes("reviewer", f"/calls/{self.call}", about=CALL), "review")
        # 复核 ≠ 审批: a leader who has reviewed does not approve.
        is_given(desk, "reviewer", "funder_leader", UNIT)
        assert desk.has_no_task("reviewer", f"/calls/{self.call}")
        no = desk.forces("reviewer", f"/calls/{self.call}/approve")
        assert no.status_int == 403
        reads(no, "RAP-2")
        loses(desk, "reviewer", "funder_leader")
        desk.on(date(2025, 1, 10))
        send(desk.takes("leader", f"/calls/{self.call}"), "approve")
        assert CALL not in seen(desk.opens("", "/public/calls")), "not public before its publication"
        desk.on(date(2025, 2, 10), 9)
        page = send(desk.takes("leader", f"/calls/{self.call}"), "publish")
        reads(page, "示民发〔2025〕1号")
        reads(desk.opens("", f"/public/calls/{self.call}"), CALL, "50,000.00", "示民发〔2025〕1号")
        # The rubric was announced: from now on nobody changes it.
        no = desk.opens("clerk", f"{rubric.request.path}/edit", status=409)
        reads(no, "RUBRIC-FROZEN")

    # The register -----------------------------------------------------------------------------------

    def registers_an_organization(self) -> None:
        """A new social organization, its code checked, its entry verified by a second person."""
        desk = self.desk
        desk.on(date(2025, 2, 11))
        page = desk.opens("clerk", "/organizations/").click(href="/organizations/new$", index=0)
        facts = {
            "name": NEW,
            "kind": "social_service_agency",
            "registered_on": "2021-04-09",
            "division_code": "150602",
            "leader": "示例童新",
            "leader_phone": "13800001111",
            "business_scope": "社区为老服务、社会工作服务",
            "fields": {"elderly"},
        }
        no = refused(page, "organization", facts, credit_code=WRONG_CODE)
        reads(no, "GB 32100")
        form = no.forms["organization"]
        assert (form["name"].value, form["credit_code"].value) == (NEW, WRONG_CODE), "nothing typed is lost"
        assert form["business_scope"].value == facts["business_scope"]
        page = send(no, "organization", credit_code=NEW_CODE)
        self.organization = page.request.path
        reads(page, NEW, NEW_CODE)
        assert "verify" not in page.forms
        assert desk.forces("clerk", f"{self.organization}/verify").status_int == 403
        for year in ("2022", "2023", "2024"):
            send(
                desk.opens("clerk", f"{self.organization}/inspection"),
                "record",
                year=year,
                result="qualified",
            )
        send(
            desk.opens("clerk", f"{self.organization}/grade"),
            "record",
            grade="3",
            valid_from="2023-12-01",
            valid_to="2028-11-30",
        )
        party = f"/party/of/{self.organization.rpartition('/')[2]}"
        send(
            desk.opens("clerk", f"{party}/surveys/new"),
            "record", surveyed_on="2025-01-10", employees="6", full_members="3",
        )  # fmt: skip
        send(
            desk.opens("clerk", f"{party}/steps/five/commitment"),
            "record", done_on="2025-01-15", officer="示例陈静",
        )  # fmt: skip
        send(
            desk.opens("clerk", f"{party}/charter"),
            "record", {"leadership": True, "values": True, "community": True, "charter_on": "2024-12-01"},
        )  # fmt: skip
        send(
            desk.opens("clerk", "/party-organizations/new"),
            "found", name="示例新芽党支部", form="branch", superior="示例社会组织综合党委", kind="sole",
            founded_on="2024-11-20", organization=NEW,
        )  # fmt: skip
        page = desk.opens("clerk", self.organization)
        reads(page, "3A", "2024")
        page = send(desk.takes("reviewer", self.organization, about=NEW), "verify")
        assert desk.has_no_task("reviewer", self.organization)

        # Its people come to the front door and sign in by themselves.
        arrives(desk, "sprout", "示例乔麦", "so_operator", NEW)
        arrives(desk, "sprout_head", "示例童新", "so_leader", NEW)
        page = desk.opens("", "/").follow().click(href=r"/sign-in", index=0)
        refused(page, "sign-in", login="sprout_head", password="not this one")
        page = send(page, "sign-in", login="sprout_head", password=world.PASSWORD)
        while 300 <= page.status_int < 400:
            page = page.follow()
        assert "示例童新" in page.text

    # The applications -------------------------------------------------------------------------------

    def applies(self) -> None:
        """A draft saved by the operator, submitted by the leader before the deadline, with a receipt."""
        desk = self.desk
        desk.on(date(2025, 2, 12))
        page = desk.opens("sprout", "/applications/calls").click(CALL)
        reads(page, "E3", "E17", "50,000.00")
        page = send(page, "start", organization_id=Picked(NEW), title=SPROUT)
        self.applications[SPROUT] = number_in(page)
        page = send(page, "application", place="示例街道", requested="33,333.33", button=("do", "save"))
        form = page.forms["application"]
        assert (form["place"].value, form["requested"].value) == ("示例街道", "33333.33")
        # The leader wants to submit at once: everything that is missing is named, what is there is kept.
        page = desk.takes("sprout_head", rf"/applications/{self.applications[SPROUT]}/edit", about=SPROUT)
        no = refused(page, "application", beneficiaries="180", button=("do", "submit"))
        assert len(no.html.select(".error-summary li")) >= 10
        assert no.forms["application"]["beneficiaries"].value == "180"
        desk.on(date(2025, 2, 20))
        page = desk.opens("sprout", f"/applications/{self.applications[SPROUT]}/edit")
        # Project staff 9,999.99 is just within 30% of the grant, management 3,333.33 within 10%.
        send(page, "application", self.full(SPROUT, "33,333.33", "示例童新", {
            "supplies": "20,000.00", "staff_cost": "9,999.99", "management": "3,333.33", "taxes": "0.01",
        }), button=("do", "save"))  # fmt: skip
        assert not [
            button
            for button in page.html.select("#application button[name=do]")
            if button["value"] == "submit"
        ], "the operator saves, the leader submits"
        desk.on(date(2025, 3, 5), 16, 45)
        self.number = self.submits("sprout_head", SPROUT)
        assert self.number == "150600-GYCT-2025-06-001"

        for login, title, amount in (
            ("operator", NEIGHBOURS, "28,888.88"),
            ("operator2", SUNSET, "30,000.00"),
        ):
            desk.on(date(2025, 3, 6), 9)
            leader = login.replace("operator", "so_leader")
            page = desk.opens(login, f"/applications/start/{self.call}")
            page = send(page, "start", title=title)
            self.applications[title] = number_in(page)
            facts = self.full(title, amount, world.PERSONAS[leader][0], {"supplies": amount})
            send(page, "application", facts, button=("do", "save"))
            desk.on(date(2025, 3, 6), 15)
            self.submits(leader, title)

        # The fourth has a draft and comes too late: the server's clock decides, to the minute.
        page = desk.opens("operator3", f"/applications/start/{self.call}")
        page = send(page, "start", title="童享时光")
        late = number_in(page)
        facts = self.full("童享时光", "10,000.00", "示例林青", {"supplies": "10,000.00"})
        page = send(page, "application", facts, button=("do", "save"))
        desk.on(date(2025, 3, 7), 17, 29)
        page = desk.opens("so_leader3", f"/applications/{late}/edit")
        desk.on(date(2025, 3, 7), 17, 30)
        no = refused(page, "application", button=("do", "submit"))
        reads(no, "TIME", "17:30")
        assert "start" not in desk.opens("operator3", f"/applications/start/{self.call}").forms

    @staticmethod
    def full(title: str, amount: str, leader: str, lines: dict[str, str]) -> dict[str, object]:
        facts: dict[str, object] = {
            "title": title,
            "category": "elderly",
            "requested": amount,
            "place": "示例街道三个社区",
            "beneficiaries": "180",
            "person_times": "3600",
            "starts_on": "2025-06-01",
            "ends_on": "2026-03-31",
            "leader_name": leader,
            "leader_phone": "13800001111",
            "need": "三个社区有独居老人180名，入户走访96户，最缺的是日常照看。",
            "goals": "到2026年3月服务3600人次，签到表与照片为证。",
            "plan": "6月至次年3月，每周三次上门。",
            "risks": "入户意外：投保；志愿者流失：结对；天气：改为电话。",
            "party_building": "党支部牵头，党员志愿者每月一次主题服务。",
            "integrity_committed": True,
            "party_committed": True,
        }
        for code, value in lines.items():
            facts |= {f"line_{code}_grant": value, f"line_{code}_basis": "按清单据实测算"}
        return facts

    def submits(self, leader: str, title: str) -> str:
        """Submit and read the receipt; its digest is that of the content word for word."""
        desk = self.desk
        number = self.applications[title]
        page = desk.takes(leader, f"/applications/{number}/edit", about=title)
        receipt = send(page, "application", button=("do", "submit"))
        shown = re.search(r"[0-9a-f]{64}", seen(receipt))
        found = re.search(r"\d{6}-GYCT-2025-06-\d{3}", seen(receipt))
        assert shown is not None and found is not None
        content = desk.opens(leader, f"/applications/{number}/receipt.json")
        assert hashlib.sha256(content.body).hexdigest() == shown[0]
        assert content.json["title"] == title
        no = desk.opens(leader, f"/applications/{number}/edit", status=409)
        reads(no, "LOCKED")
        return found[0]

    def checks_eligibility(self) -> None:
        """The findings with their evidence; a person answers what no register knows and confirms."""
        desk = self.desk
        desk.on(date(2025, 3, 10))
        page = desk.takes("clerk", "/applications/")
        reads(page, SPROUT, NEIGHBOURS, SUNSET, "92,222.21")
        lacks(page, "童享时光")
        page = desk.opens("clerk", f"/applications/{self.applications[SPROUT]}")
        reads(
            page, "E1", "E2", "E3", "E4", "E5", "E6", "E13", "E17", NEW_CODE, "2021年4月9日", "2022年4月9日"
        )
        reads(page, "9,999.99 ÷ 33,333.33", "16,666.66", "13,333.33", "3,333.34")
        # E10, the chartered scope, is for a person: unanswered, nothing can be confirmed.
        no = refused(page, "eligibility", button=("result", "eligible"))
        reads(no, "E10")
        for title in (SPROUT, NEIGHBOURS, SUNSET):
            page = desk.opens("clerk", f"/applications/{self.applications[title]}")
            page = send(page, "eligibility", answer_E10="yes", button=("result", "eligible"))
            reads(page, "示例陈静")
        # The reviewer reads what was found, and has nothing to decide here.
        page = desk.opens("reviewer", f"/applications/{self.applications[SPROUT]}")
        reads(page, "E10", "示例陈静")
        assert "eligibility" not in page.forms
        # Another organization's people never learn of it.
        desk.opens("operator2", f"/applications/{self.applications[SPROUT]}", status=404)

    # Review and decision ----------------------------------------------------------------------------

    def draws_the_panel(self) -> None:
        """Planned by the clerk, drawn by the organizer with a seed on record, witnessed by the supervisor.

        Three experts are away, so that all others are drawn, the one with a tie to an applicant too:
        the recusal can be seen, and who scores is known to the test although the draw is by lot.
        """
        desk = self.desk
        desk.on(date(2025, 3, 11))
        for login in ("expert5", "expert6", "expert7"):
            page = desk.opens("clerk", "/experts/").click(world.PERSONAS[login][0])
            send(page, "activity", reason="出国讲学，本轮不参加")
        desk.on(date(2025, 3, 12))
        page = desk.takes("clerk", "/panels/new", about=CALL)
        refused(page, "panel", size="4")
        page = send(page, "panel", size="5", finance_experts="1")
        self.panel = number_in(page)
        assert "draw" not in page.forms, "whoever plans does not draw"
        page = send(desk.takes("organizer", f"/panels/{self.panel}", about=CALL), "draw")
        seats = {
            login for login in ("expert1", "expert2", "expert3", "expert4", "expert8")
            if world.PERSONAS[login][0] in _row_of(page, "#seats", world.PERSONAS[login][0])
        }  # fmt: skip
        assert len(seats) == 5
        # expert1 worked for this applicant last year (政府采购法实施条例 第九条).
        recusal = _row_of(page, "#recusals", world.PERSONAS["expert1"][0])
        assert NEIGHBOURS in recusal
        record = [item.get_text() for item in page.html.select(".snapshot__hash")]
        pool_digest, seed, pool = record
        assert hashlib.sha256(pool.encode()).hexdigest() == pool_digest
        assert re.fullmatch(r"[0-9a-f]{64}", seed)
        again = page.click(href="/check$", index=0)
        reads(again, desk.words("Drawn again from the record: the same people in the same order"))
        # Nobody scores before the draw is witnessed.
        assert desk.has_no_task("expert2", r"/reviews/\d+/score")
        assert "witness" not in desk.opens("clerk", f"/panels/{self.panel}").forms
        send(desk.takes("supervisor", f"/panels/{self.panel}", about=CALL), "witness")

    def scores(self) -> None:
        """Blind sheets by each member; no figure can be seen by anybody before the last is in."""
        desk = self.desk
        desk.on(date(2025, 3, 20))
        sheets = {
            "expert1": {SPROUT: 92.0, SUNSET: 70.0},
            "expert2": {SPROUT: 88.5, NEIGHBOURS: 84.0, SUNSET: 72.0},
            "expert3": {SPROUT: 95.0, NEIGHBOURS: 86.0, SUNSET: 75.0},
            "expert4": {SPROUT: 85.0, NEIGHBOURS: 80.5, SUNSET: 71.0},
            "expert8": {SPROUT: 90.0, NEIGHBOURS: 83.0, SUNSET: 74.0},
        }
        last = ("expert8", SUNSET)
        for login, given in sheets.items():
            page = desk.opens(login, "/reviews/")
            links = page.html.select("#own th a")
            assert len(links) == len(given)
            for title, total in given.items():
                sheet = desk.opens(login, next(link["href"] for link in links if title in link.get_text()))
                # Blind: neither the organization nor its people can be read.
                lacks(sheet, NEW, SECOND, THIRD, "示例童新", "13800001111")
                if title == NEIGHBOURS and login == "expert2":
                    sheet = send(sheet, "sheet", points(sheet, 60), button=("act", "save"))
                if (login, title) != last:
                    send(sheet, "sheet", points(sheet, total), comment="总体评语", button=("act", "submit"))
        reviewed = self._sheet("expert2", SPROUT)
        for curious in ("expert3", "expert8", "clerk", "leader", "supervisor"):
            desk.opens(curious, f"/reviews/{reviewed}", status=404)
        desk.opens("expert3", f"/reviews/{reviewed}/score", status=404)
        desk.opens("expert3", f"/reviews/results/{self.panel}", status=404)
        for staff in ("clerk", "leader"):
            page = desk.opens(staff, f"/reviews/results/{self.panel}")
            reads(page, "13", "14")
            lacks(page, "88.5", "90.17", "83.38")
        sheet = desk.opens(last[0], f"/reviews/{self._sheet(*last)}/score")
        no = refused(sheet, "sheet", button=("act", "submit"))
        assert no.html.select(".error-summary"), "an empty sheet is not taken"
        send(sheet, "sheet", points(sheet, 74.0), comment="总体评语", button=("act", "submit"))
        page = desk.takes("clerk", f"/reviews/results/{self.panel}", about=CALL)
        # From five sheets on without the highest and the lowest:
        #   SPROUT      85 | 88.5 90 92 | 95  ->  270.5 / 3 = 90.1666…  ->  90.17
        #   NEIGHBOURS  80.5 83 84 86         ->  333.5 / 4 = 83.375    ->  83.38 (half up)
        #   SUNSET      70 | 71 72 74 | 75    ->  217 / 3   = 72.3333…  ->  72.33
        for title, mean in ((SPROUT, "90.17"), (NEIGHBOURS, "83.38"), (SUNSET, "72.33")):
            assert mean in _row_of(page, "main", title)
        reads(desk.opens("expert3", f"/reviews/{reviewed}"), "88.5")

    def _sheet(self, login: str, title: str) -> int:
        links = self.desk.opens(login, "/reviews/").html.select("#own th a")
        return int(next(link["href"].split("/")[2] for link in links if title in link.get_text()))

    def decides(self) -> None:
        """Ranked within the pot; proposed, reviewed, budget reviewed and approved by four people."""
        desk = self.desk
        desk.on(date(2025, 3, 24))
        page = send(desk.opens("clerk", f"/reviews/results/{self.panel}"), "propose")
        path = page.request.path
        reads(page, "90.17", "83.38", "72.33", "62,222.21")
        sprout, sunset = self.applications[SPROUT], self.applications[SUNSET]
        edit = page.click(href="/edit$", index=0)
        assert edit.forms["amounts"][f"amount-{sunset}"].value in ("0.00", ""), "not enough is left"
        # 62,222.21 + 7,777.80 is one fen more than the pot.
        reads(refused(edit, "amounts", {f"amount-{sunset}": "7777.80"}), "0.01")
        edit = page.click(href="/edit$", index=0)
        reads(refused(edit, "amounts", {f"amount-{sprout}": "33333.34"}), "33,333.33")
        edit = page.click(href="/edit$", index=0)
        page = send(edit, "amounts", {f"reason-{sunset}": "资金池余额不足"})
        assert "review" not in page.forms
        assert desk.forces("clerk", f"{path}/review").status_int in (403, 404)
        send(desk.takes("reviewer", path, about=CALL), "review")
        send(desk.takes("finreview", path, about=CALL), "budget-review")
        self.shows_money(available="930,000.00", free="70,000.00")
        # Whoever scored does not decide, whatever other role there is.
        is_given(desk, "expert2", "funder_leader", UNIT)
        no = desk.forces("expert2", f"{path}/approve")
        assert no.status_int == 403
        reads(no, "REX")
        loses(desk, "expert2", "funder_leader")
        send(desk.takes("leader", path, about=CALL), "approve")
        self.shows_money(available="930,000.00", free="7,777.79", reserved="62,222.21")
        self.decision = path

    # Notice and objection ---------------------------------------------------------------------------

    def gives_public_notice(self) -> None:
        """Five working days over the May holiday; an objection under a real name blocks one project."""
        desk = self.desk
        desk.on(date(2025, 4, 28), 9)
        page = desk.takes("clerk", f"{self.decision}/?.*", about=CALL)
        page = page.click(href="/notice$", index=0) if "notice" not in page.forms else page
        send(page, "notice", contact="示例市民政局社会组织科 0477-8500000", supervision_phone="0477-8500110")
        board = desk.opens("", "/public/notices").click(CALL)
        self.notice = number_in(board)
        # 28, 29 and 30 April, then after the holiday (1 to 5 May) 6 and 7 May.
        reads(board, "2025年4月28日", "2025年5月7日", SPROUT, NEIGHBOURS, NEW, SECOND, "90.17", "33,333.33")
        lacks(board, SUNSET)
        reads(board, "62,222.21", world.PERSONAS["expert3"][0], SOURCE)

        desk.on(date(2025, 4, 29), 15)
        complaint = {
            "application": Picked(NEIGHBOURS),
            "text": "该项目与去年同一社区的项目内容相同，请核实是否重复资助。",
        }
        no = refused(
            desk.opens("", f"/public/notices/{self.notice}"), "objection", complaint, name="", phone=""
        )
        assert no.forms["objection"]["text"].value == complaint["text"], "nothing typed is lost"
        refused(no, "objection", complaint, name="匿名", phone="13700001111")
        refused(no, "objection", complaint, name="示例群众", phone="12345")
        page = send(no, "objection", complaint, name="示例群众", phone="13700001111")
        found = re.search(r"150600-GYCT-2025-06-002-YY\d\d", seen(page))
        assert found is not None
        board = desk.opens("", f"/public/notices/{self.notice}")
        reads(board, found[0])
        lacks(board, "示例群众", "13700001111")

        # Until the end of its last day nobody concludes the notice.
        desk.on(date(2025, 5, 7), 23, 59)
        assert "conclude" not in desk.opens("clerk", f"/notices/{self.notice}").forms
        no = desk.forces("clerk", f"/notices/{self.notice}/conclude")
        assert no.status_int == 409
        assert "objection" in desk.opens("", f"/public/notices/{self.notice}").forms
        desk.on(date(2025, 5, 8))
        assert "objection" not in desk.opens("", f"/public/notices/{self.notice}").forms
        page = send(desk.takes("clerk", f"/notices/{self.notice}", about=CALL), "conclude")
        sprout, neighbours = self.applications[SPROUT], self.applications[NEIGHBOURS]
        # What nobody objects to goes on; the other waits for its answer.
        desk.opens("clerk", f"/agreements/draft/{sprout}")
        desk.opens("clerk", f"/agreements/draft/{neighbours}", status=404)
        assert desk.forces(
            "clerk", f"/agreements/draft/{neighbours}", starts_on="2025-06-01", ends_on="2026-03-31"
        ).status_int in (403, 404, 409)  # fmt: skip
        page = desk.takes("clerk", r"/notices/objections/\d+", about=NEIGHBOURS)
        reads(page, "示例群众", "13700001111", "5月9日")
        refused(page, "answer", answer="")
        page = send(
            page, "answer", answer="经核实：去年项目面向残疾人，内容不同，不构成重复资助。", uphold="no"
        )
        assert "decide" not in page.forms, "whoever answers does not decide"
        desk.on(date(2025, 5, 9))
        send(desk.takes("reviewer", page.request.path, about=NEIGHBOURS), "decide")
        send(desk.takes("clerk", f"/notices/{self.notice}", about=CALL), "conclude")
        desk.opens("clerk", f"/agreements/draft/{neighbours}")

    # Agreements -------------------------------------------------------------------------------------

    def concludes_agreements(self) -> None:
        """Drafted, legal and money review, offered, accepted on line, signed: money is committed."""
        desk = self.desk
        for title, leader in LEADERS.items():
            desk.on(date(2025, 5, 12))
            page = desk.takes("clerk", f"/agreements/draft/{self.applications[title]}", about=title)
            page = send(page, "agreement", terms="每月报送服务记录。")
            path, self.agreements[title] = page.request.path, number_in(page)
            assert "legal-review" not in page.forms
            desk.opens(leader, path, status=404)  # not yet offered: the draft is the office's own
            desk.on(date(2025, 5, 13))
            send(desk.takes("reviewer", path), "legal-review")
            desk.on(date(2025, 5, 14))
            send(desk.takes("finreview", path), "finance-review")
            send(desk.takes("clerk", path), "offer")
            desk.on(date(2025, 5, 15))
            send(desk.takes(leader, path), "accept")
            desk.on(date(2025, 5, 16))
            page = send(desk.takes("leader", path), "sign")
            project = page.click(href=r"/projects/\d+$", index=0)
            self.projects[title] = number_in(project)
        page = desk.opens("sprout_head", f"/agreements/{self.agreements[SPROUT]}")
        reads(page, "33,333.33", "人民币叁万叁仟叁佰叁拾叁元叁角叁分", "16,666.66", "13,333.33", "3,333.34")
        reads(
            desk.opens("so_leader", f"/agreements/{self.agreements[NEIGHBOURS]}"),
            "14,444.44",
            "11,555.55",
            "2,888.89",
        )
        if pdf_available():
            document = desk.opens("sprout_head", f"/agreements/{self.agreements[SPROUT]}/document.pdf")
            assert document.body.startswith(b"%PDF")
        self.shows_money(available="930,000.00", free="7,777.79", committed="62,222.21")
        reads(desk.opens("", "/public/projects"), SPROUT, NEIGHBOURS, "62,222.21")

    # Payments ---------------------------------------------------------------------------------------

    def records_accounts(self) -> None:
        """A payee's account counts once a second person has compared it with the bank's paper."""
        desk = self.desk
        desk.on(date(2025, 5, 19))
        page = desk.opens("sprout_head", f"/projects/{self.projects[SPROUT]}/tranches/1/claim")
        assert "claim" not in page.forms, "no confirmed account, no claim"
        records_account(desk, NEW, "6228000000000077")
        records_account(desk, SECOND, "6228000000000011")

    def pays(self, title: str, tranche: int, day: date, amount: str) -> None:
        pays(self.desk, LEADERS[title], title, self.projects[title], tranche, day, amount)

    # Delivery ---------------------------------------------------------------------------------------

    def serves(self) -> None:
        """Activities recorded on the spot with a photo; vouchers booked on budget lines."""
        desk, project = self.desk, self.projects[SPROUT]
        desk.on(date(2025, 7, 2), 16)
        page = desk.opens("sprout", "/service-records").click(
            href=f"/projects/{project}/records/new$", index=0
        )
        facts = {
            "title": "端午入户探访",
            "place": "示例社区",
            "persons": "24",
            "person_times": "30",
            "volunteers": "6",
        }
        text = Upload("photo.jpg", b"no photograph at all", "image/jpeg")
        refused(page, "record", facts, photo=text)
        page = desk.opens("sprout", f"/projects/{project}/records/new")
        refused(page, "record", facts, person_times="3")
        page = send(
            desk.opens("sprout", f"/projects/{project}/records/new"), "record", facts, photo=picture()
        )
        reads(page, "端午入户探访", "30")
        shown = page.click(href=r"/service-records/\d+$", index=0)
        photo = shown.goto(re.search(r"/service-records/\d+/photo", shown.text)[0])  # type: ignore[index]
        assert photo.content_type == "image/png" and photo.body.startswith(b"\x89PNG")
        desk.opens("operator", photo.request.path, status=404)
        self.spends(SPROUT, "supplies", "8,000.00", "FP-0001")
        self.spends(SPROUT, "staff_cost", "3,666.66", "FP-0002")
        refused(
            desk.opens("sprout", f"/projects/{project}/spending/new"), "expense",
            line_code="supplies", amount="1", payee="示例商店", voucher_number="FP-0001", purpose="同一张发票",
        )  # fmt: skip
        self.spends(NEIGHBOURS, "supplies", "12,000.00", "FP-1001")

    def spends(self, title: str, line: str, amount: str, voucher: str) -> None:
        operator = {SPROUT: "sprout", NEIGHBOURS: "operator"}[title]
        page = self.desk.opens(operator, f"/projects/{self.projects[title]}/spending/new")
        page = send(
            page,
            "expense",
            line_code=line,
            amount=amount,
            payee="示例商店",
            voucher_number=voucher,
            purpose="服务物资",
        )
        reads(page, amount, voucher)

    def claims_too_early(self, title: str, tranche: int, rule: str) -> None:
        """The page says which condition is not met, and the server refuses the claim."""
        path = f"/projects/{self.projects[title]}/tranches/{tranche}/claim"
        page = self.desk.opens(LEADERS[title], path)
        assert rule in [item.get_text() for item in page.html.select(".finding--fail .rule-id")]
        no = refused(page, "claim", receipt_number=f"SJ-early-{tranche}")
        reads(no, rule)

    # Evaluation -------------------------------------------------------------------------------------

    def plans_evaluations(self, kind: str, day: date, due: date) -> None:
        self.desk.on(day)
        page = self.desk.opens("clerk", f"/checkpoints/new?kind={kind}")
        reads(page, SPROUT, NEIGHBOURS)
        send(page, "plan", evaluator=Picked("示例郑明"), due_on=due.isoformat())

    def reports(self, title: str, day: date) -> None:
        self.desk.on(day)
        page = self.desk.takes(LEADERS[title], r"/checkpoints/\d+", about=title).click(
            href="/report$", index=0
        )
        refused(page, "report", text=" ")
        send(page, "report", text="已服务120人、1860人次；资金按预算使用，凭证齐全。")

    def grades(self, title: str, day: date, total: float, grade: str, *, again: bool = False) -> None:
        """The evaluator's points by the rubric; the grade follows from the score."""
        self.desk.on(day)
        page = self.desk.takes("evaluator", r"/checkpoints/\d+", about=title)
        page = page.click(href="/grade$", index=0) if again else send(page, "begin")
        no = refused(page, "sheet", points(page, total), comment="", button=("act", "submit"))
        page = send(no, "sheet", comment="总体意见：按计划实施。", button=("act", "submit"))
        reads(page, f"{total:.2f}", self.desk.words(grade))

    def puts_right(self) -> None:
        """A failed mid-term withholds the tranche; answered, closed, re-checked, it is released."""
        desk, project = self.desk, self.projects[NEIGHBOURS]
        desk.on(date(2025, 10, 16))
        reads(desk.opens("so_leader", f"/projects/{project}"), desk.words("Payments are on hold"))
        self.claims_too_early(NEIGHBOURS, 2, "RDT-a")
        assert desk.has_no_task("so_leader", f"/projects/{project}/tranches/2/claim")
        page = desk.takes("so_leader", r"/rectifications/\d+", about=NEIGHBOURS)
        path = page.request.path
        reads(page, "2025年11月14日")  # 30 days after 15 October
        # Nothing is re-checked before the office has confirmed what was put right.
        checkpoint = desk.opens("evaluator", "/checkpoints/").click(NEIGHBOURS)
        assert "/grade" not in checkpoint.text
        assert desk.has_no_task("evaluator", checkpoint.request.path)
        assert desk.forces("evaluator", f"{checkpoint.request.path}/grade", act="submit").status_int == 409
        desk.on(date(2025, 10, 27))
        send(desk.opens("so_leader", path), "answer", answer="已补齐服务对象档案，并向独居老人逐户回访。")
        assert "close" not in desk.opens("so_leader", path).forms
        desk.on(date(2025, 10, 29))
        send(desk.takes("clerk", path, about=NEIGHBOURS), "close")
        lacks(desk.opens("so_leader", f"/projects/{project}"), desk.words("Payments are on hold"))
        self.claims_too_early(NEIGHBOURS, 2, "RDT-a")  # closed, but not yet passed

    # Closing ----------------------------------------------------------------------------------------

    def reports_the_account(self, title: str, day: date, eligible: str) -> None:
        desk, project = self.desk, self.projects[title]
        desk.on(day)
        page = desk.opens(LEADERS[title], f"/projects/{project}").click(href="/closure/report$", index=0)
        audit = Upload(
            "审计报告.pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n", "application/pdf"
        )
        page = send(
            page, "closure", summary="全年服务180人、3620人次。", eligible_cost=eligible, audit_file=audit
        )
        assert "check" not in page.forms
        page = send(desk.takes("clerk", f"/projects/{project}/closure", about=title), "check")
        reads(page, eligible)

    def settles_and_archives(self, title: str, day: date, surplus: str = "") -> None:
        """The surplus comes back, another person approves, the archive is sealed and read back."""
        desk, project = self.desk, self.projects[title]
        path = f"/projects/{project}/closure"
        desk.on(day)
        assert "settle" not in desk.opens("clerk", path).forms
        page = desk.takes("leader", path, about=title)
        if surplus:
            reads(page, surplus)
            page = refused(page, "settle", voucher="")
            send(page, "settle", returned_on=day.isoformat(), voucher="TH-2026-01")
        else:
            send(page, "settle")
        page = send(desk.takes("clerk", path, about=title), "archive")
        download = desk.opens("clerk", f"/projects/{project}/archive.zip")
        self.verifies(download.body, title)
        reads(desk.opens("clerk", f"/projects/{project}"), desk.words("archived"))
        # The package has everybody's papers: it is for the office alone.
        assert desk.opens(
            LEADERS[title], f"/projects/{project}/archive.zip", expect_errors=True
        ).status_int in (403, 404)

    @staticmethod
    def verifies(package: bytes, title: str) -> None:
        """Every file is there with the digest of the manifest, and nothing else is."""
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            assert archive.testzip() is None
            manifest = json.loads(archive.read("manifest.json"))
            assert manifest["title"] == title
            listed = {item["path"]: item["sha256"] for item in manifest["files"]}
            assert set(archive.namelist()) == {*listed, "manifest.json", "manifest.txt"}
            for path, digest in listed.items():
                assert hashlib.sha256(archive.read(path)).hexdigest() == digest, path
            lines = archive.read("manifest.txt").decode().splitlines()
            assert sorted(lines) == sorted(f"{digest}  {path}" for path, digest in listed.items())
            payments = json.loads(archive.read("07-payments/disbursements.json"))
            assert {item["state"] for item in payments} == {"paid"}
            parts = {path.split("/")[0] for path in listed}
        assert parts >= {
            "01-call", "02-application", "03-eligibility", "04-review", "05-notice", "06-agreement", "07-payments",
            "08-process", "09-evaluation", "10-closing", "11-audit",
        }  # fmt: skip
        if title == SPROUT:
            assert any(path.startswith("08-process/photos/") for path in listed)

    def leaves_nothing_undone(self) -> None:
        """Everything begun for the grants has been brought to its end.

        What still waits are the yearly look at the register, and for finance the three yearly duties of the unit for 2025:
        to publish the 30% figure and the use of the lottery money, and to use or carry over 943,499.50,
        which is 931,499.49 available and 12,000.01 set aside and free.
        """
        left = {}
        for login in (*world.PERSONAS, "sprout", "sprout_head"):
            page = self.desk.opens(login, "/home")
            if tasks := page.html.select("a.task__title"):
                left[login] = [task["href"] for task in tasks]
                if login == "finance":
                    reads(page, "943,499.50")
        assert left == {
            "finance": [
                "/ratio/?division=150600&year=2025",
                "/lottery/notices?year=2025",
                f"{self.budget}#years",
            ],
            # Entries of the register are looked at once a year.
            "reviewer": ["/organizations/stale"],
        }

    def proves_itself(self) -> None:
        """The chains of ledger and audit hold, and all accounts together come to nothing."""
        proves_the_chains(self.desk)
        # Both grants stand in the figure that includes venture grants, and in it alone.
        result = self.desk.app.test_cli_runner().invoke(
            args=["purchasing", "ratio", "--division", "150600", "--year", "2025", "--json"]
        )
        figures = json.loads(result.output)
        assert figures["own"]["total_fen"] == "0" and figures["own"]["ratio"] is None
        assert (
            figures["own_with_venture"]["total_fen"] == "6222221"
            and figures["own_with_venture"]["ratio"] == "1"
        )
        with self.desk.app.app_context():
            total, balances = 0, []
            for account in db.session.scalars(select(Account)):
                total += account.balance.fen
                balances.append((account.kind, account.balance.fen))
            assert db.session.scalar(select(func.count()).select_from(Account)) == len(balances)
        assert total == 0
        # What was budgeted is where it should be, to the fen:
        # 931,499.49 available + 12,000.01 set aside and free + 28,500.50 and 28,000.00 paid = 1,000,000.00
        left = {kind: sum(fen for name, fen in balances if name == kind) for kind, _fen in balances}
        assert {kind: fen for kind, fen in left.items() if fen} == {
            "source": -100_000_000,
            "budget": 93_149_949,
            "earmark": 1_200_001,
            "paid": 5_650_050,
        }


def test_the_life_of_a_grant(desk: Desk) -> None:
    story = Story(desk)
    story.sets_money_aside()
    story.publishes_the_call()
    story.registers_an_organization()
    story.applies()
    story.checks_eligibility()
    story.draws_the_panel()
    story.scores()
    story.decides()
    story.gives_public_notice()
    story.concludes_agreements()
    story.records_accounts()
    story.pays(SPROUT, 1, date(2025, 5, 20), "16,666.66")
    story.pays(NEIGHBOURS, 1, date(2025, 5, 21), "14,444.44")
    story.shows_money(available="930,000.00", free="7,777.79", committed="31,111.11", paid="31,111.10")
    story.serves()
    desk.on(date(2025, 9, 1))
    story.claims_too_early(SPROUT, 2, "RDT-a")
    story.plans_evaluations("midterm", date(2025, 9, 10), date(2025, 9, 30))
    story.reports(SPROUT, date(2025, 9, 24))
    story.reports(NEIGHBOURS, date(2025, 9, 28))
    story.grades(SPROUT, date(2025, 10, 14), 85.5, "Good")
    story.grades(NEIGHBOURS, date(2025, 10, 15), 55.5, "Unsatisfactory")
    story.puts_right()
    story.grades(NEIGHBOURS, date(2025, 11, 3), 75.0, "Satisfactory", again=True)
    # 70% of 16,666.66 is 11,666.662: 11,666.66 are a fen too little, 11,666.67 are enough.
    story.claims_too_early(SPROUT, 2, "RDT-c")
    story.spends(SPROUT, "taxes", "0.01", "FP-0003")
    story.pays(SPROUT, 2, date(2025, 11, 4), "13,333.33")
    story.pays(NEIGHBOURS, 2, date(2025, 11, 5), "11,555.55")
    story.shows_money(available="930,000.00", free="7,777.79", committed="6,222.23", paid="55,999.98")

    desk.on(date(2026, 2, 9))
    story.spends(SPROUT, "supplies", "10,000.00", "FP-0004")
    story.spends(SPROUT, "staff_cost", "5,000.00", "FP-0005")
    story.spends(SPROUT, "management", "1,833.83", "FP-0006")
    story.spends(NEIGHBOURS, "supplies", "16,000.00", "FP-1002")
    story.claims_too_early(SPROUT, 3, "RDT-a")
    story.plans_evaluations("final", date(2026, 3, 2), date(2026, 3, 20))
    for title, total, grade in ((SPROUT, 92.0, "Excellent"), (NEIGHBOURS, 81.5, "Good")):
        story.reports(title, date(2026, 3, 16))
        story.grades(title, date(2026, 3, 25), total, grade)
    # 29,999.99 were paid, 28,500.50 were spent: 1,499.49 come back and the last tranche falls away.
    story.reports_the_account(SPROUT, date(2026, 4, 7), "28,500.50")
    story.settles_and_archives(SPROUT, date(2026, 4, 10), surplus="1,499.49")
    story.shows_money(available="931,499.49", free="11,111.13", committed="2,888.89", paid="54,500.49")
    # Of 2,888.89 planned only 28,000.00 - 25,999.99 = 2,000.01 are still due.
    story.reports_the_account(NEIGHBOURS, date(2026, 4, 8), "28,000.00")
    no = desk.forces("leader", f"/projects/{story.projects[NEIGHBOURS]}/closure/settle")
    assert no.status_int == 409
    reads(no, "2,000.01")
    story.pays(NEIGHBOURS, 3, date(2026, 4, 13), "2,000.01")
    story.settles_and_archives(NEIGHBOURS, date(2026, 4, 20))
    story.shows_money(available="931,499.49", free="12,000.01", paid="56,500.50")
    story.leaves_nothing_undone()
    story.proves_itself()


def test_the_door_is_shut_after_repeated_failures(desk: Desk) -> None:
    page = desk.opens("", "/").follow().click(href=r"/sign-in", index=0)
    for _attempt in range(5):
        page = refused(page, "sign-in", login="clerk", password="guessed")
        assert page.status_int == 422
    # Now even the right password waits, and the page says until when.
    page = refused(page, "sign-in", login="clerk", password=world.PASSWORD)
    assert page.status_int == 429
    assert re.search(r"\d{1,2}:\d{2}", seen(page))
    desk.on(date(2025, 1, 6), 12)
    page = desk.opens("", "/sign-in")
    assert (
        world.PERSONAS["clerk"][0]
        in send(page, "sign-in", login="clerk", password=world.PASSWORD).follow().text
    )
