"""The table of postings, the vouchers of government accounting, the file for budget integration."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import xlsxwriter
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.commitments.models import Commitment, CommitmentShare
from finance.disbursements.models import Disbursement
from finance.exports.queries import fed_from, layout_of, mapping_of, visible_postings
from finance.exports.rules import BOOK_NAMES, FIELDS, INTEGRATION, SOURCE_KIND_NAMES, VOUCHERS
from finance.funds.models import Budget, Earmark
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import KINDS, TRANSFER_KINDS, booked_between
from registry.agencies.models import Agency

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "'")


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula (a CSV has no types of its own)."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


# Postings ---------------------------------------------------------------------------------------


def month_of(text: str) -> tuple[date, date] | None:
    """First and last day of “2026-05”; ``None`` for anything else."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first, clock.add_months(first, 1) - timedelta(days=1)


def _number(args: Arguments, name: str) -> int | None:
    text = args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def rows(user: Any, args: Arguments) -> Select[Any]:
    """The postings that the filters choose: unit, month or year of the books, kind of account, kind of
    movement, and the budget, source or fiscal year whose money it is."""
    query = visible_postings(user)
    if (unit := _number(args, "unit")) is not None:
        query = query.where(Account.agency_id == unit)
    span = month_of(args.get("month", ""))
    year = _number(args, "year")
    if span is None and year is not None and 2000 <= year <= 2100:
        span = date(year, 1, 1), date(year, 12, 31)
    if span is not None:
        query = query.where(booked_between(*span))
    if args.get("kind") in KINDS:
        query = query.where(Account.kind == args["kind"])
    if args.get("movement") in TRANSFER_KINDS:
        query = query.where(Transfer.kind == args["movement"])
    budgets = []
    if (budget := _number(args, "budget")) is not None:
        budgets.append(Budget.id == budget)
    if (source := _number(args, "source")) is not None:
        budgets.append(Budget.fund_source_id == source)
    if (fiscal := _number(args, "fiscal")) is not None and fiscal < 10_000:
        budgets.append(Budget.fiscal_year == fiscal)
    if budgets:
        scope = Budget.agency_id.in_(user.agency_ids("fund.read"))
        chosen = budgets[0]
        for item in budgets[1:]:
            chosen = chosen & item
        query = query.where(Posting.account_id.in_(select(fed_from(chosen & scope).c.account_id)))
    return query


POSTINGS = Listing(
    name="exports.postings",
    title=N_("Postings"),
    permissions=("fund.read",),
    rows=rows,
    filters=("unit", "month", "year", "kind", "movement", "budget", "source", "fiscal"),
    orders={"newest": ((Posting.transfer_id, True), (Posting.account_id, True), (Posting.seq, True))},
    columns=(
        Column(N_("Movement number"), Posting.transfer_id, "number"),
        Column(N_("Posted"), Posting.posted_at, "moment"),
        Column(N_("Booked on another day"), Transfer.booked_on, "day"),
        Column(N_("Movement"), Transfer.kind, words=TRANSFER_KINDS),
        Column(N_("Account number"), Posting.account_id, "number"),
        Column(N_("Ledger account"), Account.kind, words=KINDS),
        Column(N_("Number in the account"), Posting.seq, "number"),
        Column(N_("Amount"), Posting.amount, "money"),
        Column(N_("Balance"), Posting.balance_after, "money"),
        Column(N_("About"), Transfer.reference_type),
        Column(N_("About number"), Transfer.reference_id, "number"),
        Column(N_("Note"), Transfer.memo, width=36),
        Column(N_("Hash"), Posting.hash, width=24),
    ),
)


# Files with columns of their own -----------------------------------------------------------------


def columns_of(agency_id: int, file: str) -> list[tuple[str, str, str]]:
    """(heading, field, fixed text) of each column: the unit's own, else the standard."""
    own = layout_of(agency_id, file)
    if own:
        return [(item.heading, item.field, item.fixed) for item in own]
    return [(heading, name, "") for name, heading in FIELDS[file].items()]


def table(
    columns: Sequence[tuple[str, str, str]], lines: Sequence[Mapping[str, Any]]
) -> Iterator[list[str | Money | date]]:
    for line in lines:
        yield [line.get(name, "") if name else fixed for _heading, name, fixed in columns]


def as_csv(columns: Sequence[tuple[str, str, str]], lines: Sequence[Mapping[str, Any]]) -> io.BytesIO:
    """UTF-8 with a byte-order mark, as spreadsheets here expect it; amounts in yuan with two decimals."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([safe(heading) for heading, _name, _fixed in columns])
    for cells in table(columns, lines):
        writer.writerow([_plain(cell) for cell in cells])
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


def _plain(cell: str | Money | date) -> str:
    if isinstance(cell, Money):
        return cell.plain()
    return cell.isoformat() if isinstance(cell, date) else safe(cell)


def as_xlsx(columns: Sequence[tuple[str, str, str]], lines: Sequence[Mapping[str, Any]]) -> io.BytesIO:
    """One sheet; codes are text, amounts numbers with two decimals, nothing a formula."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    sheet = book.add_worksheet()
    bold, money = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "#,##0.00"})
    sheet.set_column(0, len(columns) - 1, 18)
    for place, (heading, _name, _fixed) in enumerate(columns):
        sheet.write_string(0, place, heading, bold)
    for number, cells in enumerate(table(columns, lines), 1):
        for place, cell in enumerate(cells):
            if isinstance(cell, Money):
                sheet.write_number(number, place, cell.fen / 100, money)
            else:
                sheet.write_string(number, place, cell.isoformat() if isinstance(cell, date) else cell)
    book.close()
    target.seek(0)
    return target


