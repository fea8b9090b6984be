"""Lottery money in the demonstration world: plans, accounts, disclosed projects, notices, and alerts on money."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage, account
from app.demo.story import on
from core import clock
from core.db import db
from core.money import Money
from finance.alerts.models import FundAlert
from finance.alerts.services import answer, ask_again, assign, close, find_alerts, report_alert
from finance.announcements.models import LotteryNotice
from finance.announcements.queries import disclosed, spent_in_year
from finance.announcements.rules import NoticeRow
from finance.announcements.services import (
    approve_notice,
    disclose,
    enter_year,
    import_notices,
    make_notice,
    publish_notice,
    review_notice,
    write_notice,
)
from finance.funds.services import approve_budget, create_source, enter_budget
from finance.lottery import queries
from finance.lottery.models import LotteryPlan
from finance.lottery.rules import CLASS_OF
from finance.lottery.services import Line, approve_plan, draft_plan, review_plan, revise_plan, send_back

WORDS = TEXTS["lottery"]
WAN = 1_000_000


def plan_year(stage: Stage, year: int) -> LotteryPlan:
    """The plan of the city's tier in force, so that its money can be set aside."""
    plan = draft_plan(
        stage.sources["lottery"],
        year,
        lines=_lines(WORDS["plan"]),
        note=WORDS["plan_note"],
        by=stage.people["finance"],
    )
    review_plan(plan, by=stage.people["finreview"])
    approve_plan(plan, by=stage.people["leader"])
    return plan


def _lines(rows: list[list[str]]) -> list[Line]:
    """Lines told as title, purpose, 万元 and the 万元 of it for project staff."""
    return [
        Line(
            purpose=purpose,
            category=CLASS_OF.get(purpose, "welfare"),
            title=title,
            amount=Money.parse(amount, unit=WAN),
            staff_of="grantee" if staff else "",
            staff_amount=Money.parse(staff, unit=WAN) if staff else Money(0),
        )
        for title, purpose, amount, staff in rows
    ]


def lottery_scenes(stage: Stage, password: str) -> None:
    """Everything that stands on the pages of the lottery and of the alerts."""
    today = clock.today()
    _accounts(stage, today)
    _second_tier(stage, today)
    _revision(stage, today)
    _notices(stage, today)
    _alerts(stage, today, password)


def _accounts(stage: Stage, today: date) -> None:
    """The year before the last year closes into the next; this year's account is still open."""
    source, finance = stage.sources["lottery"], stage.people["finance"]
    with on(today - timedelta(days=60)):
        closing: Money | None = Money.yuan(1_864_300)
        for year in range(today.year - 2, today.year):
            opening, raised = closing or Money(0), Money.yuan(3_600_000)
            closing = opening + raised - spent_in_year(source.id, year)
            enter_year(
                source,
                year,
                opening=opening,
                raised=raised,
                closing=closing,
                basis=WORDS["basis"],
                by=finance,
            )
        enter_year(
            source,
            today.year,
            opening=closing,
            raised=Money.parse("318.9993", unit=WAN),
            closing=None,
            basis=WORDS["basis"],
            by=finance,
        )


def _second_tier(stage: Stage, today: date) -> None:
    """Money of the province's tier stands apart; its plan waits for the leader."""
    finance = stage.people["finance"]
    with on(today - timedelta(days=14)):
        source = create_source(
            stage.agencies["city"],
            kind="welfare_lottery_fund",
            name=WORDS["province"],
            tier="province",
            purposes=("elderly", "children", "disability"),
            basis=TEXTS["funds"]["lottery_basis"],
            by=finance,
        )
        budget = enter_budget(
            source,
            fiscal_year=today.year,
            amount=Money.yuan(1_500_000),
            function_code="2296002",
            document_number=WORDS["province_document"].format(year=today.year),
            by=finance,
        )
        approve_budget(budget, by=stage.people["finreview"])
        waiting = draft_plan(source, today.year, lines=_lines(WORDS["province_plan"]), by=finance)
        review_plan(waiting, by=stage.people["reviewer"])
        # Next year's plan breaks two rules, which its page shows.
        draft_plan(source, today.year + 1, lines=_lines(WORDS["broken_plan"]), by=finance)


def _revision(stage: Stage, today: date) -> None:
    """A revision of this year's plan was sent back once."""
    finance = stage.people["finance"]
    with on(today - timedelta(days=4)):
        plan = queries.plan_in_force(stage.sources["lottery"].id, today.year)
        if plan is None:
            raise RuntimeError("the plan of the year is not in force")
        revision = revise_plan(plan, note=WORDS["revision"], by=finance)
        review_plan(revision, by=stage.people["finreview"])
        send_back(revision, note=WORDS["sent_back"], by=stage.people["leader"])


