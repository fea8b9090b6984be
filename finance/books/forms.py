"""Forms of the books."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength, Required


class ReasonForm(Form):
    reason = TextAreaField(_l("Why it has to be opened again"), [Required(), MaxLength(400)])


class OpeningForm(Form):
    agency_id = ChoiceField(_l("Unit"), [Required()], coerce=int)
    file = FileField(_l("Opening table (CSV or XLSX)"), [FileRequired(_l("Choose a file."))])
