"""Forms of the figure: freezing a year with its reason, and exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.text import N_
from core.web.forms import ChoiceField, Form, MaxLength, MoneyField, Positive, Required
from core.web.words import say
from finance.ratios.rules import BIDDERS
from registry.organizations.rules import CodeError, check_credit_code

COUNTS = {
    "yes": N_("counts as a social organization"),
    "no": N_("does not count as a social organization"),
    "end": N_("no exception any more: its code decides"),
}


class FreezeForm(Form):
    """Only asked for below the threshold; the service says when something is missing."""

    reason = ChoiceField(_l("Reason"), default="")
    reason_text = TextAreaField(_l("Explanation"), [MaxLength(1000)])
    reason_file = FileField(_l("Attachment"))

    def __init__(self, accepted: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason.choices = [("", "—"), *((code, gettext(label)) for code, label in accepted.items())]


class InvitationForm(Form):
    """Asked on a GET page: nothing is written."""

    amount = MoneyField(_l("Amount of the purchase"), [Required(), Positive()])
    invited = SelectMultipleField(
        _l("Who is to be invited"),
        [Required()],
        choices=[SelectChoice(code, _l(label)) for code, label in BIDDERS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def validate_invited(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one kind of bidder."))


class OverrideForm(Form):
    agency_id = ChoiceField(_l("At the level of"), [Required()], coerce=int)
    contractor_code = StringField(_l("Credit code of the contractor"), [Required(), MaxLength(24)])
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
