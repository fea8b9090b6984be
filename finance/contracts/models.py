"""Purchases: every contract for a bought service, imported or concluded here, one row per fiscal year.

``contract_no`` identifies a row within purchaser and fiscal year; the same number again is a
correction that replaces it. The row keeps what was reported; whether it counts for the 30% rule
is computed (DOMAIN 3.1). What was paid on a contract concluded here follows from the ledger, year by
year, in the transaction that moves the money.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.files.models import StoredFile
from core.money import Money
from registry.agencies.models import Agency


class PurchaseImport(Model):
    """One imported file."""

    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    replaced: Mapped[int] = mapped_column(default=0)
    imported_at: Mapped[datetime] = instant_column()
    imported_by: Mapped[int | None] = fk("user_account.id")
    # The file as it came (a CSV is packed), until it is taken; what a look through it found, as JSON.
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    preview: Mapped[str] = mapped_column(Text, default="", server_default="")
    # An earlier import whose rows go when they are missing in this one.
    replaces_id: Mapped[int | None] = fk("purchase_import.id", index=False)
    removed: Mapped[int] = mapped_column(default=0, server_default="0")
    # Empty while the table is only looked through.
    taken_at: Mapped[datetime | None] = instant_column()
    # The work that looks through or takes the file; finished work is forgotten after a while.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    # The unit it was imported for: its people see it, and its headings are remembered.
    agency_id: Mapped[int | None] = fk("agency.id")
    # The checked rows in the product's own columns, for the moment when they are taken.
    checked_file_id: Mapped[int | None] = fk("stored_file.id", index=False)

    agency: Mapped[Agency | None] = relationship()
    file: Mapped[StoredFile | None] = relationship(foreign_keys=[file_id])
    checked_file: Mapped[StoredFile | None] = relationship(foreign_keys=[checked_file_id])


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
    # What a signing party that does not count passes on to social organizations, in the same form.
    subcontract_so_share: Mapped[str | None] = mapped_column(String(20))
    amount: Mapped[Money] = money_column()
    cancelled_amount: Mapped[Money] = money_column(default=Money(0))
    # The other two bases: the budget quota, and what was paid in the fiscal year; empty where not known.
    budget_amount: Mapped[Money | None] = money_column()
    paid_amount: Mapped[Money | None] = money_column()
    fund_source: Mapped[str] = mapped_column(String(60))
    method: Mapped[str] = mapped_column(String(40))
    signed_on: Mapped[date]
    is_venture: Mapped[bool] = mapped_column(default=False)
    import_id: Mapped[int | None] = fk("purchase_import.id")
    # Set when the contract was concluded in the system.
    commitment_id: Mapped[int | None] = fk("commitment.id", index=False)

    __table_args__ = (
        UniqueConstraint("purchaser", "fiscal_year", "contract_no"),
        # A later year of a contract concluded here has what was paid in it, and no amount of its own.
        CheckConstraint("amount > 0 OR (amount = 0 AND commitment_id IS NOT NULL)", name="amount_positive"),
        CheckConstraint("cancelled_amount >= 0 AND cancelled_amount <= amount", name="cancelled_range"),
        CheckConstraint("budget_amount >= 0", name="budget_not_negative"),
        CheckConstraint("paid_amount >= 0", name="paid_not_negative"),
        Index(None, "division_code", "fiscal_year", "id"),
        # A contract concluded here has one row for each year.
        Index("uq_purchase_commitment_year", "commitment_id", "fiscal_year", unique=True),
        Index("ix_purchase_service", "purchaser", "service_key", "service_name"),
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


class ContinuationDismissal(Model):
    """A proposed link that a person looked at and refused, so that it is not proposed again."""

    earlier_division: Mapped[str] = mapped_column(String(12))
    earlier_purchaser: Mapped[str] = mapped_column(String(120))
    earlier_key: Mapped[str] = mapped_column(String(170))
    later_division: Mapped[str] = mapped_column(String(12))
    later_purchaser: Mapped[str] = mapped_column(String(120))
    later_key: Mapped[str] = mapped_column(String(170))
    fiscal_year: Mapped[int]
    dismissed_by: Mapped[int | None] = fk("user_account.id", index=False)

    __table_args__ = (
        UniqueConstraint(
            "fiscal_year", "later_division", "later_purchaser", "later_key",
            "earlier_division", "earlier_purchaser", "earlier_key",
            name="uq_continuation_dismissal_pair",
        ),
    )  # fmt: skip


class PurchaseHeading(Model):
    """How a unit's tables call a column; remembered when a person says it once."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    heading: Mapped[str] = mapped_column(String(80))
    column_name: Mapped[str] = mapped_column(String(32))

    __table_args__ = (UniqueConstraint("agency_id", "heading"),)


BASES = ("contract", "budget", "payment")

_KNOWN_BASIS = "basis IN ('contract', 'budget', 'payment')"


class ContractorOverride(Model):
    """A contractor that a jurisdiction counts, or does not count, as a social organization, with the reason."""

    division_code: Mapped[str] = mapped_column(String(12), index=True)
    contractor_code: Mapped[str] = mapped_column(String(18))
    contractor: Mapped[str] = mapped_column(String(120))
    counts: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    decided_on: Mapped[date]
    decided_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (UniqueConstraint("division_code", "contractor_code"),)
