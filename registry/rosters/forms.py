"""Uploading a list of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from core.web.forms import ChoiceField, Form, Required
from registry.agencies.models import Agency


class RosterForm(Form):
    file = FileField(_l("Table (XLSX or CSV)"), validators=[FileRequired(_l("Choose a file."))])
    agency = ChoiceField(_l("Brought in for"), validators=[Required()])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
