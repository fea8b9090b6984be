"""Forms of the credit file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say
from registry.credit.models import KINDS


class EntryForm(Form):
    kind = ChoiceField(_l("Kind of entry"), validators=[Required()])
    entered_on = DayField(_l("Entered on"), validators=[Required()])
    grounds = TextAreaField(_l("Grounds"), validators=[Required(), MaxLength(2000)])
    source = StringField(_l("Document or decision"), validators=[MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Final grades come from the evaluation itself.
        self.kind.choices = [(name, say(label)) for name, label in KINDS.items() if name != "project_grade"]


class RemovalForm(Form):
    removed_on = DayField(_l("Removed on"), validators=[Required()])
