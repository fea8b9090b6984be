"""Forms of pairs and joins."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength, Required
from registry.organizations.forms import OrganizationField
from registry.organizations.models import Organization


class NoteForm(Form):
    note = TextAreaField(_l("Reason"), validators=[MaxLength(400)])


class MergeForm(Form):
    keep = ChoiceField(_l("Entry that stays"), validators=[Required()])
    reason = TextAreaField(_l("Why the two entries are one body"), validators=[Required(), MaxLength(400)])

    def __init__(self, first: Organization, second: Organization, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep.choices = [
            (str(item.id), f"{item.name} {item.credit_code or ''} #{item.id}") for item in (first, second)
        ]


class OtherForm(Form):
    """Any two entries can be compared, also with names that are not alike."""

    other = OrganizationField(
        _l("Other entry"),
        validators=[Required(), MaxLength(120)],
        description=_l("Full name, credit code or number of the entry."),
    )
