"""Reading exceptions in force and proposals about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from finance.contracts.models import ContractorOverride
from finance.contracts.queries import under, visible_divisions
from finance.exceptions.models import OverrideProposal


def overrides_in_force(user: Any) -> list[ContractorOverride]:
    """Exceptions of the levels in reach and above them: they bear on the figures a person sees."""
    divisions = visible_divisions(user)
    codes = {code for division in divisions for code in _with_above(division)}
    below = [under(ContractorOverride.division_code, division) for division in divisions]
    return list(
        db.session.scalars(
            select(ContractorOverride)
            .where(or_(ContractorOverride.division_code.in_(codes), *below))
            .order_by(ContractorOverride.division_code, ContractorOverride.contractor_code)
            .limit(500)
        )
    )


def _with_above(division: str) -> set[str]:
    return {division[:length].ljust(6, "0") for length in (2, 4, 6)} | {division[:9], division}


def visible_proposals(user: Any) -> Select[Any]:
    return (
        select(OverrideProposal)
        .where(OverrideProposal.agency_id.in_(user.agency_ids("purchase.read")))
        .options(
            joinedload(OverrideProposal.agency),
            joinedload(OverrideProposal.proposer),
            joinedload(OverrideProposal.decider),
        )
    )


def proposals(user: Any, limit: int = 100) -> list[OverrideProposal]:
    return list(db.session.scalars(visible_proposals(user).order_by(OverrideProposal.id.desc()).limit(limit)))


def proposal_in_scope(user: Any, number: int) -> OverrideProposal | None:
    found: OverrideProposal | None = db.session.scalars(
        visible_proposals(user).where(OverrideProposal.id == number)
    ).first()
    return found


def proposals_waiting(user: Any) -> list[OverrideProposal]:
    ids = user.agency_ids("ratio.review")
    if not ids:
        return []
    return list(
        db.session.scalars(
            select(OverrideProposal)
            .where(
                OverrideProposal.agency_id.in_(ids),
                OverrideProposal.state == "proposed",
                OverrideProposal.proposed_by != user.id,
            )
            .order_by(OverrideProposal.id)
        )
    )


def override_of(division: str, code: str) -> ContractorOverride | None:
    found: ContractorOverride | None = db.session.scalars(
        select(ContractorOverride).where(
            ContractorOverride.division_code == division, ContractorOverride.contractor_code == code
        )
    ).first()
    return found
