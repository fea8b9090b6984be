"""The application form: shape and messages. What is missing for submitting is the service's list."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from core.money import Money
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, Required
from finance.lines.rules import LINES
from grants.applications.services import EDITABLE
from grants.calls.forms import offered

_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}")

ATTACHMENT_KINDS = {
    "licence": _l("registration certificate"),
    "inspection": _l("inspection result"),
    "grade": _l("grade certificate"),
    "commitment": _l("signed commitments"),
    "party_commitment": _l("party-building commitment"),
    "audit": _l("audit report"),
    "hosting_agreement": _l("hosting agreement"),
    "other": _l("other material"),
}


class CountField(IntegerField):
    """A whole number; empty is zero."""

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return str(self.data) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip().replace(",", "") if valuelist else ""
        self.data = 0
        if text and not re.fullmatch(r"\d{1,7}", text):
            raise ValueError(gettext("Write a whole number."))
        if text:
            self.data = int(text)


class ZeroMoneyField(MoneyField):
    """An amount; empty is zero."""

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return self.data.plain() if isinstance(self.data, Money) and self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is None:
            self.data = Money(0)


class NotNegative:
    def __call__(self, form: Any, field: Any) -> None:
        if isinstance(field.data, Money) and field.data < Money(0):
            raise ValidationError(gettext("The amount must not be below zero."))


class StartForm(Form):
    organization_id = ChoiceField(_l("Applying organization"), [Required()], coerce=int)
    title = StringField(_l("Name of the project"), [Required(), MaxLength(60)])


class ApplicationForm(Form):
    title = StringField(_l("Name of the project"), [MaxLength(60)])
    category = ChoiceField(_l("Category"), [Optional()])
    place = StringField(_l("Place"), [MaxLength(160)])
    beneficiaries = CountField(_l("People served"))
    person_times = CountField(_l("Times served (person-times)"))
    starts_on = DayField(_l("First day of the project"), [Optional()])
    ends_on = DayField(_l("Last day of the project"), [Optional()])
    leader_name = StringField(_l("Project leader"), [MaxLength(60)])
    leader_phone = StringField(_l("Leader's phone"), [MaxLength(20)])
    requested = ZeroMoneyField(_l("Grant asked for"), [NotNegative()])
    need = TextAreaField(_l("Need"), [MaxLength(8000)])
    goals = TextAreaField(_l("Goals"), [MaxLength(8000)])
    plan = TextAreaField(_l("Plan"), [MaxLength(8000)])
    risks = TextAreaField(_l("Risks and answers"), [MaxLength(8000)])
    party_building = TextAreaField(_l("Party building in the project"), [MaxLength(8000)])
    integrity_committed = BooleanField(
        _l(
            "We commit to integrity: what we state is true, the money is used as approved, books are kept apart."
        )
    )
    party_committed = BooleanField(
        _l("We commit to party building: we embed it in the project as described.")
    )
    attachment_kind = ChoiceField(
        _l("Kind of material"), [Optional()], choices=offered(ATTACHMENT_KINDS.items())
    )
    attachments = MultipleFileField(_l("Add files"))

    def validate_leader_phone(self, field: Any) -> None:
        if field.data and not _PHONE.fullmatch("".join(field.data.split())):
            raise ValidationError(gettext("Write a mobile number (11 digits) or a landline with area code."))

    def validate_ends_on(self, field: Any) -> None:
        if field.data and self.starts_on and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError(gettext("The project ends before it starts."))

    def keep_only(self, names: tuple[str, ...]) -> None:
        """Take away the fields that may not change now."""
        for name in EDITABLE:
            if name not in names:
                delattr(self, name)

    def fields_given(self) -> dict[str, Any]:
        """What the service takes: the fields this form still has."""
        given = {name: self[name].data for name in EDITABLE if name in self}
        return {
            name: value.strip()
            if isinstance(value, str)
            else ("" if value is None and name not in ("starts_on", "ends_on") else value)
            for name, value in given.items()
        }

    def lines_given(self) -> list[dict[str, Any]]:
        """The budget table as typed."""
        return [
            {
                "code": code,
                "basis": (self[f"line_{code}_basis"].data or "").strip(),
                "grant": self[f"line_{code}_grant"].data or Money(0),
                "own": self[f"line_{code}_own"].data or Money(0),
            }
            for code in LINES
        ]


for _code, _name in LINES.items():
    _line = _l(_name)
    setattr(
        ApplicationForm,
        f"line_{_code}_basis",
        StringField(_l("%(line)s, how it is made up", line=_line), [MaxLength(200)]),
    )
    setattr(
        ApplicationForm,
        f"line_{_code}_grant",
        ZeroMoneyField(_l("%(line)s, from the grant", line=_line), [NotNegative()]),
    )
    setattr(
        ApplicationForm,
        f"line_{_code}_own",
        ZeroMoneyField(_l("%(line)s, own money", line=_line), [NotNegative()]),
    )
