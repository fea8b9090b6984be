"""Forms that put right what was noted: the values as they stand, the reason, and whether it is struck out."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, TextAreaField

from core.web.forms import Between, DayField, Form, MaxLength, MoneyField, NotBefore, Required
from registry.organizations.forms import WholeNumberField

_END = _l("Empty where it has no end.")


def _struck() -> BooleanField:
    return BooleanField(
        _l("Strike it out: it should never have been noted"),
        description=_l("Then only the reason counts. The history of the entry keeps what stood here."),
    )


def _reason() -> StringField:
    return StringField(_l("Reason of the correction"), validators=[Required(), MaxLength(200)])


class GradeCorrection(Form):
    grade = WholeNumberField(_l("Grade (1 to 5)"), validators=[Required(), Between(1, 5)])
    valid_from = DayField(_l("Valid from"), validators=[Required()])
    valid_to = DayField(_l("Valid to"), validators=[Required(), NotBefore("valid_from")])
    struck = _struck()
    reason = _reason()


class TagCorrection(Form):
    since = DayField(_l("Since"), validators=[Required()])
    until = DayField(_l("Until"), validators=[NotBefore("since")], description=_END)
    document = StringField(_l("Document"), validators=[MaxLength(120)])
    struck = _struck()
    reason = _reason()


class DepartmentCorrection(Form):
    since = DayField(_l("Since"), validators=[Required()])
    until = DayField(_l("Until"), validators=[NotBefore("since")], description=_END)
    struck = _struck()
    reason = _reason()


class QualificationCorrection(Form):
    valid_from = DayField(_l("Valid from"), validators=[Required()])
    valid_to = DayField(_l("Valid to"), validators=[NotBefore("valid_from")], description=_END)
    issued_by = StringField(_l("Given by"), validators=[MaxLength(120)])
    document = StringField(_l("Document"), validators=[MaxLength(120)])
    struck = _struck()
    reason = _reason()


class FilingCorrection(Form):
    title = StringField(_l("Name of the plan"), validators=[Required(), MaxLength(160)])
    starts_on = DayField(_l("First day"), validators=[Required()])
    ends_on = DayField(_l("Last day"), validators=[Required(), NotBefore("starts_on")])
    target = MoneyField(_l("Target"))
    struck = _struck()
    reason = _reason()


class FundCorrection(Form):
    name = StringField(_l("Name of the fund"), validators=[Required(), MaxLength(120)])
    purpose = TextAreaField(_l("Purpose"), validators=[Required(), MaxLength(1000)])
    set_up_on = DayField(_l("Set up on"), validators=[Required()])
    ended_on = DayField(_l("Until"), validators=[NotBefore("set_up_on")], description=_END)
    struck = _struck()
    reason = _reason()


FORMS: dict[str, type[Form]] = {
    "grade": GradeCorrection,
    "tag": TagCorrection,
    "department": DepartmentCorrection,
    "qualification": QualificationCorrection,
    "filing": FilingCorrection,
    "fund": FundCorrection,
}
