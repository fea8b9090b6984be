"""Forms of claims."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength, Required

_l = lazy_gettext


class ClaimForm(Form):
    payee_account = ChoiceField(_l("Paid to the account"), coerce=int, validators=[Required()])
    receipt_number = StringField(
        _l("Number of the receipt or invoice"), validators=[Required(), MaxLength(60)]
    )
    receipt_file = FileField(_l("Receipt or invoice"))


class ReturnForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(2000)])
