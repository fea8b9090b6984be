"""A call past its deadline with eligible applications, and a running project: the state evaluation starts from.

The lower floors' rows are written straight to the tables where their services would need a whole story.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from sqlalchemy import select

from core import clock
from core.db import db
from core.money import Money
from evaluation.panels import services as panels
from evaluation.panels.models import Panel
from evaluation.reviews import queries as reviews
from evaluation.reviews import services as review_services
from evaluation.reviews.models import Review
from finance.commitments.services import commit
from finance.funds import services as funds
from grants.applications.models import Application, BudgetLine
from grants.calls.models import Call
from grants.rubrics.services import create_standard_rubrics
from projects.agreements.models import Agreement, Project
from tests import world

# A slow machine is no failure.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

APPLICANTS = ("示例暖邻社区服务中心", "示例夕阳红为老服务中心", "示例童伴儿童关爱协会")


def make_call(
    *, pot: int = 200_000, cap: int = 100_000, asked: tuple[int, ...] = (90_000, 80_000, 70_000)
) -> Call:
    """Published, deadline an hour ago, one eligible application of each of the first applicants."""
    clerk, finance, checker = world.user("clerk"), world.user("finance"), world.user("finreview")
    agency = world.agency()
    source = funds.create_source(
        agency,
        kind="welfare_lottery_fund",
        name="示例市级福彩公益金",
        tier="city",
        purposes={"elderly": "老年人服务"},
        by=finance,
    )
    budget = funds.enter_budget(
        source, fiscal_year=clock.today().year, amount=Money.yuan(1_000_000), by=finance
    )
    funds.approve_budget(budget, by=checker)
    earmark = funds.earmark(
        budget, agency=agency, title="示例公益创投", purpose="elderly", amount=Money.yuan(pot), by=finance
    )
    rubrics = create_standard_rubrics(agency, by=clerk)
    call = Call(
        agency_id=agency.id,
        title="示例市第六届公益创投",
        year=clock.today().year,
        round_number=6,
        contact="示例市民政局 0477-0000000",
        state="published",
        earmark_id=earmark.id,
        project_cap=Money.yuan(cap),
        selection_rubric_id=rubrics["selection"].id,
        midterm_rubric_id=rubrics["midterm"].id,
        final_rubric_id=rubrics["final"].id,
        opens_at=clock.now() - timedelta(days=30),
        deadline_at=clock.now() - timedelta(hours=1),
        drafted_by=clerk.id,
        published_at=clock.now() - timedelta(days=30),
    )
    db.session.add(call)
    db.session.flush()
    for index, (name, amount) in enumerate(zip(APPLICANTS, asked, strict=False), 1):
        make_application(call, name, amount, index)
    return call


def make_application(call: Call, name: str, amount: int, index: int) -> Application:
    clerk = world.user("clerk")
    application = Application(
        call_id=call.id,
        agency_id=call.agency_id,
        organization_id=world.organization(name).id,
        number=f"150600-GYCT-{call.year}-06-{index:03d}",
        state="eligible",
        title=f"独居老人关爱第{index}号",
        need=f"{name}走访96户，联系人示例联系人{index}，电话13900001111，邮箱a@example.org。",
        goals="全年3600人次",
        plan="分四个社区上门",
        risks="入户意外",
        party_building="党员志愿者参与",
        place="示例社区",
        beneficiaries=180,
        person_times=3600,
        starts_on=clock.today(),
        ends_on=clock.today() + timedelta(days=300),
        leader_name=f"示例联系人{index}",
        leader_phone="13900001111",
        requested=Money.yuan(amount),
        created_by=clerk.id,
        submitted_at=clock.now() - timedelta(days=2),
    )
    db.session.add(application)
    db.session.flush()
    db.session.add(
        BudgetLine(
            application_id=application.id, position=1, code="supplies", basis="逐户", grant=Money.yuan(amount)
        )
    )
    db.session.flush()
    return application


def drawn(call: Call, *, size: int = 5) -> Panel:
    panel = panels.plan_panel(call, size=size, by=world.user("clerk"))
    return panels.draw(panel, by=world.user("organizer"))


def scoring(call: Call, *, size: int = 5) -> Panel:
    panel = drawn(call, size=size)
    panels.witness(panel, by=world.user("supervisor"))
    return panel


def user_of(person_id: int) -> world.User:
    return db.session.scalars(select(world.User).where(world.User.person_id == person_id)).one()


def sheets(panel: Panel) -> list[Review]:
    return list(db.session.scalars(select(Review).where(Review.panel_id == panel.id).order_by(Review.id)))


def fill(review: Review, share: int = 80, *, submit: bool = True) -> None:
    """Give ``share`` percent of each criterion, in half points, and submit."""
    criteria = reviews.criteria(review.application.call)
    points = {item.id: item.points * share // 50 * 50 for item in criteria}
    by = user_of(review.person_id)
    review_services.save_review(review, points=points, reasons={}, comment="总体评语", by=by)
    if submit:
        review_services.submit_review(review, by=by)


def closed(call: Call, shares: dict[int, int] | None = None) -> Panel:
    """All sheets in; ``shares`` by application id."""
    panel = scoring(call)
    for review in sheets(panel):
        fill(review, (shares or {}).get(review.application_id, 80))
    return panel


def make_project(call: Call, application: Application, *, amount: int = 60_000) -> Project:
    """A signed agreement with its commitment, running."""
    clerk, leader = world.user("clerk"), world.user("leader")
    starts, ends = clock.today() - timedelta(days=100), clock.today() + timedelta(days=200)
    commitment = commit(
        call.earmark,
        organization=application.organization,
        number=f"{application.number}-HT",
        title=application.title,
        track="venture_grant",
        amount=Money.yuan(amount),
        starts_on=starts,
        ends_on=ends,
        tranches=[(50, "首期款", "signed"), (40, "中期款", "midterm_passed"), (10, "尾款", "final_passed")],
        from_reservation=False,
        by=leader,
    )
    agreement = Agreement(
        agency_id=call.agency_id,
        organization_id=application.organization_id,
        track="venture_grant",
        application_id=application.id,
        earmark_id=call.earmark_id,
        number=f"{application.number}-HT",
        title=application.title,
        state="signed",
        amount=Money.yuan(amount),
        starts_on=starts,
        ends_on=ends,
        tranche_weights=[50, 40, 10],
        drafted_by=clerk.id,
        signed_by=leader.id,
        signed_on=starts,
        commitment_id=commitment.id,
    )
    db.session.add(agreement)
    db.session.flush()
    project = Project(
        agreement_id=agreement.id,
        agency_id=call.agency_id,
        organization_id=application.organization_id,
        number=f"{application.number}-P",
        title=application.title,
        state="running",
        planned_beneficiaries=180,
        planned_person_times=3600,
    )
    db.session.add(project)
    db.session.flush()
    return project
