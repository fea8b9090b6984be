"""The auditor's search."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import ValidationError

from app.trail.queries import KINDS
from core.web.forms import ChoiceField, DayField, Form, MaxLength, NotBefore
from core.web.words import say


class SearchForm(Form):
    actor = StringField(_l("Name or login of the person"), validators=[MaxLength(60)])
    kind = ChoiceField(_l("Kind of object"), default="")
    number = StringField(_l("Number of the object"), validators=[MaxLength(18)])
    event = ChoiceField(_l("Event"), default="")
    since = DayField(_l("From"))
    until = DayField(_l("Until"), validators=[NotBefore("since")])

    def __init__(self, *args: Any, events: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", say("all"))] + [(name, say(kind.label)) for name, kind in KINDS.items()]
        self.event.choices = [("", say("all"))] + [(name, say(words)) for name, words in events]

    def validate_number(self, field: Any) -> None:
        if field.data and not re.fullmatch(r"[0-9]{1,18}", field.data.strip()):
            raise ValidationError(gettext("A number: digits only."))

    def criteria(self) -> dict[str, Any]:
        """The arguments of ``queries.search`` for what was filled in."""
        number = (self.number.data or "").strip()
        return {
            "actor": self.actor.data or "",
            "object_type": self.kind.data or "",
            "object_id": int(number) if number else None,
            "event": self.event.data or "",
            "since": self.since.data,
            "until": self.until.data,
        }
