"""Forms of commitments."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FieldList
from wtforms.validators import Optional

from core.web.forms import DayField, Form
from finance.commitments.models import Commitment


class DueForm(Form):
    """One day for each tranche that is not paid yet; empty: as its condition lets expect."""

    days = FieldList(DayField(_l("Falls due"), [Optional()]))

    def __init__(self, commitment: Commitment, numbers: list[int], *args: Any, **kwargs: Any) -> None:
        open_now = [item for item in commitment.tranches if item.number in numbers]
        super().__init__(*args, data={"days": [item.due_on for item in open_now]}, **kwargs)
        self.numbers = [item.number for item in open_now]
        for entry, tranche in zip(self.days, open_now, strict=False):
            entry.label.text = tranche.title

    def by_number(self) -> dict[int, Any]:
        return dict(zip(self.numbers, (entry.data for entry in self.days), strict=False))
