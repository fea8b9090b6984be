"""Sentences that code composes and the page translates.

Rules, services and imports know no request and no locale. They return a :class:`Message`: an
English message id with ``%(name)s`` fields and the values for them. Values keep their type (money,
day, ratio, another message) so that the page can write them in the reader's language, also after
they were stored as JSON with a decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Self

from core.money import Money, percent


def N_(message: str) -> str:
    """Mark an English message id for the catalogue without translating it yet."""
    return message


@dataclass(frozen=True, slots=True)
class Message:
    """An English message id with the values of its ``%(name)s`` fields."""

    id: str
    params: dict[str, Any] = field(default_factory=dict)

    def english(self) -> str:
        if not self.params:
            return self.id
        return self.id % {key: _english(value) for key, value in self.params.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` gives the same message back."""
        return {"id": self.id, "params": {key: _encode(value) for key, value in self.params.items()}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(data["id"], {key: _decode(value) for key, value in data["params"].items()})

    def __str__(self) -> str:
        return self.english()


def _english(value: Any) -> Any:
    if isinstance(value, Message):
        return value.english()
    if isinstance(value, Fraction):
        return percent(value)
    return value


def _encode(value: Any) -> Any:
    if isinstance(value, Message):
        return {"$message": value.to_dict()}
    if isinstance(value, Money):
        return {"$fen": value.fen}
    if isinstance(value, Fraction):
        return {"$ratio": [value.numerator, value.denominator]}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    return value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "$message":
        return Message.from_dict(content)
    if kind == "$fen":
        return Money(content)
    if kind == "$ratio":
        return Fraction(*content)
    return date.fromisoformat(content)
