"""Forms of batches and of the bank's answers."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import FieldList, FormField, StringField
from wtforms import Form as PlainForm

from core.web.forms import ChoiceField, Form, MaxLength, MoneyField, Required
from core.web.words import say
from finance.batches.rules import FIELDS, MOST_COLUMNS, Heading


class TotalForm(Form):
    total = MoneyField(_l("Type the total to confirm it"), [Required()])


class AnswersForm(Form):
    file = FileField(_l("Table of the bank (CSV or XLSX)"), [FileRequired(_l("Choose a file."))])


class ColumnForm(PlainForm):
    heading = StringField(_l("Heading"), [MaxLength(40)])
    field = ChoiceField(_l("Content"), default="")
    fixed = StringField(_l("Fixed text"), [MaxLength(60)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.field.choices = [("", "—"), *((name, say(label)) for name, label in FIELDS.items())]


class LayoutForm(Form):
    columns = FieldList(FormField(ColumnForm), min_entries=MOST_COLUMNS, max_entries=MOST_COLUMNS)

    def headings(self) -> list[Heading]:
        """The rows that were filled in, in their order."""
        return [
            Heading((row.heading.data or "").strip(), row.field.data or "", (row.fixed.data or "").strip())
            for row in self.columns
            if (row.heading.data or "").strip() or row.field.data
        ]
