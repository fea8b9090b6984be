"""Choosing what goes to whom."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from app.handover.queries import Work
from core.web.forms import ChoiceField, Form, Required
from core.web.words import say


class HandoverForm(Form):
    work = SelectMultipleField(
        _l("Open work"),
        validators=[Required()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    successor = ChoiceField(_l("Goes to"), validators=[Required()])

    def __init__(self, work: list[Work], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.work.choices = [(item.key, f"{say(item.named.label)} {item.named.title}") for item in work]
        people = {person.id: person.name for item in work for person in item.colleagues}
        self.successor.choices = [("", "—")] + [(str(key), name) for key, name in sorted(people.items())]
