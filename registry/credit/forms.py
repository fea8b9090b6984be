"""Forms of the credit file."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, Required
from core.web.words import say
from registry.credit.models import ADVERSE_KINDS, KINDS, LISTS, PENALTIES
from registry.organizations.forms import OrganizationField


def _choices(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, say(label)) for name, label in words.items()]


class EntryForm(Form):
    kind = ChoiceField(_l("Kind of entry"), validators=[Required()])
    entered_on = DayField(_l("Entered on"), validators=[Required()])
    grounds = TextAreaField(_l("Grounds"), validators=[Required(), MaxLength(2000)])
    source = StringField(_l("Document or decision"), validators=[MaxLength(200)])
    penalty = ChoiceField(_l("Penalty"), default="")
    fine = MoneyField(_l("Fine"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Final grades come from the evaluation itself; who goes on a list is proposed and decided.
        self.kind.choices = [
            item for item in _choices(KINDS) if item[0] != "project_grade" and item[0] not in LISTS
        ]
        self.penalty.choices = [("", gettext("none")), *_choices(PENALTIES)]

    def validate_penalty(self, field: Any) -> None:
        if (self.kind.data == "penalty") != bool(field.data):
            raise ValidationError(
                gettext("Say which penalty it is.")
                if self.kind.data == "penalty"
                else gettext("Only an administrative penalty has one: choose “none”.")
            )

    def validate_fine(self, field: Any) -> None:
        if not field.errors and (self.penalty.data == "fine") != (field.data is not None):
            raise ValidationError(gettext("A fine has an amount above zero; another penalty has none."))


class ApplyForm(Form):
    reason = TextAreaField(_l("What was put right"), validators=[Required(), MaxLength(2000)])
    file = FileField(_l("Proof"))


class ExamineForm(Form):
    opinion = TextAreaField(_l("What was examined and found"), validators=[Required(), MaxLength(2000)])


class NoteForm(Form):
    note = TextAreaField(_l("Reason"), validators=[MaxLength(1000)])


class ProposalForm(Form):
    grounds = TextAreaField(_l("Grounds"), validators=[Required(), MaxLength(2000)])
    source = StringField(_l("Document or decision"), validators=[MaxLength(200)])


class StandingForm(Form):
    on = DayField(_l("As of"), default=clock.today)


class ListsForm(Form):
    """Filters of the lists; a value that is not offered filters nothing."""

    q = StringField(_l("Name or credit code"))
    kind = ChoiceField(_l("Kind of entry"), default="")
    standing = ChoiceField(_l("Today"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [
            ("", gettext("all kinds")),
            *(item for item in _choices(KINDS) if item[0] != "project_grade"),
        ]
        self.standing.choices = [
            ("", gettext("in force and removed")),
            ("open", gettext("in force")),
            ("removed", gettext("removed")),
        ]


class AdverseForm(Form):
    name = StringField(_l("Name"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Telephone"), validators=[Required(), MaxLength(20)])
    organization = OrganizationField(_l("Organization it is about"), validators=[MaxLength(120)])
    kind = ChoiceField(_l("Kind of record"), validators=[Required()])
    entered_on = DayField(_l("Entered on"), validators=[Required()])
    grounds = TextAreaField(_l("Grounds"), validators=[Required(), MaxLength(2000)])
    source = StringField(_l("Document or decision"), validators=[MaxLength(200)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = _choices(ADVERSE_KINDS)


class EndForm(Form):
    reason = TextAreaField(_l("Why the record ends"), validators=[Required(), MaxLength(1000)])
