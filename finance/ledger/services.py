"""Writing to the ledger: one posting function, and its reversal."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.chains import chain_hash, seal_head
from core.audit.services import Actor
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import CLOSING, account_label, closed_month, find_account

Leg = tuple[Account, Money]


class InsufficientBalance(Refusal):
    """A restricted account would go below zero."""

    status = 409


class MonthClosed(Refusal):
    """The day of a movement lies in a month whose books are closed."""

    status = 409


def account_of(
    owner_type: str,
    owner_id: int,
    kind: str,
    *,
    restricted: bool = True,
    agency_id: int | None = None,
    parent: Account | None = None,
) -> Account:
    """The account of this owner and kind; made when there is none yet.

    ``agency_id`` says in whose books a new account stands, ``parent`` which account feeds it.
    """
    account = find_account(owner_type, owner_id, kind)
    if account is not None:
        return account
    account = Account(
        kind=kind,
        owner_type=owner_type,
        owner_id=owner_id,
        restricted=restricted,
        agency_id=agency_id,
        parent_id=parent.id if parent is not None else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(account)
    except IntegrityError:
        # Somebody opened it at the same moment.
        found = find_account(owner_type, owner_id, kind)
        if found is None:
            raise
        return found
    return account


def move(
    kind: str,
    *,
    key: str,
    legs: list[Leg],
    reference: tuple[str, int],
    memo: str = "",
    booked_on: date | None = None,
    by: Actor,
) -> Transfer:
    """Post one transfer: ``legs`` are (account, amount) with a positive amount arriving, summing to zero.

    ``booked_on`` is its day in the books where that is not today: a document that came late, an
    opening balance. The same ``key`` again gives the first transfer and posts nothing, also when two
    come at once. Raises :class:`InsufficientBalance` when a restricted account would go below zero,
    :class:`MonthClosed` when the books of that day are closed, and ``ValueError`` for legs that do not
    sum to zero or a key that was used for something else.
    """
    return _post(kind, key=key, legs=legs, reference=reference, memo=memo, booked_on=booked_on, by=by)


def reverse(transfer: Transfer, *, memo: str, by: Actor) -> Transfer:
    """Undo a transfer by its mirror image; once. A reversal itself is not reversed."""
    if transfer.reverses_id is not None:
        raise Refusal(
            Message(N_("A reversal cannot be reversed. Post the movement again.")), rule="LEDGER", status=409
        )
    return _post(
        "reversal",
        key=f"reversal/{transfer.id}",
        legs=[(posting.account, -posting.amount) for posting in transfer.postings],
        reference=(transfer.reference_type, transfer.reference_id),
        memo=memo,
        by=by,
        reverses_id=transfer.id,
    )


def _post(
    kind: str,
    *,
    key: str,
    legs: list[Leg],
    reference: tuple[str, int],
    memo: str,
    by: Actor,
    booked_on: date | None = None,
    reverses_id: int | None = None,
) -> Transfer:
    net = _net(legs)
    accounts = _locked(net)
    transfer = db.session.scalar(select(Transfer).where(Transfer.key == key))
    if transfer is not None:
        return _same(transfer, kind, net)
    now = clock.now()
    today = clock.local(now).date()
    # Closing takes the same locks before it looks: whoever comes second sees the first.
    _refuse_closed(accounts, booked_on or today)
    _refuse_overdraft(accounts, net)
    transfer = Transfer(
        kind=kind,
        key=key,
        reference_type=reference[0],
        reference_id=reference[1],
        reverses_id=reverses_id,
        memo=memo[:200],
        posted_at=now,
        posted_by=by.actor_id,
        booked_on=booked_on if booked_on != today else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(transfer)
    except IntegrityError:
        # The same key at once on other accounts: the lock above did not make us wait, the index did.
        first = db.session.scalar(select(Transfer).where(Transfer.key == key))
        if first is None:
            raise
        return _same(first, kind, net)
    for account in accounts:
        _append(account, transfer, net[account.id])
    db.session.flush()
    for account in accounts:
        seal_head("posting", str(account.id), account.last_seq, account.last_hash)
    return transfer


def _net(legs: list[Leg]) -> dict[int, Money]:
    """Amounts by account id; one posting for each account."""
    if any(account.id is None for account, _amount in legs):
        db.session.flush()
    net: dict[int, Money] = {}
    for account, amount in legs:
        net[account.id] = net.get(account.id, Money(0)) + amount
    net = {account_id: amount for account_id, amount in net.items() if amount}
    if sum(net.values(), Money(0)):
        raise ValueError("the legs of a transfer sum to zero")
    if not net:
        raise ValueError("a transfer moves money between two accounts")
    return net


def _locked(net: dict[int, Money]) -> list[Account]:
    """The accounts as they are now, locked in the order of their ids so that nobody waits in a ring.

    The lock leaves room for the key: whoever opened an account below one of these holds its key already,
    and two of them would each wait for the other.
    """
    return list(
        db.session.scalars(
            select(Account)
            .where(Account.id.in_(net))
            .order_by(Account.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    )


def _refuse_closed(accounts: list[Account], day: date) -> None:
    units = {account.agency_id for account in accounts if account.agency_id is not None}
    month = closed_month(units, day)
    if month is not None:
        raise MonthClosed(
            Message(
                N_(
                    "The books of %(month)s are closed: nothing is posted on %(day)s. "
                    "Book a late document on a day of an open month, or have two people open the month again."
                ),
                {"month": f"{month:%Y-%m}", "day": day.isoformat()},
            ),
            rule="RBK-1",
            source=CLOSING,
        )


def _refuse_overdraft(accounts: list[Account], net: dict[int, Money]) -> None:
    for account in accounts:
        if account.restricted and account.balance + net[account.id] < Money(0):
            raise InsufficientBalance(
                Message(
                    N_(
                        "Not enough money (%(account)s): %(available)s yuan available, %(needed)s yuan needed."
                    ),
                    {
                        "account": account_label(account),
                        "available": account.balance,
                        "needed": -net[account.id],
                    },
                ),
                rule="LEDGER",
                source="预算法 第十三条",
            )


def _same(transfer: Transfer, kind: str, net: dict[int, Money]) -> Transfer:
    posted = {posting.account_id: posting.amount for posting in transfer.postings}
    if transfer.kind != kind or posted != net:
        raise ValueError(f"the key {transfer.key} was used for another transfer")
    return transfer


def _append(account: Account, transfer: Transfer, amount: Money) -> None:
    account.balance = account.balance + amount
    posting = Posting(
        account_id=account.id,
        seq=account.last_seq + 1,
        transfer=transfer,
        transfer_id=transfer.id,
        amount=amount,
        balance_after=account.balance,
        posted_at=transfer.posted_at,
        prev_hash=account.last_hash,
    )
    posting.hash = chain_hash(posting.content(), posting.prev_hash)
    account.last_seq, account.last_hash = posting.seq, posting.hash
    db.session.add(posting)
