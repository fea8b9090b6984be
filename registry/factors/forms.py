"""Forms that ask who is there."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField

from core.web.forms import Form, MaxLength, Required
from registry.accounts.models import User


class ProofForm(Form):
    """The password, or the code of the second factor of ``user`` when there is one."""

    proof = PasswordField("", [Required(), MaxLength(1000)])

    def __init__(self, user: User, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by_code = user.factor_since is not None
        self.proof.label.text = _l("Code of your second factor") if self.by_code else _l("Your password")


class CodeForm(Form):
    code = StringField(_l("Code"), [Required(), MaxLength(12)])
