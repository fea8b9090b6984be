"""Forms of the closing account."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField

from core.web.forms import DayField, Form, MaxLength, MoneyField, Required

_l = lazy_gettext


class ReportForm(Form):
    summary = TextAreaField(_l("What was done and reached"), validators=[Required(), MaxLength(8000)])
    eligible_cost = MoneyField(_l("Eligible cost"), validators=[Required()])
    audit_file = FileField(_l("Audit report"))


class ReturnForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(2000)])


class SettleForm(Form):
    returned_on = DayField(_l("Surplus returned on"))
    voucher = StringField(_l("Number of the return voucher"), validators=[MaxLength(60)])
