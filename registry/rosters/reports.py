"""The workbooks of lists of people: a sample to fill in, and the rows that were refused."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from core import clock
from core.web.words import say
from registry.intake import reports as intake
from registry.persons.rules import identity_check_character
from registry.rosters.models import Roster
from registry.rosters.rules import COLUMNS, WORDS, Draft, sample_rows


@dataclass(frozen=True, slots=True)
class Problem:
    """A refused row as the marked workbook takes it."""

    number: int
    cells: list[Any]
    reasons: list[tuple[str, dict[str, Any]]]


def problem_of(draft: Draft) -> Problem:
    """A row with its reasons as the marked workbook takes it."""
    return Problem(
        draft.number, draft.cells, [(column, message.to_dict()) for column, message in draft.reasons]
    )


def words() -> Mapping[str, Sequence[str]]:
    """Each column as people call it."""
    return {name: (say(word),) for name, word in WORDS.items()}


def sentences(draft: Draft) -> list[str]:
    """What is wrong with a row."""
    return intake.sentences(problem_of(draft), words())


def marked_workbook(roster: Roster, drafts: Sequence[Draft]) -> io.BytesIO:
    """The refused rows as they stood, with what is wrong. Made for this one answer and kept nowhere."""
    return intake.marked_workbook(
        roster.columns, roster.header, [problem_of(draft) for draft in drafts], words()
    )


def sample_workbook(kind: str) -> io.BytesIO:
    """The columns of a kind of list with a few fictional people."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    bold, plain = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
    names = [name for name in COLUMNS[kind] if name not in ("unit", "organization")]
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 22, plain)
    for place, name in enumerate(names):
        sheet.write_string(0, place, COLUMNS[kind][name][0], bold)
    for line, row in enumerate(sample_rows(kind, clock.today()), 1):
        cells = {**row, "identity": _identity(row["born"], line)}
        for place, name in enumerate(names):
            sheet.write_string(line, place, cells.get(name, ""), plain)
    book.close()
    target.seek(0)
    return target


def _identity(born: str, serial: int) -> str:
    """A number with a right check character of somebody who does not exist: no such place of birth."""
    body = f"150699{born}{900 + serial}"
    return body + identity_check_character(body)
