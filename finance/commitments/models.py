"""Commitments: what is owed to whom, for what, until when.

A commitment takes money from one earmark or several for one payee and is paid in tranches that
sum to it exactly. Each earmark's share has its own accounts: no source ever pays for another. Upper floors place holds (open rectification, suspension, open objection) and name
excluded people (those who scored): nothing is released under a hold, nor by an excluded person.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.funds.models import Earmark
from registry.organizations.models import Organization


class Commitment(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    earmark_id: Mapped[int] = fk("earmark.id")
    organization_id: Mapped[int] = fk("organization.id")
    number: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(160))
    track: Mapped[str] = mapped_column(String(20))  # venture_grant, service_purchase
    amount: Mapped[Money] = money_column()
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    ended_on: Mapped[date | None]

    earmark: Mapped[Earmark] = relationship()
    shares: Mapped[list[CommitmentShare]] = relationship(
        back_populates="commitment", order_by="CommitmentShare.number"
    )
    organization: Mapped[Organization] = relationship()
    tranches: Mapped[list[Tranche]] = relationship(back_populates="commitment", order_by="Tranche.number")
    holds: Mapped[list[Hold]] = relationship(back_populates="commitment", order_by="Hold.id")

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("ends_on >= starts_on", name="dates_order"),
        Index(None, "agency_id", "id"),
    )


class CommitmentShare(Model):
    """What one earmark gives to a commitment; the first is the commitment's own earmark."""

    commitment_id: Mapped[int] = fk("commitment.id", index=False)
    number: Mapped[int]
    earmark_id: Mapped[int] = fk("earmark.id")
    agency_id: Mapped[int] = fk("agency.id", index=False)
    amount: Mapped[Money] = money_column()

    commitment: Mapped[Commitment] = relationship(back_populates="shares")
    earmark: Mapped[Earmark] = relationship()

    __table_args__ = (
        UniqueConstraint("commitment_id", "number"),
        UniqueConstraint("commitment_id", "earmark_id"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(None, "agency_id", "commitment_id"),
    )


class Tranche(Model):
    commitment_id: Mapped[int] = fk("commitment.id", index=False)
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(60))
    condition: Mapped[str] = mapped_column(String(32))  # signed, midterm_passed, final_passed
    original_amount: Mapped[Money] = money_column()
    amount: Mapped[Money] = money_column()
    # When it is planned to be paid; nothing where the day follows from the condition.
    due_on: Mapped[date | None]

    commitment: Mapped[Commitment] = relationship(back_populates="tranches")

    __table_args__ = (
        UniqueConstraint("commitment_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("amount >= 0 AND original_amount >= 0", name="amount_not_negative"),
    )


class Hold(Model):
    commitment_id: Mapped[int] = fk("commitment.id", index=False)
    reason: Mapped[str] = mapped_column(String(32))  # rectification, suspension, objection
    text: Mapped[str] = mapped_column(Text, default="")
    placed_at: Mapped[datetime] = instant_column()
    placed_by: Mapped[int | None] = fk("user_account.id")
    lifted_at: Mapped[datetime | None] = instant_column()
    lifted_by: Mapped[int | None] = fk("user_account.id")

    commitment: Mapped[Commitment] = relationship(back_populates="holds")

    __table_args__ = (Index(None, "commitment_id", "lifted_at"),)


class ExcludedPerson(Model):
    """Somebody who may not take part in paying this commitment."""

    commitment_id: Mapped[int] = fk("commitment.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    reason: Mapped[str] = mapped_column(String(32))  # scored, kinship

    __table_args__ = (UniqueConstraint("commitment_id", "person_id"),)
