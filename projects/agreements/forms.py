"""Forms of agreements and contracts."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import or_, select
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core.db import db
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, NotBefore, Positive, Required
from registry.organizations.models import Organization

_l = lazy_gettext


class AgreementForm(Form):
    starts_on = DayField(_l("First day"), validators=[Required()])
    ends_on = DayField(_l("Last day"), validators=[Required(), NotBefore("starts_on")])
    terms = TextAreaField(_l("Particular terms"), validators=[MaxLength(8000)])


class ContractForm(AgreementForm):
    title = StringField(_l("What is bought"), validators=[Required(), MaxLength(160)])
    supplier = StringField(_l("Supplier: full name or credit code"), validators=[Required()])
    agency = ChoiceField(_l("Buying office"), coerce=int, validators=[Required()])
    earmark = ChoiceField(_l("Money from"), coerce=int, validators=[Required()])
    amount = MoneyField(_l("Amount"), validators=[Required(), Positive()])
    method = ChoiceField(_l("How it is bought"), validators=[Required()])
    catalogue_code = ChoiceField(_l("Item of the guiding catalogue"), validators=[Required()])
    service_key = StringField(
        _l("Number of the service in your office"), validators=[Required(), MaxLength(80)]
    )
    plan = ChoiceField(_l("How it is paid"), validators=[Required()])

    organization: Organization | None = None

    def validate_supplier(self, field: Any) -> None:
        text = (field.data or "").strip()
        self.organization = db.session.scalar(
            select(Organization)
            .where(or_(Organization.name == text, Organization.credit_code == text.upper()))
            .order_by(Organization.id)
        )
        if self.organization is None:
            raise ValidationError(
                gettext("Nobody in the register has this name or credit code. Register the supplier first.")
            )


class ReasonForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(2000)])


class AcceptanceForm(Form):
    passed = ChoiceField(_l("Result"), validators=[Required()])
    note = TextAreaField(_l("What was checked and found"), validators=[Required(), MaxLength(4000)])
    beneficiaries_heard = BooleanField(_l("Beneficiaries were invited and heard"))

    def validate_beneficiaries_heard(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(
                gettext("For services to the public the beneficiaries are invited to the acceptance.")
            )
