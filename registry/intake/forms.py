"""Uploading a list."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from core.web.forms import ChoiceField, Form, Required


class ImportForm(Form):
    file = FileField(_l("Table (XLSX or CSV)"), validators=[FileRequired(_l("Choose a file."))])
    agency = ChoiceField(_l("Brought in for"), validators=[Required()])
