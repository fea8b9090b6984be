"""The form of a change of rules: one typed field for each parameter of the family."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import CheckboxInput, ListWidget

from app.rulebook.families import YES_NO, BadValue, Family, Parameter
from app.rulebook.policy import PROGRAMMES
from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say

PREFIX = "value_"


class MarksField(SelectMultipleField):
    """Several of the offered values by checkbox."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DraftForm(Form):
    """What every change says; the parameters of a family come beside it (:func:`form_of`)."""

    family: Family
    values: dict[str, Any]

    agency_id = ChoiceField(_l("Holds for the division of"), [Required()], coerce=int)
    programme = ChoiceField(
        _l("Programme"), choices=[(code, _l(label)) for code, label in PROGRAMMES.items()], default=""
    )
    valid_from = DayField(_l("Holds from"), [Required()])
    source = TextAreaField(_l("Legal source"), [Required(), MaxLength(1000)])
    reason = TextAreaField(_l("Why it is changed"), [Required(), MaxLength(2000)])

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        self.values = {}
        for item in self.family.parameters:
            field = self[PREFIX + item.name]
            try:
                self.values[item.name] = item.as_stored(field.data)
            except BadValue as error:
                field.errors = [*field.errors, say(error.message)]
                good = False
        return good

    def show_values(self, values: dict[str, Any]) -> None:
        """Fill the parameters with stored values."""
        for item in self.family.parameters:
            self[PREFIX + item.name].data = item.as_typed(values.get(item.name))

    @property
    def asked(self) -> list[tuple[Parameter, Any]]:
        return [(item, self[PREFIX + item.name]) for item in self.family.parameters]


def form_of(family: Family) -> type[DraftForm]:
    """The form of a family, with a field for each of its parameters."""
    fields = {PREFIX + item.name: _field(item) for item in family.parameters}
    return type("FamilyForm", (DraftForm,), {"family": family, **fields})


def _field(item: Parameter) -> Any:
    label = _l(item.title)
    if item.kind == "flag":
        return ChoiceField(label, choices=[(code, _l(word)) for code, word in YES_NO.items()])
    if item.kind == "choice":
        return ChoiceField(label, choices=[(code, _l(word)) for code, word in item.choices.items()])
    if item.kind == "marks":
        return MarksField(
            label, choices=[SelectChoice(code, _l(word)) for code, word in item.choices.items()]
        )
    if item.kind == "texts":
        return TextAreaField(label)
    return StringField(label, [MaxLength(40)])
