"""Disbursements: money leaving, by three people, above a limit by four.

A disbursement pays a tranche of a commitment to the payee's own account. It is requested,
reviewed and approved by different people, above a limit also by a second leader, then released
and paid. A tranche has at most one disbursement alive; the last approval takes the money off the
commitment, so that two cannot both succeed on money for one. A returned payment is issued again
as a new one that names the old.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from registry.accounts.models import User
from registry.organizations.models import Organization

# state: requested, reviewed, first_approved, approved, released, paid, returned, cancelled, recovered

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
    # The cooling-off runs from here; nothing for accounts confirmed before it was noted.
    confirmed_at: Mapped[datetime | None] = instant_column()
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
    second_approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    released_by: Mapped[int | None] = fk("user_account.id")
    # Who was away where a colleague acted: place (“approved”) → account id.
    in_place_of: Mapped[dict | None] = mapped_column(JSON)
    requested_at: Mapped[datetime] = instant_column()
    released_at: Mapped[datetime | None] = instant_column()
    # The returned or cancelled payment that this one replaces.
    reissues_id: Mapped[int | None] = fk("disbursement.id", index=False)
    # When the sweep found it released and without an answer.
    stuck_noted_on: Mapped[date | None]
    paid_on: Mapped[date | None]
    voucher_number: Mapped[str] = mapped_column(String(60), default="")
    findings: Mapped[str] = mapped_column(Text, default="[]")

    commitment: Mapped[Commitment] = relationship()
    tranche: Mapped[Tranche] = relationship()
    payee_account: Mapped[PayeeAccount] = relationship()
    reissues: Mapped[Disbursement | None] = relationship(remote_side="Disbursement.id")

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> requested_by", name="reviewer_differs"),
        CheckConstraint(
            "approved_by IS NULL OR (approved_by <> requested_by AND approved_by <> reviewed_by)",
            name="approver_differs",
        ),
        CheckConstraint(
            "second_approved_by IS NULL OR (second_approved_by <> requested_by "
            "AND second_approved_by <> reviewed_by AND second_approved_by <> approved_by)",
            name="second_approver_differs",
        ),
        CheckConstraint(
            "released_by IS NULL OR (released_by <> requested_by AND released_by <> reviewed_by "
            "AND released_by <> approved_by AND (second_approved_by IS NULL OR released_by <> second_approved_by))",
            name="releaser_differs",
        ),
        # A payment is issued again once.
        Index("uq_disbursement_reissues_id", "reissues_id", unique=True),
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


class PaymentLimit(Model):
    """Up to how much one person approves alone; set by one person of finance, confirmed by another."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    user_id: Mapped[int] = fk("user_account.id", index=False)
    amount: Mapped[Money] = money_column()
    set_by: Mapped[int] = fk("user_account.id", index=False)
    set_at: Mapped[datetime] = instant_column()
    confirmed_by: Mapped[int | None] = fk("user_account.id", index=False)
    ended_on: Mapped[date | None]

    user: Mapped[User] = relationship(foreign_keys="PaymentLimit.user_id")

    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> set_by", name="two_people"),
        CheckConstraint(
            "user_id <> set_by AND (confirmed_by IS NULL OR user_id <> confirmed_by)", name="not_own"
        ),
        Index(None, "agency_id", "user_id", "id"),
    )
