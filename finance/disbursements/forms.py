"""Forms of payments and payee accounts."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, Required
from registry.organizations.forms import OrganizationField


class ReasonForm(Form):
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(200)])


class PaidForm(Form):
    paid_on = DayField(_l("Day of payment"), [Required()])
    voucher_number = StringField(_l("Voucher number"), [Required(), MaxLength(60)])

    def validate_paid_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The day of payment lies in the future."))


class AgainForm(Form):
    payee_account_id = ChoiceField(_l("Account of the payee"), [Required()], coerce=int)
    receipt_number = StringField(_l("Receipt number"), [Required(), MaxLength(60)])


class RequestForm(AgainForm):
    basis = TextAreaField(_l("By which papers the condition is met"), [Required(), MaxLength(500)])


class AccountForm(Form):
    organization = OrganizationField(_l("Organization"), [Required(), MaxLength(120)])
    account_name = StringField(_l("Account name"), [Required(), MaxLength(120)])
    bank = StringField(_l("Bank and branch"), [Required(), MaxLength(120)])
    number = StringField(_l("Account number"), [Required(), MaxLength(40)])


class LimitForm(Form):
    assignment = ChoiceField(_l("Leader"), [Required()], coerce=int)
    amount = MoneyField(_l("Approves alone up to"), [Required()])
