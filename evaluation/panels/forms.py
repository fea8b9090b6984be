"""The form that plans a panel."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import IntegerField
from wtforms.validators import ValidationError

from core.web.forms import Between, Form, Required


class Odd:
    """An even panel could stand half against half."""

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is not None and not field.errors and field.data % 2 == 0:
            raise ValidationError(gettext("A panel has an odd number of members."))


class PlanForm(Form):
    size = IntegerField(lazy_gettext("Members"), [Required(), Between(3, 15), Odd()])
    finance_experts = IntegerField(lazy_gettext("Of them experts for finance"), [Required(), Between(1, 14)])

    def validate_finance_experts(self, field: Any) -> None:
        if field.data is not None and self.size.data is not None and field.data >= self.size.data:
            raise ValidationError(gettext("Fewer than the members: others judge the subject."))
