"""Forms of reported changes."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField

from core import clock
from core.web.forms import Between, DayField, Form, MaxLength, NotBefore, Required
from registry.organizations.forms import ChecksField, WholeNumberField, choices
from registry.organizations.models import FIELDS

PEOPLE = Between(0, 1_000_000)


class UpdateForm(Form):
    """What an organization may report; only what differs from the entry is sent."""

    name = StringField(_l("Full name"), validators=[Required(), MaxLength(120)])
    leader = StringField(_l("Legal representative"), validators=[MaxLength(60)])
    leader_phone = StringField(_l("Telephone of the legal representative"), validators=[MaxLength(20)])
    business_scope = TextAreaField(_l("Business scope"), validators=[MaxLength(4000)])
    fields = ChecksField(_l("Fields of work"))
    certificate_from = DayField(_l("Certificate valid from"))
    certificate_to = DayField(_l("Certificate valid to"), validators=[NotBefore("certificate_from")])
    charter_on = DayField(_l("Charter approved on"))
    activity_area = StringField(_l("Area of activity"), validators=[MaxLength(120)])
    member_count = WholeNumberField(_l("Members"), validators=[PEOPLE])
    local_contact = StringField(_l("Contact at this place"), validators=[MaxLength(60)])
    local_phone = StringField(_l("Telephone of the contact"), validators=[MaxLength(20)])
    staff_year = WholeNumberField(
        _l("Year of the numbers below"), validators=[Required(), Between(1990, 2100)]
    )
    full_time = WholeNumberField(_l("Full-time employees"), validators=[PEOPLE])
    part_time = WholeNumberField(_l("Part-time employees"), validators=[PEOPLE])
    social_workers = WholeNumberField(_l("of these certified social workers"), validators=[PEOPLE])
    volunteers = WholeNumberField(_l("Registered volunteers"), validators=[PEOPLE])
    new_jobs = WholeNumberField(_l("Jobs newly offered"), validators=[PEOPLE])
    evidence = StringField(_l("Evidence of the change"), validators=[MaxLength(200)])
    file = FileField(_l("The evidence as a file"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields.choices = choices(FIELDS)

    def validate_staff_year(self, field: Any) -> None:
        if not field.errors and field.data and field.data > clock.today().year:
            field.data = clock.today().year

    def typed(self) -> dict[str, Any]:
        """The values as plain JSON, by field."""
        values: dict[str, Any] = {}
        for item in self:
            if item.name not in ("evidence", "file"):
                value = item.data
                value = value.strip() if isinstance(value, str) else value
                values[item.name] = value.isoformat() if hasattr(value, "isoformat") else value
        return values


class AnswerForm(Form):
    answer = TextAreaField(_l("Answer to the organization"), validators=[MaxLength(500)])
