"""Forms of terms, posts and checks of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, NotBefore, Required
from core.web.words import say
from registry.governance.models import BODIES, OFFICIALS, POSTS, Term
from registry.governance.services import QUESTIONS
from registry.organizations.forms import ChecksField, WholeNumberField, choices


class TermForm(Form):
    body = ChoiceField(_l("Body"), validators=[Required()])
    number = WholeNumberField(_l("Number of the term"), validators=[Required(), Between(1, 99)])
    starts_on = DayField(_l("First day"), validators=[Required()])
    ends_on = DayField(_l("Last day"), validators=[Required(), NotBefore("starts_on")])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.body.choices = choices(BODIES)


class PersonForm(Form):
    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(
        _l("Telephone"),
        validators=[MaxLength(20)],
        description=_l("With the name it tells whether the person is known already."),
    )
    post = ChoiceField(_l("Post"), validators=[Required()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.post.choices = choices(POSTS)


class PostForm(PersonForm):
    term = ChoiceField(_l("Term of office"), default="")
    since = DayField(_l("In office since"), validators=[Required()])
    birth_year = WholeNumberField(_l("Year of birth"), validators=[Between(1900, 2020)])
    official = ChoiceField(_l("Official"), default="none")
    approved_by = StringField(_l("Approving authority"), validators=[MaxLength(120)])
    approval_document = StringField(
        _l("Document of the approval"),
        validators=[MaxLength(120)],
        description=_l("Needed for an official, serving or retired."),
    )
    approved_on = DayField(_l("Approved on"))

    def __init__(self, terms: Sequence[Term], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.official.choices = choices(OFFICIALS)
        self.term.choices = [
            ("", gettext("outside the terms")),
            *(
                (
                    str(term.id),
                    gettext("%(body)s, term %(number)s", body=say(BODIES[term.body]), number=term.number),
                )
                for term in terms
            ),
        ]


class EndForm(Form):
    until = DayField(_l("Last day"), validators=[Required()])


class CheckForm(PersonForm):
    answers = ChecksField(
        _l("What was found right"),
        description=_l("Each box that stays empty means that the person may not stand."),
    )
    checked_on = DayField(_l("Checked on"), validators=[Required()])
    note = TextAreaField(_l("Note"), validators=[MaxLength(300)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answers.choices = choices(QUESTIONS)
