"""The ledger: double entry, append only.

Money lies on accounts and moves by transfers; the postings of a transfer sum to zero. An
account's balance is kept by the one posting function in the same transaction, under a row lock;
a restricted account never goes below zero, says the database. A mistake is undone by a reversing
transfer. Each account's postings form a chain of keyed hashes.

Every transfer has a day in the books. A unit closes its months: nothing is posted any more on a
day of a closed month. One person closes; to open a month again takes two.

A fund source's own account is unrestricted and runs negative: what it has given. All balances
together are always zero.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import clock
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
    # The day in the books where it is another than the day of posting.
    booked_on: Mapped[date | None]

    postings: Mapped[list[Posting]] = relationship(back_populates="transfer")

    __table_args__ = (Index(None, "reference_type", "reference_id"), Index(None, "kind", "id"))

    @property
    def day(self) -> date:
        """The day in the books."""
        return self.booked_on or clock.local(self.posted_at).date()

    def content(self) -> dict[str, Any]:
        """What the hashes of its postings cover besides their own columns."""
        return transfer_content(
            {
                "kind": self.kind,
                "key": self.key,
                "reference_type": self.reference_type,
                "reference_id": self.reference_id,
                "reverses_id": self.reverses_id,
                "memo": self.memo,
                "posted_at": self.posted_at,
                "posted_by": self.posted_by,
                "booked_on": self.booked_on,
            }
        )


def transfer_content(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns of a transfer as hashed: a day in the books counts where there is one of its own."""
    return {name: value for name, value in columns.items() if name != "booked_on" or value is not None}


class Posting(db.Model):  # type: ignore[name-defined,misc]
    """One side of a transfer: ``amount`` is positive when money arrives on the account."""

    account_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("account.id"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    transfer_id: Mapped[int] = fk("transfer.id", index=False)
    amount: Mapped[Money] = money_column()
    balance_after: Mapped[Money] = money_column()
    posted_at: Mapped[datetime] = instant_column()
    prev_hash: Mapped[str] = mapped_column(String(72))
    hash: Mapped[str] = mapped_column(String(72))

    account: Mapped[Account] = relationship()
    transfer: Mapped[Transfer] = relationship(back_populates="postings")

    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index(None, "transfer_id", "account_id", "seq"),
    )

    def content(self) -> dict[str, Any]:
        """What the hash covers: every column but the hash, and the transfer it belongs to."""
        columns = {name: getattr(self, name) for name in HASHED}
        return posting_content(columns, self.transfer.content() if self.transfer is not None else None)


HASHED = ("account_id", "seq", "transfer_id", "amount", "balance_after", "posted_at", "prev_hash")


def posting_content(columns: dict[str, Any], transfer: dict[str, Any] | None) -> dict[str, Any]:
    """Columns of a posting as hashed: amounts in fen, and the content of its transfer."""
    return {
        **columns,
        "amount": columns["amount"].fen,
        "balance_after": columns["balance_after"].fen,
        "transfer": transfer,
    }


class Period(Model):
    """A month of one unit's books; months without a row are open. ``state``: open, closed, reopening."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    month: Mapped[date]  # its first day
    state: Mapped[str] = mapped_column(String(16), default="open")
    closed_by: Mapped[int | None] = fk("user_account.id", index=False)
    closed_at: Mapped[datetime | None] = instant_column()
    asked_by: Mapped[int | None] = fk("user_account.id", index=False)
    reason: Mapped[str] = mapped_column(String(400), default="")
    reopened_by: Mapped[int | None] = fk("user_account.id", index=False)

    __table_args__ = (
        UniqueConstraint("agency_id", "month"),
        CheckConstraint("reopened_by IS NULL OR reopened_by <> asked_by", name="two_people"),
    )
