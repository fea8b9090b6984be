"""Agreements: what both sides sign, and the project that follows.

A grant agreement comes from an awarded application; a service contract from a purchase without
one. It is checked by legal and finance, offered, accepted by the organization's leader on line
and signed by the agency's leader; signing makes the commitment. The project has its own life from
then on.

The money may come from several sources; their parts sum to the amount. The part of another unit is
confirmed by that unit, which names the money it gives, before the agreement is offered.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment
from finance.funds.models import Earmark
from grants.applications.models import Application
from registry.agencies.models import Agency
from registry.organizations.models import Organization

# agreement state: draft, legal_reviewed, finance_reviewed, offered, accepted, signed, ended, terminated
# project state: preparing, running, suspended, closing, settled, archived, terminated, recovering


class Agreement(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    track: Mapped[str] = mapped_column(String(20))  # venture_grant, service_purchase
    application_id: Mapped[int | None] = fk("application.id", index=False, unique=True)
    earmark_id: Mapped[int] = fk("earmark.id")
    number: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(160))
    state: Mapped[str] = mapped_column(String(32), default="draft")
    amount: Mapped[Money] = money_column()
    # What the organization itself puts in beside the amount (配套资金).
    own_funds: Mapped[Money] = money_column(default=Money(0))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    tranche_weights: Mapped[list] = mapped_column(JSON)
    terms: Mapped[str] = mapped_column(Text, default="")
    # A service contract: how it was bought and what it counts as (service_purchase only).
    method: Mapped[str] = mapped_column(String(40), default="")
    service_key: Mapped[str] = mapped_column(String(80), default="")
    catalogue_code: Mapped[str] = mapped_column(String(16), default="")
    drafted_by: Mapped[int] = fk("user_account.id", index=False)
    legal_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    finance_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    accepted_by: Mapped[int | None] = fk("user_account.id", index=False)
    accepted_at: Mapped[datetime | None] = instant_column()
    signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    signed_on: Mapped[date | None]
    commitment_id: Mapped[int | None] = fk("commitment.id", index=False, unique=True)

    organization: Mapped[Organization] = relationship()
    application: Mapped[Application | None] = relationship()
    earmark: Mapped[Earmark] = relationship()
    commitment: Mapped[Commitment | None] = relationship()
    project: Mapped[Project | None] = relationship(back_populates="agreement")
    sources: Mapped[list[AgreementSource]] = relationship(
        back_populates="agreement", order_by="AgreementSource.number", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("own_funds >= 0", name="own_funds_not_negative"),
        CheckConstraint("ends_on >= starts_on", name="dates_order"),
        CheckConstraint(
            "(track = 'venture_grant') = (application_id IS NOT NULL)", name="grant_has_application"
        ),
        CheckConstraint("state <> 'signed' OR commitment_id IS NOT NULL", name="signed_has_commitment"),
        CheckConstraint("legal_reviewed_by IS NULL OR legal_reviewed_by <> drafted_by", name="legal_differs"),
        CheckConstraint(
            "finance_reviewed_by IS NULL OR finance_reviewed_by <> drafted_by", name="finance_differs"
        ),
        CheckConstraint(
            "signed_by IS NULL OR (signed_by <> drafted_by AND signed_by <> legal_reviewed_by "
            "AND signed_by <> finance_reviewed_by)",
            name="signer_differs",
        ),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "amount", "id"),
        Index(None, "agency_id", "ends_on", "id"),
        Index(None, "organization_id", "id"),
    )


class AgreementSource(Model):
    """What one source gives to an agreement; the first is the agreement's own earmark.

    ``earmark_id`` is open until another unit that shares the cost has named its money.
    """

    agreement_id: Mapped[int] = fk("agreement.id", index=False)
    number: Mapped[int]
    agency_id: Mapped[int] = fk("agency.id", index=False)
    earmark_id: Mapped[int | None] = fk("earmark.id")
    amount: Mapped[Money] = money_column()
    confirmed_by: Mapped[int | None] = fk("user_account.id", index=False)
    confirmed_at: Mapped[datetime | None] = instant_column()

    agreement: Mapped[Agreement] = relationship(back_populates="sources")
    agency: Mapped[Agency] = relationship()
    earmark: Mapped[Earmark | None] = relationship()

    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        UniqueConstraint("agreement_id", "earmark_id"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("confirmed_by IS NULL OR earmark_id IS NOT NULL", name="confirmed_names_money"),
        Index(None, "agency_id", "agreement_id"),
    )


class Project(Model):
    agreement_id: Mapped[int] = fk("agreement.id", index=False, unique=True)
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    number: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(160))
    state: Mapped[str] = mapped_column(String(32), default="preparing")
    planned_beneficiaries: Mapped[int] = mapped_column(default=0)
    planned_person_times: Mapped[int] = mapped_column(default=0)
    # Verdicts written down by the floor above: excellent, good, pass, fail; empty before.
    midterm_grade: Mapped[str] = mapped_column(String(16), default="")
    final_grade: Mapped[str] = mapped_column(String(16), default="")
    # The cost that closure accepted, written down when its report is checked; the last tranche reads it.
    audited_cost: Mapped[Money | None] = money_column()
    # Acceptance of a purchased service (验收书): who, when, what was found.
    accepted_by: Mapped[int | None] = fk("user_account.id", index=False)
    accepted_on: Mapped[date | None]
    acceptance_note: Mapped[str] = mapped_column(Text, default="")

    agreement: Mapped[Agreement] = relationship(back_populates="project")
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("audited_cost IS NULL OR audited_cost >= 0", name="cost_not_negative"),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "organization_id", "id"),
    )
