"""Scenes of money that comes back and of money kept for others."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage, account
from app.demo.story import on
from core import clock
from core.db import db
from core.money import Money
from finance.commitments.models import Commitment, Hold
from finance.commitments.services import commit
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.services import (
    approve,
    confirm_payee_account,
    mark_paid,
    record_payee_account,
    release,
    request_disbursement,
    review,
)
from finance.funds.services import earmark
from finance.hosting import services as hosting
from finance.hosting.models import HostedProject, Hosting, Outflow
from finance.hosting.queries import months_to_report
from finance.recoveries import services as recoveries
from finance.recoveries.models import Recovery
from projects.agreements.models import Agreement, Project
from projects.closure.models import Termination
from projects.closure.services import (
    decide_termination,
    propose_termination,
    review_termination,
    review_termination_money,
)
from projects.spending.queries import spent_total
from registry.accounts.models import User
from registry.organizations.models import Organization

BACK, HOSTED = TEXTS["money_back"], TEXTS["hosted"]


def tell_money_back(stage: Stage) -> None:
    """Cases in each state: paid back in parts, set off, dropped, overdue, at each step; two early ends."""
    idle = _idle_projects()
    today = clock.today()
    first = _ordered(stage, idle[0], "3600.00", today - timedelta(days=45), today + timedelta(days=5))
    for day, amount, voucher in ((30, "2000.00", "SK-0031"), (12, "1600.00", "SK-0057")):
        with on(today - timedelta(days=day)):
            recoveries.book_return(
                first,
                Money.yuan(amount),
                received_on=clock.today(),
                voucher_number=voucher,
                by=stage.people["finance"],
            )
    dropped = _ordered(stage, idle[0], "800.00", today - timedelta(days=40), today)
    with on(today - timedelta(days=20)):
        recoveries.drop(dropped, reason=BACK["drop"], by=stage.people["leader"])
    set_off = _ordered(stage, idle[1], "1500.00", today - timedelta(days=25), today + timedelta(days=20))
    with on(today - timedelta(days=10)):
        recoveries.book_offset(
            set_off, _commitment(idle[1]).tranches[1], Money.yuan("1500.00"), by=stage.people["finance"]
        )
    _ordered(stage, idle[2], "2400.00", today - timedelta(days=40), today - timedelta(days=8))
    for steps in range(3):
        _case(stage, idle[3], "500.00", today - timedelta(days=5 - steps), today + timedelta(days=25), steps)
    _early_ends(stage, idle)


def _early_ends(stage: Stage, idle: list[Project]) -> None:
    today = clock.today()
    ended = _termination(stage, idle[-1], BACK["ending"], today - timedelta(days=16))
    with on(today - timedelta(days=14)):
        review_termination(ended, by=stage.people["reviewer"])
    with on(today - timedelta(days=13)):
        review_termination_money(ended, by=stage.people["finreview"])
    with on(today - timedelta(days=11)):
        decide_termination(ended, basis=BACK["basis"].format(year=today.year), by=stage.people["leader"])
    _termination(stage, idle[-2], BACK["ending_proposed"], today - timedelta(days=2))


def _idle_projects() -> list[Project]:
    """Running projects whose first tranche alone was paid, with nothing on its way and no hold."""
    found = []
    for project in db.session.scalars(
        select(Project).join(Agreement).where(Project.state == "running").order_by(Project.id)
    ):
        commitment = project.agreement.commitment
        if commitment is None or len(commitment.tranches) < 2:
            continue
        payments = db.session.scalars(
            select(Disbursement).where(Disbursement.commitment_id == commitment.id)
        ).all()
        held = db.session.scalar(
            select(Hold.id).where(Hold.commitment_id == commitment.id, Hold.lifted_at.is_(None))
        )
        if [item.state for item in payments] == ["paid"] and held is None:
            found.append(project)
    return found


def _commitment(project: Project) -> Commitment:
    commitment = project.agreement.commitment
    assert commitment is not None
    return commitment


def _case(stage: Stage, project: Project, amount: str, day: date, due: date, steps: int) -> Recovery:
    """A case that ``steps`` people have looked at."""
    with on(day, 9):
        case = recoveries.propose(
            _commitment(project),
            ground="unused" if steps else "overpaid",
            amount=Money.yuan(amount),
            due_on=due,
            reason=BACK["facts"] if steps else BACK["mistake"],
            by=stage.people["clerk"],
        )
    if steps > 0:
        with on(day, 14):
            recoveries.review_legal(case, by=stage.people["reviewer"])
    if steps > 1:
        with on(day, 15):
            recoveries.review_money(case, by=stage.people["finreview"])
    return case


def _ordered(stage: Stage, project: Project, amount: str, day: date, due: date) -> Recovery:
    case = _case(stage, project, amount, day, due, 2)
    with on(day + timedelta(days=1)):
        recoveries.order(case, basis=BACK["basis"].format(year=day.year), by=stage.people["leader"])
    return case


def _termination(stage: Stage, project: Project, reason: str, day: date) -> Termination:
    with on(day):
        return propose_termination(
            project,
            reason=reason,
            accepted_cost=spent_total(project),
            due_on=clock.today() + timedelta(days=30),
            by=stage.people["clerk"],
        )


def tell_hosting(stage: Stage, password: str) -> None:
    """A township pays two community organizations through a federation; one hosting has ended."""
    today = clock.today()
    with on(today - timedelta(days=90)):
        bodies = _parties(stage, password)
    running = _agreement(stage, bodies[0], 300, today - timedelta(days=84))
    project = _project(stage, running, HOSTED["titles"][0], "24000.00", today - timedelta(days=80), 1)
    leader, operator, keeper = stage.people["hosted1"], stage.people["hosted1"], stage.people["keeper"]
    _leave(project, "spent", "4200.00", 0, today - timedelta(days=60), (operator, leader, keeper))
    _leave(project, "fee", "360.00", 1, today - timedelta(days=58), (keeper, leader, keeper))
    _leave(project, "spent", "1800.00", 2, today - timedelta(days=3), (operator, leader, None))
    _leave(project, "spent", "950.00", 3, today - timedelta(days=1), (operator, None, None))
    _leave(project, "returned", "140.00", 5, today - timedelta(days=2), (keeper, leader, keeper))
    refused = _leave(project, "spent", "300.00", 4, today - timedelta(days=20), (operator, None, None))
    with on(today - timedelta(days=19)):
        hosting.refuse_outflow(refused, reason=HOSTED["refusal"], by=leader)
        hosting.send_report(running, months_to_report(running, clock.today())[0], by=keeper)
    _ended(stage, bodies[1])
    with on(today - timedelta(days=4)):
        hosting.draft_hosting(
            stage.agencies["urban"],
            host=running.host,
            hosted=bodies[1],
            fee_points=200,
            starts_on=clock.today(),
            ends_on=clock.today() + timedelta(days=300),
            by=stage.people["urban_clerk"],
        )


def _ended(stage: Stage, hosted: Organization) -> None:
    """The choir dissolves: what is left goes back to the township."""
    today = clock.today()
    agreement = _agreement(stage, hosted, 500, today - timedelta(days=70))
    project = _project(stage, agreement, HOSTED["titles"][1], "6000.00", today - timedelta(days=66), 2)
    leader, keeper = stage.people["hosted2"], stage.people["keeper"]
    _leave(project, "spent", "1000.00", 3, today - timedelta(days=50), (leader, leader, keeper))
    with on(today - timedelta(days=30)):
        hosting.end_hosting(agreement, reason=HOSTED["end"], by=stage.people["urban_clerk"])
    back = _leave(project, "returned", "2000.00", 5, today - timedelta(days=28), (keeper, leader, keeper))
    with on(today - timedelta(days=26)):
        hosting.confirm_return(
            back, received_on=clock.today(), voucher_number="SK-0102", by=stage.people["urban_finance"]
        )
    with on(today - timedelta(days=25)):
        hosting.close_hosting(agreement, by=stage.people["urban_clerk"])


def _parties(stage: Stage, password: str) -> list[Organization]:
    """The filed bodies with their leaders, and the federation's finance officer."""
    bodies = list(
        db.session.scalars(
            select(Organization).where(Organization.register_class == "filed").order_by(Organization.id)
        )
    )[:2]
    for place, (organization, name) in enumerate(zip(bodies, HOSTED["leaders"], strict=True), 1):
        stage.people[f"hosted{place}"] = account(
            f"hosted{place}", name, "so_leader", password=password, organization=organization
        )
    host = bodies[0].host
    assert host is not None
    stage.people["keeper"] = account(
        "keeper", HOSTED["keeper"], "host_finance", password=password, organization=host
    )
    return bodies


