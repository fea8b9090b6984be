"""The form of a new unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from core.web.forms import ChoiceField, Form, MaxLength, Required
from core.web.words import say
from registry.agencies.models import KINDS, Agency


class AgencyForm(Form):
    name = StringField(_l("Name of the unit"), validators=[Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind of unit"), validators=[Required()])
    parent = ChoiceField(_l("Unit above it"), validators=[Required()])
    division_code = StringField(_l("Division code"), validators=[Required(), MaxLength(12)])
    document_prefix = StringField(_l("Code words of its documents"), validators=[MaxLength(16)])

    def __init__(self, parents: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = [(name, say(label)) for name, label in KINDS.items()]
        self.parent.choices = [(str(unit.id), "\u3000" * unit.depth + unit.name) for unit in parents]
