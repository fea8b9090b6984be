"""The form of an expense."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import StringField

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, Positive, Required

_l = lazy_gettext


class ExpenseForm(Form):
    line_code = ChoiceField(_l("Budget line"), validators=[Required()])
    spent_on = DayField(_l("Paid on"), validators=[Required()], default=clock.today)
    amount = MoneyField(_l("Amount"), validators=[Required(), Positive()])
    payee = StringField(_l("Paid to"), validators=[Required(), MaxLength(120)])
    voucher_number = StringField(
        _l("Number of the invoice or voucher"), validators=[Required(), MaxLength(60)]
    )
    purpose = StringField(_l("For what"), validators=[Required(), MaxLength(200)])
    file = FileField(_l("Invoice or voucher"))
