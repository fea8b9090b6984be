"""Purchases: every contract for a bought service, imported or concluded here, one row per fiscal year.

``contract_no`` identifies a row within purchaser and fiscal year; the same number again is a
correction that replaces it. The row keeps what was reported; whether it counts for the 30% rule
is computed (DOMAIN 3.1). Sums per service and level are kept beside the rows, so that a page over a
million of them answers at once; they are always what computing them anew gives, and say by which rules.
A published figure is frozen with its rows.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, count_column, fk, instant_column, money_column
from core.files.models import StoredFile
from core.money import Money
from core.text import N_
from registry.accounts.models import User
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

    file: Mapped[StoredFile | None] = relationship()


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
    # The other two bases: the budget quota, and what was paid in the fiscal year; empty where not known.
    budget_amount: Mapped[Money | None] = money_column()
    paid_amount: Mapped[Money | None] = money_column()
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
        CheckConstraint("budget_amount >= 0", name="budget_not_negative"),
        CheckConstraint("paid_amount >= 0", name="paid_not_negative"),
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


class ServiceYear(Model):
    """Kept: one service's line of the 30% figure of a year, under the rules of its own level and that year.

    ``variant`` is the reading of the contracts: ``contract`` always; ``venture`` (with venture grants),
    ``budget`` and ``payment`` only where they differ from it, which the contract row notes. Money that
    goes to social organizations is whole fen and billionths of a fen. What one identity itself bought
    stands in ``own_…``; a service joined to others by a continuation is ``carried`` by one of them.
    """

    variant: Mapped[str] = mapped_column(String(10))
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    purchaser: Mapped[str] = mapped_column(String(120))
    key: Mapped[str] = mapped_column(String(170))
    name: Mapped[str] = mapped_column(String(160))
    own_rows: Mapped[int] = count_column()
    own_fen: Mapped[int] = count_column()
    own_so_fen: Mapped[int] = count_column()
    own_so_rest: Mapped[int] = count_column()
    own_before_rows: Mapped[int] = count_column()
    own_before_fen: Mapped[int] = count_column()
    own_before_so_fen: Mapped[int] = count_column()
    own_before_so_rest: Mapped[int] = count_column()
    carried: Mapped[bool] = mapped_column(default=False)
    joined: Mapped[bool] = mapped_column(default=False)
    apart_venture: Mapped[bool] = mapped_column(default=False)
    apart_budget: Mapped[bool] = mapped_column(default=False)
    total_fen: Mapped[int] = count_column()
    before_fen: Mapped[int] = count_column()
    added_fen: Mapped[int] = count_column()
    so_fen: Mapped[int] = count_column()
    so_rest: Mapped[int] = count_column()
    before_so_fen: Mapped[int] = count_column()
    before_so_rest: Mapped[int] = count_column()
    # Rounded down to a billionth of a fen; ``rounded`` where that left something out.
    added_so_fen: Mapped[int] = count_column()
    added_so_rest: Mapped[int] = count_column()
    rounded: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        UniqueConstraint(
            "key", "purchaser", "division_code", "fiscal_year", "variant", name="uq_service_year_service"
        ),
        CheckConstraint("variant IN ('contract', 'venture', 'budget', 'payment')", name="known_variant"),
        Index(
            "ix_service_year_level", "division_code", "fiscal_year", "variant", "carried", "added_fen", "id"
        ),
        Index("ix_service_year_order", "fiscal_year", "variant", "carried", "added_fen", "id"),
    )


class LevelFigure(Model):
    """Kept: the sums of a level's lines, with the rules (a digest) they were judged by."""

    variant: Mapped[str] = mapped_column(String(10))
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    rules_digest: Mapped[str] = mapped_column(String(64))
    services: Mapped[int] = count_column()
    total_fen: Mapped[int] = count_column()
    before_fen: Mapped[int] = count_column()
    added_fen: Mapped[int] = count_column()
    so_fen: Mapped[int] = count_column()
    so_rest: Mapped[int] = count_column()
    before_so_fen: Mapped[int] = count_column()
    before_so_rest: Mapped[int] = count_column()
    added_so_fen: Mapped[int] = count_column()
    added_so_rest: Mapped[int] = count_column()
    rounded: Mapped[int] = count_column()

    __table_args__ = (UniqueConstraint("division_code", "fiscal_year", "variant"),)


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


class RatioWatch(Model):
    """Kept: where a level stands at the end of each quarter that has begun, for the early warning."""

    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    quarter: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    shown: Mapped[str] = mapped_column(String(24))
    gap_fen: Mapped[int] = count_column()
    looked_at: Mapped[datetime] = instant_column()

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "quarter"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="known_quarter"),
    )


REASONS = {
    "no_capacity": N_("no social organization can take it on"),
    "specialised": N_("the need is highly specialised"),
    "urgent": N_("urgency"),
    "base": N_("effect of a small or shrinking base"),
    "other": N_("another reason"),
}


class RatioSnapshot(Model):
    """The figure of a level and year as it is frozen and published: prepared, reviewed and approved by three people.

    Figures, rules, rows and their digests are kept as they were; later corrections stand beside it.
    """

    agency_id: Mapped[int] = fk("agency.id")
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="prepared")
    # Canonical JSON: figures, rules with their label and source, continuations, digest of the rows.
    content: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    rows_file_id: Mapped[int] = fk("stored_file.id", index=False)
    below: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(16), default="")
    reason_text: Mapped[str] = mapped_column(Text, default="")
    reason_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    prepared_by: Mapped[int | None] = fk("user_account.id")
    prepared_at: Mapped[datetime] = instant_column()
    reviewed_by: Mapped[int | None] = fk("user_account.id")
    approved_by: Mapped[int | None] = fk("user_account.id")
    published_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    rows_file: Mapped[StoredFile] = relationship(foreign_keys=[rows_file_id])
    reason_file: Mapped[StoredFile | None] = relationship(foreign_keys=[reason_file_id])
    preparer: Mapped[User | None] = relationship(foreign_keys=[prepared_by])
    reviewer: Mapped[User | None] = relationship(foreign_keys=[reviewed_by])
    approver: Mapped[User | None] = relationship(foreign_keys=[approved_by])

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "version"),
        CheckConstraint(
            "state IN ('prepared', 'reviewed', 'published', 'withdrawn', 'replaced')", name="known_state"
        ),
        CheckConstraint("reviewed_by <> prepared_by", name="reviewer_not_preparer"),
        CheckConstraint(
            "approved_by <> prepared_by AND approved_by <> reviewed_by", name="approver_is_third"
        ),
        # Below the threshold nothing is published without a reason that was approved with it.
        CheckConstraint(
            "state <> 'published' OR NOT below OR (reason <> '' AND reason_text <> '')",
            name="miss_has_reason",
        ),
    )
