"""Freezing a year with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import TextAreaField

from core.web.forms import ChoiceField, Form, MaxLength


class FreezeForm(Form):
    """Only asked for below the threshold; the service says when something is missing."""

    reason = ChoiceField(_l("Reason"), default="")
    reason_text = TextAreaField(_l("Explanation"), [MaxLength(1000)])
    reason_file = FileField(_l("Attachment"))

    def __init__(self, accepted: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason.choices = [("", "—"), *((code, gettext(label)) for code, label in accepted.items())]
