"""The public objection form."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import Regexp

from core.web.forms import ChoiceField, Form, MaxLength, Required

PHONE = r"^\s*(1[3-9]\d{9}|0\d{2,3}-?\d{7,8})\s*$"


class ObjectionForm(Form):
    application = ChoiceField(_l("Project objected to"), coerce=int, validators=[Required()])
    name = StringField(_l("Your real name"), validators=[Required(), MaxLength(60)])
    phone = StringField(
        _l("Your telephone"),
        validators=[
            Required(),
            Regexp(PHONE, message=_l("Write a mobile number (11 digits) or a landline with its area code.")),
        ],
    )
    text = TextAreaField(_l("What you object to, and why"), validators=[Required(), MaxLength(4000)])
    file = FileField(_l("Evidence (optional)"))
