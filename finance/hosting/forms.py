"""Forms of hosted money."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import (
    ChoiceField,
    DayField,
    Form,
    MaxLength,
    MoneyField,
    NotBefore,
    Positive,
    Required,
)
from finance.hosting.rules import KINDS
from registry.organizations.forms import OrganizationField


class PercentField(StringField):
    """A percentage with at most two decimals; ``data`` is hundredths of a percent."""

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return f"{Decimal(self.data) / 100:f}" if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip().rstrip("%％") if valuelist else ""
        self.data = None
        if not text:
            return
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text) or Decimal(text) > 100:
            raise ValueError(_("Write a percentage from 0 to 100 with at most two decimals."))
        self.data = int(Decimal(text) * 100)


class DraftForm(Form):
    agency_id = ChoiceField(_l("Funder"), [Required()], coerce=int)
    host = OrganizationField(_l("Host"), [Required(), MaxLength(120)])
    hosted = OrganizationField(_l("Hosted body"), [Required(), MaxLength(120)])
    fee = PercentField(_l("Fee of the host, percent of what arrives"), [Required()])
    starts_on = DayField(_l("First day"), [Required()], default=clock.today)
    ends_on = DayField(_l("Last day"), [Required(), NotBefore("starts_on")])


class AddForm(Form):
    commitment_id = ChoiceField(_l("Commitment to the hosted body"), [Required()], coerce=int)


class ReasonForm(Form):
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(200)])


class OutflowForm(Form):
    kind = ChoiceField(_l("Kind"), [Required()], choices=[(code, _l(label)) for code, label in KINDS.items()])
    amount = MoneyField(_l("Amount"), [Required(), Positive()])
    purpose = StringField(_l("For what"), [Required(), MaxLength(200)])
    payee = StringField(_l("Paid to"), [Required(), MaxLength(120)])
    voucher_number = StringField(_l("Number of the invoice or voucher"), [MaxLength(60)])


class ConfirmForm(Form):
    received_on = DayField(_l("Arrived on"), [Required()], default=clock.today)
    voucher_number = StringField(_l("Voucher number"), [Required(), MaxLength(60)])

    def validate_received_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The day of the return lies in the future."))


class MonthForm(Form):
    month = ChoiceField(_l("Month"), [Required()])
