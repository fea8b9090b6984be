"""Forms of interests: by organization, and by the person who declares."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, NotBefore, Required
from core.web.words import say
from registry.interests.models import KINDS, RELATIONS
from registry.organizations.forms import OrganizationField


class InterestForm(Form):
    """What is asked about a tie, whoever writes it down."""

    kind = ChoiceField(_l("Kind of tie"), validators=[Required()])
    position = StringField(_l("Position"), validators=[MaxLength(60)])
    since = DayField(_l("Since"), validators=[Required()])
    until = DayField(_l("Until"), validators=[NotBefore("since")])
    note = StringField(_l("What exactly"), validators=[MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = [(name, say(label)) for name, label in KINDS.items()]


class PersonInterestForm(InterestForm):
    """On an organization's page: whose tie it is."""

    person = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[MaxLength(20)])


class OrganizationInterestForm(InterestForm):
    """On a person's page: which organization it is."""

    organization = OrganizationField(
        _l("Name or credit code of the organization"), validators=[Required(), MaxLength(120)]
    )


class EndForm(Form):
    until = DayField(_l("Last day"), validators=[Required()])


class WorkForm(Form):
    """A stretch of a person's working life."""

    employer = OrganizationField(
        _l("Employer"),
        validators=[Required(), MaxLength(120)],
        description=_l(
            "An organization of the register by its exact name or credit code counts for recusal."
        ),
    )
    position = StringField(_l("Position"), validators=[MaxLength(60)])
    since = DayField(_l("Since"), validators=[Required()])
    until = DayField(_l("Until"), validators=[NotBefore("since")], description=_l("Empty while it lasts."))


class KinForm(Form):
    name = StringField(_l("Name of the relative"), validators=[Required(), MaxLength(60)])
    phone = StringField(
        _l("Mobile number of the relative"),
        validators=[MaxLength(20)],
        description=_l("Name and number together find a person who is already known."),
    )
    relation = ChoiceField(_l("The relative is this person's"), validators=[Required()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.relation.choices = [(name, say(label)) for name, label in RELATIONS.items()]


class CheckForm(Form):
    organization = OrganizationField(
        _l("Name or credit code of the organization"), validators=[Required(), MaxLength(120)]
    )
    on = DayField(_l("On the day"), validators=[Required()])
