"""Sentences that code composes and the page translates.

Rules and imports know no request and no locale. They return a :class:`Message`: an English
message id with ``%(name)s`` fields and the values for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def N_(message: str) -> str:  # noqa: N802 - the marker's name is gettext's convention
    """Mark an English message id for the catalogue without translating it yet."""
    return message


@dataclass(frozen=True, slots=True)
class Message:
    """An English message id with the values of its ``%(name)s`` fields."""

    id: str
    params: dict[str, Any] = field(default_factory=dict)

    def english(self) -> str:
        return self.id % self.params if self.params else self.id

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "params": dict(self.params)}

    def __str__(self) -> str:
        return self.english()
