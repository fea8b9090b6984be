"""Forms of the figure."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField
from wtforms.fields import SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.web.forms import Form, MoneyField, Positive, Required
from finance.ratios.rules import BIDDERS


class InvitationForm(Form):
    """Asked on a GET page: nothing is written."""

    amount = MoneyField(_l("Amount of the purchase"), [Required(), Positive()])
    invited = SelectMultipleField(
        _l("Who is to be invited"),
        [Required()],
        choices=[SelectChoice(code, _l(label)) for code, label in BIDDERS.items()],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def validate_invited(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one kind of bidder."))
