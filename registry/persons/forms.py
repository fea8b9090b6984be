"""Forms of persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength, Required
from core.web.words import say
from registry.persons.models import SEXES, Person
from registry.persons.queries import parts


class FilterForm(Form):
    """Filters of the list; a value that is not offered filters nothing."""

    q = StringField(_l("Name"))
    part = ChoiceField(_l("Known as"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = [(part.name, say(part.label)) for part in parts() if part.people is not None]
        self.part.choices = [("", gettext("all")), *seen]


class PersonForm(Form):
    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[MaxLength(20)])
    title = StringField(_l("Position"), validators=[MaxLength(60)])
    sex = ChoiceField(_l("Sex"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sex.choices = [(name, say(label)) for name, label in SEXES.items()]


class IdentityForm(Form):
    number = StringField(
        _l("Identity number"),
        validators=[Required(), MaxLength(40)],
        description=_l("Eighteen characters, as on the card. It is kept encrypted and shown masked."),
    )


class ReasonForm(Form):
    reason = StringField(_l("Reason"), validators=[Required(), MaxLength(200)])


class WishForm(Form):
    """Why data are handed out or taken out."""

    reason = TextAreaField(
        _l("Who asked for it, and how"),
        validators=[Required(), MaxLength(200)],
        description=_l("For example: the person's letter of 2026-05-13. The trail keeps it."),
    )


class MergeForm(Form):
    given_up = ChoiceField(_l("The other entry, which is given up"), validators=[Required()])
    reason = StringField(
        _l("How you know that both are one human being"), validators=[Required(), MaxLength(200)]
    )

    def __init__(self, others: Sequence[Person], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.given_up.choices = [
            (str(item.id), " · ".join(word for word in (f"{item.name} (#{item.id})", item.phone, item.identity_masked) if word))
            for item in others
        ]  # fmt: skip
