"""Reports: one set of lines makes the page, its charts and its workbook, so that no two of them differ."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import xlsxwriter

from core.money import Money, percent
from core.text import N_, Message
from core.web import charts
from core.web.words import say, translate

Value = Money | Fraction | int | str | date | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and where it opens to."""

    value: Value
    url: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its head with a link and a note, and its cells."""

    head: str
    cells: Sequence[Cell]
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A column: an English id and what its values are (money, percent, count, text, day)."""

    label: Message
    kind: str = "money"


@dataclass
class Report:
    """A report; ``agrees`` compares its sum with the ledger: (sentence, sum, in the ledger, url)."""

    name: str
    title: str
    first: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    totals: Sequence[Cell]
    charts: Sequence[charts.Chart] = ()
    note: str = ""
    agrees: tuple[Message, Money, Money, str] | None = None
    views: Sequence[tuple[str, str, bool]] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return self.agrees is not None and self.agrees[1] != self.agrees[2]


def text_of(value: Value) -> str:
    """A cell as people read it; the unit stands in the head."""
    if value is None:
        return "—"
    if isinstance(value, Money):
        return value.format()
    if isinstance(value, Fraction):
        return percent(value)
    if isinstance(value, int):
        return f"{value:,}"
    return value.isoformat() if isinstance(value, date) else value


def workbook(report: Report) -> io.BytesIO:
    """The report as XLSX: the same lines and totals; text is text, never a formula."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    formats = {
        "money": book.add_format({"num_format": "#,##0.00"}),
        "percent": book.add_format({"num_format": "0.00%"}),
        "count": book.add_format({"num_format": "#,##0"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "text": book.add_format(),
    }
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, len(report.heads) + 1, 18)
    sheet.write_string(0, 0, translate(report.first), bold)
    for place, head in enumerate(report.heads, 1):
        label = say(head.label)
        sheet.write_string(
            0, place, f"{label} ({translate('yuan')})" if head.kind == "money" else label, bold
        )
    sheet.write_string(0, len(report.heads) + 1, translate(N_("Note")), bold)

    def write(line: int, cells: Sequence[Cell]) -> None:
        for place, (head, cell) in enumerate(zip(report.heads, cells, strict=True), 1):
            value = cell.value
            if isinstance(value, Money):
                sheet.write_number(line, place, value.fen / 100, formats["money"])
            elif isinstance(value, Fraction):
                sheet.write_number(line, place, float(value), formats["percent"])
            elif isinstance(value, int):
                sheet.write_number(line, place, value, formats["count"])
            elif value is not None:
                sheet.write_string(line, place, text_of(value), formats[head.kind])

    for number, line in enumerate(report.lines, 1):
        sheet.write_string(number, 0, line.head)
        write(number, line.cells)
        sheet.write_string(number, len(report.heads) + 1, line.note)
    last = len(report.lines) + 1
    sheet.write_string(last, 0, translate(N_("Total")), bold)
    write(last, report.totals)
    book.close()
    target.seek(0)
    return target
