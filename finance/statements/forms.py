"""Forms of the statements."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core.web.forms import Form, MoneyField


class TaxForm(Form):
    income = MoneyField(_l("Remuneration before tax"))
