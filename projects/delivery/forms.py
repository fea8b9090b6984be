"""The form of a service record, made for a phone."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import Between, DayField, Form, MaxLength, Required

_l = lazy_gettext


class CountField(IntegerField):
    """A whole number, told in our words when it is none."""

    def process_formdata(self, valuelist: Any) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(gettext("Write a whole number.")) from error


class RecordForm(Form):
    title = StringField(_l("Activity"), validators=[Required(), MaxLength(120)])
    held_on = DayField(_l("Day"), validators=[Required()], default=clock.today)
    place = StringField(_l("Place"), validators=[Required(), MaxLength(160)])
    persons = CountField(_l("Persons who came"), validators=[Required(), Between(0, 100_000)])
    person_times = CountField(_l("Person-times"), validators=[Required(), Between(0, 1_000_000)])
    volunteers = CountField(_l("Volunteers"), default=0, validators=[Between(0, 10_000)])
    account = TextAreaField(_l("What was done"), validators=[MaxLength(4000)])
    photo = FileField(_l("Photo"))
    shows_sign = BooleanField(_l("The photo shows the sign of the lottery"))

    def validate_shows_sign(self, field: Any) -> None:
        if field.data and not (self.photo.data and self.photo.data.filename):
            raise ValidationError(gettext("Add the photo that shows the sign."))

    def validate_person_times(self, field: Any) -> None:
        if field.data is not None and self.persons.data is not None and field.data < self.persons.data:
            raise ValidationError(gettext("Not fewer than the persons: each of them came at least once."))
