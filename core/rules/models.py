"""Policy as data.

A rule set holds the parameters of one family of rules (R30, RLF, REL, RBL, RDT, RPN, REX …) for
a jurisdiction (division code, empty for everywhere) and a programme (empty for all), valid from a
day on. Nothing of it is ever changed: a new version is a new row. A decision stores the id and
version it was taken under.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model


class RuleSet(Model):
    family: Mapped[str] = mapped_column(String(8))
    jurisdiction: Mapped[str] = mapped_column(String(12), default="")
    programme: Mapped[str] = mapped_column(String(32), default="")
    valid_from: Mapped[date]
    version: Mapped[int]
    parameters: Mapped[dict] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("family", "jurisdiction", "programme", "valid_from", "version"),
        CheckConstraint("version > 0", name="version_positive"),
    )

    @property
    def label(self) -> str:
        """``REL 150600 v2``, as written into decisions."""
        return (
            " ".join(part for part in (self.family, self.jurisdiction, self.programme) if part)
            + f" v{self.version}"
        )


class CalendarDay(Model):
    """A day whose working state differs from, or is not yet in, the published arrangement."""

    day: Mapped[date] = mapped_column(unique=True)
    working: Mapped[bool]
    note: Mapped[str] = mapped_column(String(120), default="")
