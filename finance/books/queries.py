"""Reading the books of a unit: its months and years, what moved in them, and what hinders closing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.rules import Finding
from finance.books.models import BookYear, OpeningImport
from finance.books.rules import ClosingFacts, closing_findings, last_day, year_finding
from finance.disbursements.models import Disbursement
from finance.ledger.models import Account, Period, Posting, Transfer
from finance.ledger.queries import booked_between, verify
from registry.agencies.models import Agency

ZERO = Money(0)


def units(user: Any, permission: str = "fund.read") -> list[Agency]:
    """The units whose books the user may see, by name of their place in the tree."""
    return list(
        db.session.scalars(
            select(Agency).where(Agency.id.in_(user.agency_ids(permission))).order_by(Agency.path)
        )
    )


def period_in_scope(user: Any, period_id: int) -> Period | None:
    return db.session.scalar(
        select(Period).where(Period.id == period_id, Period.agency_id.in_(user.agency_ids("fund.read")))
    )


def year_in_scope(user: Any, year_id: int) -> BookYear | None:
    return db.session.scalar(
        select(BookYear).where(BookYear.id == year_id, BookYear.agency_id.in_(user.agency_ids("fund.read")))
    )


def months_of(agency_id: int, year: int) -> dict[date, Period]:
    """The months of a year that were ever closed, by their first day."""
    rows = db.session.scalars(
        select(Period).where(
            Period.agency_id == agency_id, Period.month.between(date(year, 1, 1), date(year, 12, 1))
        )
    )
    return {row.month: row for row in rows}


def year_of(agency_id: int, year: int) -> BookYear | None:
    return db.session.scalar(select(BookYear).where(BookYear.agency_id == agency_id, BookYear.year == year))


def is_year_closed(agency_id: int, year: int) -> bool:
    row = year_of(agency_id, year)
    return row is not None and row.state != "open"


@dataclass(frozen=True, slots=True)
class Turnover:
    """What moved in a month: how many postings on the unit's accounts, and what arrived on them."""

    postings: int = 0
    arrived: Money = ZERO


def turnover_by_month(agency_id: int, year: int) -> dict[date, Turnover]:
    """Movements on the unit's accounts by month of the books, in one query."""
    firsts = [date(year, month, 1) for month in range(1, 13)]
    month = case(*((booked_between(first, last_day(first)), first.month) for first in firsts))
    rows = db.session.execute(
        select(month, func.count(), func.sum(case((Posting.amount > Money(0), Posting.amount))))
        .select_from(Posting)
        .join(Account, Account.id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Account.agency_id == agency_id, booked_between(firsts[0], date(year, 12, 31)))
        .group_by(month)
    )
    return {
        date(year, number, 1): Turnover(
            count, amount if isinstance(amount, Money) else Money(int(amount or 0))
        )
        for number, count, amount in rows
    }


def years_of_books(agency_id: int) -> list[int]:
    """The years in which anything was posted for the unit, newest first; the present one is always there."""
    first, booked = db.session.execute(
        select(func.min(Transfer.posted_at), func.min(Transfer.booked_on))
        .select_from(Posting)
        .join(Account, Account.id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Account.agency_id == agency_id)
    ).one()
    now = clock.today().year
    years = [now, *([clock.local(first).year] if first else []), *([booked.year] if booked else [])]
    return list(range(now, min(years) - 1, -1))


def unanswered(agency_id: int, until: date) -> Select[Disbursement]:
    """Payments of the unit released by ``until`` that the bank has neither paid nor returned."""
    end = clock.at_local(clock.add_months(until.replace(day=1), 1))
    return (
        select(Disbursement)
        .where(
            Disbursement.agency_id == agency_id,
            Disbursement.state == "released",
            func.coalesce(Disbursement.released_at, Disbursement.requested_at) < end,
        )
        .order_by(Disbursement.id)
    )


def findings_for(agency_id: int, month: date) -> list[Finding]:
    """What the rules say about closing the unit's books up to the end of ``month``."""
    waiting = db.session.scalar(
        select(func.count()).select_from(unanswered(agency_id, month).order_by(None).subquery())
    )
    return closing_findings(
        ClosingFacts(month=month, today=clock.today(), unanswered=waiting or 0, breaks=len(verify()))
    )


def open_months(agency_id: int, year: int) -> list[date]:
    """The months of the year that are not closed."""
    closed = {month for month, row in months_of(agency_id, year).items() if row.state != "open"}
    return [date(year, month, 1) for month in range(1, 13) if date(year, month, 1) not in closed]


def year_findings(agency_id: int, year: int) -> list[Finding]:
    return [year_finding(year, open_months(agency_id, year))]


def next_to_close(agency_id: int) -> date | None:
    """The last month that is over and still open; ``None`` when all that are over are closed."""
    month = clock.add_months(clock.today().replace(day=1), -1)
    row = months_of(agency_id, month.year).get(month)
    return month if row is None or row.state == "open" else None


def balances_by_kind(agency_id: int) -> dict[str, int]:
    """The unit's balances by account kind, in fen: kept with a closed year."""
    rows = db.session.execute(
        select(Account.kind, func.sum(Account.balance))
        .where(Account.agency_id == agency_id)
        .group_by(Account.kind)
        .order_by(Account.kind)
    )
    return {kind: (amount or Money(0)).fen for kind, amount in rows}


def waiting_reopenings(user: Any) -> tuple[list[Period], list[BookYear]]:
    """Months and years that somebody else asks to open again and this person may agree to."""
    agencies = user.agency_ids("fund.review")
    if not agencies:
        return [], []
    months = select(Period).where(
        Period.agency_id.in_(agencies), Period.state == "reopening", Period.asked_by != user.id
    )
    years = select(BookYear).where(
        BookYear.agency_id.in_(agencies), BookYear.state == "reopening", BookYear.asked_by != user.id
    )
    return (
        list(db.session.scalars(months.order_by(Period.month))),
        list(db.session.scalars(years.order_by(BookYear.year))),
    )


def visible_imports(user: Any) -> Select[OpeningImport]:
    return (
        select(OpeningImport)
        .where(OpeningImport.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(OpeningImport.agency))
        .order_by(OpeningImport.id.desc())
    )


def import_in_scope(user: Any, import_id: int) -> OpeningImport | None:
    return db.session.scalar(visible_imports(user).where(OpeningImport.id == import_id))


def in_use(agency_id: int) -> bool:
    """Whether the unit has begun to pay here: then go-live is over."""
    return (
        db.session.scalar(
            select(Posting.transfer_id)
            .join(Account, Account.id == Posting.account_id)
            .join(Transfer, Transfer.id == Posting.transfer_id)
            .where(
                Account.agency_id == agency_id,
                Account.kind.in_(("payable", "paid")),
                Transfer.kind != "opening",
            )
            .limit(1)
        )
        is not None
    )
