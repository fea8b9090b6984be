"""Forms of the mapping and of file layouts."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import Regexp, ValidationError

from core.web.forms import Form, MaxLength, Required


class RuleForm(Form):
    debit_code = StringField(
        _l("Debit: code"),
        [Required(), MaxLength(20), Regexp(r"^[0-9.]+$", message=_l("Digits and dots only."))],
    )
    debit_name = StringField(_l("Debit: name"), [Required(), MaxLength(60)])
    credit_code = StringField(
        _l("Credit: code"),
        [Required(), MaxLength(20), Regexp(r"^[0-9.]+$", message=_l("Digits and dots only."))],
    )
    credit_name = StringField(_l("Credit: name"), [Required(), MaxLength(60)])
    basis = StringField(_l("Basis"), [Required(), MaxLength(200)])


class LayoutForm(Form):
    columns = TextAreaField(_l("Columns, one a line"), [MaxLength(6000)])

    def read(self, fields: dict[str, str]) -> list[tuple[str, str, str]]:
        """Lines “heading = field” or “heading = "fixed text"”, as (heading, field, fixed)."""
        found = []
        by_heading = {heading: field for field, heading in fields.items()}
        for number, line in enumerate((self.columns.data or "").splitlines(), 1):
            if not line.strip():
                continue
            heading, _sign, value = (part.strip() for part in line.replace("＝", "=").partition("="))
            if not value:
                value = heading
            if len(value) > 1 and value[0] in '"“”' and value[-1] in '"“”':
                found.append((heading, "", value[1:-1]))
            elif value in fields or value in by_heading:
                found.append((heading, value if value in fields else by_heading[value], ""))
            else:
                raise ValidationError(
                    _("Line %(number)s: “%(value)s” is no field of this file.", number=number, value=value)
                )
        return found

    def validate_columns(self, field: Any) -> None:
        self.read(self.fields)

    fields: dict[str, str] = {}
