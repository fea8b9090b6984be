"""The form of an exception."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core.text import N_
from core.web.forms import ChoiceField, Form, MaxLength, Required
from core.web.words import say
from registry.organizations.forms import OrganizationField
from registry.organizations.rules import CodeError, check_credit_code

COUNTS = {
    "yes": N_("counts as a social organization"),
    "no": N_("does not count as a social organization"),
    "end": N_("no exception any more: its code decides"),
}


class OverrideForm(Form):
    agency_id = ChoiceField(_l("At the level of"), [Required()], coerce=int)
    contractor_code = OrganizationField(
        _l("Credit code of the contractor"), [Required(), MaxLength(24)], written="code"
    )
    contractor = StringField(_l("Name of the contractor"), [Required(), MaxLength(120)])
    counts = ChoiceField(
        _l("How it counts"),
        [Required()],
        choices=[(code, _l(label)) for code, label in COUNTS.items()],
        default="yes",
    )
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(1000)])

    def validate_contractor_code(self, field: Any) -> None:
        if not field.data:
            return
        try:
            field.data = check_credit_code(field.data).code
        except CodeError as error:
            raise ValidationError(say(error.message)) from error

    @property
    def wish(self) -> bool | None:
        wished: bool | None = {"yes": True, "no": False, "end": None}[self.counts.data]
        return wished

    def validate_reason(self, field: Any) -> None:
        if field.data and len(field.data.strip()) < 10:
            raise ValidationError(gettext("Write at least ten characters, so that others can follow it."))
