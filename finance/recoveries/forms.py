"""Forms of recovery cases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, Positive, Required
from finance.recoveries.rules import GROUNDS

# Default days to pay back (DOMAIN 2.4, step 23); the form may say another day.
DAYS = 30


class ProposeForm(Form):
    disbursement_id = ChoiceField(_l("What comes back"), [Required()], coerce=int)
    ground = ChoiceField(
        _l("Ground"),
        [Required()],
        choices=[(code, _l(ground.label)) for code, ground in GROUNDS.items()],
    )
    amount = MoneyField(_l("Amount"), [Required(), Positive()])
    due_on = DayField(_l("To be back by"), [Required()], default=lambda: clock.today() + timedelta(days=DAYS))
    reason = TextAreaField(_l("Facts"), [Required(), MaxLength(2000)])

    def validate_due_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("The day until which the money has to be back lies in the past."))


class OrderForm(Form):
    basis = StringField(_l("Minutes or decision the order rests on"), [Required(), MaxLength(120)])


class DropForm(Form):
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(2000)])


class ReturnForm(Form):
    amount = MoneyField(_l("Amount"), [Required(), Positive()])
    received_on = DayField(_l("Arrived on"), [Required()], default=clock.today)
    voucher_number = StringField(_l("Voucher number"), [Required(), MaxLength(60)])

    def validate_received_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The day of the return lies in the future."))


class OffsetForm(Form):
    tranche_id = ChoiceField(_l("Tranche to set off against"), [Required()], coerce=int)
    amount = MoneyField(_l("Amount"), [Required(), Positive()])
