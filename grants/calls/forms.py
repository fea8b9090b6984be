"""The form of a call: shape and messages; the service checks the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.web.forms import Between, ChoiceField, Form, MaxLength, MomentField, MoneyField, Positive, Required
from core.web.words import say
from finance.lines.rules import RBL_DEFAULTS
from grants.calls.rules import (
    AWARD_KINDS,
    BONUS_LEVELS,
    CATEGORIES,
    RAW_DEFAULTS,
    REL_DEFAULTS,
    bonus_problem,
    document_number,
    weights_problem,
)
from registry.particulars.models import LEVELS

RULE_FIELDS = (*REL_DEFAULTS, *RBL_DEFAULTS, *RAW_DEFAULTS)


def offered(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """Choices of a select from (value, label) pairs."""
    return [SelectChoice(value, label) for value, label in pairs]


class WholeField(IntegerField):
    """A whole number; anything else is told in our words."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = valuelist[0].strip() if valuelist else ""
        if not text:
            return
        if not re.fullmatch(r"\d{1,6}", text):
            raise ValueError(gettext("Write a whole number."))
        self.data = int(text)


class Percent:
    """Percent as decimal text, from 0 to 100 with at most two decimals."""

    def __call__(self, form: Any, field: Any) -> None:
        text = (field.data or "").strip().removesuffix("%")
        if not re.fullmatch(r"(100|\d{1,2})(\.\d{1,2})?", text) or float(text) > 100:
            raise ValidationError(gettext("Write a percentage from 0 to 100, for example 6.72."))
        field.data = text


