"""Invented values for ``/dev/components``, the page that shows every component in every state.

English alone: developers read it, and it is not there in production.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    FileField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import Message
from core.web import charts
from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, MomentField, MoneyField, Required
from core.web.paging import Page

STATES = ("draft", "active", "waiting", "done", "wrong", "closed")


class SampleForm(Form):
    """One field of each kind."""

    title = StringField("Name of the project", [Required(), MaxLength(30)])
    amount = MoneyField("Asked for", [Required()])
    people = IntegerField("People served", [Between(1, 100_000)])
    starts_on = DayField("Begins on")
    deadline = MomentField("Closes at")
    kind = ChoiceField("Category", choices=[SelectChoice("a", "elderly"), SelectChoice("b", "children")])
    hosted = RadioField(
        "Hosted by a hub",
        choices=[SelectChoice("no", "no, on our own"), SelectChoice("yes", "yes, by agreement")],
    )
    groups = SelectMultipleField(
        "Groups served",
        choices=[
            SelectChoice("a", "elderly"),
            SelectChoice("b", "children"),
            SelectChoice("c", "disabled people"),
        ],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    summary = TextAreaField("Summary")
    password = PasswordField("Password")
    report = FileField("Audit report")
    agreed = BooleanField("The particulars are true", [Required()])


def context() -> dict[str, Any]:
    """What the template needs."""
    today = clock.today()
    refused = SampleForm(
        formdata=MultiDict(
            {
                "refused-title": "",
                "refused-amount": "12,O00",
                "refused-people": "0",
                "refused-kind": "z",
            }
        ),
        prefix="refused-",
    )
    refused.validate()
    return {
        "states": STATES,
        "form": SampleForm(formdata=None),
        "filter": SampleForm(formdata=None, prefix="filter-"),
        "refused": refused,
        "findings": [
            _finding("REL-E5", Verdict.FAIL, "Listed as abnormal within twelve months.", "2025-09-03"),
            _finding("REL-E10", Verdict.MANUAL, "Compare with article 7 of the charter.", ""),
            _finding("REL-E3", Verdict.PASS, "Registered for twelve months.", "83 months"),
            _finding("REL-E18", Verdict.NOT_APPLICABLE, "The call sets no such condition.", ""),
        ],
        "money": Money(9_680_000),
        "largest": Money(342_000_000),
        "reversal": Money(-3_250_000),
        "dues": [
            (today - timedelta(days=3), -2, None),
            (today, 0, "17:30"),
            (today + timedelta(days=1), 1, None),
            (today + timedelta(days=7), 5, None),
            (today + timedelta(days=9), None, None),
        ],
        "charts": _charts(),
        "first_page": Page(rows=[], next_key="n", first=True),
        "middle_page": Page(rows=[], next_key="n", first=False, previous_key="p"),
    }


def _charts() -> list[charts.Chart]:
    months = [f"{month:02d}" for month in range(1, 6)]
    paid = [Money.yuan(wan * 100) for wan in (0, 620, 1180, 940, 1290)]
    kept = [Money.yuan(wan * 100) for wan in (400, 380, 200, 560, 90)]
    ratios = [Fraction(281, 1000), Fraction(2999999, 10_000_000), None, Fraction(317, 1000)]
    years = [str(year) for year in range(2023, 2027)]
    fields = ["Elderly", "Children and families", "People with disabilities", "Community mediation"]
    links = [f"#{place}" for place in range(len(fields))]
    return [
        charts.bars("Paid by month", charts.WAN, months, [charts.Series("", paid)], head="Month"),
        charts.bars(
            "Paid and kept", charts.WAN, months, [charts.Series("Paid", paid), charts.Series("Kept", kept)],
            stacked=True,
        ),
        charts.bars(
            "Where it went", charts.YUAN, fields, [charts.Series("", paid[1:], links)], horizontal=True
        ),
        charts.lines(
            "Ratio by year", charts.PERCENT, years, [charts.Series("Own level", ratios), charts.Series("Rolled up", ratios[::-1])],
            threshold=charts.Threshold(Fraction(3, 10), "Threshold"),
        ),
        charts.parts("Where it went, in parts", charts.WAN, fields, paid[1:], total=sum(paid, Money(0))),
    ]  # fmt: skip


def _finding(rule: str, verdict: Verdict, sentence: str, numbers: str) -> Finding:
    return Finding(
        rule,
        verdict,
        Message(rule),
        Message(sentence),
        Message(numbers) if numbers else None,
        source="Article 4 (5)",
    )
