"""Forms of the purchasing room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from core.web.forms import Form


class ImportForm(Form):
    file = FileField(_l("Purchase table (CSV or XLSX)"), validators=[FileRequired(_l("Choose a file."))])
