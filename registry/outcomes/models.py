"""Outcomes: how doubtful standing ends (整改激活, 引导注销, 依法撤销).

A case is opened against an organization on written grounds and ends in one of three outcomes: it is
reactivated, it deregisters, or its registration is revoked. It is proposed, reviewed and decided by
three people. A decision to deregister or revoke stops its running projects at once and names who
winds it up; when the winding-up is finished the entry closes. What upper floors do then they say
themselves (``services.when_decided``): this floor calls nothing above.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.organizations.models import Organization

OUTCOMES = {
    "reactivated": N_("rectification and reactivation"),
    "deregistered": N_("deregistration"),
    "revoked": N_("revocation of the registration"),
}
GROUNDS = {
    "zombie": N_("two years or more without annual inspection"),
    "abnormal": N_("on the list of abnormal activity"),
    "own_wish": N_("the organization's own resolution"),
    "purpose_done": N_("purpose fulfilled or term ended"),
    "violation": N_("violation of law"),
}


class OutcomeCase(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id")
    outcome: Mapped[str] = mapped_column(String(16))
    ground: Mapped[str] = mapped_column(String(16))
    facts: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(12), default="proposed")
    liquidator: Mapped[str] = mapped_column(String(120), default="")
    liquidator_phone: Mapped[str] = mapped_column(String(20), default="")
    liquidation_until: Mapped[date | None]
    # Standing before the decision, and what each upper floor did: [{"of", "text", "count", "rows": ids}];
    # cases of before have no "rows".
    status_before: Mapped[str] = mapped_column(String(16), default="")
    consequences: Mapped[list] = mapped_column(JSON, default=list)
    decided_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    proposed_by: Mapped[int | None] = fk("user_account.id")
    reviewed_by: Mapped[int | None] = fk("user_account.id")
    decided_by: Mapped[int | None] = fk("user_account.id")

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("reviewed_by <> proposed_by", name="reviewer_differs"),
        CheckConstraint("decided_by <> proposed_by AND decided_by <> reviewed_by", name="decider_differs"),
        Index(None, "agency_id", "state", "id"),
    )
