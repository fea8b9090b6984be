"""Form pieces every room uses: money, days, strict choices and files on top of WTForms."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import abort, request
from flask_babel import gettext
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import DateField, Field, FileField, MultipleFileField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import DateTimeLocalInput

from core import clock
from core.access.policy import Refusal
from core.money import Money, MoneyError
from core.text import N_, Message

_WORDS = {
    "Not a valid choice.": N_("Choose one of the offered values."),
    "Not a valid integer value.": N_("Write a whole number."),
    "Not a valid decimal value.": N_("Write a number."),
}


class _OwnWords:
    """WTForms' own complaints in the words of this product, in the reader's language."""

    def gettext(self, message: str) -> str:
        return gettext(_WORDS.get(message, N_("This value cannot be used.")))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular)


class Form(FlaskForm):
    """Base of all forms; messages come from our own catalogue."""

    class Meta:
        csrf = False  # checked once for the whole application, see app.factory

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """What was sent; a file counts where the form asks for one, never in the place of a text."""
            if formdata is not _Auto or request.method not in ("POST", "PUT", "PATCH", "DELETE"):
                return None if formdata is _Auto else formdata
            if not request.files:
                return request.form
            asked = {
                form._prefix + name
                for name, field in form._unbound_fields or ()
                if issubclass(field.field_class, FileField | MultipleFileField)
            }
            files = MultiDict((name, file) for name, file in request.files.items(multi=True) if name in asked)
            return CombinedMultiDict((files, request.form))

        def get_translations(self, form: Any) -> Any:
            return _OwnWords()


class MoneyField(StringField):
    """An amount in 元 as people type it; ``data`` is ``Money`` or ``None``."""

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return self.data.plain() if isinstance(self.data, Money) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = Money.parse(valuelist[0])
        except MoneyError as error:
            raise ValueError(
                gettext("Write the amount in yuan with at most two decimals, for example 12,000.00.")
            ) from error


class DayField(DateField):
    """A day; also takes 2026年5月3日, 2026/5/3 and 2026.5.3."""

    data: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        formats = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]
        super().__init__(*args, format=formats, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            super().process_formdata([valuelist[0].strip()])
        except ValueError as error:
            raise ValueError(gettext("Write the day as year-month-day, for example 2026-05-13.")) from error
        if self.data is not None and not 1900 <= self.data.year <= 2100:
            self.data = None
            raise ValueError(gettext("The year must lie between 1900 and 2100."))


def asked_day(name: str) -> date | None:
    """The day that an address asks for, ``?name=2026-05-13``; ``None`` for none, 404 for what is no day."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        abort(404)
    return day if 1995 <= day.year <= 2100 else abort(404)


def sent_day(name: str) -> date | None:
    """The day that a small form sends beside its button; ``None`` for none. Raises :class:`Refusal` for what is no day."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(Message(N_("Write the day as year-month-day, for example 2026-05-13."))) from error


class MomentField(Field):
    """A wall time in Asia/Shanghai (``datetime-local``); ``data`` is an aware instant in UTC."""

    data: Any
    widget = DateTimeLocalInput()

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return clock.local(self.data).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        for pattern in ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"):
            try:
                wall = datetime.strptime(valuelist[0].strip(), pattern)  # noqa: DTZ007 - a wall time, placed below
            except ValueError:
                continue
            if 1900 <= wall.year <= 2100:
                self.data = clock.at_local(wall.date(), wall.hour, wall.minute)
                return
        raise ValueError(
            gettext("Write the moment as year-month-day hour:minute, for example 2026-05-13 17:30.")
        )


def _as_choices(offered: Any) -> Any:
    """Pairs as WTForms wants them from now on; anything else as it is."""
    if isinstance(offered, (list, tuple)):
        return [SelectChoice(*item) if isinstance(item, tuple) else item for item in offered]
    return offered


class ChoiceField(SelectField):
    """A choice among the offered values, given as (value, label); anything else is told in our words."""

    def __init__(self, *args: Any, choices: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, choices=_as_choices(choices), **kwargs)

    @property
    def choices(self) -> Any:
        return self._choices

    @choices.setter
    def choices(self, offered: Any) -> None:
        self._choices = _as_choices(offered)

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except (ValidationError, ValueError, TypeError) as error:
            raise ValidationError(gettext("Choose one of the offered values.")) from error


class Required:
    """The field must be filled in; zero and “no” count as filled in."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        if field.errors:
            return
        empty = field.data is None or (isinstance(field.data, str) and not field.data.strip())
        if empty:
            raise ValidationError(gettext("Fill in this field."))


class MaxLength:
    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, form: Any, field: Any) -> None:
        if field.data and len(field.data) > self.length:
            raise ValidationError(
                gettext(
                    "At most %(max)s characters; now there are %(now)s.", max=self.length, now=len(field.data)
                )
            )


class Between:
    """A number within bounds (both included)."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is not None and not self.low <= field.data <= self.high:
            raise ValidationError(gettext("A number from %(low)s to %(high)s.", low=self.low, high=self.high))


class Positive:
    """An amount above zero."""

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is not None and not field.errors and field.data <= Money(0):
            raise ValidationError(gettext("The amount must be above zero."))


class NotBefore:
    """A day not before another field's day."""

    def __init__(self, other: str) -> None:
        self.other = other

    def __call__(self, form: Any, field: Any) -> None:
        first: date | None = form[self.other].data
        if field.data and first and field.data < first:
            raise ValidationError(
                gettext("This day lies before “%(other)s”.", other=form[self.other].label.text)
            )
