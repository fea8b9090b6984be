"""The form of an expense."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import IntegerField, StringField
from wtforms.validators import Optional

from core import clock
from core.web.forms import (
    Between,
    ChoiceField,
    DayField,
    Form,
    MaxLength,
    MoneyField,
    Positive,
    Required,
)
from finance.lines.rules import MEANS

_l = lazy_gettext


class ExpenseForm(Form):
    line_code = ChoiceField(_l("Budget line"), validators=[Required()])
    spent_on = DayField(_l("Paid on"), validators=[Required()], default=clock.today)
    amount = MoneyField(_l("Amount"), validators=[Required(), Positive()])
    payee = StringField(_l("Paid to"), validators=[Required(), MaxLength(120)])
    voucher_number = StringField(
        _l("Number of the invoice or voucher"), validators=[Required(), MaxLength(60)]
    )
    means = ChoiceField(
        _l("Paid by"), validators=[Required()], choices=[(code, _l(label)) for code, label in MEANS.items()]
    )
    invoice_title = StringField(_l("Invoice made out to"), validators=[MaxLength(120)])
    units = IntegerField(
        _l("Person-days or half-days (for allowances and fees)"), validators=[Optional(), Between(1, 100_000)]
    )
    purpose = StringField(_l("For what"), validators=[Required(), MaxLength(200)])
    file = FileField(_l("Invoice or voucher"))
