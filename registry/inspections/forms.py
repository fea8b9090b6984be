"""The filters of the annual inspections."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from core.web.forms import ChoiceField, Form
from core.web.words import say
from registry.inspections.queries import years
from registry.inspections.reports import WORDS


class InspectionsFilter(Form):
    q = StringField(_l("Name or credit code"))
    year = ChoiceField(_l("Year inspected"), default="")
    result = ChoiceField(_l("Result"), default="")
    silent = ChoiceField(_l("Two years in a row"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.year.choices = [(str(year), str(year)) for year in years()]
        self.result.choices = [("", gettext("all")), *((name, say(word)) for name, word in WORDS.items())]
        self.silent.choices = [("", gettext("all")), ("yes", gettext("without an inspection"))]
