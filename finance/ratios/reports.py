"""The figure as tables and printed documents."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import xlsxwriter
from flask_babel import gettext as _

from core.money import Money
from core.web import charts, drawing
from core.web.words import say
from finance.contracts.queries import division_labels
from finance.contracts.rules import RowVerdict
from finance.ratios.models import REASONS, RatioSnapshot
from finance.ratios.queries import Frozen, frozen
from finance.ratios.rules import HEADINGS, MONEY_COLUMNS, table_row


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


def document_facts(snapshot: RatioSnapshot) -> dict[str, Any]:
    """The context of templates/ratios/document.html: the frozen figure as an official table."""
    found = frozen(snapshot)
    codes = {snapshot.division_code, *(division for division, _figure, _threshold in found.levels)}
    labels = division_labels(codes)
    return {
        "snapshot": snapshot,
        "frozen": found,
        "own": found.figure("own"),
        "own_venture": found.figure("own_with_venture"),
        "rollup": found.figure("rollup"),
        "levels": found.levels,
        "labels": labels,
        "chart": _levels_chart(found, labels),
        "REASONS": REASONS,
    }


def _levels_chart(found: Frozen, labels: dict[str, str]) -> charts.Chart | None:
    """The frozen ratios against the threshold; levels held to another threshold stand in the table alone."""
    if not drawing.available():
        return None
    shown = [(_("Own level"), found.figure("own").ratio), (_("Rolled up"), found.figure("rollup").ratio)]
    shown += [
        (labels.get(division, division), figure.ratio)
        for division, figure, threshold in found.levels
        if division != found.snapshot.division_code and threshold == found.threshold
    ]
    known = [(label, ratio) for label, ratio in shown if ratio is not None]
    if not known:
        return None
    return charts.bars(
        _("Share of social organizations"),
        charts.PERCENT,
        [label for label, _ratio in known],
        [charts.Series("", [ratio for _label, ratio in known])],
        horizontal=True,
        threshold=charts.Threshold(found.threshold, _("Threshold")),
        head=_("Level"),
    )
