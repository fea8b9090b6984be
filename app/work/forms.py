"""The form of a saved view."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField

from core.web.forms import Form, MaxLength, Required


class ViewForm(Form):
    name = StringField(_l("Name of the view"), [Required(), MaxLength(40)])
    listing = HiddenField()
    query = HiddenField()
