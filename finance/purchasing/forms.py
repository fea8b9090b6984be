"""Forms of the purchasing room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField

from core.web.forms import Form


class ImportForm(Form):
    agency = SelectField(_l("For which unit"), coerce=int)
    file = FileField(_l("Purchase table (CSV or XLSX)"), validators=[FileRequired(_l("Choose a file."))])
    replaces = SelectField(_l("Corrects an earlier table"), coerce=int)
