"""The workbooks of tables of facts: a sample to fill in, and the rows that cannot be taken."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter
from flask_babel import gettext

from core import clock
from core.money import Money
from core.web.words import say
from registry.factsheets.models import FactSheet
from registry.factsheets.rules import COLUMNS, WORDS, sample_row, word_of
from registry.intake import reports as intake
from registry.organizations.models import (
    COMMUNITY_TYPES,
    DIRECT_CLASSES,
    FOUNDINGS,
    INSPECTION_RESULTS,
    PARTY_ORGANIZATIONS,
)
from registry.rosters.reports import problem_of
from registry.rosters.rules import Draft

_CHOICES = {
    "inspection": INSPECTION_RESULTS, "party_org_kind": PARTY_ORGANIZATIONS, "community_type": COMMUNITY_TYPES,
    "direct_class": DIRECT_CLASSES, "founding": FOUNDINGS,
}  # fmt: skip


def column_word(column: str) -> str:
    """A column as people call it, with its year where it has one."""
    year = column.partition("@")[2]
    return (
        gettext("%(what)s, %(year)s", what=say(word_of(column)), year=year) if year else say(word_of(column))
    )


def words(columns: Sequence[str]) -> Mapping[str, Sequence[str]]:
    return {name: (column_word(name),) for name in {*columns, *WORDS}}


def told(column: str, value: Any) -> str:
    """A stored value as people read it."""
    name = column.partition("@")[0]
    if value in (None, ""):
        return "—"
    if name in _CHOICES:
        return say(_CHOICES[name][value])
    if name == "capital":
        return Money(value).format()
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value)


def sentences(draft: Draft) -> list[str]:
    """What is wrong with a row."""
    return intake.sentences(
        problem_of(draft), words([column for column, _message in draft.reasons if column])
    )


def marked_workbook(sheet: FactSheet, drafts: Sequence[Draft]) -> io.BytesIO:
    """The rows that cannot be taken as they stood, with what is wrong."""
    return intake.marked_workbook(
        sheet.columns, sheet.header, [problem_of(draft) for draft in drafts], words([*sheet.columns])
    )


def sample_workbook() -> io.BytesIO:
    """Every column with a row of an organization that does not exist."""
    row = sample_row(clock.today().year - 1)
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    bold, plain = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(COLUMNS) - 1, 18, plain)
    for place, (name, headings) in enumerate(COLUMNS.items()):
        sheet.write_string(0, place, headings[0], bold)
        sheet.write_string(1, place, row.get(name, ""), plain)
    book.close()
    target.seek(0)
    return target
