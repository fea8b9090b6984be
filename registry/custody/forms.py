"""The form of a transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength, Required
from registry.agencies.models import Agency


class TransferForm(Form):
    to = ChoiceField(_l("Department that becomes responsible"), validators=[Required()])
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(300)])
    document = StringField(_l("Number of the document"), validators=[MaxLength(120)])

    def __init__(self, units: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to.choices = [(str(unit.id), "\u3000" * unit.depth + unit.name) for unit in units]
