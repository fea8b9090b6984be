"""Forms of appointments and rectifications."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import TextAreaField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required

_l = lazy_gettext


class AppointForm(Form):
    role = ChoiceField(_l("Part"), validators=[Required()])
    person = ChoiceField(_l("Person"), coerce=int, validators=[Required()])


class OpenForm(Form):
    items = TextAreaField(_l("What must be put right"), validators=[Required(), MaxLength(4000)])
    due_on = DayField(_l("To be done by"), validators=[Required()])


class AnswerForm(Form):
    answer = TextAreaField(
        _l("What was done about each point"), validators=[Required(), MaxLength(4000)], id="answer-text"
    )
    file = FileField(_l("Proof"))


class AgainForm(Form):
    reason = TextAreaField(_l("What is still missing"), validators=[Required(), MaxLength(2000)])
    due_on = DayField(_l("To be done by"), validators=[Required()])
