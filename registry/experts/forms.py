"""Forms of the pool of experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import ValidationError

from core.web.forms import ChoiceField, Form, MaxLength, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.forms import ChecksField
from registry.organizations.models import FIELDS


class FilterForm(Form):
    """Filters of the pool; a value that is not offered filters nothing."""

    q = StringField(_l("Name or employer"))
    state = ChoiceField(_l("In the draw"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state.choices = [
            ("", gettext("all")),
            ("active", gettext("in the draw")),
            ("resting", gettext("not in the draw")),
        ]


class ExpertForm(Form):
    agency = ChoiceField(_l("Pool of"), validators=[Required()])
    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[Required(), MaxLength(20)])
    title = StringField(_l("Position"), validators=[MaxLength(60)])
    fields = ChecksField(_l("Fields of knowledge"))
    employer = StringField(_l("Employer"), validators=[Required(), MaxLength(120)])
    insider = BooleanField(_l("Works for the unit whose pool this is"))

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.fields.choices = [(name, say(label)) for name, label in FIELDS.items()]

    def validate_fields(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one field of knowledge: the draw goes by it."))


class ActivityForm(Form):
    reason = StringField(_l("Reason"), validators=[Required(), MaxLength(200)])
