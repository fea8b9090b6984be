"""Figures: the sums of purchases that are kept beside the rows, by service and by level.

They are there so that a page over a million rows answers at once; they are always what computing them anew
gives, and say by which rules they were made.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, count_column
from finance.contracts.models import _KNOWN_BASIS


class ServiceYear(Model):
    """Kept: one service's line of the 30% figure of a year, on one basis.

    Each row is judged by the rules of its own level for that year, last year's rows too. ``venture``
    lines count venture grants as well; they are kept only for services that have some, and the line
    without them is then marked ``apart``. A service joined to others by continuations has one line, at
    the identity that carries it. Money that goes to social organizations is whole fen and billionths of
    a fen; ``added_so_…`` is rounded down to a billionth, ``rounded`` where that left something out.
    ``sources`` is this year's total by fund source, as JSON of fen.
    """

    basis: Mapped[str] = mapped_column(String(10))
    venture: Mapped[bool]
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    purchaser: Mapped[str] = mapped_column(String(120))
    key: Mapped[str] = mapped_column(String(170))
    name: Mapped[str] = mapped_column(String(160))
    apart: Mapped[bool]
    joined: Mapped[bool]
    row_count: Mapped[int] = count_column()
    total_fen: Mapped[int] = count_column()
    before_fen: Mapped[int] = count_column()
    added_fen: Mapped[int] = count_column()
    so_fen: Mapped[int] = count_column()
    so_rest: Mapped[int] = count_column()
    before_so_fen: Mapped[int] = count_column()
    before_so_rest: Mapped[int] = count_column()
    added_so_fen: Mapped[int] = count_column()
    added_so_rest: Mapped[int] = count_column()
    rounded: Mapped[bool]
    sources: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint(
            "division_code", "purchaser", "key", "fiscal_year", "basis", "venture",
            name="uq_service_year_service",
        ),
        CheckConstraint(_KNOWN_BASIS, name="known_basis"),
        Index(
            "ix_service_year_level",
            "division_code", "fiscal_year", "basis", "venture", "apart", "added_fen", "id",
        ),
        Index("ix_service_year_order", "fiscal_year", "basis", "venture", "apart", "added_fen", "id"),
        Index("ix_service_year_rounded", "fiscal_year", "rounded", "division_code"),
    )  # fmt: skip


class LevelFigure(Model):
    """Kept: the sums of a level's lines, with the rules (a digest) they were judged by.

    With ``venture`` the sums are of all services, those without venture grants among them.
    """

    basis: Mapped[str] = mapped_column(String(10))
    venture: Mapped[bool]
    division_code: Mapped[str] = mapped_column(String(12))
    fiscal_year: Mapped[int]
    rules_digest: Mapped[str] = mapped_column(String(64))
    services: Mapped[int] = count_column()
    row_count: Mapped[int] = count_column()
    total_fen: Mapped[int] = count_column()
    before_fen: Mapped[int] = count_column()
    added_fen: Mapped[int] = count_column()
    so_fen: Mapped[int] = count_column()
    so_rest: Mapped[int] = count_column()
    before_so_fen: Mapped[int] = count_column()
    before_so_rest: Mapped[int] = count_column()
    added_so_fen: Mapped[int] = count_column()
    added_so_rest: Mapped[int] = count_column()
    rounded: Mapped[int] = count_column()
    sources: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("division_code", "fiscal_year", "basis", "venture", name="uq_level_figure_level"),
        CheckConstraint(_KNOWN_BASIS, name="known_basis"),
    )
