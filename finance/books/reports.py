"""The empty opening table."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import xlsxwriter


def template_workbook(
    columns: Mapping[str, Sequence[str]], examples: Sequence[Mapping[str, str]]
) -> io.BytesIO:
    """One sheet with the headings and an example of each kind of row, every cell as text."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold, plain = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
    headings = [names[0] for names in columns.values()]
    sheet.set_column(0, len(headings) - 1, 18, plain)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, bold)
    for line, example in enumerate(examples, 1):
        for place, name in enumerate(columns):
            sheet.write_string(line, place, example.get(name, ""), plain)
    book.close()
    target.seek(0)
    return target
