"""Purchases: every contract for a bought service, imported or concluded here, one row per fiscal year.

``contract_no`` identifies a row within purchaser and fiscal year; the same number again is a
correction that replaces it. The row keeps what was reported; whether it counts for the 30% rule
is computed, never stored (DOMAIN 3.1).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, fk, instant_column, money_column
from core.money import Money


class PurchaseImport(Model):
    """One imported file."""

    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    replaced: Mapped[int] = mapped_column(default=0)
    imported_at: Mapped[datetime] = instant_column()
    imported_by: Mapped[int | None] = fk("user_account.id")


class Purchase(Model):
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    contract_no: Mapped[str] = mapped_column(String(80))
    purchaser: Mapped[str] = mapped_column(String(120))
    service_key: Mapped[str] = mapped_column(String(80), default="")
    service_name: Mapped[str] = mapped_column(String(160))
    catalogue_code: Mapped[str] = mapped_column(String(16), default="")
    public_service: Mapped[bool]
    contractor: Mapped[str] = mapped_column(String(120))
    contractor_code: Mapped[str] = mapped_column(String(18), default="")
    contractor_kind: Mapped[str] = mapped_column(String(32))
    host_code: Mapped[str] = mapped_column(String(18), default="")
    # Exact decimal text in both databases: SQLite would make NUMERIC a float.
    so_share: Mapped[str | None] = mapped_column(String(20))
    amount: Mapped[Money] = money_column()
    cancelled_amount: Mapped[Money] = money_column(default=Money(0))
    fund_source: Mapped[str] = mapped_column(String(60))
    method: Mapped[str] = mapped_column(String(40))
    signed_on: Mapped[date]
    is_venture: Mapped[bool] = mapped_column(default=False)
    import_id: Mapped[int | None] = fk("purchase_import.id")
    # Set when the contract was concluded in the system.
    commitment_id: Mapped[int | None] = fk("commitment.id")

    __table_args__ = (
        UniqueConstraint("purchaser", "fiscal_year", "contract_no"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("cancelled_amount >= 0 AND cancelled_amount <= amount", name="cancelled_range"),
        Index(None, "division_code", "fiscal_year", "id"),
    )


class ServiceContinuation(Model):
    """A confirmed link: the later service goes on with the earlier one under another name or code."""

    earlier_division: Mapped[str] = mapped_column(String(12))
    earlier_purchaser: Mapped[str] = mapped_column(String(120))
    earlier_key: Mapped[str] = mapped_column(String(160))
    later_division: Mapped[str] = mapped_column(String(12))
    later_purchaser: Mapped[str] = mapped_column(String(120))
    later_key: Mapped[str] = mapped_column(String(160))
    fiscal_year: Mapped[int]
    confirmed_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (UniqueConstraint("fiscal_year", "later_division", "later_purchaser", "later_key"),)
