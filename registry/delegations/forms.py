"""The form that lends payment steps."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.web.forms import ChoiceField, DayField, Form, NotBefore, Required


class DelegationForm(Form):
    assignment = ChoiceField(_l("Role that is lent"), [Required()], coerce=int)
    colleague = ChoiceField(_l("To the colleague"), [Required()], coerce=int)
    valid_from = DayField(_l("First day"), [Required()])
    valid_to = DayField(_l("Until"), [Required(), NotBefore("valid_from")])
