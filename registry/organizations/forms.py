"""Forms of the register of organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import BooleanField, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.text import Message
from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, NotBefore, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations import policy
from registry.organizations.models import (
    COMMUNITY_TYPES,
    DIRECT_CLASSES,
    FIELDS,
    INSPECTION_RESULTS,
    KINDS,
    REGISTER_CLASSES,
    STATUSES,
    Organization,
)


def choices(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, say(label)) for name, label in words.items()]


class OrganizationField(StringField):
    """An organization by its full name or credit code; those of the reader's register are offered while typing.

    What is chosen is written into the box, as the name or as the ``code``; without a script it is typed.
    """

    def __init__(self, *args: Any, written: str = "name", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.written = written

    @property
    def offered_at(self) -> str:
        """Where the box asks for what fits, empty for a person who reads no register."""
        if not current_user.may_somewhere("organization.read"):
            return ""
        return url_for("directory.suggest", box=self.name, written=self.written)


class ChecksField(SelectMultipleField):
    """Several boxes; values that are not offered are dropped."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()
    data: Any

    def pre_validate(self, form: Any) -> None:
        offered = {value for value, _label in self.choices or []}
        self.data = [value for value in self.data or [] if value in offered]


class WholeNumberField(IntegerField):
    """A whole number; anything else is told in our words."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.strip() for value in valuelist if value.strip()])
        except ValueError as error:
            self.data = None
            raise ValueError(gettext("Write a whole number.")) from error


class OrganizationForm(Form):
    agency = ChoiceField(_l("Kept by"), validators=[Required()])
    name = StringField(_l("Full name"), validators=[Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind"), validators=[Required()])
    register_class = ChoiceField(_l("Registration"), default="registered", validators=[Required()])
    credit_code = StringField(_l("Unified social credit code"), validators=[MaxLength(40)])
    registered_on = DayField(_l("Day of registration"))
    division_code = StringField(_l("Division of the registry"), validators=[Required(), MaxLength(12)])
    leader = StringField(_l("Legal representative"), validators=[MaxLength(60)])
    leader_phone = StringField(_l("Telephone of the legal representative"), validators=[MaxLength(20)])
    host = OrganizationField(_l("Registered host"), validators=[MaxLength(120)])
    business_scope = TextAreaField(_l("Business scope"), validators=[MaxLength(4000)])
    fields = ChecksField(_l("Fields of work"))
    address = StringField(_l("Address"), validators=[MaxLength(200)])
    phone = StringField(_l("Telephone"), validators=[MaxLength(20)])
    direct_class = ChoiceField(_l("Class of direct registration"), default="")
    community_type = ChoiceField(_l("Kind of activity in the community"), default="")
    evidence = StringField(_l("Evidence of the change"), validators=[MaxLength(200)])

    def __init__(
        self, agencies: Sequence[Agency], organization: Organization | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.organization = organization
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.kind.choices = choices(KINDS)
        self.register_class.choices = choices(REGISTER_CLASSES)
        self.fields.choices = choices(FIELDS)
        self.direct_class.choices = [("", gettext("none: a unit supervises it")), *choices(DIRECT_CLASSES)]
        self.community_type.choices = [("", gettext("none")), *choices(COMMUNITY_TYPES)]

    def validate_register_class(self, field: Any) -> None:
        _raise(policy.kind_problem(self.kind.data, field.data))

    def validate_credit_code(self, field: Any) -> None:
        _raise(
            policy.code_problem(
                field.data or "",
                kind=self.kind.data,
                register_class=self.register_class.data,
                but=self.organization,
            )
        )

    def validate_division_code(self, field: Any) -> None:
        if field.data:
            _raise(policy.division_problem(field.data))

    def validate_registered_on(self, field: Any) -> None:
        if not field.errors:
            _raise(policy.registered_on_problem(field.data, self.register_class.data))


def _raise(problem: Message | None) -> None:
    if problem is not None:
        raise ValidationError(say(problem))


class GradeForm(Form):
    grade = ChoiceField(_l("Grade"), choices=[(str(n), f"{n}A") for n in (5, 4, 3, 2, 1)])
    valid_from = DayField(_l("Valid from"), validators=[Required()])
    valid_to = DayField(_l("Valid to"), validators=[Required(), NotBefore("valid_from")])


class InspectionForm(Form):
    year = WholeNumberField(_l("Year inspected"), validators=[Required(), Between(1990, 2100)])
    result = ChoiceField(_l("Result"), validators=[Required()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result.choices = choices(INSPECTION_RESULTS)


class StatusForm(Form):
    status = ChoiceField(_l("Standing"), validators=[Required()])
    under_investigation = BooleanField(_l("Under investigation, or a penalty is not yet carried out"))
    reason = TextAreaField(_l("Reason and document"), validators=[Required(), MaxLength(500)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # An entry closes by an outcome that three people decide, never by this form alone.
        self.status.choices = choices({name: STATUSES[name] for name in ("normal", "abnormal")})


class UpgradeForm(Form):
    """A filed organization has registered."""

    name = StringField(_l("Full name"), validators=[Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind"), validators=[Required()])
    credit_code = StringField(_l("Unified social credit code"), validators=[Required(), MaxLength(40)])
    registered_on = DayField(_l("Day of registration"), validators=[Required()])
    division_code = StringField(_l("Division of the registry"), validators=[Required(), MaxLength(12)])
    evidence = StringField(
        _l("Registration certificate or decision"), validators=[Required(), MaxLength(200)]
    )

    def __init__(self, organization: Organization, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.organization = organization
        self.kind.choices = choices(
            {name: KINDS[name] for name in ("social_service_agency", "social_association", "foundation")}
        )

    def validate_credit_code(self, field: Any) -> None:
        if not field.errors:
            _raise(
                policy.code_problem(
                    field.data, kind=self.kind.data, register_class="registered", but=self.organization
                )
            )

    def validate_division_code(self, field: Any) -> None:
        if field.data:
            _raise(policy.division_problem(field.data))

    def validate_registered_on(self, field: Any) -> None:
        if field.data:
            _raise(policy.registered_on_problem(field.data, "registered"))


class ConfirmForm(Form):
    evidence = StringField(_l("What it was compared with"), validators=[MaxLength(200)])


class ContactForm(Form):
    """What an organization keeps up to date by itself."""

    address = StringField(_l("Address"), validators=[MaxLength(200)])
    phone = StringField(_l("Telephone"), validators=[MaxLength(20)])
