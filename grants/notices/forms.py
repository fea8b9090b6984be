"""The forms of notices and objections."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField

from core.web.forms import Form, MaxLength, Required
from grants.calls.forms import offered


class NoticeForm(Form):
    document_number = StringField(_l("Document number"), [MaxLength(60)])
    contact = StringField(_l("Contact for questions"), [Required(), MaxLength(120)])
    supervision_phone = StringField(_l("Supervision phone"), [Required(), MaxLength(20)])
    experts = StringField(_l("Experts, as published"), [MaxLength(400)])


class AnswerForm(Form):
    answer = TextAreaField(_l("Answer"), [Required(), MaxLength(4000)], id="answer-text")
    uphold = RadioField(
        _l("Proposed decision"),
        [Required()],
        choices=offered(
            [
                ("no", _l("do not uphold the objection")),
                ("yes", _l("uphold: the project is not awarded")),
            ]
        ),
    )
