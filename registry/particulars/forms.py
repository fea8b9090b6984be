"""Forms of what an organization holds and does beside its entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, MoneyField, NotBefore, Required
from registry.agencies.models import Agency
from registry.organizations.forms import WholeNumberField, choices
from registry.organizations.models import DETACHMENTS, FOUNDINGS, TAGS
from registry.particulars.models import DEPARTMENT_ROLES, HONOURS, LEVELS, QUALIFICATIONS

PEOPLE = Between(0, 1_000_000)


class ProfileForm(Form):
    """The fields of all three registers; :data:`FIELDS_OF` says which of them a class is asked for."""

    capital = MoneyField(_l("Registration capital"))
    certificate_from = DayField(_l("Certificate valid from"))
    certificate_to = DayField(_l("Certificate valid to"), validators=[NotBefore("certificate_from")])
    charter_on = DayField(_l("Charter approved on"))
    supervising_unit = StringField(_l("Supervising unit"), validators=[MaxLength(120)])
    filed_on = DayField(_l("Filed on"))
    filing_number = StringField(_l("Number of the filing"), validators=[MaxLength(60)])
    activity_area = StringField(_l("Area of activity"), validators=[MaxLength(120)])
    member_count = WholeNumberField(_l("Members"), validators=[PEOPLE])
    founding = ChoiceField(_l("How it was founded"), default="")
    home_authority = StringField(_l("Registry at home"), validators=[MaxLength(120)])
    active_since = DayField(_l("At work here since"))
    local_contact = StringField(_l("Contact at this place"), validators=[MaxLength(60)])
    local_phone = StringField(_l("Telephone of the contact"), validators=[MaxLength(20)])
    detachment = ChoiceField(_l("Detachment from government"), default="none")
    former_unit = StringField(_l("Unit it was tied to"), validators=[MaxLength(120)])
    detachment_began_on = DayField(_l("Detachment began on"))
    detached_on = DayField(_l("Detached on"), validators=[NotBefore("detachment_began_on")])
    detachment_document = StringField(_l("Document of the detachment"), validators=[MaxLength(60)])
    evidence = StringField(_l("Evidence of the change"), validators=[MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.detachment.choices = choices(DETACHMENTS)
        self.founding.choices = [("", gettext("not known")), *choices(FOUNDINGS)]


DETACHED = ("detachment", "former_unit", "detachment_began_on", "detached_on", "detachment_document")
FIELDS_OF = {
    "registered": (
        "capital", "certificate_from", "certificate_to", "charter_on", "supervising_unit", "activity_area",
        "member_count", *DETACHED,
    ),
    "filed": ("filed_on", "filing_number", "activity_area", "member_count", "founding"),
    "outside": (
        "home_authority", "active_since", "local_contact", "local_phone", "capital", "certificate_from",
        "certificate_to", "charter_on", "supervising_unit",
    ),
}  # fmt: skip


class TagForm(Form):
    tag = ChoiceField(_l("Recognized as"), validators=[Required()])
    since = DayField(_l("Since"), validators=[Required()])
    document = StringField(_l("Document"), validators=[MaxLength(120)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tag.choices = choices(TAGS)


class EndForm(Form):
    until = DayField(_l("Last day"), validators=[Required()])


class QualificationForm(Form):
    kind = ChoiceField(_l("Status or qualification"), validators=[Required()])
    valid_from = DayField(_l("Valid from"), validators=[Required()])
    valid_to = DayField(
        _l("Valid to"), validators=[NotBefore("valid_from")], description=_l("Empty where it has no end.")
    )
    issued_by = StringField(_l("Given by"), validators=[MaxLength(120)])
    document = StringField(_l("Document"), validators=[MaxLength(120)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(QUALIFICATIONS)


class FilingForm(Form):
    number = StringField(
        _l("Number of the plan"),
        validators=[Required(), MaxLength(40)],
        description=_l("The credit code, the letter A, two digits of the year and a serial."),
    )
    title = StringField(_l("Name of the plan"), validators=[Required(), MaxLength(160)])
    starts_on = DayField(_l("First day"), validators=[Required()])
    ends_on = DayField(_l("Last day"), validators=[Required(), NotBefore("starts_on")])
    target = MoneyField(_l("Target"))


class FundForm(Form):
    name = StringField(_l("Name of the fund"), validators=[Required(), MaxLength(120)])
    division_code = StringField(
        _l("Community"),
        validators=[Required(), MaxLength(12)],
        description=_l("Division code, 9 digits for a township, 12 for a community."),
    )
    purpose = TextAreaField(_l("Purpose"), validators=[Required(), MaxLength(1000)])
    set_up_on = DayField(_l("Set up on"), validators=[Required()])


class HonourForm(Form):
    kind = ChoiceField(_l("Kind"), validators=[Required()])
    title = StringField(_l("Brand or award"), validators=[Required(), MaxLength(160)])
    level = ChoiceField(_l("Level"), validators=[Required()])
    given_by = StringField(_l("Given by"), validators=[Required(), MaxLength(120)])
    given_on = DayField(_l("Given on"), validators=[Required()])
    valid_to = DayField(
        _l("Valid to"), validators=[NotBefore("given_on")], description=_l("Empty where it has no end.")
    )
    document = StringField(_l("Document"), validators=[MaxLength(120)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(HONOURS)
        self.level.choices = choices(LEVELS)


class RevocationForm(Form):
    revoked_on = DayField(_l("Taken back on"), validators=[Required()])
    reason = StringField(
        _l("Who took it back and why"),
        validators=[Required(), MaxLength(200)],
        description=_l("It stays in the register with this reason and counts in no call any more."),
    )


class StaffForm(Form):
    year = WholeNumberField(_l("Year"), validators=[Required(), Between(1990, 2100)])
    full_time = WholeNumberField(_l("Full-time employees"), validators=[Required(), PEOPLE])
    part_time = WholeNumberField(_l("Part-time employees"), validators=[Required(), PEOPLE])
    social_workers = WholeNumberField(
        _l("of these certified social workers"), validators=[Required(), PEOPLE]
    )
    volunteers = WholeNumberField(_l("Registered volunteers"), validators=[Required(), PEOPLE])
    new_jobs = WholeNumberField(_l("Jobs newly offered"), validators=[Required(), PEOPLE])


class DepartmentForm(Form):
    role = ChoiceField(_l("What the department does"), validators=[Required()])
    unit = ChoiceField(_l("Unit"), default="")
    unit_name = StringField(_l("Name of a unit that is not listed"), validators=[MaxLength(120)])
    since = DayField(_l("Since"), validators=[Required()])

    def __init__(self, units: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = choices(DEPARTMENT_ROLES)
        self.unit.choices = [
            ("", gettext("a unit that is not listed")),
            *((str(unit.id), unit.name) for unit in units),
        ]
