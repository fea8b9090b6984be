"""Forms of the workforce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, TextAreaField

from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, NotBefore, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.forms import ChecksField, OrganizationField
from registry.workforce.models import LEVELS, SKILLS, TRAINING_KINDS
from registry.workforce.rules import STARS


def _choices(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, say(label)) for name, label in words.items()]


class WorkersFilter(Form):
    q = StringField(_l("Name or organization"))
    level = ChoiceField(_l("Level"), default="")
    state = ChoiceField(_l("Certificate"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.level.choices = [("", gettext("all")), *_choices(LEVELS), ("none", gettext("no certificate"))]
        self.state.choices = [
            ("", gettext("all")),
            ("ending", gettext("ends within 60 days")),
            ("ended", gettext("has ended")),
        ]


class VolunteersFilter(Form):
    q = StringField(_l("Name or organization"))
    skill = ChoiceField(_l("Skill"), default="")
    state = ChoiceField(_l("State"), default="")
    stars = ChoiceField(_l("Stars"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stars.choices = [("", gettext("all")), *((str(count), str(count)) for count in range(STARS + 1))]
        self.skill.choices = [("", gettext("all")), *_choices(SKILLS)]
        self.state.choices = [
            ("", gettext("all")),
            ("active", gettext("with consent")),
            ("waiting", gettext("consent is missing")),
            ("left", gettext("has left")),
        ]


class _PersonForm(Form):
    """Who it is, and at which unit and organization."""

    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[Required(), MaxLength(20)])
    number = StringField(
        _l("Identity number"),
        validators=[MaxLength(40)],
        description=_l("May stay empty. It finds a person who is already known, and is kept encrypted."),
    )
    agency = ChoiceField(_l("Kept by"), validators=[Required()])
    organization = OrganizationField(
        _l("Name or credit code of the organization"),
        validators=[MaxLength(120)],
        description=_l("Exactly as on the certificate. Empty: none."),
    )

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]


class WorkerForm(_PersonForm):
    post = StringField(_l("Post"), validators=[MaxLength(60)])
    full_time = BooleanField(_l("Full time"), default=True)
    since = DayField(_l("Since"), validators=[Required()])


class CertificateForm(Form):
    level = ChoiceField(_l("Level"), validators=[Required()])
    number = StringField(_l("Number of the certificate"), validators=[Required(), MaxLength(40)])
    issued_on = DayField(_l("Issued on"), validators=[Required()])
    valid_to = DayField(
        _l("Registration ends on"), validators=[Required(), NotBefore("issued_on")],
        description=_l("A registration lasts three years."),
    )  # fmt: skip

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.level.choices = _choices(LEVELS)


class RenewalForm(Form):
    valid_to = DayField(_l("Registration ends on"), validators=[Required()])


class LeaveForm(Form):
    on = DayField(_l("Last day"), validators=[Required()])


class VolunteerForm(_PersonForm):
    born_on = DayField(
        _l("Born on"), description=_l("Where no identity number is given. A minor needs the consent of a guardian.")
    )  # fmt: skip
    skills = ChecksField(_l("Skills"))
    consented_on = DayField(_l("Consent given on"))
    consent_form = StringField(
        _l("Which paper or page holds the consent"),
        validators=[MaxLength(120)],
        description=_l("Without consent no hours are written down."),
    )

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(agencies, **kwargs)
        self.skills.choices = _choices(SKILLS)


class ConsentForm(Form):
    on = DayField(_l("Consent given on"), validators=[Required()])
    paper = StringField(_l("Which paper or page holds the consent"), validators=[Required(), MaxLength(120)])


class GuardianForm(Form):
    name = StringField(_l("Name of the guardian"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number of the guardian"), validators=[Required(), MaxLength(20)])
    on = DayField(_l("Consent given on"), validators=[Required()])


class CoverForm(Form):
    insurer = StringField(_l("Insurer"), validators=[Required(), MaxLength(60)])
    number = StringField(_l("Number of the policy"), validators=[Required(), MaxLength(40)])
    valid_from = DayField(_l("Valid from"), validators=[Required()])
    valid_to = DayField(_l("Valid to"), validators=[Required(), NotBefore("valid_from")])


class HoursForm(Form):
    on = DayField(_l("Day"), validators=[Required()])
    minutes = IntegerField(_l("Minutes given"), validators=[Required(), Between(1, 1440)])
    activity = StringField(_l("What was done"), validators=[Required(), MaxLength(120)])
    dangerous = BooleanField(_l("The work may be dangerous"))


class TrainingForm(Form):
    agency = ChoiceField(_l("Held by"), validators=[Required()])
    title = StringField(_l("Title"), validators=[Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind of training"), validators=[Required()])
    held_on = DayField(_l("Day"), validators=[Required()])
    hours = IntegerField(_l("Hours"), validators=[Required(), Between(1, 200)])
    place = StringField(_l("Place"), validators=[MaxLength(120)])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.kind.choices = _choices(TRAINING_KINDS)


class TrainingsFilter(Form):
    year = StringField(_l("Year"), validators=[MaxLength(4)])
    kind = ChoiceField(_l("Kind of training"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", gettext("all")), *_choices(TRAINING_KINDS)]


class PlanForm(Form):
    agency = ChoiceField(_l("Held by"), validators=[Required()])
    year = IntegerField(_l("Year"), validators=[Required(), Between(2000, 2100)])
    kind = ChoiceField(_l("Kind of training"), validators=[Required()])
    trainings = IntegerField(_l("Trainings"), validators=[Required(), Between(1, 1000)])
    hours = IntegerField(_l("Hours in all"), validators=[Required(), Between(1, 10_000)])
    persons = IntegerField(_l("Persons to be reached"), validators=[Required(), Between(1, 1_000_000)])
    document = StringField(_l("Document that holds the plan"), validators=[Required(), MaxLength(200)])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.kind.choices = _choices(TRAINING_KINDS)


class InviteForm(Form):
    names = TextAreaField(
        _l("Names"),
        validators=[Required(), MaxLength(4000)],
        description=_l("One name a line: social workers, volunteers and other persons known to your unit."),
    )