def _movements(agency: Agency, first: date, last: date) -> list[Transfer]:
    """Transfers of these days that touch a paid account of the unit, in the order of the books."""
    touched = (
        select(Posting.transfer_id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.agency_id == agency.id, Account.kind == "paid")
    )
    found = db.session.scalars(
        select(Transfer)
        .where(Transfer.id.in_(touched), booked_between(first, last), Transfer.kind != "opening")
        .options(joinedload(Transfer.postings).joinedload(Posting.account))
    ).unique()
    return sorted(found, key=lambda item: (item.day, item.id))


def _abouts(transfers: Sequence[Transfer]) -> dict[int, tuple[CommitmentShare, Disbursement | None]]:
    """The share of a commitment whose money each transfer moved, and the payment it is about."""
    owners = {
        posting.account.owner_id: transfer.id
        for transfer in transfers
        for posting in transfer.postings
        if posting.account.owner_type == "commitment_share" and posting.account.kind == "paid"
    }
    shares = {
        share.id: share
        for share in db.session.scalars(
            select(CommitmentShare)
            .where(CommitmentShare.id.in_(owners))
            .options(
                joinedload(CommitmentShare.commitment).joinedload(Commitment.organization),
                joinedload(CommitmentShare.earmark).joinedload(Earmark.budget).joinedload(Budget.fund_source),
            )
        )
    }
    payments = {
        item.id: item
        for item in db.session.scalars(
            select(Disbursement)
            .where(
                Disbursement.id.in_(
                    [item.reference_id for item in transfers if item.reference_type == "disbursement"]
                )
            )
            .options(joinedload(Disbursement.payee_account))
        )
    }
    found = {}
    for transfer in transfers:
        for posting in transfer.postings:
            share = shares.get(posting.account.owner_id)
            if posting.account.kind == "paid" and posting.account.owner_type == "commitment_share" and share:
                payment = (
                    payments.get(transfer.reference_id) if transfer.reference_type == "disbursement" else None
                )
                found[transfer.id] = (share, payment)
    return found


def _movement(transfer: Transfer) -> str:
    """From which kind of account to which: ``payable>paid``."""
    giver = next(item.account.kind for item in transfer.postings if item.amount < Money(0))
    taker = next(item.account.kind for item in transfer.postings if item.amount > Money(0))
    return f"{giver}>{taker}"


def vouchers(agency: Agency, month: date) -> list[dict[str, Any]]:
    """The month's vouchers of the unit, one line each for debit and credit in both books.

    A movement that the mapping does not know makes no voucher: it stays within the commitment.
    """
    first, last = month, clock.add_months(month, 1) - timedelta(days=1)
    mapping = mapping_of(agency.id)
    transfers = _movements(agency, first, last)
    abouts = _abouts(transfers)
    lines: list[dict[str, Any]] = []
    number = 0
    for transfer in transfers:
        movement = _movement(transfer)
        share, payment = abouts.get(transfer.id, (None, None))
        if (movement, "financial") not in mapping or share is None:
            continue
        number += 1
        amount = next(item.amount for item in transfer.postings if item.amount > Money(0))
        budget, commitment = share.earmark.budget, share.commitment
        shared = {
            "number": f"{month:%Y%m}-{number:04d}",
            "day": transfer.day,
            "summary": transfer.memo or commitment.title,
            "function_code": budget.function_code,
            "economic_code": budget.economic_code,
            "project_number": commitment.number,
            "project_name": commitment.title,
            "payee": commitment.organization.name,
            "reference": payment.number if payment is not None else commitment.number,
        }
        for book, name in BOOK_NAMES.items():
            entry = mapping[movement, book]
            lines.append(
                {**shared, "book": name, "account_code": entry.debit_code, "account_name": entry.debit_name,
                 "debit": amount, "credit": ""}
            )  # fmt: skip
            lines.append(
                {**shared, "book": name, "account_code": entry.credit_code, "account_name": entry.credit_name,
                 "debit": "", "credit": amount}
            )  # fmt: skip
    return lines


def integration(agency: Agency, month: date) -> list[dict[str, Any]]:
    """The month's payments of the unit for the budget-integration system; money that came back is negative."""
    first, last = month, clock.add_months(month, 1) - timedelta(days=1)
    transfers = _movements(agency, first, last)
    abouts = _abouts(transfers)
    lines: list[dict[str, Any]] = []
    for transfer in transfers:
        share, payment = abouts.get(transfer.id, (None, None))
        if share is None:
            continue
        amount = next(item.amount for item in transfer.postings if item.account.kind == "paid")
        budget, commitment = share.earmark.budget, share.commitment
        lines.append(
            {
                "unit_code": agency.division_code,
                "unit_name": agency.name,
                "fiscal_year": str(budget.fiscal_year),
                "document_number": budget.document_number,
                "function_code": budget.function_code,
                "economic_code": budget.economic_code,
                "source_kind": SOURCE_KIND_NAMES.get(budget.fund_source.kind, budget.fund_source.kind),
                "source_name": budget.fund_source.name,
                "project_number": commitment.number,
                "project_name": commitment.title,
                "payee": commitment.organization.name,
                "payee_code": commitment.organization.credit_code or "",
                "payee_bank": payment.payee_account.bank if payment is not None else "",
                "amount": amount,
                "paid_on": transfer.day,
                "voucher_number": payment.voucher_number if payment is not None else "",
                "payment_number": payment.number if payment is not None else "",
            }
        )
    return lines


FILES = {VOUCHERS: vouchers, INTEGRATION: integration}
