"""Forms of the closing account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.money import Money
from core.web.forms import DayField, Form, MaxLength, MoneyField, Required

_l = lazy_gettext

# Default days to pay back (DOMAIN 2.4, step 23); the form may say another day.
DAYS = 30


class ReportForm(Form):
    summary = TextAreaField(_l("What was done and reached"), validators=[Required(), MaxLength(8000)])
    eligible_cost = MoneyField(_l("Eligible cost"), validators=[Required()])
    audit_file = FileField(_l("Audit report"))


class ReturnForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(2000)])


class TerminationForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(4000)])
    accepted_cost = MoneyField(_l("Properly spent until now"), validators=[Required()])
    due_on = DayField(
        _l("Unspent money to be back by"),
        validators=[Required()],
        default=lambda: clock.today() + timedelta(days=DAYS),
    )

    def validate_accepted_cost(self, field: Any) -> None:
        if field.data is not None and field.data < Money(0):
            raise ValidationError(gettext("The amount must not be below zero."))

    def validate_due_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(gettext("The day until which the money has to be back lies in the past."))


class DecideForm(Form):
    basis = StringField(_l("Minutes or decision it rests on"), validators=[Required(), MaxLength(120)])


class SettleForm(Form):
    returned_on = DayField(_l("Surplus returned on"))
    voucher = StringField(_l("Number of the return voucher"), validators=[MaxLength(60)])
