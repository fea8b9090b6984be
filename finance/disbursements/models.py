"""Disbursements: money leaving, by three people.

A disbursement pays a tranche of a commitment to the payee's own account. It is requested,
reviewed and approved by three different people, then released and paid. A tranche has at most one
disbursement alive; approving takes the money off the commitment, so that two cannot both succeed
on money for one.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from registry.organizations.models import Organization

# state: requested, reviewed, approved, released, paid, returned, cancelled, recovered

ALIVE = "state NOT IN ('returned', 'cancelled')"


class PayeeAccount(Model):
    """A bank account of an organization; recorded by one person and confirmed by another."""

    organization_id: Mapped[int] = fk("organization.id")
    account_name: Mapped[str] = mapped_column(String(120))
    bank: Mapped[str] = mapped_column(String(120))
    number_sealed: Mapped[str] = mapped_column(Text)  # encrypted; shown as last four digits
    last_four: Mapped[str] = mapped_column(String(4))
    recorded_by: Mapped[int] = fk("user_account.id")
    confirmed_by: Mapped[int | None] = fk("user_account.id")
    closed_on: Mapped[date | None]

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> recorded_by", name="two_people"),
    )


class Disbursement(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    commitment_id: Mapped[int] = fk("commitment.id")
    tranche_id: Mapped[int] = fk("tranche.id", index=False)
    payee_account_id: Mapped[int] = fk("payee_account.id")
    number: Mapped[str] = mapped_column(String(60), unique=True)
    amount: Mapped[Money] = money_column()
    receipt_number: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(32), default="requested")
    requested_by: Mapped[int] = fk("user_account.id")
    reviewed_by: Mapped[int | None] = fk("user_account.id")
    approved_by: Mapped[int | None] = fk("user_account.id")
    released_by: Mapped[int | None] = fk("user_account.id")
    requested_at: Mapped[datetime] = instant_column()
    paid_on: Mapped[date | None]
    voucher_number: Mapped[str] = mapped_column(String(60), default="")
    findings: Mapped[str] = mapped_column(Text, default="[]")

    commitment: Mapped[Commitment] = relationship()
    tranche: Mapped[Tranche] = relationship()
    payee_account: Mapped[PayeeAccount] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> requested_by", name="reviewer_differs"),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> requested_by AND approved_by <> reviewed_by)",
            name="approver_differs",
        ),
        Index(
            "uq_disbursement_tranche_alive",
            "tranche_id",
            unique=True,
            sqlite_where=text(ALIVE),
            postgresql_where=text(ALIVE),
        ),
        # A receipt is good for one payment.
        Index(
            "uq_disbursement_receipt_alive",
            "commitment_id",
            "receipt_number",
            unique=True,
            sqlite_where=text(ALIVE),
            postgresql_where=text(ALIVE),
        ),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "amount", "id"),
    )
