"""Forms of checkpoints: planning, and the organization's self report."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectMultipleField, TextAreaField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required


class PlanForm(Form):
    kind = ChoiceField(lazy_gettext("Evaluation"), [Required()])
    due_on = DayField(lazy_gettext("Self report due on"), [Required()])
    evaluator = ChoiceField(lazy_gettext("Evaluator"), [Required()], coerce=int)
    projects = SelectMultipleField(
        lazy_gettext("Projects"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def validate_due_on(self, field: Any) -> None:
        if field.data is not None and field.data < clock.today():
            raise ValidationError(gettext("This day lies in the past."))

    def validate_projects(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one project."))


class ReportForm(Form):
    text = TextAreaField(lazy_gettext("Self report"), [Required(), MaxLength(20000)])
    sign = FileField(lazy_gettext("Photo of the lottery's sign"))


class SignForm(Form):
    sign = FileField(
        lazy_gettext("Photo of the lottery's sign"), [FileRequired(lazy_gettext("Choose a photo."))]
    )
