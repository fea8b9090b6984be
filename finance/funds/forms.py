"""Forms of sources, budgets and earmarks."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.money import Money
from core.web.forms import Between, ChoiceField, Form, MaxLength, MoneyField, Positive, Required
from core.web.words import say
from finance.funds.rules import (
    GRANT_KINDS,
    LOTTERY,
    PURPOSES,
    SOURCE_KINDS,
    TIERS,
    economic_code_problem,
    function_code_problem,
)


def _offered(words: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(code, _l(label)) for code, label in words.items()]


class PurposesField(SelectMultipleField):
    """Several purposes by checkbox."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class SourceForm(Form):
    agency_id = ChoiceField(_l("Unit"), [Required()], coerce=int)
    name = StringField(_l("Name of the source"), [Required(), MaxLength(120)])
    kind = ChoiceField(_l("Kind"), [Required()], choices=_offered(SOURCE_KINDS))
    tier = ChoiceField(
        _l("Tier (welfare lottery only)"),
        choices=[SelectChoice("", _l("none")), *_offered(TIERS)],
        default="",
    )
    purposes = PurposesField(_l("Permitted purposes"), choices=_offered(PURPOSES))
    basis = TextAreaField(_l("Rules of this fund"), [MaxLength(2000)])

    def validate_tier(self, field: Any) -> None:
        if self.kind.data == LOTTERY and not field.data:
            raise ValidationError(_("Choose the tier the lottery money comes from."))
        if self.kind.data != LOTTERY and field.data:
            raise ValidationError(_("Only a welfare lottery fund has a tier."))

    def validate_purposes(self, field: Any) -> None:
        if self.kind.data == LOTTERY and not field.data:
            raise ValidationError(
                _("Choose at least one permitted purpose: lottery money is never free of purpose.")
            )


class BudgetForm(Form):
    fiscal_year = IntegerField(_l("Fiscal year"), [Required(), Between(2000, 2100)])
    amount = MoneyField(_l("Budget of the year"), [Required(), Positive()])
    document_number = StringField(_l("Document number"), [Required(), MaxLength(60)])
    upper_amount = MoneyField(_l("Of it from the level above"), [Optional()])
    function_code = StringField(_l("Function code"), [Optional(), MaxLength(7)])
    economic_code = StringField(_l("Economic code"), [Optional(), MaxLength(5)])

    def validate_upper_amount(self, field: Any) -> None:
        if field.data is None:
            return
        if field.data < Money(0) or (self.amount.data is not None and field.data > self.amount.data):
            raise ValidationError(
                _("What the level above gave is a part of the budget, not more than all of it.")
            )

    def validate_function_code(self, field: Any) -> None:
        wrong = function_code_problem((field.data or "").strip())
        if wrong is not None:
            raise ValidationError(say(wrong))

    def validate_economic_code(self, field: Any) -> None:
        wrong = economic_code_problem((field.data or "").strip())
        if wrong is not None:
            raise ValidationError(say(wrong))


class CarryForm(Form):
    amount = MoneyField(_l("To be carried over"), [Required(), Positive()])
    document_number = StringField(_l("Document number"), [Required(), MaxLength(60)])


class AdjustForm(Form):
    direction = ChoiceField(
        _l("Direction of the change"),
        [Required()],
        choices=[SelectChoice("more", _l("more money")), SelectChoice("less", _l("less money"))],
    )
    amount = MoneyField(_l("By how much"), [Required(), Positive()])
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(400)])
    document_number = StringField(_l("Document number"), [Required(), MaxLength(60)])

    @property
    def change(self) -> Money:
        """The amount with its sign."""
        change: Money = self.amount.data
        return change if self.direction.data == "more" else -change


class ClawBackForm(Form):
    amount = MoneyField(_l("Given back to the source"), [Required(), Positive()])
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(400)])
    document_number = StringField(_l("Document number"), [Required(), MaxLength(60)])


class RefusalForm(Form):
    reason = TextAreaField(_l("Reason"), [Required(), MaxLength(400)])


class EarmarkForm(Form):
    agency_id = ChoiceField(_l("For the unit"), [Required()], coerce=int)
    title = StringField(_l("Set aside for"), [Required(), MaxLength(160)])
    grant_kind = ChoiceField(
        _l("Kind of grant"), [Required()], choices=_offered(GRANT_KINDS), default="project_grant"
    )
    purpose = ChoiceField(_l("Purpose"), [Required()])
    reason = TextAreaField(_l("Why this purpose"), [MaxLength(500)])
    amount = MoneyField(_l("Amount"), [Required(), Positive()])
