"""Reading recovery cases, within each reader's scope, and what can still be asked for or set off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.orm import joinedload

from core.db import db
from core.lifecycle import state_of
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import Back, paid_total, tell_backs
from finance.disbursements.models import ALIVE, Disbursement
from finance.ledger.queries import name_owners
from finance.recoveries.models import Recovery, RecoveryPart

# The organization sees a case from the order on; before, it is a thought of the office.
SHOWN_TO_ORGANIZATION = ("ordered", "settled")
OPEN = ("proposed", "legal_reviewed", "reviewed", "ordered")


def in_scope(user: Any) -> ColumnElement[bool]:
    """Condition on Recovery joined with Commitment."""
    return or_(
        Recovery.agency_id.in_(user.agency_ids("recovery.read")),
        and_(
            Commitment.organization_id.in_(user.organization_ids("own.read")),
            Recovery.state.in_(SHOWN_TO_ORGANIZATION),
        ),
    )


def visible_recoveries(user: Any) -> Select[Recovery]:
    return (
        select(Recovery)
        .join(Commitment, Commitment.id == Recovery.commitment_id)
        .where(in_scope(user))
        .options(joinedload(Recovery.commitment).joinedload(Commitment.organization))
    )


def recovery_in_scope(user: Any, recovery_id: int) -> Recovery | None:
    return db.session.scalar(visible_recoveries(user).where(Recovery.id == recovery_id))


def waiting_for(user: Any) -> ColumnElement[bool]:
    """Cases at this person's step: nobody takes two steps on one case."""
    others = and_(
        Recovery.proposed_by != user.id,
        or_(Recovery.reviewed_by.is_(None), Recovery.reviewed_by != user.id),
        or_(Recovery.money_reviewed_by.is_(None), Recovery.money_reviewed_by != user.id),
    )
    steps = (
        ("proposed", "recovery.review"),
        ("legal_reviewed", "recovery.review_money"),
        ("reviewed", "recovery.order"),
    )
    return or_(
        *(
            and_(Recovery.state == state, Recovery.agency_id.in_(user.agency_ids(permission)), others)
            for state, permission in steps
        ),
        and_(Recovery.state == "ordered", Recovery.agency_id.in_(user.agency_ids("recovery.book"))),
    )


def cases_of(commitment_id: int) -> list[Recovery]:
    """Every case about a commitment, oldest first."""
    return list(
        db.session.scalars(
            select(Recovery).where(Recovery.commitment_id == commitment_id).order_by(Recovery.id)
        )
    )


def open_cases(commitment_id: int) -> list[Recovery]:
    return [case for case in cases_of(commitment_id) if case.state in OPEN]


def asked_for(
    commitment: Commitment, disbursement: Disbursement | None = None, *, but: int | None = None
) -> tuple[Money, Money]:
    """(what was paid, what other cases ask for already) of one payment, or of the whole commitment.

    Of the commitment, ``paid`` is what has not come back yet and the other cases count with what is
    open; of a payment, it is the payment and the other cases count whole.
    """
    others = select(Recovery).where(Recovery.id != (but or 0), Recovery.commitment_id == commitment.id)
    cases = list(db.session.scalars(others))
    if disbursement is None:
        asked = sum((case.open_amount for case in cases if case.state in OPEN), Money(0))
        return paid_total(commitment), asked
    mine = [case for case in cases if case.disbursement_id == disbursement.id]
    asked = sum((case.recovered if case.state == "dropped" else case.amount for case in mine), Money(0))
    return disbursement.amount, asked


def came_back(disbursement: Disbursement) -> Money:
    """How much of a payment has come back by its cases."""
    found = db.session.scalar(
        select(func.sum(Recovery.recovered)).where(Recovery.disbursement_id == disbursement.id)
    )
    return found if found is not None else Money(0)


def paid_disbursements(commitment: Commitment) -> list[Disbursement]:
    """The payments of a commitment that money can be asked back from."""
    return list(
        db.session.scalars(
            select(Disbursement)
            .where(Disbursement.commitment_id == commitment.id, Disbursement.state == "paid")
            .order_by(Disbursement.id)
        )
    )


def offset_targets(recovery: Recovery) -> list[Tranche]:
    """Tranches still to be paid to the same payee by the same unit, with no payment under way."""
    alive = select(Disbursement.id).where(Disbursement.tranche_id == Tranche.id, text(ALIVE)).exists()
    return list(
        db.session.scalars(
            select(Tranche)
            .join(Commitment, Commitment.id == Tranche.commitment_id)
            .where(
                Commitment.organization_id == recovery.commitment.organization_id,
                Commitment.agency_id == recovery.agency_id,
                Commitment.ended_on.is_(None),
                Tranche.amount > Money(0),
                ~alive,
            )
            .options(joinedload(Tranche.commitment))
            .order_by(Tranche.commitment_id, Tranche.number)
        )
    )


def last_number(commitment_id: int) -> int:
    """How many cases the commitment has had."""
    return (
        db.session.scalar(
            select(func.count()).select_from(Recovery).where(Recovery.commitment_id == commitment_id)
        )
        or 0
    )


def voucher_used(recovery: Recovery, voucher_number: str) -> bool:
    return (
        db.session.scalar(
            select(RecoveryPart.id).where(
                RecoveryPart.recovery_id == recovery.id, RecoveryPart.voucher_number == voucher_number
            )
        )
        is not None
    )


def _backs(user: Any, commitment_id: int) -> list[Back]:
    found = visible_recoveries(user).where(Recovery.commitment_id == commitment_id).order_by(Recovery.id)
    return [
        Back(
            number=case.number,
            label=state_of(case).label,
            tone=state_of(case).tone,
            asked=Money(0) if case.state == "dropped" else case.amount,
            came=case.recovered,
            payment_id=case.disbursement_id,
            endpoint="recoveries.show",
            values={"recovery_id": case.id},
        )
        for case in db.session.scalars(found)
    ]


tell_backs(_backs)
name_owners("recovery", "recoveries.show", Recovery.id, [Recovery.number], {"recovery_id": Recovery.id})