def _agreement(stage: Stage, hosted: Organization, fee: int, day: date) -> Hosting:
    """Drafted by the township's officer, signed by the two bodies and by its leader."""
    host = hosted.host
    assert host is not None
    with on(day, 9):
        made = hosting.draft_hosting(
            stage.agencies["urban"],
            host=host,
            hosted=hosted,
            fee_points=fee,
            starts_on=day,
            ends_on=day + timedelta(days=364),
            by=stage.people["urban_clerk"],
        )
    place = 1 if hosted.id == _first_filed() else 2
    for hour, signer in (
        (11, stage.people[f"hosted{place}"]),
        (14, stage.leaders[host.id]),
        (16, stage.people["urban_leader"]),
    ):
        with on(day, hour):
            hosting.sign(made, by=signer)
    return made


def _first_filed() -> int | None:
    return db.session.scalar(
        select(Organization.id)
        .where(Organization.register_class == "filed")
        .order_by(Organization.id)
        .limit(1)
    )


def _project(
    stage: Stage, agreement: Hosting, title: str, amount: str, day: date, serial: int
) -> HostedProject:
    """A commitment of the township to the hosted body; its first tranche arrived at the host."""
    people = stage.people
    with on(day, 9):
        money = Money.yuan(amount)
        lot = earmark(
            stage.budgets["township", day.year],
            agency=stage.agencies["urban"],
            title=HOSTED["lot"],
            purpose="community",
            amount=money,
            by=people["urban_finance"],
        )
        commitment = commit(
            lot,
            organization=agreement.hosted,
            number=f"150602-SQZJ-{day.year}-{serial:03d}",
            title=title,
            track="venture_grant",
            amount=money,
            starts_on=day,
            ends_on=day + timedelta(days=200),
            tranches=[(50, "首期款", "signed"), (50, "尾款", "final_passed")],
            from_reservation=False,
            by=people["urban_leader"],
        )
        project = hosting.add_project(agreement, commitment, by=people["urban_clerk"])
        paid_to = _host_account(stage, agreement.host)
    with on(day + timedelta(days=6)):
        payment = request_disbursement(
            commitment.tranches[0],
            payee_account=paid_to,
            receipt_number=f"DG-{serial:04d}",
            by=people["urban_clerk"],
        )
    for later, act, who in (
        (7, review, "urban_finreview"),
        (8, approve, "urban_leader"),
        (9, release, "urban_finance"),
    ):
        with on(day + timedelta(days=later)):
            act(payment, by=people[who])
    with on(day + timedelta(days=10)):
        mark_paid(
            payment,
            paid_on=clock.today(),
            voucher_number=f"ZF-{payment.id:05d}",
            by=people["urban_finance"],
        )
    with on(day + timedelta(days=11)):
        hosting.take_receipt(project, payment, by=people["keeper"])
    return project


