"""Forms of incubation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from core import clock
from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, MoneyField, Required
from registry.agencies.models import Agency
from registry.incubation.models import LEVELS, OUTCOMES, SERVICES, SLOTS, TERMS, USES, Incubator
from registry.organizations.forms import ChecksField, OrganizationField, WholeNumberField, choices


class FilterForm(Form):
    """Filters of the list; a value that is not offered filters nothing."""

    q = StringField(_l("Name of the place"))
    level = ChoiceField(_l("Level"), default="")
    use = ChoiceField(_l("Use"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.level.choices = [("", gettext("all levels")), *choices(LEVELS)]
        self.use.choices = [("", gettext("all uses")), *choices(USES)]


class EditPlaceForm(Form):
    name = StringField(_l("Name of the place"), validators=[Required(), MaxLength(120)])
    address = StringField(_l("Address"), validators=[MaxLength(200)])
    area = WholeNumberField(_l("Area in square metres"), validators=[Optional(), Between(1, 1_000_000)])
    uses = ChecksField(_l("What the site is used for"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.uses.choices = choices(USES)

    def validate_uses(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Say what the site is used for: at least one use."))


class OpenPlaceForm(EditPlaceForm):
    agency = ChoiceField(_l("Kept by"), validators=[Required()])
    level = ChoiceField(_l("Level"), validators=[Required()])
    parent = ChoiceField(_l("Guided by"), default="")
    division_code = StringField(_l("Division code"), validators=[Required(), MaxLength(12)])
    opened_on = DayField(_l("Opened on"), validators=[Required()])

    def __init__(self, agencies: Sequence[Agency], above: Sequence[Incubator], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.level.choices = choices(LEVELS)
        self.parent.choices = [
            ("", gettext("no place above it")),
            *((str(row.id), row.name) for row in above),
        ]


class CloseForm(Form):
    reason = TextAreaField(_l("Why the place closes"), validators=[Required(), MaxLength(1000)])


class OperatorForm(Form):
    organization = OrganizationField(_l("Operator"), validators=[Required(), MaxLength(120)])
    since = DayField(_l("Since"), validators=[Required()], default=clock.today)
    contract = StringField(_l("Contract or decision"), validators=[MaxLength(120)])


class AdmitForm(Form):
    organization = OrganizationField(_l("Organization"), validators=[Required(), MaxLength(120)])
    since = DayField(_l("Entry on"), validators=[Required()], default=clock.today)
    note = TextAreaField(_l("Note"), validators=[MaxLength(1000)])


class LeaveForm(Form):
    outcome = ChoiceField(_l("How it leaves"), validators=[Required()])
    until = DayField(_l("Leaves on"), validators=[Required()], default=clock.today)
    note = TextAreaField(_l("Note"), validators=[MaxLength(1000)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = choices(OUTCOMES)


class ServiceForm(Form):
    kind = ChoiceField(_l("Kind of service"), validators=[Required()])
    title = StringField(_l("What was done"), validators=[Required(), MaxLength(120)])
    organization = OrganizationField(_l("For the organization"), validators=[MaxLength(120)])
    recipient = StringField(_l("Or for others, by name"), validators=[MaxLength(120)])
    served_on = DayField(_l("Done on"), validators=[Required()], default=clock.today)
    minutes = WholeNumberField(_l("Minutes"), validators=[Required(), Between(1, 100_000)])
    people = WholeNumberField(_l("People reached"), default=1, validators=[Required(), Between(1, 100_000)])
    account = TextAreaField(_l("How it went"), validators=[MaxLength(4000)])
    file = FileField(_l("Proof"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(SERVICES)


class StrikeForm(Form):
    why = TextAreaField(_l("What is wrong with the line"), validators=[Required(), MaxLength(1000)])


class LedgerFilterForm(Form):
    q = StringField(_l("Name or credit code"))
    kind = ChoiceField(_l("Kind of service"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", gettext("all kinds")), *choices(SERVICES)]


class SpaceForm(Form):
    name = StringField(_l("Name of the space"), validators=[Required(), MaxLength(120)])
    seats = WholeNumberField(_l("Seats"), validators=[Required(), Between(1, 100_000)])
    terms = ChoiceField(_l("Terms of use"), validators=[Required()])
    price = MoneyField(_l("Price for half a day"))
    equipment = StringField(_l("Equipment"), validators=[MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.terms.choices = choices(TERMS)

    def validate_price(self, field: Any) -> None:
        if not field.errors and (self.terms.data == "reduced") != (field.data is not None):
            raise ValidationError(gettext("A reduced price is an amount above zero; what is free has none."))


class BookForm(Form):
    organization = OrganizationField(_l("Organization"), validators=[Required(), MaxLength(120)])
    day = DayField(_l("Day"), validators=[Required()], default=clock.today)
    slot = ChoiceField(_l("Time"), validators=[Required()])
    purpose = StringField(_l("What it is for"), validators=[Required(), MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slot.choices = choices(SLOTS)


class TargetForm(Form):
    agency = ChoiceField(_l("Unit"), validators=[Required()])
    year = WholeNumberField(_l("Year"), validators=[Required(), Between(2000, 2100)])
    stations = WholeNumberField(
        _l("Townships that shall have a station"), validators=[Required(), Between(1, 10_000)]
    )
    source = StringField(_l("Document that says so"), validators=[Required(), MaxLength(200)])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
