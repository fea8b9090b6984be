"""Spending: what the organization paid out of the grant, voucher by voucher, by budget line."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from projects.agreements.models import Project


class Expense(Model):
    project_id: Mapped[int] = fk("project.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    line_code: Mapped[str] = mapped_column(String(32))
    spent_on: Mapped[date]
    amount: Mapped[Money] = money_column()
    payee: Mapped[str] = mapped_column(String(120))
    voucher_number: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(200))
    # How it was paid (transfer, cash), and in whose name the invoice is made out; empty: not stated.
    means: Mapped[str] = mapped_column(String(12), default="transfer")
    invoice_title: Mapped[str] = mapped_column(String(120), default="")
    # Allowances and fees: how many person-days or half-days this amount is for.
    units: Mapped[int | None]
    # What the budget rules said when it was booked.
    findings: Mapped[list] = mapped_column(JSON, default=list)
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    recorded_by: Mapped[int] = fk("user_account.id", index=False)
    recorded_at: Mapped[datetime] = instant_column()

    project: Mapped[Project] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("units IS NULL OR units > 0", name="units_positive"),
        # One invoice pays once within a project.
        UniqueConstraint("project_id", "voucher_number"),
        Index(None, "project_id", "spent_on", "id"),
    )
