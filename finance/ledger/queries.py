"""Reading the ledger: balances, extracts, trial balances, and the proof that all of it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.audit.chains import Break, Row, Seals, Unreadable, add_chain, exact_rows, verify_chain
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.ledger.models import Account, Period, Posting, Transfer, transfer_content

CLOSING = "会计基础工作规范 第六十三条：各单位应当按照规定定期结账；结账前，必须将本期内所发生的各项经济业务全部登记入账。"

KINDS = {
    "source": N_("fund source"),
    "budget": N_("budget, available"),
    "earmark": N_("earmark, available"),
    "reserved": N_("reserved for proposed grants"),
    "committed": N_("committed by agreement"),
    "payable": N_("approved, to be paid"),
    "paid": N_("paid"),
    "returned": N_("returned surplus"),
    "host_in": N_("arrived at the host"),
    "host_held": N_("kept by the host"),
    "host_spent": N_("spent by the hosted project"),
    "host_fee": N_("fee of the host"),
    "host_back": N_("given back by the host"),
}

TRANSFER_KINDS = {
    "budget_approved": N_("budget approved"),
    "earmarked": N_("set aside"),
    "earmark_released": N_("earmark released"),
    "reserved": N_("reserved"),
    "reservation_cancelled": N_("reservation cancelled"),
    "committed": N_("committed"),
    "remainder_released": N_("unused commitment released"),
    "disbursement_approved": N_("payment approved"),
    "disbursement_cancelled": N_("payment cancelled"),
    "disbursement_paid": N_("paid out"),
    "disbursement_returned": N_("returned by the bank"),
    "surplus_returned": N_("surplus returned"),
    "surplus_to_budget": N_("surplus back to the budget"),
    "recovered": N_("recovered money returned"),
    "offset": N_("set off against a tranche"),
    "host_received": N_("taken into the hosted project's books"),
    "host_spent": N_("spent by the hosted project"),
    "host_fee": N_("host's fee taken"),
    "host_returned": N_("given back by the host"),
    "adjusted": N_("budget adjusted"),
    "carried_over": N_("carried over to the next year"),
    "clawed_back": N_("taken back to the source"),
    "opening": N_("opening balance"),
    "reversal": N_("reversal"),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """What an account or a transfer belongs to: its name and the page that shows it."""

    name: str
    endpoint: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Naming:
    endpoint: str
    values: tuple[str, ...]
    query: Select[Any]
    key: Any


# As many name parts and address values as any room has: all names come in one query.
_PARTS, _VALUES = 3, 2
_namings: dict[str, _Naming] = {}


def name_owners(
    owner_type: str,
    endpoint: str,
    key: Any,
    parts: Sequence[Any],
    values: Mapping[str, Any],
    join: Any = None,
) -> None:
    """Let the room above say what its rows are called and which page shows them.

    ``key`` is the column of the id, ``parts`` are the columns whose texts make the name, ``values`` those
    of the page's address, ``join`` is where columns of other tables come from.
    """
    texts: list[Any] = [func.coalesce(cast(part, String), "") for part in parts]
    texts += [literal("", String)] * (_PARTS - len(texts))
    numbers: list[Any] = [cast(value, BigInteger) for value in values.values()]
    numbers += [cast(null(), BigInteger)] * (_VALUES - len(numbers))
    columns = [
        item.label(f"column_{place}")
        for place, item in enumerate((literal(owner_type, String), key, *texts, *numbers))
    ]
    query = select(*columns)
    _namings[owner_type] = _Naming(
        endpoint, tuple(values), query if join is None else query.select_from(join), key
    )


def owners(pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Owner]:
    """Names of the owners at hand, by (type, id), in one query; a type nobody names is left out."""
    wanted: dict[str, set[int]] = {}
    for owner_type, owner_id in pairs:
        if owner_type in _namings:
            wanted.setdefault(owner_type, set()).add(owner_id)
    if not wanted:
        return {}
    queries = [_namings[kind].query.where(_namings[kind].key.in_(ids)) for kind, ids in wanted.items()]
    found = {}
    for kind, owner_id, *cells in db.session.execute(union_all(*queries)):
        naming = _namings[kind]
        name = " ".join(filter(None, cells[:_PARTS]))
        found[kind, owner_id] = Owner(
            name, naming.endpoint, dict(zip(naming.values, cells[_PARTS:], strict=False))
        )
    return found


def account_label(account: Account) -> Message:
    """What lies on the account, as a sentence part."""
    return Message(KINDS[account.kind])


# Posting asks these each time: built once, they are compiled once.
_CLOSED = (
    select(Period.month)
    .where(
        Period.agency_id.in_(bindparam("units", expanding=True)),
        Period.month == bindparam("month"),
        Period.state != "open",
    )
    .limit(1)
)
_OF_OWNERS = select(Account).where(
    Account.owner_type == bindparam("owner_type"),
    Account.owner_id.in_(bindparam("owner_ids", expanding=True)),
)


def closed_month(units: Iterable[int], day: date) -> date | None:
    """The month of ``day`` when one of these units has closed it; a month with a wish to open it is closed."""
    month = day.replace(day=1)
    return month if db.session.scalar(_CLOSED, {"units": sorted(units), "month": month}) is not None else None


def book_day(units: Iterable[int], document_day: date) -> date:
    """The day in the books of a document: its own, or today where the books of its month are closed."""
    today = clock.today()
    return document_day if document_day <= today and closed_month(units, document_day) is None else today


def booked_between(first: date, last: date) -> ColumnElement[bool]:
    """Transfers whose day in the books lies from ``first`` to ``last``, both included."""
    return or_(
        Transfer.booked_on.between(first, last),
        and_(
            Transfer.booked_on.is_(None),
            Transfer.posted_at >= clock.at_local(first),
            Transfer.posted_at < clock.at_local(last + timedelta(days=1)),
        ),
    )


def find_account(owner_type: str, owner_id: int, kind: str) -> Account | None:
    return db.session.scalar(
        select(Account).where(
            Account.owner_type == owner_type, Account.owner_id == owner_id, Account.kind == kind
        )
    )


def balance(owner_type: str, owner_id: int, kind: str) -> Money:
    """The present balance; zero when nothing was ever posted there."""
    found = db.session.scalar(
        select(Account.balance).where(
            Account.owner_type == owner_type, Account.owner_id == owner_id, Account.kind == kind
        )
    )
    return found if found is not None else Money(0)


def balances(owner_type: str, owner_ids: Iterable[int]) -> dict[int, dict[str, Account]]:
    """The accounts of several owners in one query: owner id → kind → account."""
    found: dict[int, dict[str, Account]] = {}
    for account in db.session.scalars(
        _OF_OWNERS, {"owner_type": owner_type, "owner_ids": sorted(set(owner_ids))}
    ):
        found.setdefault(account.owner_id, {})[account.kind] = account
    return found


def net_of(reference: tuple[str, int], account_ids: Iterable[int]) -> dict[int, Money]:
    """What the transfers about one thing left on each account: in minus out."""
    rows = db.session.execute(
        select(Posting.account_id, func.sum(Posting.amount))
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(
            Transfer.reference_type == reference[0],
            Transfer.reference_id == reference[1],
            Posting.account_id.in_(set(account_ids)),
        )
        .group_by(Posting.account_id)
    )
    return {account_id: _money(amount) for account_id, amount in rows}


def visible_accounts(user: Any) -> Select[Account]:
    return select(Account).where(Account.agency_id.in_(user.agency_ids("fund.read")))


def account_in_scope(user: Any, account_id: int) -> Account | None:
    return db.session.scalar(visible_accounts(user).where(Account.id == account_id))


def visible_transfers(user: Any) -> Select[Transfer]:
    """Transfers that touch an account of the user's units."""
    return select(Transfer).where(
        exists(
            select(Posting.seq)
            .join(Account, Account.id == Posting.account_id)
            .where(
                Posting.transfer_id == Transfer.id,
                Account.agency_id.in_(user.agency_ids("fund.read")),
            )
        )
    )


