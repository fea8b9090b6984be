"""The file to the treasury as bytes, and the table of batches."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import xlsxwriter
from flask_babel import force_locale
from sqlalchemy import Select

from core import clock
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from core.web.words import CHINESE, say
from finance.batches.lifecycle import BATCH
from finance.batches.models import Batch, BatchItem
from finance.batches.queries import layout_of, visible_batches
from finance.batches.rules import FIELDS, Heading, harmless
from finance.disbursements.services import account_number
from registry.agencies.models import Agency


def field_names() -> dict[str, str]:
    """What the columns are called in the treasury's language, whoever exports."""
    with force_locale(CHINESE):
        return {name: say(label) for name, label in FIELDS.items()}


def columns_of(agency_id: int) -> list[Heading]:
    return layout_of(agency_id, field_names())


def rows_of(batch: Batch, items: Sequence[BatchItem], columns: list[Heading]) -> list[list[str]]:
    """Every cell as text; amounts plain with two decimals."""
    return [
        [_cell(column, batch, item, serial) for column in columns] for serial, item in enumerate(items, 1)
    ]


def _cell(column: Heading, batch: Batch, item: BatchItem, serial: int) -> str:
    payment = item.disbursement
    account, commitment = payment.payee_account, payment.commitment
    budgets = [share.earmark.budget for share in commitment.shares]
    texts = {
        "serial": lambda: str(serial),
        "number": lambda: payment.number,
        "payer": lambda: batch.agency.name,
        "payee": lambda: account.account_name,
        "bank": lambda: account.bank,
        "account_number": lambda: account_number(account),
        "amount": lambda: item.amount.plain(),
        "amount_words": lambda: item.amount.in_words(),
        "function_code": lambda: "/".join(dict.fromkeys(budget.function_code for budget in budgets)),
        "economic_code": lambda: "/".join(
            dict.fromkeys(budget.economic_code for budget in budgets if budget.economic_code)
        ),
        "fund": lambda: "/".join(dict.fromkeys(budget.fund_source.name for budget in budgets)),
        "purpose": lambda: f"{commitment.title} {payment.tranche.title}",
        "receipt": lambda: payment.receipt_number,
        "batch": lambda: batch.number,
        "requested_on": lambda: clock.local(payment.requested_at).date().isoformat(),
        "fixed": lambda: column.fixed,
    }
    return texts[column.field]()


def payment_file(batch: Batch, items: Sequence[BatchItem]) -> dict[str, bytes]:
    """The file of a batch in both kinds."""
    columns = columns_of(batch.agency_id)
    rows = rows_of(batch, items, columns)
    at = batch.exported_at or clock.now()
    return {"csv": as_csv(columns, rows), "xlsx": as_xlsx(columns, rows, items, at)}


def as_csv(columns: list[Heading], rows: list[list[str]]) -> bytes:
    """UTF-8 with a mark, every cell in quotation marks; long codes keep their digits by a tab."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_ALL)
    writer.writerow([harmless(column.heading) for column in columns])
    for row in rows:
        writer.writerow(
            [
                f"\t{text}" if column.field == "account_number" else harmless(text)
                for column, text in zip(columns, row, strict=True)
            ]
        )
    return target.getvalue().encode("utf-8-sig")


def as_xlsx(columns: list[Heading], rows: list[list[str]], items: Sequence[BatchItem], at: datetime) -> bytes:
    """Text is written as text, whatever it looks like; the amount alone is a number."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": at.replace(tzinfo=None)})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True, "bottom": 1})
    money = book.add_format({"num_format": "0.00"})
    for place, column in enumerate(columns):
        sheet.set_column(place, place, 24 if column.field in ("payee", "bank", "account_number") else 16)
        sheet.write_string(0, place, column.heading, bold)
    for line, (row, item) in enumerate(zip(rows, items, strict=True), 1):
        for place, (column, text) in enumerate(zip(columns, row, strict=True)):
            if column.field == "amount":
                # Whole fen below 2^53 are exact in a cell's double at two decimals.
                sheet.write_number(line, place, item.amount.fen / 100, money)
            else:
                sheet.write_string(line, place, text)
    book.close()
    return target.getvalue()


def _rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_batches(user)
    return query.where(Batch.state == args["view"]) if args.get("view") in BATCH.by_state else query


BATCHES = Listing(
    name="batches.list",
    title=N_("Batches"),
    permissions=("disbursement.read",),
    rows=_rows,
    filters=("view",),
    orders={"newest": ((Batch.id, True),)},
    joins=lambda query: query.join(Agency, Agency.id == Batch.agency_id),
    columns=(
        Column(N_("Number"), Batch.number, width=28),
        Column(N_("Unit"), Agency.name, width=28),
        Column(N_("Number of payments"), Batch.count, "number"),
        Column(N_("Amount"), Batch.total, "money"),
        Column(N_("State"), Batch.state, words={item.name: item.label for item in BATCH.states}),
        Column(N_("Made"), Batch.made_at, "moment"),
        Column(N_("Exported"), Batch.exported_at, "moment"),
    ),
)
