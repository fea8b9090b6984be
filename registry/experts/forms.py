"""Forms of the pool of experts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import ValidationError

from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, NotBefore, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.experts.models import CONDUCT
from registry.organizations.forms import ChecksField, OrganizationField
from registry.organizations.models import FIELDS


class FilterForm(Form):
    """Filters of the pool; a value that is not offered filters nothing."""

    q = StringField(_l("Name or employer"))
    field = ChoiceField(_l("Field of knowledge"), default="")
    state = ChoiceField(_l("In the draw"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.field.choices = [("", gettext("all")), *((name, say(label)) for name, label in FIELDS.items())]
        self.state.choices = [
            ("", gettext("all")),
            ("active", gettext("in the draw")),
            ("resting", gettext("not in the draw")),
            ("proposed", gettext("waiting for a second person")),
            ("expiring", gettext("admission ends within 60 days")),
        ]


class KnowledgeForm(Form):
    """What the draw goes by."""

    fields = ChecksField(_l("Fields of knowledge"))
    employer = OrganizationField(_l("Employer"), validators=[Required(), MaxLength(120)])
    professional_title = StringField(_l("Professional title"), validators=[MaxLength(60)])
    regions = StringField(
        _l("Regions served"),
        validators=[MaxLength(200)],
        description=_l("Division codes with blanks between, such as 150602 150621. Empty: everywhere."),
    )
    most_panels = IntegerField(
        _l("Panels in a year, at most"),
        validators=[Between(1, 200)],
        description=_l("Empty: as the rule for experts says."),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields.choices = [(name, say(label)) for name, label in FIELDS.items()]

    def process(self, *args: Any, **kwargs: Any) -> None:
        super().process(*args, **kwargs)
        # An empty number is no error: the rule's own limit holds.
        if self.most_panels.raw_data == [""]:
            self.most_panels.process_errors = []

    def codes(self) -> list[str]:
        return (
            re.split(r"[\s,，、;；]+", self.regions.data.strip()) if (self.regions.data or "").strip() else []
        )

    def validate_fields(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one field of knowledge: the draw goes by it."))


class ExpertForm(KnowledgeForm):
    agency = ChoiceField(_l("Pool of"), validators=[Required()])
    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[Required(), MaxLength(20)])
    title = StringField(_l("Position"), validators=[MaxLength(60)])
    insider = BooleanField(_l("Works for the unit whose pool this is"))

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]


class AdmissionForm(Form):
    valid_to = DayField(_l("Admitted until"), validators=[Required()])


class AbsenceForm(Form):
    starts_on = DayField(_l("First day away"), validators=[Required()])
    ends_on = DayField(_l("Last day away"), validators=[Required(), NotBefore("starts_on")])
    reason = StringField(_l("Reason"), validators=[MaxLength(120)])


class ConductForm(Form):
    kind = ChoiceField(_l("What it was"), validators=[Required()])
    note = StringField(_l("What happened exactly"), validators=[Required(), MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = [(name, say(label)) for name, label in CONDUCT.items()]


class ActivityForm(Form):
    reason = StringField(_l("Reason"), validators=[Required(), MaxLength(200)])
