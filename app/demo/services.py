"""``flask seed --world demo``: the demonstration world, told by the people in it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from app.demo.awards import ASKED, BONUS, give_awards
from app.demo.books import tell_books, tell_openings
from app.demo.facts import tell_facts
from app.demo.funding import tell_funding
from app.demo.hosting import tell_hosting, tell_money_back
from app.demo.incubation import tell_incubation
from app.demo.intake import tell_intake
from app.demo.lottery import lottery_scenes, plan_year
from app.demo.party import tell_party
from app.demo.people import tell_people
from app.demo.ratio import set_ratio
from app.demo.register import tell_register
from app.demo.returns import tell_returns
from app.demo.rosters import tell_rosters
from app.demo.stage import (
    TEXTS,
    WORLD,
    Stage,
    inspect,
    set_agencies,
    set_budgets,
    set_experts,
    set_funds,
    set_organizations,
    set_others,
    set_troubles,
)
from app.demo.standing import tell_removals, tell_standing
from app.demo.story import Delivery, Round, on, paper
from app.demo.tables import set_tables
from app.demo.team import tell_ended_team, tell_team
from app.demo.till import tell_till
from app.settings import DEMO_PASSWORD
from app.work.services import ask_for_export, save_view
from core import clock
from core.db import db
from core.jobs.services import run_next
from core.money import Money
from core.web.tables import LISTINGS
from finance.catalogue.services import add_item
from finance.contracts.imports import read_purchases
from finance.funds.services import earmark
from finance.purchasing.services import import_purchases
from grants.applications.services import return_for_supplement, withdraw
from grants.calls.services import cancel_call, review_call
from grants.rubrics.models import Rubric
from grants.rubrics.services import copy_rubric, create_standard_rubrics
from projects.agreements.services import (
    accept,
    draft_contract,
    finance_review,
    legal_review,
    offer,
    sign,
    suspend_project,
)
from projects.supervision.models import Rectification
from projects.supervision.services import answer_rectification
from registry.agencies.models import Agency
from registry.credit.services import record_entry

# How far the second tranche got in each of the first projects.
SECOND_TRANCHE = (
    "paid", "paid", "returned", "released", "approved", "reviewed", "requested", "claimed", "claimed",
)  # fmt: skip
PURCHASES = Path(__file__).parent / "purchases.csv"


def is_seeded() -> bool:
    """Whether the demonstration world is there already."""
    name = WORLD["agencies"][0][1]
    return db.session.scalar(select(Agency.id).where(Agency.name == name)) is not None


def seed_demo() -> None:
    """Tell the whole story up to today. Opens its own transactions."""
    today = clock.today()
    stage = Stage()
    begin = today - timedelta(days=700)
    with on(begin):
        set_agencies(stage, DEMO_PASSWORD)
        set_organizations(stage, DEMO_PASSWORD)
        set_others(stage, DEMO_PASSWORD)
        set_experts(stage, DEMO_PASSWORD)
        set_funds(stage)
        set_budgets(stage, begin.year)
        plan_year(stage, begin.year)
        rubrics = create_standard_rubrics(stage.agencies["city"], by=stage.people["clerk"])
        urban_rubrics = create_standard_rubrics(stage.agencies["urban"], by=stage.people["urban_clerk"])
        _catalogue(stage)
    for year in range(begin.year + 1, today.year + 1):
        with on(clock.today().replace(year=year, month=1, day=8)):
            set_budgets(stage, year)
            plan_year(stage, year)
    tell_openings(stage)
    _finished_round(stage, rubrics)
    with on(
        today.replace(month=5, day=20)
        if today.month > 5
        else today.replace(year=today.year - 1, month=5, day=20)
    ):
        inspect(stage, clock.today().year - 2)
        inspect(stage, clock.today().year - 1)
    _running_round(stage, rubrics)
    _purchases(stage)
    set_tables(stage)
    _signing_round(stage, rubrics)
    _noticed_round(stage, rubrics)
    _rounds_in_hand(stage, rubrics)
    _open_rounds(stage, rubrics, urban_rubrics)
    tell_funding(stage)
    _desk(stage, rubrics)
    tell_money_back(stage)
    tell_hosting(stage, DEMO_PASSWORD)
    tell_till(stage)
    tell_returns(stage)
    lottery_scenes(stage, DEMO_PASSWORD)
    tell_standing(stage)
    tell_party(stage)
    tell_incubation(stage)
    with on(today - timedelta(days=2)):
        set_troubles(stage)
    tell_removals(stage)
    tell_people(stage)
    tell_team(stage)
    tell_register(stage)
    tell_intake(stage)
    tell_rosters(stage)
    tell_facts(stage)
    # Stays last: nothing is told in a month whose books are closed.
    tell_books(stage)
    set_ratio(stage)


def _catalogue(stage: Stage) -> None:
    for code, name, public in TEXTS["catalogue"]:
        add_item(
            division_code=stage.agencies["city"].division_code,
            code=code,
            name=name,
            public_service=public,
            valid_from=clock.today().replace(month=1, day=1),
            by=stage.people["finance"],
        )


def _finished_round(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """Two projects through their whole life to the sealed archive; two that have their account still to close."""
    opens = clock.today() - timedelta(days=560)
    told = Round(stage, "4", opens.year, 4, opens, applicants=4, cap="60000", pot="220000")
    told.draft(rubrics)
    told.publish()
    told.apply(submitted=4)
    told.check()
    told.judge()
    told.decide()
    told.award(told.notice(opens + timedelta(days=40)))
    start = told.starts
    for place, project in enumerate(told.projects):
        work = Delivery(told, project)
        work.pay(1, start + timedelta(days=2))
        work.serve(start + timedelta(days=12), 6, until=start + timedelta(days=280))
        if place == 0:
            tell_ended_team(stage, project, start + timedelta(days=15))
        work.spend(45, start + timedelta(days=120), 1)
        work.evaluate("midterm", start + timedelta(days=150), share=88)
        work.pay(2, start + timedelta(days=165))
        work.spend(45, start + timedelta(days=260), 2)
        work.evaluate("final", start + timedelta(days=302), share=94)
        # The first spent most of its grant; the second has a surplus to return.
        share = 95 if place == 0 else 86
        day, eligible = start + timedelta(days=320), project.agreement.amount.split([share, 100 - share])[0]
        if place < 2:
            work.close(day, eligible=eligible)
        elif place == 2:
            work.report_closing(day, eligible=eligible)


def _running_round(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """Nineteen projects at mid-term: graded, failed and rectifying, reported, planned, waiting for money."""
    opens = clock.today() - timedelta(days=250)
    told = Round(stage, "5", opens.year, 5, opens, applicants=24, cap="100000", pot="1700000", skip=0)
    told.draft(rubrics)
    told.publish()
    told.apply(submitted=23)
    told.check()
    told.judge()
    told.decide()
    told.award(told.notice(opens + timedelta(days=40)))
    start = told.starts
    for place, project in enumerate(told.projects):
        work = Delivery(told, project)
        work.pay(1, start + timedelta(days=2 + place % 5))
        work.serve(
            start + timedelta(days=15),
            4 + place % 3,
            until=start + timedelta(days=140),
            sign=place not in (14, 15),
        )
        work.spend(40, start + timedelta(days=100), 1)
        day = start + timedelta(days=136)
        if place < 12:
            work.evaluate("midterm", day, share=96 - place * 2)
        elif place == 12:
            work.evaluate("midterm", day, share=50)
        elif place < 17:
            work.evaluate("midterm", day, share=80, begun=place > 14, graded=False, sign=place == 15)
        else:
            work.evaluate("midterm", day, share=80, reported=False)
        if place < 9:
            work.pay(2, day + timedelta(days=12), stop=SECOND_TRANCHE[place])
    _suspend_and_rectify(told)


def _suspend_and_rectify(told: Round) -> None:
    """One project rests; the one that failed has answered what it must put right."""
    with on(clock.today() - timedelta(days=6)):
        suspend_project(told.projects[-1], reason=TEXTS["suspend"], by=told.who("clerk"))
    with on(clock.today() - timedelta(days=5)):
        for item in db.session.scalars(select(Rectification).where(Rectification.state == "open")).all():
            answer_rectification(
                item,
                answer=TEXTS["rectified"],
                file=paper("proof", item.id),
                by=told.stage.leaders[item.organization_id],
            )


def _signing_round(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """A round whose agreements stand at every step of their way; one organization was not eligible."""
    today = clock.today()
    opens = today - timedelta(days=80)
    with on(opens - timedelta(days=60)):
        record_entry(
            stage.organizations[20],
            "abnormal_list",
            entered_on=clock.today(),
            grounds=TEXTS["grounds"],
            source=TEXTS["grounds_source"],
            by=stage.people["clerk"],
        )
    told = Round(
        stage, "micro", today.year, 61, opens, applicants=9, cap="30000", pot="200000", skip=12, source="development",
        purpose="community",
    )  # fmt: skip
    told.draft(rubrics)
    told.publish()
    told.apply(submitted=9)
    told.check()
    told.judge()
    told.decide()
    notice = told.notice(opens + timedelta(days=40))
    told.object(notice, opens + timedelta(days=41))
    told.answer(notice, opens + timedelta(days=43))
    told.award(notice, steps=(5, 4, 3, 2, 1, 0, -1))


def _purchases(stage: Stage) -> None:
    """Three years of contracts by import, and one concluded here."""
    data = PURCHASES.read_bytes()
    with on(clock.today() - timedelta(days=30)):
        result = read_purchases(PURCHASES, PURCHASES.name)
        if result.errors:
            raise RuntimeError(result.errors[0].sentence().english())
        import_purchases(
            result.rows,
            file_name=PURCHASES.name,
            sha256=hashlib.sha256(data).hexdigest(),
            by=stage.people["finance"],
        )
    city, year = stage.agencies["city"], clock.today().year
    begin = clock.today() - timedelta(days=25)
    with on(begin):
        money = earmark(
            stage.budgets["general", year],
            agency=city,
            title=TEXTS["purchase"],
            purpose="elderly",
            amount=Money.yuan("380000"),
            by=stage.people["finance"],
        )
        contract = draft_contract(
            city,
            organization=stage.organizations[12],
            earmark=money,
            title=TEXTS["purchase"],
            amount=Money.yuan("380000"),
            starts_on=begin + timedelta(days=10),
            ends_on=begin + timedelta(days=370),
            method="consultation",
            service_key="A-07",
            catalogue_code="A0301",
            tranche_weights=[60, 40],
            terms=TEXTS["terms"],
            by=stage.people["clerk"],
        )
        legal_review(contract, by=stage.people["reviewer"])
        finance_review(contract, by=stage.people["finreview"])
        offer(contract, by=stage.people["clerk"])
    with on(begin + timedelta(days=3)):
        accept(contract, by=stage.leaders[contract.organization_id])
    with on(begin + timedelta(days=5)):
        sign(contract, by=stage.people["leader"])


def _noticed_round(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """A round on public notice with an objection that holds one project."""
    today = clock.today()
    opens = today - timedelta(days=42)
    give_awards(stage, opens)
    told = Round(
        stage, "6", today.year, 6, opens, applicants=9, cap="50000", pot="300000", skip=8, source="development",
        purpose="community", rules=BONUS,
    )  # fmt: skip
    told.draft(rubrics)
    told.publish()
    told.apply(submitted=9)
    told.check()
    told.judge()
    told.decide()
    notice = told.notice(today - timedelta(days=1))
    told.object(notice, today - timedelta(days=1))


def _rounds_in_hand(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """Small rounds that wait for a panel, for score sheets, for the amounts, and for the notice."""
    today = clock.today()
    for number, (key, age) in enumerate((("plan", 24), ("score", 31), ("propose", 34), ("approve", 37)), 71):
        told = Round(
            stage, key, today.year, number, today - timedelta(days=age), applicants=3, cap="20000", pot="50000",
            skip=number - 57, source="general", purpose="community",
        )  # fmt: skip
        told.draft(rubrics)
        told.publish()
        told.apply(submitted=3)
        told.check()
        if key != "plan":
            told.judge(scored=key != "score")
        if key in ("propose", "approve"):
            told.decide(approved=key == "approve")


def _desk(stage: Stage, rubrics: dict[str, Rubric]) -> None:
    """What the programme officer has in hand beside the rounds: a rubric to change, a view, an export."""
    clerk, listing = stage.people["clerk"], LISTINGS["applications.list"]
    with on(clock.today() - timedelta(days=1)):
        copy_rubric(rubrics["selection"], name=TEXTS["rubric_copy"], by=clerk)
        save_view(listing, TEXTS["view"], "state=submitted", by=clerk)
        ask_for_export(listing, "state=submitted", locale="zh", by=clerk)
    run_next()


def _open_rounds(stage: Stage, rubrics: dict[str, Rubric], urban_rubrics: dict[str, Rubric]) -> None:
    """A call that is open now, one of a township, and one still being prepared."""
    today = clock.today()
    told = Round(
        stage, "7", today.year, 7, today - timedelta(days=9), applicants=8, cap="80000", pot="600000", skip=3
    )
    told.draft(rubrics)
    told.publish()
    told.apply(submitted=6)
    with on(today - timedelta(days=1), 11):
        return_for_supplement(
            told.applications[0],
            items=TEXTS["supplement"],
            due_on=today + timedelta(days=6),
            by=stage.people["clerk"],
        )
    with on(today - timedelta(days=1), 19):
        withdraw(told.applications[1], by=stage.leaders[told.applications[1].organization_id])
    urban = Round(
        stage, "urban", today.year, 1, today - timedelta(days=4), applicants=3, cap="10000", pot="60000", skip=14,
        unit="urban", source="township", purpose="community", rules=ASKED,
    )  # fmt: skip
    urban.draft(urban_rubrics)
    urban.publish()
    urban.apply(submitted=2)
    coming = Round(
        stage, "8", today.year, 8, today + timedelta(days=25), applicants=0, cap="100000", pot="400000"
    )
    coming.draft(rubrics)
    with on(today - timedelta(days=1)):
        review_call(coming.call, by=stage.people["reviewer"])
    rough = Round(
        stage, "9", today.year, 9, today + timedelta(days=40), applicants=0, cap="100000", pot="200000"
    )
    rough.draft(rubrics)
    gone = Round(
        stage, "0", today.year, 60, today + timedelta(days=30), applicants=0, cap="50000", pot="100000"
    )
    gone.draft(rubrics)
    with on(today - timedelta(days=1), 17):
        cancel_call(gone.call, reason=TEXTS["cancel"], by=stage.people["clerk"])
