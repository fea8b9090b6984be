"""The marked workbook: the rows that were left out, each with what is wrong, to be mended and uploaded again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from core.text import Message
from core.web.words import say, translate
from registry.intake.rules import COLUMNS


def marked_workbook(
    places: Mapping[str, int],
    header: Sequence[str],
    problems: Sequence[Any],
    words: Mapping[str, Sequence[str]] = COLUMNS,
) -> io.BytesIO:
    """Cells as they stood, the wrong ones filled; the last column says why. Text is text, never a formula.

    ``places`` says where each column stands, ``words`` what it is called; a problem has ``number``, ``cells``
    and ``reasons``.
    """
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    plain = book.add_format({"num_format": "@"})
    wrong = book.add_format({"num_format": "@", "bg_color": "#F8D7DA"})
    reason = book.add_format({"text_wrap": True})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(header) - 1, 20)
    sheet.set_column(len(header), len(header), 60)
    for place, heading in enumerate(header):
        sheet.write_string(0, place, heading, bold)
    sheet.write_string(0, len(header), translate("What is wrong"), bold)
    for line, problem in enumerate(problems, 1):
        marked = {places.get(column) for column, _message in problem.reasons}
        for place in range(len(header)):
            cell = problem.cells[place] if place < len(problem.cells) else None
            sheet.write_string(
                line, place, "" if cell is None else str(cell), wrong if place in marked else plain
            )
        sheet.write_string(line, len(header), "\n".join(sentences(problem, words)), reason)
    book.close()
    target.seek(0)
    return target


def sentences(problem: Any, words: Mapping[str, Sequence[str]] = COLUMNS) -> list[str]:
    """What is wrong with a row, each with the name of its column."""
    return [
        f"{column_word(column, words)}: {say(Message.from_dict(message))}"
        if column
        else say(Message.from_dict(message))
        for column, message in problem.reasons
    ]


def column_word(column: str, words: Mapping[str, Sequence[str]] = COLUMNS) -> str:
    """A column as people call it."""
    return words[column][0] if column in words else column
