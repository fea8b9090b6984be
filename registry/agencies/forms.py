"""The form of a new unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say
from registry.agencies.models import KINDS, Agency


class AgencyForm(Form):
    name = StringField(_l("Name of the unit"), validators=[Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind of unit"), validators=[Required()])
    parent = ChoiceField(_l("Unit above it"), validators=[Required()])
    division_code = StringField(_l("Division code"), validators=[Required(), MaxLength(12)])
    document_prefix = StringField(_l("Code words of its documents"), validators=[MaxLength(16)])
    valid_from = DayField(_l("Since"), description=_l("Empty: it has always been there."))

    def __init__(self, parents: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = [(name, say(label)) for name, label in KINDS.items()]
        self.parent.choices = [(str(unit.id), "\u3000" * unit.depth + unit.name) for unit in parents]


class TermForm(Form):
    """From a day on the unit has another name, division or place."""

    on = DayField(_l("From this day on"), validators=[Required()])
    name = StringField(_l("Name of the unit"), validators=[Required(), MaxLength(120)])
    division_code = StringField(_l("Division code"), validators=[Required(), MaxLength(12)])
    parent = ChoiceField(_l("Unit above it"))
    basis = StringField(_l("Document that made the change"), validators=[Required(), MaxLength(200)])

    def __init__(self, agency: Agency, parents: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        units = [
            (str(unit.id), "\u3000" * unit.depth + unit.name)
            for unit in parents
            if not unit.is_within(agency)
        ]
        self.parent.choices = units or [("", "—")]


class DissolveForm(Form):
    on = DayField(_l("First day of the successor"), validators=[Required()])
    successor = ChoiceField(_l("Successor"), validators=[Required()])
    basis = StringField(_l("Document that made the change"), validators=[Required(), MaxLength(200)])

    def __init__(self, agency: Agency, others: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.successor.choices = [(str(unit.id), unit.name) for unit in others if not unit.is_within(agency)]


class SectionForm(Form):
    name = StringField(_l("Name of the section"), validators=[Required(), MaxLength(60)])
    duty = StringField(_l("What it does"), validators=[MaxLength(200)])
    phone = StringField(_l("Telephone"), validators=[MaxLength(20)])
