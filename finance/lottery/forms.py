"""The form of a plan; amounts are typed in 万元."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FieldList, FormField, IntegerField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core.money import Money, MoneyError
from core.web.forms import Between, ChoiceField, Form, MaxLength, MoneyField, Required
from finance.funds.rules import PURPOSES
from finance.lottery.policy import CLASSES, STAFF_OF
from finance.lottery.rules import WAN, wan_text
from finance.lottery.services import Line

ROWS = 8

MORE_ROWS = 4


class WanField(MoneyField):
    """An amount in 万元 as people type it, to the fen; ``data`` is ``Money`` or ``None``."""

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return wan_text(self.data) if isinstance(self.data, Money) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = Money.parse(valuelist[0], unit=WAN)
        except MoneyError as error:
            raise ValueError(
                _("Write the amount in ten thousand yuan with at most six decimals, for example 318.9993.")
            ) from error


class NotNegative:
    def __call__(self, form: Any, field: Any) -> None:
        if field.data is not None and field.data < Money(0):
            raise ValidationError(_("The amount cannot be below zero."))


class LineForm(Form):
    """One line of a plan; a line without any word or amount is no line."""

    title = StringField(_l("What the money is for"), [MaxLength(160)])
    purpose = ChoiceField(
        _l("Purpose"), choices=[("", _l("choose")), *((k, _l(v)) for k, v in PURPOSES.items())]
    )
    category = ChoiceField(
        _l("Class"), choices=[("", _l("choose")), *((k, _l(v)) for k, v in CLASSES.items())]
    )
    amount = WanField(_l("Amount"), [NotNegative()])
    staff_of = ChoiceField(_l("Staff cost in it"), choices=[(k, _l(v)) for k, v in STAFF_OF.items()])
    staff_amount = WanField(_l("Of it for staff"), [NotNegative()])
    reason = StringField(_l("Why, for another purpose"), [MaxLength(500)])

    @property
    def blank(self) -> bool:
        return not (self.title.data or "").strip() and self.amount.data is None and not self.amount.errors

    def validate(self, extra_validators: Any = None) -> bool:
        ok = super().validate(extra_validators)
        if self.blank:
            return ok
        for field in (self.title, self.purpose, self.category):
            if not field.data:
                field.errors = [*field.errors, _("Fill in this field.")]
        if not self.amount.errors and not (self.amount.data and self.amount.data > Money(0)):
            self.amount.errors = [_("The amount must be above zero.")]
        if self.staff_of.data and not self.staff_amount.data and not self.staff_amount.errors:
            self.staff_amount.errors = [_("Say how much of the line is for staff.")]
        if self.amount.data and self.staff_amount.data and self.staff_amount.data > self.amount.data:
            self.staff_amount.errors = [_("Not more than the line itself.")]
        return not self.errors


class PlanForm(Form):
    note = TextAreaField(_l("Basis of the plan"), [MaxLength(1000)])
    lines = FieldList(FormField(LineForm), min_entries=ROWS, max_entries=200)

    def filled(self) -> list[Line]:
        """The lines that were filled in, in their order."""
        return [
            Line(
                purpose=line.purpose.data,
                category=line.category.data,
                title=line.title.data,
                amount=line.amount.data,
                staff_of=line.staff_of.data or "",
                staff_amount=line.staff_amount.data or Money(0),
                reason=line.reason.data or "",
            )
            for line in (entry.form for entry in self.lines)
            if not line.blank
        ]


class NewPlanForm(Form):
    source_id = ChoiceField(_l("Lottery fund"), [Required()], coerce=int)
    fiscal_year = IntegerField(_l("Fiscal year"), [Required(), Between(2000, 2100)])


class ReasonForm(Form):
    note = TextAreaField(_l("Reason"), [Required(), MaxLength(1000)])
