"""Writing books: months and years closed and opened again, and opening balances brought in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from finance.books.models import BookYear, OpeningImport
from finance.books.policy import Row, opening_errors, refuse_when_in_use, source_named
from finance.books.queries import findings_for
from finance.commitments.services import commit, shift
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.funds.models import Budget, FundSource
from finance.funds.services import approve_budget, create_source, earmark, enter_budget
from finance.ledger.models import Account, Period, Posting, Transfer
from finance.ledger.queries import verify
from finance.ledger.services import account_of, move
from registry.accounts.models import User
from registry.agencies.models import Agency
from registry.organizations.models import Organization


def close_months(agency: Agency, month: date, *, by: Actor) -> list[Period]:
    """Close the unit's books up to the end of ``month``; earlier months that are open close with it.

    Refused when the month is not over, a released payment has no answer, or the ledger does not
    verify (RBK-2 to RBK-4).
    """
    month = month.replace(day=1)
    _hold_postings(agency)
    findings = findings_for(agency.id, month)
    closed = []
    # What holds at the end of the last month holds for those before it: closed by the same look.
    for each in [*_open_before(agency, month), month]:
        row = _period(agency, each)
        fire(row, "close", by=by, details={"month": f"{each:%Y-%m}"}, findings=findings)
        closed.append(row)
    return closed


def _hold_postings(agency: Agency) -> None:
    """Wait for postings under way and let later ones wait: they see the month as it is then."""
    db.session.execute(
        select(Account.id)
        .where(Account.agency_id == agency.id)
        .order_by(Account.id)
        .with_for_update(key_share=True)
    )


def _period(agency: Agency, month: date) -> Period:
    row = db.session.scalar(select(Period).where(Period.agency_id == agency.id, Period.month == month))
    if row is None:
        row = Period(agency_id=agency.id, month=month, state="open")
        db.session.add(row)
        db.session.flush()
    return row


def _open_before(agency: Agency, month: date) -> list[date]:
    """Earlier months that are open, from January of the year in which the books begin."""
    first, booked = db.session.execute(
        select(func.min(Transfer.posted_at), func.min(Transfer.booked_on))
        .select_from(Posting)
        .join(Account, Account.id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Account.agency_id == agency.id)
    ).one()
    days = [month, *([clock.local(first).date()] if first else []), *([booked] if booked else [])]
    each = min(days).replace(month=1, day=1)
    closed = set(
        db.session.scalars(select(Period.month).where(Period.agency_id == agency.id, Period.state != "open"))
    )
    found = []
    while each < month:
        if each not in closed:
            found.append(each)
        each = clock.add_months(each, 1)
    return found


def close_year(agency: Agency, year: int, *, by: Actor) -> BookYear:
    """Close a year whose twelve months are closed (RBK-5); its balances are kept with it."""
    row = db.session.scalar(select(BookYear).where(BookYear.agency_id == agency.id, BookYear.year == year))
    if row is None:
        row = BookYear(agency_id=agency.id, year=year, state="open", figures={})
        db.session.add(row)
        db.session.flush()
    fire(row, "close", by=by, details={"year": year})
    return row


def ask_to_open(thing: Period | BookYear, *, reason: str, by: Actor) -> None:
    """One person asks to open a closed month or year again, with the reason."""
    fire(thing, "ask", by=by, note=reason.strip(), reason=reason)


def open_again(thing: Period | BookYear, *, by: Actor) -> None:
    """A second person agrees; from now on the month takes postings again."""
    fire(thing, "reopen", by=by, details={"reason": thing.reason})


def keep_closed(thing: Period | BookYear, *, by: Actor) -> None:
    """The books stay closed."""
    fire(thing, "keep", by=by, details={"reason": thing.reason})


# Opening balances


def read_in(
    agency: Agency, rows: Iterable[Mapping[str, Any]], *, file_name: str, sha256: str, by: Actor
) -> OpeningImport:
    """Keep a checked opening table of the unit, for a second person to bring in.

    The rows have passed ``opening_errors``. Refused once the unit's books are in use (RBK-8) and for
    a table that is here already.
    """
    if not by.may("fund.manage", agency_id=agency.id):  # type: ignore[attr-defined]
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    refuse_when_in_use(agency)
    known = db.session.scalar(
        select(OpeningImport).where(
            OpeningImport.agency_id == agency.id,
            OpeningImport.sha256 == sha256,
            OpeningImport.state != "dropped",
        )
    )
    if known is not None:
        raise Refusal(
            Message(
                N_("This very table was read on %(day)s as “%(name)s”: it is brought in once."),
                {"day": clock.local(known.read_at).date().isoformat(), "name": known.file_name},
            ),
            rule="RBK-8",
            status=409,
        )
    opening = OpeningImport(
        agency_id=agency.id,
        file_name=file_name[-200:],
        sha256=sha256,
        state="read",
        rows=[dict(row) for row in rows],
        breaks=[],
        read_by=by.actor_id,
        read_at=clock.now(),
    )
    db.session.add(opening)
    db.session.flush()
    record(
        opening,
        "read",
        by=by,
        details={"file": opening.file_name, "sha256": sha256, "rows": len(opening.rows)},
    )
    return opening


def drop(opening: OpeningImport, *, by: Actor) -> None:
    """Set a read table aside; a corrected one may be read."""
    fire(opening, "drop", by=by)


def take(opening: OpeningImport, *, by: Actor) -> None:
    """Bring the whole table in, or nothing of it; then run the verifiers and keep what they say."""
    agency = db.session.get_one(Agency, opening.agency_id)
    refuse_when_in_use(agency)
    rows = [Row(**item) for item in opening.rows]
    errors = opening_errors(agency, rows)
    if errors:
        raise Refusal(
            Message(
                N_("The register has changed since the table was read. %(first)s Read it again."),
                {"first": errors[0].sentence()},
            ),
            rule="RBK-7",
            status=409,
        )
    fire(opening, "take", by=by, details={"rows": len(rows)})
    reader = db.session.get_one(User, opening.read_by)
    budgets: dict[tuple[str, int], Budget] = {}
    for row in rows:
        if row.record == "budget":
            budgets[row.source, row.fiscal_year] = _budget(agency, row, reader, by)
    for row in rows:
        if row.record == "spent":
            _spent(agency, budgets[row.source, row.fiscal_year], row, opening, reader)
    projects: dict[str, list[Row]] = {}
    for row in rows:
        if row.record == "tranche":
            projects.setdefault(row.number, []).append(row)
    for parts in projects.values():
        _project(agency, budgets[parts[0].source, parts[0].fiscal_year], parts, reader, by)
    opening.breaks = [str(item) for item in verify()]
    db.session.flush()


def _budget(agency: Agency, row: Row, reader: User, by: Actor) -> Budget:
    source: FundSource = source_named(agency, row.source) or create_source(
        agency, kind=row.source_kind, name=row.source, tier=row.tier, by=reader
    )
    budget = enter_budget(
        source,
        fiscal_year=row.fiscal_year,
        amount=Money(row.amount),
        function_code=row.function_code,
        economic_code=row.economic_code,
        document_number=row.document_number,
        by=reader,
    )
    approve_budget(budget, by=by)
    return budget


def _spent(agency: Agency, budget: Budget, row: Row, opening: OpeningImport, reader: User) -> None:
    """What went out before, with no project that still runs: set aside and paid in one line."""
    amount = Money(row.amount)
    part = earmark(
        budget, agency=agency, title=row.title or opening.file_name, purpose=row.purpose, amount=amount,
        reason=opening.file_name if row.purpose == "other" else "", opening=True, by=reader,
    )  # fmt: skip
    giver = account_of("earmark", part.id, "earmark")
    root = account_of("budget", budget.id, "budget")
    move(
        "opening",
        key=f"opening/earmark/{part.id}",
        legs=[
            (giver, -amount),
            (account_of("earmark", part.id, "paid", agency_id=agency.id, parent=root), amount),
        ],
        reference=("earmark", part.id),
        memo=opening.file_name,
        by=reader,
    )


def _project(agency: Agency, budget: Budget, parts: list[Row], reader: User, by: Actor) -> None:
    first = parts[0]
    amount = Money(sum(part.amount for part in parts))
    organization = db.session.scalars(
        select(Organization).where(Organization.credit_code == first.organization_code)
    ).one()
    part_of = earmark(
        budget, agency=agency, title=first.title, purpose=first.purpose, amount=amount,
        reason=first.title if first.purpose == "other" else "", opening=True, by=reader,
    )  # fmt: skip
    commitment = commit(
        part_of,
        organization=organization,
        number=first.number,
        title=first.title,
        track=first.track,
        amount=amount,
        starts_on=date.fromisoformat(first.starts_on),
        ends_on=date.fromisoformat(first.ends_on),
        tranches=[(part.amount, part.tranche_title, part.condition) for part in parts],
        from_reservation=False,
        by=reader,
    )
    for tranche, part in zip(commitment.tranches, parts, strict=True):
        if not part.paid_on:
            continue
        account = db.session.scalars(
            select(PayeeAccount).where(
                PayeeAccount.organization_id == organization.id,
                PayeeAccount.last_four == part.account_last_four,
                PayeeAccount.confirmed_by.is_not(None),
            )
        ).first()
        paid_on = date.fromisoformat(part.paid_on)
        payment = Disbursement(
            agency_id=commitment.agency_id,
            commitment=commitment,
            tranche=tranche,
            payee_account=account,
            number=f"{commitment.number}-ZF{tranche.number:02d}",
            amount=tranche.amount,
            receipt_number=part.voucher_number,
            state="paid",
            requested_by=reader.id,
            reviewed_by=by.actor_id,
            requested_at=clock.now(),
            paid_on=paid_on,
            voucher_number=part.voucher_number,
            findings=json.dumps([]),
        )
        db.session.add(payment)
        db.session.flush()
        shift(
            commitment,
            "committed",
            "paid",
            tranche.amount,
            kind="opening",
            key=f"disbursement/{payment.id}/opening",
            reference=("disbursement", payment.id),
            memo=part.voucher_number,
            booked_on=paid_on,
            by=reader,
        )
        record(
            payment, "brought_in", by=by, details={"paid_on": part.paid_on, "voucher": part.voucher_number}
        )
