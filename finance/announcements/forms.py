"""Forms of accounts, disclosures and notices; amounts are typed in 万元."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField, StringField, TextAreaField

from core.web.forms import Between, ChoiceField, Form, MaxLength, Required
from finance.lottery.forms import NotNegative, WanField


class YearForm(Form):
    opening = WanField(_l("Left over from the year before"), [NotNegative()])
    raised = WanField(_l("Raised or allotted in the year"), [NotNegative()])
    closing = WanField(_l("Left over at the end of the year"), [NotNegative()])
    basis = StringField(_l("Document or statement it is taken from"), [Required(), MaxLength(200)])


class DisclosureForm(Form):
    """``asked`` names the texts that the place insists on."""

    content = TextAreaField(_l("Main content"), [MaxLength(2000)])
    leader = StringField(_l("Person in charge"), [MaxLength(60)])
    phone = StringField(_l("Telephone of the person in charge"), [MaxLength(40)])
    progress = TextAreaField(_l("How far it is"), [MaxLength(2000)])
    effect = TextAreaField(_l("Actual effect"), [MaxLength(2000)])
    targets = TextAreaField(_l("Performance indicators"), [MaxLength(2000)])
    problems = TextAreaField(_l("Problems and how they are mended"), [MaxLength(2000)])

    def __init__(self, asked: Collection[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in asked:
            self[name].validators = [Required(), *self[name].validators]
            self[name].flags.required = True


class MakeForm(Form):
    agency_id = ChoiceField(_l("Unit"), [Required()], coerce=int)
    fiscal_year = IntegerField(_l("Fiscal year"), [Required(), Between(2000, 2100)])
    title = StringField(_l("Title of the notice"), [Required(), MaxLength(200)])


class WordsForm(Form):
    title = StringField(_l("Title of the notice"), [Required(), MaxLength(200)])
    number = StringField(_l("Document number"), [MaxLength(60)])
    opening = TextAreaField(_l("Opening paragraph"), [MaxLength(4000)])
    effect = TextAreaField(_l("Execution and effect"), [MaxLength(4000)])
    explanation = TextAreaField(_l("Why figures differ"), [MaxLength(2000)])


class ImportForm(Form):
    agency_id = ChoiceField(_l("Unit"), [Required()], coerce=int)
    file = FileField(_l("Table of notices (CSV or XLSX)"), [FileRequired(_l("Choose a file."))])
