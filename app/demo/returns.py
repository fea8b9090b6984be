"""What became of two of the thirty small grants: one comes back whole, of one the rest that was not used."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from core.db import db
from core.money import Money
from finance.disbursements.models import Disbursement
from finance.recoveries import services as recoveries

WORDS = TEXTS["till_returns"]


def tell_returns(stage: Stage) -> None:
    """To be told after the till: both payments arrived with the batch of thirty."""
    today = clock.today()
    whole, part = _paid(today.year, 3), _paid(today.year, 8)
    _came_back(stage, whole, whole.amount, "terminated", WORDS["recovered"], "SK-0118", today)
    _came_back(stage, part, Money.yuan("612.40"), "unused", WORDS["surplus"], "SK-0121", today)


def _paid(year: int, place: int) -> Disbursement:
    return db.session.scalars(
        select(Disbursement).where(Disbursement.number == f"150600-WXM-{year}-{place:03d}-ZF01")
    ).one()


def _came_back(
    stage: Stage, payment: Disbursement, amount: Money, ground: str, reason: str, voucher: str, today: date
) -> None:
    people = stage.people
    with on(today - timedelta(days=7), 9):
        case = recoveries.propose(
            payment.commitment,
            disbursement=payment,
            ground=ground,
            amount=amount,
            due_on=today + timedelta(days=20),
            reason=reason,
            by=people["clerk"],
        )
    with on(today - timedelta(days=7), 14):
        recoveries.review_legal(case, by=people["reviewer"])
    with on(today - timedelta(days=6), 9):
        recoveries.review_money(case, by=people["finreview"])
    with on(today - timedelta(days=6), 14):
        recoveries.order(case, basis=WORDS["basis"].format(year=today.year), by=people["leader"])
    with on(today - timedelta(days=3)):
        recoveries.book_return(
            case, amount, received_on=clock.today(), voucher_number=voucher, by=people["finance"]
        )
