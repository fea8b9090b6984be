"""The one box and the filters of the register."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField

from core.web.forms import ChoiceField, Form, MaxLength
from core.web.words import say
from registry.directory.rules import FACETS, HEADS

# What the page offers while somebody types: components of the page name the same list.
_SUGGESTING = {"list": "divisions", "autocomplete": "off"}


class FilterForm(Form):
    """A value that is not offered filters nothing; a division that nobody knows is told at its box."""

    q = StringField(_l("Name, pinyin initials or part of a code"))
    division = StringField(_l("Division and below"), render_kw=_SUGGESTING)
    kind = ChoiceField(_l("Kind"), default="")
    # "class" is no name for an attribute.
    register_class = ChoiceField(_l("Registration"), default="", name="class")
    status = ChoiceField(_l("Standing"), default="")
    field = ChoiceField(_l("Field of work"), default="")
    grade = ChoiceField(_l("Grade"), default="")
    list = ChoiceField(_l("Credit list"), default="")
    party = ChoiceField(_l("Party organization"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in FACETS.items():
            self["register_class" if name == "class" else name].choices = [
                ("", gettext("any")),
                *((value, say(label)) for value, label in words.items()),
            ]


class CoverageForm(Form):
    """Which division, and by what its organizations are counted."""

    division = StringField(_l("Division"), render_kw=_SUGGESTING)
    by = ChoiceField(_l("Counted by"), default="class")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by.choices = [(name, say(label)) for name, label in HEADS.items()]


class VerifyForm(Form):
    """What the entries were compared with, and that they were."""

    evidence = StringField(_l("Compared with"), validators=[MaxLength(200)])
    compared = BooleanField(_l("I compared each of these entries, and it is right as of today"))
