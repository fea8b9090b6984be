"""Amounts of a proposal, read by application, and the small forms of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_babel import lazy_gettext
from wtforms import StringField, TextAreaField

from core.money import Money, MoneyError
from core.text import N_, Message
from core.web.forms import Form, MaxLength, Required
from evaluation.decisions.models import DecisionItem


class Amounts:
    """What was typed for each application: fields ``amount-ID`` and ``reason-ID``."""

    def __init__(self, items: Iterable[DecisionItem], typed: Mapping[str, str] | None = None) -> None:
        self.text: dict[int, str] = {}
        self.amounts: dict[int, Money] = {}
        self.reasons: dict[int, str] = {}
        self.errors: dict[int, Message] = {}
        for item in items:
            key = item.application_id
            if typed is None:
                self.text[key], self.amounts[key] = item.amount.plain(), item.amount
                self.reasons[key] = item.reason
            else:
                self.text[key] = typed.get(f"amount-{key}", "").strip()
                self.reasons[key] = typed.get(f"reason-{key}", "").strip()
                self._parse(key)

    def _parse(self, key: int) -> None:
        try:
            self.amounts[key] = Money.parse(self.text[key] or "0")
        except MoneyError:
            self.errors[key] = Message(
                N_("Write the amount in yuan with at most two decimals, for example 12,000.00.")
            )


class NoteForm(Form):
    note = TextAreaField(lazy_gettext("What has to be changed"), [Required(), MaxLength(1000)])


class NoticeForm(Form):
    contact = StringField(lazy_gettext("Contact for objections"), [Required(), MaxLength(120)])
    supervision_phone = StringField(lazy_gettext("Telephone of the supervision"), [Required(), MaxLength(20)])
