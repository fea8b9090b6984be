"""Reading claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.money import Money
from finance.commitments.models import Tranche
from finance.disbursements.models import Disbursement, PayeeAccount
from projects.agreements.models import Project
from projects.agreements.queries import living_disbursements
from projects.claims.models import Claim

PAID = ("paid", "recovered")


@dataclass(frozen=True, slots=True)
class TrancheRow:
    """A tranche with its claim in hand and its disbursement alive."""

    tranche: Tranche
    claim: Claim | None
    disbursement: Disbursement | None

    @property
    def paid(self) -> bool:
        """Paid, also when the money came back since: it is not paid again."""
        return self.disbursement is not None and self.disbursement.state in PAID

    @property
    def claimable(self) -> bool:
        """Nothing is in hand and something is due; the findings decide the rest."""
        waiting = self.claim is not None and self.claim.state == "submitted"
        return not waiting and self.disbursement is None and self.tranche.amount > Money(0)


def tranche_rows(project: Project) -> list[TrancheRow]:
    commitment = project.agreement.commitment
    if commitment is None:
        return []
    tranches = list(commitment.tranches)
    ids = [tranche.id for tranche in tranches]
    latest: dict[int, Claim] = {}
    for claim in db.session.scalars(select(Claim).where(Claim.tranche_id.in_(ids)).order_by(Claim.id)):
        latest[claim.tranche_id] = claim
    alive = living_disbursements(ids)
    return [TrancheRow(item, latest.get(item.id), alive.get(item.id)) for item in tranches]


def visible_claims(user: Any) -> Select[Claim]:
    agencies, organizations = user.agency_ids("project.read"), user.organization_ids("own.read")
    scopes = []
    if agencies:
        scopes.append(Claim.agency_id.in_(agencies))
    if organizations:
        scopes.append(Claim.organization_id.in_(organizations))
    return (
        select(Claim)
        .where(or_(*scopes) if scopes else false())
        .options(joinedload(Claim.project), joinedload(Claim.tranche), joinedload(Claim.disbursement))
    )


def claim_in_scope(user: Any, claim_id: int) -> Claim | None:
    return db.session.scalar(visible_claims(user).where(Claim.id == claim_id))


def claims_of(project: Project) -> list[Claim]:
    return list(db.session.scalars(select(Claim).where(Claim.project_id == project.id).order_by(Claim.id)))


def open_claims(project: Project) -> list[Claim]:
    return [claim for claim in claims_of(project) if claim.state == "submitted"]


def payee_account(claim: Claim) -> PayeeAccount:
    return db.session.get_one(PayeeAccount, claim.payee_account_id)
