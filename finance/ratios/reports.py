"""The rows behind a figure as a workbook."""

from __future__ import annotations

import io
from collections.abc import Iterable

import xlsxwriter
from flask_babel import gettext as _

from core.money import Money
from core.web.words import say
from finance.contracts.rules import RowVerdict
from finance.snapshots.rules import HEADINGS, MONEY_COLUMNS, table_row


def rows_workbook(judged: Iterable[RowVerdict]) -> io.BytesIO:
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
    for line, item in enumerate(judged, 1):
        cells = table_row(item.row)
        for column, name in enumerate(HEADINGS):
            value = cells[name]
            if isinstance(value, Money):
                # Whole fen below 2^53 are exact in a cell's double at two decimals.
                sheet.write_number(line, column, value.fen / 100, money)
            elif value or name not in MONEY_COLUMNS:
                sheet.write_string(line, column, value)
        sheet.write_string(line, len(HEADINGS), say(item.message))
    book.close()
    stream.seek(0)
    return stream
