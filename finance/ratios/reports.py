"""The figure as tables and printed documents."""

from __future__ import annotations

import io

import xlsxwriter
from flask_babel import gettext as _

from core.money import Money
from core.web.words import say
from finance.purchasing.queries import Ratio
from finance.purchasing.rules import judge_row
from registry.agencies.rules import tree_prefix

HEADINGS = (
    "contract_no", "fiscal_year", "division_code", "purchaser", "service_key", "service_name", "catalogue_code",
    "public_service", "contractor", "contractor_code", "contractor_kind", "host_code", "so_share", "amount_yuan",
    "cancelled_amount_yuan", "fund_source", "method", "signed_on", "is_venture",
)  # fmt: skip


def rows_workbook(result: Ratio, *, rollup: bool) -> io.BytesIO:
    """The rows behind a figure as XLSX: the import columns and, last, why each counts or not.

    Text that looks like a formula stays text; codes stay text.
    """
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    money = book.add_format({"num_format": "#,##0.00"})
    for column, heading in enumerate((*HEADINGS, _("why"))):
        sheet.write_string(0, column, heading, bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(HEADINGS), 16)
    prefix = tree_prefix(result.division)
    line = 0
    for row in result.rows:
        inside = row.division_code.startswith(prefix) if rollup else row.division_code == result.division
        if not inside:
            continue
        line += 1
        values = (
            row.contract_no, str(row.fiscal_year), row.division_code, row.purchaser, row.service_key, row.service_name,
            row.catalogue_code, "是" if row.public_service else "否", row.contractor, row.contractor_code,
            row.contractor_kind, row.host_code, "" if row.so_share is None else str(float(row.so_share)),
            row.amount, row.cancelled_amount, row.fund_source, row.method,
            row.signed_on.isoformat() if row.signed_on else "", "是" if row.is_venture else "否",
            say(judge_row(row, result.rules).message),
        )  # fmt: skip
        for column, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(line, column, value)
            elif isinstance(value, Money):
                # Whole fen below 2^53 are exact in a cell's double at two decimals.
                sheet.write_number(line, column, value.fen / 100, money)
    book.close()
    stream.seek(0)
    return stream
