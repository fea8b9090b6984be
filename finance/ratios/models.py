"""The 30% figure as people see it: opened to its rows, and watched quarter by quarter.

Once a day every level is looked at; where it stands at the end of a quarter is kept, so that the finance
head is warned within the year and not after it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, count_column, instant_column


class RatioWatch(Model):
    """Kept: where a level stands at the end of each quarter that has begun, for the early warning."""

    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    quarter: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    shown: Mapped[str] = mapped_column(String(24))
    gap_fen: Mapped[int] = count_column()
    looked_at: Mapped[datetime] = instant_column()

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "quarter"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="known_quarter"),
    )
