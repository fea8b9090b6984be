"""Exceptions, proposed by one person and confirmed by another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal, require_distinct
from core.audit.services import record
from core.db import db
from core.text import N_, Message
from finance.exceptions.models import OverrideProposal
from finance.exceptions.queries import override_of
from finance.exceptions.rules import SEPARATION
from finance.purchasing.services import override_contractor, withdraw_override
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division


def propose_override(
    agency: Agency, *, code: str, contractor: str, counts: bool | None, reason: str, by: Any
) -> OverrideProposal:
    """Wish that a contractor counts otherwise than its code says at the unit's level; ``None``: no longer.

    Raises :class:`Refusal` when there is nothing to end, or the same wish waits already.
    """
    if not by.may("ratio.prepare", agency_id=agency.id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    division = normalise_division(agency.division_code)
    if counts is None and override_of(division, code) is None:
        raise Refusal(Message(N_("There is no exception for this contractor at your level that could end.")))
    waiting = db.session.scalar(
        select(OverrideProposal.id).where(
            OverrideProposal.division_code == division,
            OverrideProposal.contractor_code == code,
            OverrideProposal.state == "proposed",
        )
    )
    if waiting is not None:
        raise Refusal(Message(N_("A proposal about this contractor waits already.")), status=409)
    proposal = OverrideProposal(
        agency_id=agency.id,
        division_code=division,
        contractor_code=code,
        contractor=contractor,
        counts=counts,
        reason=reason,
        proposed_by=by.actor_id,
        proposed_at=clock.now(),
    )
    db.session.add(proposal)
    record(proposal, "proposed", by=by, details={"code": code, "counts": counts})
    return proposal


def decide_override(proposal: OverrideProposal, *, confirmed: bool, by: Any) -> None:
    """A second person confirms or refuses; only then the figure changes, from this year on."""
    if not by.may("ratio.review", agency_id=proposal.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    require_distinct(
        {"proposed": proposal.proposed_by, "decided": by.actor_id}, rule="RAP-2", source=SEPARATION
    )
    if proposal.state != "proposed":
        raise Refusal(Message(N_("This proposal is decided already.")), status=409)
    proposal.state = "confirmed" if confirmed else "refused"
    proposal.decided_by, proposal.decided_at = by.actor_id, clock.now()
    record(proposal, proposal.state, by=by)
    if not confirmed:
        return
    if proposal.counts is not None:
        override_contractor(
            proposal.division_code,
            proposal.contractor_code,
            contractor=proposal.contractor,
            counts=proposal.counts,
            reason=proposal.reason,
            by=by,
        )
        return
    present = override_of(proposal.division_code, proposal.contractor_code)
    if present is not None:
        withdraw_override(present, by=by)
