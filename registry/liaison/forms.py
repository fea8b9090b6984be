"""Forms of liaison officers and their notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from registry.agencies.models import Agency
from registry.organizations.forms import OrganizationField


class OfficerForm(Form):
    agency = ChoiceField(_l("Appointed by"), validators=[Required()])
    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(
        _l("Mobile number"), validators=[Required(), MaxLength(20)],
        description=_l("Name and number together find a person who is already known."),
    )  # fmt: skip
    unit = ChoiceField(_l("Answers for this unit"), default="")
    organization = OrganizationField(
        _l("or for this organization"),
        validators=[MaxLength(120)],
        description=_l("Its exact name or credit code; leave one of the two empty."),
    )
    since = DayField(_l("Since"), validators=[Required()])

    def __init__(self, agencies: Sequence[Agency], units: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(unit.id), unit.name) for unit in agencies]
        self.unit.choices = [
            ("", "—"),
            *((str(unit.id), "\u3000" * unit.depth + unit.name) for unit in units),
        ]

    def validate_organization(self, field: Any) -> None:
        if bool(self.unit.data) == bool((field.data or "").strip()):
            raise ValidationError(gettext("Choose a unit, or name an organization: one of the two."))


class EndForm(Form):
    until = DayField(_l("Last day"), validators=[Required()])


class NoticeForm(Form):
    agency = ChoiceField(_l("Published by"), validators=[Required()])
    title = StringField(_l("Title"), validators=[Required(), MaxLength(120)])
    text = TextAreaField(_l("Text"), validators=[Required(), MaxLength(8000)])
    due_on = DayField(_l("To be read until"))

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(unit.id), unit.name) for unit in agencies]


class ToldForm(Form):
    how = StringField(
        _l("How the officer was told"),
        validators=[Required(), MaxLength(120)],
        description=_l("For example: by telephone."),
    )


class ReceiptFilter(Form):
    state = ChoiceField(_l("State"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state.choices = [
            ("", gettext("all")), ("unread", gettext("not read")), ("read", gettext("read")), ("told", gettext("told otherwise")),
        ]  # fmt: skip
