"""Forms of outcomes."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from registry.organizations.forms import choices
from registry.outcomes.models import GROUNDS, OUTCOMES


class ProposalForm(Form):
    outcome = ChoiceField(_l("Outcome"), validators=[Required()])
    ground = ChoiceField(_l("Ground of the case"), validators=[Required()])
    facts = TextAreaField(_l("Facts of the case"), validators=[Required(), MaxLength(2000)])
    document = StringField(_l("Document"), validators=[MaxLength(60)])
    liquidator = StringField(_l("Who winds it up"), validators=[MaxLength(120)])
    liquidator_phone = StringField(_l("Telephone of the liquidation group"), validators=[MaxLength(20)])
    liquidation_until = DayField(_l("Wound up until"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = choices(OUTCOMES)
        self.ground.choices = choices(GROUNDS)


class StepForm(Form):
    note = TextAreaField(_l("Note"), validators=[MaxLength(400)])
