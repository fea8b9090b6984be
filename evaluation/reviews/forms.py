"""Score sheets as typed: points, reasons and a comment, read by hand because rubrics differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext
from wtforms import TextAreaField

from core.text import N_, Message
from core.web.forms import Form, MaxLength, Required
from evaluation.reviews import rules

COMMENT_MAX = 2000
REASON_MAX = 400


class Sheet:
    """What was typed for each criterion, with the messages beside it.

    Fields are named ``points-ID``, ``reason-ID`` and ``comment``.
    """

    def __init__(self, lines: Iterable[rules.Line], typed: Mapping[str, str] | None = None) -> None:
        self.lines = [*lines]
        self.text: dict[int, str] = {}
        self.points: dict[int, int | None] = {}
        self.reasons: dict[int, str] = {}
        self.comment = ""
        self.errors: dict[int, Message] = {}
        self.comment_error: Message | None = None
        if typed is not None:
            self._read(typed)

    @classmethod
    def of(cls, lines: Iterable[rules.Line], scores: Iterable[Any], comment: str) -> Sheet:
        """The saved draft: rows with ``criterion_id``, ``points`` and ``reason``."""
        sheet = cls(lines)
        for row in scores:
            sheet.points[row.criterion_id] = row.points
            sheet.text[row.criterion_id] = rules.points_text(row.points)
            sheet.reasons[row.criterion_id] = row.reason
        sheet.comment = comment
        return sheet

    def _read(self, typed: Mapping[str, str]) -> None:
        for line in self.lines:
            text = unicodedata.normalize("NFKC", typed.get(f"points-{line.id}", "")).strip()
            self.text[line.id] = text
            self.reasons[line.id] = typed.get(f"reason-{line.id}", "").strip()
            self.points[line.id] = self._point(line, text)
            if len(self.reasons[line.id]) > REASON_MAX:
                self.errors[line.id] = Message(
                    N_("The reason may have at most %(max)s characters."), {"max": REASON_MAX}
                )
        self.comment = typed.get("comment", "").strip()
        if len(self.comment) > COMMENT_MAX:
            self.comment_error = Message(
                N_("The comment may have at most %(max)s characters."), {"max": COMMENT_MAX}
            )

    def _point(self, line: rules.Line, text: str) -> int | None:
        if not text:
            return None
        out_of_range = Message(N_("From 0 to %(most)s points, in half points."), {"most": line.most})
        try:
            value = Decimal(text) * 100
        except InvalidOperation:
            self.errors[line.id] = out_of_range
            return None
        if not value.is_finite() or value != value.to_integral_value() or abs(value) > 10**6:
            self.errors[line.id] = out_of_range
            return None
        if problem := rules.range_problem(line, int(value)):
            self.errors[line.id] = problem
        return int(value)

    def finished(self) -> bool:
        """Adds what is missing for submitting to the messages; ``True`` when nothing is."""
        for key, message in rules.gaps(self.lines, self.points, self.reasons, self.comment).items():
            self.errors.setdefault(key, message)
        return self.ok

    @property
    def ok(self) -> bool:
        return not self.errors and self.comment_error is None

    @property
    def total(self) -> int:
        return sum(self.points.get(line.id) or 0 for line in self.lines)

    def sum_of(self, rows: Iterable[Any]) -> int:
        """Points given so far to some of the criteria."""
        return sum(self.points.get(row.id) or 0 for row in rows)

    @property
    def done(self) -> int:
        return sum(self.points.get(line.id) is not None for line in self.lines)


class RecuseForm(Form):
    reason = TextAreaField(lazy_gettext("Which interest it is"), [Required(), MaxLength(200)])


class ReleaseForm(Form):
    reason = TextAreaField(lazy_gettext("Why the member cannot score"), [Required(), MaxLength(200)])


class DissentForm(Form):
    dissent = TextAreaField(
        lazy_gettext("What you disagree with"), [Required(), MaxLength(2000)], id="dissent-text"
    )
