"""Duplicates: entries that may be one body, and how two become one.

Entries whose names are the same without division and form, or sound the same, are pairs for an
officer to look at (S0-59). One person proposes to join two entries, another confirms. Every row of
every table that names the entry to go is moved to the one that stays; a row that the other has
already is kept, whole, with the record of the join. The record is all that remains of the entry.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, count_column, fk, instant_column
from core.text import N_
from registry.organizations.models import Organization

REASONS = {
    "name": N_("same name without division and form"),
    "sound": N_("name sounds the same"),
}


# What the rows of each table are, for who confirms a join.
TABLE_WORDS = {
    "organization": N_("organizations it hosts"), "grade": N_("grades"), "inspection": N_("annual inspections"),
    "party_facts": N_("party-building facts"), "organization_profile": N_("particulars of the register"),
    "organization_tag": N_("recognitions"), "former_identity": N_("former names and codes"),
    "organization_change": N_("changes of fields"), "qualification": N_("tax status and qualifications"),
    "fundraising_filing": N_("fundraising plans"), "community_fund": N_("community charity funds"),
    "honour": N_("brands and awards"), "staff_count": N_("years of employees and jobs"),
    "department_role": N_("departments that look after it"), "term": N_("terms"), "post": N_("posts"),
    "candidate_check": N_("checks of candidates"), "membership": N_("memberships of hubs"),
    "hub_service": N_("services of hubs"), "update_request": N_("reported changes"),
    "outcome_case": N_("outcomes"), "organization_merge": N_("earlier joins"), "interest": N_("ties of people"),
    "employment": N_("stretches of working life"), "credit_entry": N_("credit entries"),
    "role_assignment": N_("roles of its people"), "expert": N_("experts it employs"),
    "application": N_("applications"), "commitment": N_("commitments to pay"), "disbursement": N_("payments"),
    "payee_account": N_("bank accounts"), "hosting": N_("hosting agreements"), "agreement": N_("agreements"),
    "project": N_("Its projects"), "claim": N_("claims"), "expense": N_("vouchers"), "service_record": N_("service records"),
    "rectification": N_("rectifications"), "closure": N_("closing accounts"), "termination": N_("early ends"),
    "checkpoint": N_("evaluations"), "liaison_officer": N_("liaison officers"),
    "custody_transfer": N_("changes of the responsible department"), "adverse_record": N_("adverse records"),
    "credit_proposal": N_("proposed credit entries"), "social_worker": N_("social workers"),
    "volunteer": N_("volunteers"),
}  # fmt: skip
OTHER_ROWS = N_("other rows")


# state of a join: proposed, confirmed, dropped


class SimilarPair(Model):
    """Two entries with similar names, the earlier first; both units are kept for the scope."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    other_agency_id: Mapped[int] = fk("agency.id", index=False)
    first_id: Mapped[int] = fk("organization.id", index=False)
    second_id: Mapped[int] = fk("organization.id")
    reason: Mapped[str] = mapped_column(String(8))
    # Somebody looked and found two bodies.
    dismissed_by: Mapped[int | None] = fk("user_account.id")
    dismissed_at: Mapped[datetime | None] = instant_column()
    note: Mapped[str] = mapped_column(String(400), default="")

    first: Mapped[Organization] = relationship(foreign_keys=[first_id])
    second: Mapped[Organization] = relationship(foreign_keys=[second_id])

    __table_args__ = (
        CheckConstraint("first_id < second_id", name="in_order"),
        UniqueConstraint("first_id", "second_id"),
        Index(None, "agency_id", "dismissed_at", "id"),
    )


class OrganizationMerge(Model):
    """``gone_id`` is no foreign key: when the join is done, that row is no more."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    kept_id: Mapped[int] = fk("organization.id")
    gone_id: Mapped[int] = count_column(index=True)
    gone_name: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12), default="proposed")
    reason: Mapped[str] = mapped_column(String(400))
    # How many rows of each table were moved, and the rows that the kept entry had already.
    moved: Mapped[dict] = mapped_column(JSON, default=dict)
    set_aside: Mapped[dict] = mapped_column(JSON, default=dict)
    proposed_by: Mapped[int | None] = fk("user_account.id")
    proposed_at: Mapped[datetime] = instant_column()
    decided_by: Mapped[int | None] = fk("user_account.id")
    decided_at: Mapped[datetime | None] = instant_column()

    kept: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("kept_id <> gone_id", name="two_entries"),
        CheckConstraint(
            "state <> 'confirmed' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="two_people",
        ),
        Index(None, "agency_id", "state", "id"),
    )
