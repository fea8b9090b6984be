"""Forms of party organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.forms import OrganizationField, choices
from registry.party_orgs.models import CHECKS, MARKS, ORG_FORMS, ORG_KINDS, PAPERS


class OrgFilterForm(Form):
    """Filters of the list; a value that is not offered filters nothing."""

    q = StringField(_l("Name of the party organization"))
    kind = ChoiceField(_l("Kind"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", gettext("all kinds")), *choices(ORG_KINDS)]


class EditOrgForm(Form):
    name = StringField(_l("Name of the party organization"), validators=[Required(), MaxLength(120)])
    form = ChoiceField(_l("Form"), validators=[Required()])
    superior = StringField(_l("Superior party organization"), validators=[Required(), MaxLength(120)])
    secretary = StringField(_l("Secretary"), validators=[MaxLength(60)])
    secretary_phone = StringField(_l("Telephone of the secretary"), validators=[MaxLength(20)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form.choices = choices(ORG_FORMS)


class FoundOrgForm(EditOrgForm):
    agency = ChoiceField(_l("Kept by"), validators=[Required()])
    kind = ChoiceField(_l("Kind"), validators=[Required()])
    founded_on = DayField(_l("Founded on"), validators=[Required()])
    organization = OrganizationField(_l("Organization it covers"), validators=[MaxLength(120)])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.kind.choices = choices(ORG_KINDS)


class CoverForm(Form):
    organization = OrganizationField(_l("Organization it covers"), validators=[Required(), MaxLength(120)])
    since = DayField(_l("Since"), validators=[Required()], default=clock.today)


class EndOrgForm(Form):
    reason = TextAreaField(_l("Why it ends"), validators=[Required(), MaxLength(1000)])


class PaperForm(Form):
    kind = ChoiceField(_l("Paper"), validators=[Required()])
    dated_on = DayField(_l("Dated"), validators=[Required()], default=clock.today)
    file = FileField(_l("File"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(PAPERS)

    def validate_file(self, field: Any) -> None:
        if not (field.data and field.data.filename):
            raise ValidationError(gettext("Choose the file."))


class CheckForm(Form):
    """The day and the remark; the items of the checklist are added by :func:`check_form`."""

    assessed_on = DayField(_l("Assessed on"), validators=[Required()], default=clock.today)
    note = TextAreaField(_l("Remark"), validators=[MaxLength(2000)])


def check_form(scheme: str) -> Any:
    """The form of a checklist: for each item its mark, a note and its evidence."""
    parts: dict[str, Any] = {}
    for item, label in CHECKS[scheme].items():
        parts[f"mark_{item}"] = ChoiceField(_l(label), validators=[Required()])
        parts[f"note_{item}"] = StringField(_l("Note"), validators=[MaxLength(200)])
        parts[f"file_{item}"] = FileField(_l("Evidence"))
    made = type("Checklist", (CheckForm,), parts)()
    for item in CHECKS[scheme]:
        made[f"mark_{item}"].choices = [
            ("", gettext("choose")),
            *((str(mark), say(word)) for mark, word in MARKS[scheme].items()),
        ]
    return made
