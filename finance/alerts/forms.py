"""Forms of a case: opening, assigning, answering, closing."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from finance.alerts.rules import KINDS


class OpenForm(Form):
    subject = ChoiceField(_l("What it is about"), [Required()])
    kind = ChoiceField(_l("Kind of alert"), [Required()], choices=[(k, _l(v)) for k, v in KINDS.items()])
    text = TextAreaField(_l("What is wrong"), [Required(), MaxLength(2000)])
    source = StringField(_l("Rule or document it offends"), [Required(), MaxLength(300)])


class AssignForm(Form):
    unit_id = ChoiceField(_l("Unit that answers"), [Required()], coerce=int)
    due_on = DayField(_l("Answer by"), [Required()])
    note = TextAreaField(_l("What is asked"), [MaxLength(1000)])

    def validate_due_on(self, field: Any) -> None:
        if field.data is not None and field.data < clock.today():
            raise ValidationError(_("This day lies in the past."))


class AnswerForm(Form):
    text = TextAreaField(_l("Answer to the alert"), [Required(), MaxLength(4000)])


class AgainForm(Form):
    note = TextAreaField(_l("What is still open"), [Required(), MaxLength(1000)])


class CloseForm(Form):
    outcome = TextAreaField(_l("Outcome"), [Required(), MaxLength(4000)])