class CallForm(Form):
    title = StringField(_l("Title"), [Required(), MaxLength(160)])
    document_number = StringField(_l("Document number"), [MaxLength(60)])
    year = WholeField(_l("Year"), [Required(), Between(2000, 2100)])
    round_number = WholeField(_l("Round"), [Required(), Between(1, 99)])
    categories = SelectMultipleField(
        _l("Categories"),
        [Required()],
        choices=offered(CATEGORIES.items()),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    summary = TextAreaField(_l("What is asked for"), [MaxLength(4000)])
    contact = StringField(_l("Contact for questions"), [MaxLength(120)])
    earmark_id = ChoiceField(_l("Earmark"), [Required()], coerce=int)
    project_cap = MoneyField(_l("Cap for one project"), [Required(), Positive()])
    max_applications = WholeField(_l("Applications per organization"), [Required(), Between(1, 20)])
    selection_rubric_id = ChoiceField(_l("Rubric for selection"), [Required()], coerce=int)
    midterm_rubric_id = ChoiceField(_l("Rubric for mid-term"), [Required()], coerce=int)
    final_rubric_id = ChoiceField(_l("Rubric for the final evaluation"), [Required()], coerce=int)
    opens_at = MomentField(_l("Opens"), [Required()])
    deadline_at = MomentField(_l("Deadline"), [Required()])
    tranche_1 = WholeField(_l("First tranche, after signing"), [Required(), Between(1, 100)])
    tranche_2 = WholeField(_l("Second tranche, after the mid-term"), [Optional(), Between(0, 99)])
    tranche_3 = WholeField(_l("Last tranche, after the final evaluation"), [Optional(), Between(0, 99)])
    notice_days = WholeField(_l("Working days of the public notice"), [Required(), Between(1, 60)])
    count_start_day = BooleanField(_l("The day of publication counts"))
    registered_months = WholeField(_l("Registered for at least, months"), [Required(), Between(0, 120)])
    inspection_years = WholeField(_l("Inspections passed in the last, years"), [Required(), Between(0, 5)])
    abnormal_months = WholeField(_l("Off the abnormal list for, months"), [Required(), Between(0, 120)])
    dishonesty_months = WholeField(_l("Off the dishonesty list for, months"), [Required(), Between(0, 120)])
    violation_months = WholeField(_l("No major violation for, months"), [Required(), Between(0, 120)])
    ban_months = WholeField(_l("Barred after a failed project, months"), [Required(), Between(0, 120)])
    zombie_years = WholeField(_l("Years without inspection that exclude"), [Required(), Between(1, 10)])
    min_grade = ChoiceField(_l("Minimum grade"), coerce=int)
    award_level = ChoiceField(_l("Award to be held, at least"), default="none")
    award_kind = ChoiceField(_l("Kind of award asked for"), default="any")
    award_years = WholeField(_l("Given within, years"), [Required(), Between(0, 20)], default=0)
    bonus_kind = ChoiceField(_l("What gives points"), default="any")
    bonus_years = WholeField(_l("Points if given within, years"), [Required(), Between(0, 20)], default=0)
    bonus_national = WholeField(_l("National"), [Required(), Between(0, 20)], default=0)
    bonus_province = WholeField(_l("Provincial"), [Required(), Between(0, 20)], default=0)
    bonus_city = WholeField(_l("Of the city"), [Required(), Between(0, 20)], default=0)
    bonus_county = WholeField(_l("Of the county or district"), [Required(), Between(0, 20)], default=0)
    bonus_township = WholeField(_l("Of the township"), [Required(), Between(0, 20)], default=0)
    bonus_cap = WholeField(_l("All awards together, at most"), [Required(), Between(0, 20)], default=0)
    staff_max = StringField(_l("Project staff, at most"), [Percent()])
    management_max = StringField(_l("Management, at most"), [Percent()])
    tax_max = StringField(_l("Taxes, at most"), [Percent()])
    volunteer_max = StringField(_l("Volunteer allowances, at most"), [Percent()])
    publicity_max = StringField(_l("Publicity, at most"), [Percent()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.award_level.choices = offered(
            [("none", gettext("none")), *((key, say(word)) for key, word in LEVELS.items())]
        )
        for field in (self.award_kind, self.bonus_kind):
            field.choices = offered((key, say(word)) for key, word in AWARD_KINDS.items())

    def validate_bonus_cap(self, field: Any) -> None:
        names = ("bonus_cap", *(f"bonus_{level}" for level in BONUS_LEVELS))
        if any(self[name].data is None for name in names):
            return
        problem = bonus_problem({name: self[name].data for name in names})
        if problem is not None:
            raise ValidationError(say(problem))

    def validate_document_number(self, field: Any) -> None:
        if field.data and field.data.strip() and document_number(field.data) is None:
            raise ValidationError(
                gettext(
                    "This is no document number: name of the office, year in brackets, serial and the closing character."
                )
            )

    def validate_categories(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(gettext("Choose at least one category."))

    def validate_deadline_at(self, field: Any) -> None:
        if field.data and self.opens_at.data and field.data <= self.opens_at.data:
            raise ValidationError(gettext("The deadline must lie after the opening."))

    def validate_tranche_1(self, field: Any) -> None:
        if field.data is None or self.tranche_2.errors or self.tranche_3.errors:
            return
        problem = weights_problem(self.weights)
        if problem is not None:
            raise ValidationError(say(problem))

    @property
    def weights(self) -> list[int]:
        """The tranches that are above zero, in order."""
        given = (self.tranche_1.data, self.tranche_2.data, self.tranche_3.data)
        return [weight for weight in given if weight]

    def fields_of_call(self) -> dict[str, Any]:
        """What the service takes."""
        plain = {
            name: self[name].data
            for name in (
                "title", "year", "round_number", "summary", "contact", "earmark_id", "project_cap",
                "max_applications", "selection_rubric_id", "midterm_rubric_id", "final_rubric_id", "opens_at",
                "deadline_at", "notice_days", "count_start_day",
            )
        }  # fmt: skip
        return {
            **plain,
            "title": (self.title.data or "").strip(),
            "document_number": (self.document_number.data or "").strip(),
            "summary": self.summary.data or "",
            "contact": self.contact.data or "",
            "categories": [{"code": code, "name": CATEGORIES[code]} for code in self.categories.data or []],
            "tranche_weights": self.weights,
            # What the form does not ask for follows the rule sets.
            "rules": {name: self[name].data for name in RULE_FIELDS if name in self},
        }
