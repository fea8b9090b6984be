"""The ledger: double entry, append only.

Money lies on accounts and moves by transfers; the postings of a transfer sum to zero. An
account's balance is kept by the one posting function in the same transaction, under a row lock;
a restricted account never goes below zero, says the database. A mistake is undone by a reversing
transfer. Each account's postings form a chain of keyed hashes.

A fund source's own account is unrestricted and runs negative: what it has given. All balances
together are always zero.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, db, fk, instant_column, money_column
from core.money import Money

# kind: source, budget, earmark, reserved, committed, payable, paid, returned


class Account(Model):
    kind: Mapped[str] = mapped_column(String(16))
    # The row this account belongs to: fund_source, budget, earmark, commitment …
    owner_type: Mapped[str] = mapped_column(String(32))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    # Whose books these are, and the account that feeds this one: earmark ← budget, committed ← earmark.
    agency_id: Mapped[int | None] = fk("agency.id", index=False)
    parent_id: Mapped[int | None] = fk("account.id")
    restricted: Mapped[bool] = mapped_column(default=True)
    balance: Mapped[Money] = money_column(default=Money(0))
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    last_hash: Mapped[str] = mapped_column(String(72), default="0" * 64)

    __table_args__ = (
        UniqueConstraint("owner_type", "owner_id", "kind"),
        CheckConstraint("balance >= 0 OR NOT restricted", name="balance_not_negative"),
        Index(None, "agency_id", "kind", "id"),
    )


class Transfer(Model):
    """One movement of money, posted once; ``key`` makes a repeated request the same transfer."""

    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    reference_type: Mapped[str] = mapped_column(String(32))
    reference_id: Mapped[int] = mapped_column(BigInteger)
    reverses_id: Mapped[int | None] = fk("transfer.id", index=False, unique=True)
    memo: Mapped[str] = mapped_column(String(200), default="")
    posted_at: Mapped[datetime] = instant_column()
    posted_by: Mapped[int | None] = fk("user_account.id")

    postings: Mapped[list[Posting]] = relationship(back_populates="transfer")

    __table_args__ = (Index(None, "reference_type", "reference_id"), Index(None, "kind", "id"))

    def content(self) -> dict[str, Any]:
        """What the hashes of its postings cover besides their own columns."""
        return {
            "kind": self.kind,
            "key": self.key,
            "reference_type": self.reference_type,
            "reference_id": self.reference_id,
            "reverses_id": self.reverses_id,
            "memo": self.memo,
            "posted_at": self.posted_at,
            "posted_by": self.posted_by,
        }


class Posting(db.Model):  # type: ignore[name-defined,misc]
    """One side of a transfer: ``amount`` is positive when money arrives on the account."""

    account_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("account.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    transfer_id: Mapped[int] = fk("transfer.id")
    amount: Mapped[Money] = money_column()
    balance_after: Mapped[Money] = money_column()
    posted_at: Mapped[datetime] = instant_column()
    prev_hash: Mapped[str] = mapped_column(String(72))
    hash: Mapped[str] = mapped_column(String(72))

    account: Mapped[Account] = relationship()
    transfer: Mapped[Transfer] = relationship(back_populates="postings")

    __table_args__ = (CheckConstraint("amount <> 0", name="amount_not_zero"),)

    def content(self) -> dict[str, Any]:
        """What the hash covers: every column but the hash, and the transfer it belongs to."""
        return {
            "account_id": self.account_id,
            "seq": self.seq,
            "transfer_id": self.transfer_id,
            "transfer": self.transfer.content() if self.transfer is not None else None,
            "amount": self.amount.fen,
            "balance_after": self.balance_after.fen,
            "posted_at": self.posted_at,
            "prev_hash": self.prev_hash,
        }
