"""The guiding catalogue (指导性目录): what may be bought, in up to three levels.

Branch A is public services to the public and counts for the 30% rule; branch B is auxiliary
services to government and does not (102号令 Art. 9).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model


class CatalogueItem(Model):
    division_code: Mapped[str] = mapped_column(String(12))
    code: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    public_service: Mapped[bool]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    __table_args__ = (UniqueConstraint("division_code", "code", "valid_from"),)
