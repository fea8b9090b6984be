"""Recoveries: money that was paid and has to come back.

A case says how much of a commitment's paid money has to come back, why, and until when. It is
proposed, reviewed by legal and by finance, and ordered: four people (DOMAIN 2.5). What comes back is
booked in parts, as money received or set off against a tranche that is still to be paid to the same
payee; the parts never exceed the case. An order that leads to nothing is dropped with its reason.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from finance.disbursements.models import Disbursement

# state: proposed, legal_reviewed, reviewed, ordered, settled, dropped


class Recovery(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    commitment_id: Mapped[int] = fk("commitment.id")
    # The one payment that comes back whole or in part; none when it is about the project's account.
    disbursement_id: Mapped[int | None] = fk("disbursement.id")
    number: Mapped[str] = mapped_column(String(60), unique=True)
    ground: Mapped[str] = mapped_column(String(16), default="unused")  # GROUNDS of the room's rules
    reason: Mapped[str] = mapped_column(Text)
    amount: Mapped[Money] = money_column()
    recovered: Mapped[Money] = money_column(default=Money(0))
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(32), default="proposed")
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    proposed_at: Mapped[datetime] = instant_column()
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    money_reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    ordered_by: Mapped[int | None] = fk("user_account.id", index=False)
    ordered_on: Mapped[date | None]
    # The minutes of the meeting, or the instruction, that the order rests on.
    basis: Mapped[str] = mapped_column(String(120), default="")
    settled_on: Mapped[date | None]
    drop_reason: Mapped[str] = mapped_column(Text, default="")

    commitment: Mapped[Commitment] = relationship()
    disbursement: Mapped[Disbursement | None] = relationship()
    parts: Mapped[list[RecoveryPart]] = relationship(back_populates="recovery", order_by="RecoveryPart.id")

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("recovered >= 0 AND recovered <= amount", name="within_the_case"),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> proposed_by", name="reviewer_differs"),
        CheckConstraint(
            "ordered_by IS NULL OR (ordered_by <> proposed_by AND ordered_by <> reviewed_by)",
            name="orderer_differs",
        ),
        CheckConstraint(
            "money_reviewed_by IS NULL OR (money_reviewed_by <> proposed_by "
            "AND money_reviewed_by <> reviewed_by AND (ordered_by IS NULL OR ordered_by <> money_reviewed_by))",
            name="finance_differs",
        ),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "due_on", "id"),
    )

    @property
    def open_amount(self) -> Money:
        """What has still to come back; nothing once the case is dropped."""
        return Money(0) if self.state == "dropped" else self.amount - self.recovered


class RecoveryPart(Model):
    """One part that came back: money with its voucher, or set off against a later tranche."""

    recovery_id: Mapped[int] = fk("recovery.id")
    amount: Mapped[Money] = money_column()
    received_on: Mapped[date]
    voucher_number: Mapped[str] = mapped_column(String(60), default="")
    tranche_id: Mapped[int | None] = fk("tranche.id", index=False)
    booked_by: Mapped[int] = fk("user_account.id", index=False)

    recovery: Mapped[Recovery] = relationship(back_populates="parts")
    tranche: Mapped[Tranche | None] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("(tranche_id IS NULL) = (voucher_number <> '')", name="voucher_or_tranche"),
        # A voucher proves one part of a case.
        Index(
            "uq_recovery_part_voucher",
            "recovery_id",
            "voucher_number",
            unique=True,
            sqlite_where=text("voucher_number <> ''"),
            postgresql_where=text("voucher_number <> ''"),
        ),
    )