def _notices(stage: Stage, today: date) -> None:
    """Last year's notice is published; an older one was imported with a figure that does not add up."""
    people, city, year = stage.people, stage.agencies["city"], today.year - 1
    with on(today - timedelta(days=30)):
        rows = disclosed([city.id], year)
        for row in rows[:3]:
            disclose(row.commitment, year, texts=WORDS["disclosure"], by=people["clerk"])
        for row in disclosed([city.id], today.year)[:2]:
            disclose(
                row.commitment, today.year, texts=WORDS["disclosure"] | {"effect": ""}, by=people["clerk"]
            )
        notice = make_notice(
            city,
            year,
            title=WORDS["notice"].format(year=year),
            opening=WORDS["opening"].format(year=year),
            effect=WORDS["effect"],
            by=people["finance"],
        )
        _words(notice, number=WORDS["number"].format(year=today.year), by=people["finance"])
        review_notice(notice, by=people["finreview"])
        approve_notice(notice, by=people["leader"])
    with on(today - timedelta(days=27)):
        publish_notice(notice, by=people["leader"])
    with on(today - timedelta(days=3)):
        import_notices(
            _table(today.year - 2),
            agency=city,
            sha256="0" * 64,
            file_name=WORDS["file"],
            by=people["finance"],
        )
        (explained,) = import_notices(
            _table(today.year - 3),
            agency=city,
            sha256="1" * 64,
            file_name=WORDS["file"],
            by=people["finance"],
        )
        _words(explained, explanation=WORDS["explanation"], by=people["finance"])
        review_notice(explained, by=people["finreview"])
        (approved,) = import_notices(
            _table(today.year - 4, whole="96.5"), agency=city, sha256="2" * 64, file_name=WORDS["file"], by=people["finance"]
        )  # fmt: skip
        review_notice(approved, by=people["finreview"])
        approve_notice(approved, by=people["leader"])


def _words(notice: LotteryNotice, *, number: str = "", explanation: str = "", by: Any) -> None:
    write_notice(
        notice,
        title=notice.title,
        number=number,
        opening=notice.opening_text,
        effect=notice.effect_text,
        explanation=explanation,
        by=by,
    )


def _table(year: int, *, whole: str = "96.6") -> list[NoticeRow]:
    """A small notice of an invented year; by default its total is 0.1 万元 too high."""
    rows = []
    for number, (category, item, amount) in enumerate([["TOTAL", WORDS["total"], whole], *WORDS["table"]], 1):
        rows.append(
            NoticeRow(
                row=number,
                jurisdiction=WORDS["place"],
                title=WORDS["notice"].format(year=year),
                fiscal_year=year,
                fund_tier=WORDS["tier"],
                category=category,
                item=item,
                amount=Money.parse(amount, unit=WAN),
                amount_text=amount,
                project_count=None,
                stated_percent="",
                is_subtotal=category == "TOTAL",
                is_partial=False,
            )
        )
    return rows


def _alerts(stage: Stage, today: date, password: str) -> None:
    """What the daily look finds, and cases at each step: assigned, asked again, answered, closed."""
    people, city, finance_bureau = stage.people, stage.agencies["city"], stage.agencies["city_finance"]
    with on(today - timedelta(days=20)):
        officer = account(
            "city_audit", WORDS["officer"], "funder_clerk", password=password, agency=finance_bureau
        )
        find_alerts()
        found = list(
            db.session.scalars(
                select(FundAlert).where(FundAlert.agency_id == city.id).order_by(FundAlert.id).limit(4)
            )
        )
        for alert in found[:4]:
            assign(
                alert,
                finance_bureau,
                due_on=today + timedelta(days=6),
                note=WORDS["asked"],
                by=people["supervisor"],
            )
    with on(today - timedelta(days=12)):
        for alert in found[1:4]:
            answer(alert, WORDS["answer"], by=officer)
    with on(today - timedelta(days=8)):
        ask_again(found[1], note=WORDS["again"], by=people["supervisor"])
        close(found[3], WORDS["outcome"], by=people["leader"])
    with on(today - timedelta(days=2)):
        report_alert(
            city,
            kind="off_purpose",
            subject=("budget", stage.budgets["development", today.year].id),
            text=WORDS["seen"],
            source=WORDS["seen_source"],
            by=people["clerk"],
        )
