"""Writing to the ledger: one posting function, and its reversal."""

from __future__ import annotations

from datetime import date

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from core import clock
from core.access.policy import Refusal
from core.audit.chains import chain_hash, seal_head
from core.audit.services import Actor
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.ledger.models import Account, Posting, Transfer, posting_content
from finance.ledger.queries import CLOSING, account_label, closed_month, find_account

Leg = tuple[Account, Money]

# Posting is what this program does most: its statements are built once, so that they are compiled once,
# and the rows go by the connection rather than through the unit of work.
_TABLE = Transfer.__table__
_BOOKS = Account.__table__
_KEY = select(_TABLE.c.id).where(_TABLE.c.key == bindparam("key"))
# The lock leaves room for the key: whoever opened an account below one of these holds its key already,
# and two of them would each wait for the other.
_LOCK = (
    select(Account)
    .where(Account.id.in_(bindparam("ids", expanding=True)))
    .order_by(Account.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
# No row comes back when the same key came at once on other accounts: the lock did not make us wait, the
# index did.
_OPEN = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(index_elements=["key"]).returning(_TABLE.c.id),
    "postgresql": postgresql.insert(_TABLE)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(_TABLE.c.id),
}
_ADVANCE = (
    update(_BOOKS)
    .where(_BOOKS.c.id == bindparam("account"))
    .values(balance=bindparam("new_balance"), last_seq=bindparam("new_seq"), last_hash=bindparam("new_hash"))
)
_APPEND = insert(Posting.__table__)


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
    known = db.session.connection().scalar(_KEY, {"key": key})
    if known is not None:
        return _same(db.session.get_one(Transfer, known), kind, net)
    now = clock.now()
    today = clock.local(now).date()
    # Closing takes the same locks before it looks: whoever comes second sees the first.
    _refuse_closed(accounts, booked_on or today)
    _refuse_overdraft(accounts, net)
    columns = {
        "kind": kind,
        "key": key,
        "reference_type": reference[0],
        "reference_id": reference[1],
        "reverses_id": reverses_id,
        "memo": memo[:200],
        "posted_at": now,
        "posted_by": by.actor_id,
        "booked_on": booked_on if booked_on != today else None,
    }
    new_id = db.session.scalar(_OPEN[db.session.get_bind().dialect.name], columns)
    if new_id is None:
        return _same(db.session.scalars(select(Transfer).where(Transfer.key == key)).one(), kind, net)
    transfer = Transfer(id=new_id, **columns)
    # The row is written: the object stands for it and loads its postings when asked.
    make_transient_to_detached(transfer)
    db.session.add(transfer)
    _append(accounts, transfer, net)
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
    """The accounts as they are now, locked in the order of their ids so that nobody waits in a ring."""
    return list(db.session.scalars(_LOCK, {"ids": list(net)}))


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


def _append(accounts: list[Account], transfer: Transfer, net: dict[int, Money]) -> None:
    """One posting on each account, linked into its chain, and the balance that comes of it."""
    content = transfer.content()
    postings = []
    for account in accounts:
        columns = {
            "account_id": account.id,
            "seq": account.last_seq + 1,
            "transfer_id": transfer.id,
            "amount": net[account.id],
            "balance_after": account.balance + net[account.id],
            "posted_at": transfer.posted_at,
            "prev_hash": account.last_hash,
        }
        digest = chain_hash(posting_content(columns, content), account.last_hash)
        postings.append({**columns, "hash": digest})
    connection = db.session.connection()
    connection.execute(
        _ADVANCE,
        [
            {
                "account": row["account_id"], "new_balance": row["balance_after"],
                "new_seq": row["seq"], "new_hash": row["hash"],
            }
            for row in postings
        ],
    )  # fmt: skip
    connection.execute(_APPEND, postings)
    for account, row in zip(accounts, postings, strict=True):
        set_committed_value(account, "balance", row["balance_after"])
        set_committed_value(account, "last_seq", row["seq"])
        set_committed_value(account, "last_hash", row["hash"])