def transfer_in_scope(user: Any, transfer_id: int) -> Transfer | None:
    return db.session.scalar(visible_transfers(user).where(Transfer.id == transfer_id))


def postings_of(transfer_ids: Iterable[int]) -> dict[int, list[Posting]]:
    """Both sides of several transfers, with their accounts: what leaves first."""
    found: dict[int, list[Posting]] = {}
    for posting in db.session.scalars(
        select(Posting)
        .where(Posting.transfer_id.in_(set(transfer_ids)))
        .options(joinedload(Posting.account))
        .order_by(Posting.transfer_id, Posting.amount, Posting.account_id)
    ):
        found.setdefault(posting.transfer_id, []).append(posting)
    return found


def extract(account: Account) -> Select[Posting]:
    """The postings of one account; page it by ``Posting.seq``."""
    return select(Posting).where(Posting.account_id == account.id).options(joinedload(Posting.transfer))


def extract_of(owner_type: str, *owner_ids: int, limit: int = 50) -> list[Posting]:
    """The newest postings on all accounts of one owner, or of several."""
    return list(
        db.session.scalars(
            select(Posting)
            .join(Account, Account.id == Posting.account_id)
            .where(Account.owner_type == owner_type, Account.owner_id.in_(owner_ids))
            .options(joinedload(Posting.transfer), joinedload(Posting.account))
            .order_by(Posting.transfer_id.desc(), Posting.account_id, Posting.seq)
            .limit(limit)
        )
    )


