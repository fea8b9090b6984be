"""Batches: payments to the treasury in one file, and what the bank answers.

A batch takes approved payments of one unit. Its file is made once: exporting releases every payment
of it, keeps the bytes sealed (they carry full account numbers) and is never repeated; the same bytes
may be fetched again, which is logged. A payment lies in one living batch at most. What the bank
sends back is kept line by line; each line is compared with the request and with the ledger, and only
lines that match move a payment.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.disbursements.models import Disbursement
from registry.agencies.models import Agency

# batch state: made, exported, answered, dropped
# receipt file state: read, applied, discarded

LIVING = "dropped_at IS NULL"


class Batch(Model):
    __tablename__ = "payment_batch"

    agency_id: Mapped[int] = fk("agency.id", index=False)
    number: Mapped[str] = mapped_column(String(60), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="made")
    count: Mapped[int]
    total: Mapped[Money] = money_column()
    made_by: Mapped[int] = fk("user_account.id", index=False)
    made_at: Mapped[datetime] = instant_column()
    exported_by: Mapped[int | None] = fk("user_account.id", index=False)
    exported_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    items: Mapped[list[BatchItem]] = relationship(back_populates="batch", order_by="BatchItem.position")
    files: Mapped[list[BatchFile]] = relationship(back_populates="batch", order_by="BatchFile.id")

    __table_args__ = (
        CheckConstraint("count > 0 AND total > 0", name="not_empty"),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
    )


class BatchItem(Model):
    """A payment in a batch; one taken out again before the export carries when."""

    batch_id: Mapped[int] = fk("payment_batch.id")
    position: Mapped[int]
    disbursement_id: Mapped[int] = fk("disbursement.id", index=False)
    amount: Mapped[Money] = money_column()
    dropped_at: Mapped[datetime | None] = instant_column()

    batch: Mapped[Batch] = relationship(back_populates="items")
    disbursement: Mapped[Disbursement] = relationship()

    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        Index(
            "uq_batch_item_disbursement_living",
            "disbursement_id",
            unique=True,
            sqlite_where=text(LIVING),
            postgresql_where=text(LIVING),
        ),
    )


class BatchFile(Model):
    """The exported bytes, sealed; ``sha256`` is of the bytes as the treasury gets them."""

    batch_id: Mapped[int] = fk("payment_batch.id", index=False)
    kind: Mapped[str] = mapped_column(String(4))  # csv, xlsx
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    sealed: Mapped[str] = mapped_column(Text, deferred=True)

    batch: Mapped[Batch] = relationship(back_populates="files")

    __table_args__ = (
        UniqueConstraint("batch_id", "kind"),
        CheckConstraint("kind IN ('csv', 'xlsx')", name="known_kind"),
    )


class LayoutColumn(Model):
    """A column of the file that a unit's treasury takes; without any the standard columns are used."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    position: Mapped[int]
    heading: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(24))
    fixed: Mapped[str] = mapped_column(String(60), default="")

    __table_args__ = (UniqueConstraint("agency_id", "position"),)


class ReceiptFile(Model):
    """A table of the bank's answers: read and compared first, applied by a second look."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="read")
    read_by: Mapped[int] = fk("user_account.id", index=False)
    read_at: Mapped[datetime] = instant_column()
    applied_by: Mapped[int | None] = fk("user_account.id", index=False)

    lines: Mapped[list[ReceiptLine]] = relationship(back_populates="file", order_by="ReceiptLine.row_number")

    __table_args__ = (
        Index(
            "uq_receipt_file_living",
            "agency_id",
            "sha256",
            unique=True,
            sqlite_where=text("state <> 'discarded'"),
            postgresql_where=text("state <> 'discarded'"),
        ),
        Index(None, "agency_id", "id"),
    )


class ReceiptLine(Model):
    """One answer of the bank. ``verdict``: matched, different, not_compared; ``differences`` says what."""

    file_id: Mapped[int] = fk("receipt_file.id", index=False)
    row_number: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))
    disbursement_id: Mapped[int | None] = fk("disbursement.id")
    result: Mapped[str] = mapped_column(String(16))  # paid, returned
    amount: Mapped[Money] = money_column()
    account_name: Mapped[str] = mapped_column(String(120), default="")
    last_four: Mapped[str] = mapped_column(String(4), default="")
    happened_on: Mapped[date]
    voucher_number: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")
    verdict: Mapped[str] = mapped_column(String(16))
    differences: Mapped[list] = mapped_column(JSON, default=list)
    applied: Mapped[bool] = mapped_column(default=False)

    file: Mapped[ReceiptFile] = relationship(back_populates="lines")
    disbursement: Mapped[Disbursement | None] = relationship()

    __table_args__ = (
        UniqueConstraint("file_id", "row_number"),
        CheckConstraint("verdict IN ('matched', 'different', 'not_compared')", name="known_verdict"),
        CheckConstraint("NOT applied OR verdict = 'matched'", name="only_matched_applied"),
    )
