"""The form of a catalogue item."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.fields import SelectChoice

from core.web.forms import ChoiceField, DayField, Form, MaxLength, NotBefore, Required


class ItemForm(Form):
    division_code = ChoiceField(_l("Division"), [Required()])
    code = StringField(_l("Code in the catalogue"), [Required(), MaxLength(16)])
    name = StringField(_l("Name of the service"), [Required(), MaxLength(120)])
    branch = ChoiceField(
        _l("Branch"),
        [Required()],
        choices=[
            SelectChoice("public", _l("A · services to the public (counts for the ratio)")),
            SelectChoice("auxiliary", _l("B · auxiliary services to government (does not count)")),
        ],
    )
    valid_from = DayField(_l("Valid from"), [Required()])
    valid_to = DayField(_l("Valid until"), [NotBefore("valid_from")])