def transfers_about(reference_type: str, reference_id: int) -> list[Transfer]:
    """What was moved for one thing, oldest first."""
    return list(
        db.session.scalars(
            select(Transfer)
            .where(Transfer.reference_type == reference_type, Transfer.reference_id == reference_id)
            .order_by(Transfer.id)
        )
    )


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One account with what came in, what went out and what is left (in − out = balance)."""

    account: Account
    came_in: Money
    went_out: Money
    depth: int


def turnovers(account_ids: Iterable[int]) -> dict[int, tuple[Money, Money]]:
    """Sums of what came in and what went out (both not negative) by account."""
    rows = db.session.execute(
        select(
            Posting.account_id,
            func.sum(case((Posting.amount > Money(0), Posting.amount))),
            func.sum(case((Posting.amount < Money(0), Posting.amount))),
        )
        .where(Posting.account_id.in_(set(account_ids)))
        .group_by(Posting.account_id)
    )
    return {account_id: (_money(plus), -_money(minus)) for account_id, plus, minus in rows}


def _money(value: Any) -> Money:
    """A sum as Money; PostgreSQL gives NUMERIC where the type is lost."""
    return value if isinstance(value, Money) else Money(int(value or 0))


def family(account: Account) -> list[tuple[Account, int]]:
    """The account, its sisters of the same owner, and everything fed from it, with the depth."""
    child, grandchild = aliased(Account), aliased(Account)
    children = list(
        db.session.scalars(
            select(child).where(child.parent_id == account.id).order_by(child.owner_id, child.id)
        )
    )
    lower: dict[int, list[Account]] = {}
    for found in db.session.scalars(
        select(grandchild)
        .where(grandchild.parent_id.in_([item.id for item in children]))
        .order_by(grandchild.owner_id, grandchild.id)
    ):
        lower.setdefault(found.parent_id or 0, []).append(found)
    ordered: list[tuple[Account, int]] = [(account, 0)]
    for owner_id in dict.fromkeys(item.owner_id for item in children):
        sisters = [item for item in children if item.owner_id == owner_id]
        ordered.extend((item, 1) for item in sisters)
        ordered.extend((below, 2) for item in sisters for below in lower.get(item.id, []))
    return ordered


def trial_balance(account: Account) -> list[TrialRow]:
    """Every account fed from ``account`` (a budget's) on which anything was posted, as money flows down."""
    members = [(member, depth) for member, depth in family(account) if member.last_seq]
    sums = turnovers(member.id for member, _depth in members)
    zero = (Money(0), Money(0))
    return [TrialRow(member, *sums.get(member.id, zero), depth=depth) for member, depth in members]


def verify(seals: Seals | None = None) -> list[Break]:
    """Every place where the ledger does not hold; empty when all is well.

    Checked: the chains and their seals, running balances, each account's kept balance and chain
    end, each transfer's sum, and the grand total.
    """
    sums: dict[int, tuple[int, int, str]] = {}
    breaks: list[Break] = []
    breaks.extend(verify_chain("posting", _rows(sums, breaks), seals))
    breaks.extend(_accounts(sums))
    breaks.extend(_transfers())
    return breaks


POSTING = (
    Posting.account_id, Posting.seq, Posting.transfer_id, Posting.amount, Posting.balance_after, Posting.posted_at,
    Posting.prev_hash, Posting.hash,
)  # fmt: skip
TRANSFER = (
    Transfer.kind, Transfer.key, Transfer.reference_type, Transfer.reference_id, Transfer.reverses_id, Transfer.memo,
    Transfer.posted_at, Transfer.posted_by, Transfer.booked_on,
)  # fmt: skip


def _rows(sums: dict[int, tuple[int, int, str]], breaks: list[Break]) -> Iterator[Row]:
    """Postings in chain order; keeps each account's running sum, last number and last hash."""
    query = (
        select(Posting)
        .join(Transfer, Transfer.id == Posting.transfer_id, isouter=True)
        .order_by(Posting.account_id, Posting.seq)
    )
    for values in exact_rows(query, (*POSTING, Transfer.id, *TRANSFER)):
        content = dict(zip([column.key for column in POSTING], values, strict=False))
        digest = str(content.pop("hash"))
        transfer_id, *rest = values[len(POSTING) :]
        transfer = transfer_content(dict(zip([column.key for column in TRANSFER], rest, strict=True)))
        # In the hash a row without its transfer is another row.
        content["transfer"] = transfer if transfer_id is not None else None
        readable = not any(isinstance(value, Unreadable) for value in values)
        key = str(content["account_id"])
        seq = content["seq"] if isinstance(content["seq"], int) else 0
        if readable:
            breaks.extend(_running(sums, content, digest))
        yield key, seq, content if readable else None, digest


def _running(sums: dict[int, tuple[int, int, str]], content: dict[str, Any], digest: str) -> Iterator[Break]:
    account_id, seq = content["account_id"], content["seq"]
    total = sums.get(account_id, (0, 0, ""))[0] + content["amount"]
    sums[account_id] = (total, seq, digest)
    if content["balance_after"] != total:
        stored = Money(content["balance_after"]).plain()
        yield Break(
            "posting", str(account_id), seq, f"balance after is {stored}, the rows say {Money(total).plain()}"
        )


def _accounts(sums: dict[int, tuple[int, int, str]]) -> Iterator[Break]:
    grand_total = 0
    known = set()
    columns = (Account.id, Account.balance, Account.last_seq, Account.last_hash, Account.restricted)
    for account_id, balance, last_seq, last_hash, restricted in exact_rows(
        select(Account).order_by(Account.id), columns
    ):
        known.add(account_id)
        if isinstance(balance, Unreadable) or isinstance(last_seq, Unreadable):
            yield Break("account", str(account_id), 0, "holds a value that was never written by this program")
            continue
        grand_total += balance
        total, seq, digest = sums.get(account_id, (0, 0, "0" * 64))
        if balance != total:
            stored, found = Money(balance).plain(), Money(total).plain()
            yield Break(
                "account", str(account_id), last_seq, f"balance is {stored}, the postings sum to {found}"
            )
        if (last_seq, last_hash) != (seq, digest):
            yield Break(
                "account",
                str(account_id),
                last_seq,
                f"the chain should end at #{last_seq}, it ends at #{seq}",
            )
        if balance < 0 and restricted is not False:
            yield Break("account", str(account_id), last_seq, "restricted and below zero")
    for lost in sorted(set(sums) - known, key=str):
        yield Break("account", str(lost), 0, "postings without their account")
    if grand_total:
        yield Break("ledger", "all accounts", 0, f"balances sum to {Money(grand_total).plain()}, not to zero")


def _heads() -> Iterator[tuple[str, int, str]]:
    newest = (
        select(Posting.account_id, func.max(Posting.seq).label("seq")).group_by(Posting.account_id).subquery()
    )
    query = (
        select(Posting.account_id, Posting.seq, Posting.hash)
        .join(newest, and_(Posting.account_id == newest.c.account_id, Posting.seq == newest.c.seq))
        .order_by(Posting.account_id)
    )
    for account_id, seq, digest in db.session.execute(query):
        yield str(account_id), seq, digest


add_chain("posting", _heads)


def _transfers() -> Iterator[Break]:
    total = func.sum(Posting.amount)
    query = (
        select(Transfer.id, total, func.count(Posting.seq))
        .join(Posting, Posting.transfer_id == Transfer.id, isouter=True)
        .group_by(Transfer.id)
        .having((total != Money(0)) | (func.count(Posting.seq) < 2))
        .order_by(Transfer.id)
    )
    for transfer_id, found, count in db.session.execute(query):
        what = f"{count} posting(s) sum to {_money(found).plain()}, not to zero"
        yield Break("transfer", str(transfer_id), count, what)