def _host_account(stage: Stage, host: Organization) -> PayeeAccount:
    found = db.session.scalar(select(PayeeAccount).where(PayeeAccount.organization_id == host.id))
    if found is None:
        found = record_payee_account(
            host,
            account_name=host.name,
            bank=TEXTS["bank"],
            number=f"62280000{host.id:08d}",
            by=stage.people["urban_finance"],
        )
        confirm_payee_account(found, by=stage.people["urban_finreview"])
    return found


def _leave(
    project: HostedProject,
    kind: str,
    amount: str,
    purpose: int,
    day: date,
    people: tuple[User, User | None, User | None],
) -> Outflow:
    """A payment asked for, signed and countersigned as far as people are named."""
    asking, leading, keeping = people
    with on(day, 9):
        outflow = hosting.request_outflow(
            project,
            kind,
            amount=Money.yuan(amount),
            purpose=HOSTED["purposes"][purpose],
            payee=HOSTED["payee"] if kind == "spent" else project.hosting.host.name,
            voucher_number=f"DG-{project.id}-{purpose}" if kind == "spent" else "",
            by=asking,
        )
    if leading is not None:
        with on(day, 11):
            hosting.sign_outflow(outflow, by=leading)
    if keeping is not None:
        with on(day, 15):
            hosting.countersign_outflow(outflow, by=keeping)
    return outflow
