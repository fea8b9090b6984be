"""Exports: the books in the form that other offices and systems take.

All postings for the auditor, with digests that a stand-alone program checks; vouchers of government
accounting (政府会计制度), where two people of the unit agree on how each movement is entered; the file for
the budget-integration system. Which columns the files have is set here; every figure comes from postings.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, fk, instant_column

# voucher rule state: proposed, in_force, replaced, refused
# movement: from which account kind to which (“payable>paid”); book: financial, budget


class VoucherRule(Model):
    """How one movement is entered in one of the two books (平行记账); proposed by one, confirmed by another."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    movement: Mapped[str] = mapped_column(String(40))
    book: Mapped[str] = mapped_column(String(12))
    debit_code: Mapped[str] = mapped_column(String(20))
    debit_name: Mapped[str] = mapped_column(String(60))
    credit_code: Mapped[str] = mapped_column(String(20))
    credit_name: Mapped[str] = mapped_column(String(60))
    basis: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16), default="proposed")
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    proposed_at: Mapped[datetime] = instant_column()
    confirmed_by: Mapped[int | None] = fk("user_account.id", index=False)

    __table_args__ = (
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> proposed_by", name="two_people"),
        CheckConstraint("book IN ('financial', 'budget')", name="known_book"),
        Index(
            "uq_voucher_rule_in_force",
            "agency_id",
            "movement",
            "book",
            unique=True,
            sqlite_where=text("state = 'in_force'"),
            postgresql_where=text("state = 'in_force'"),
        ),
        Index(None, "agency_id", "state", "id"),
    )


class FileColumn(Model):
    """A column of a file for another system; without any the standard columns are used."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    file: Mapped[str] = mapped_column(String(24))
    position: Mapped[int]
    heading: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(24))
    fixed: Mapped[str] = mapped_column(String(60), default="")

    __table_args__ = (UniqueConstraint("agency_id", "file", "position"),)
