"""Reading the guiding catalogue."""

from __future__ import annotations

from datetime import date

from sqlalchemy import or_, select

from core.db import db
from finance.catalogue.models import CatalogueItem
from finance.catalogue.rules import levels_above


def in_force(division_code: str, on: date) -> list[CatalogueItem]:
    """The items that hold in the division on ``on``, by code; of the nearest level that has any."""
    levels = levels_above(division_code)
    items = db.session.scalars(
        select(CatalogueItem)
        .where(
            CatalogueItem.division_code.in_(levels),
            CatalogueItem.valid_from <= on,
            or_(CatalogueItem.valid_to.is_(None), CatalogueItem.valid_to >= on),
        )
        .order_by(CatalogueItem.code)
    ).all()
    for level in levels:
        own = [item for item in items if item.division_code == level]
        if own:
            return own
    return []


def items_of(division_code: str) -> list[CatalogueItem]:
    """Every item a division ever had, by code, the newest first."""
    return list(
        db.session.scalars(
            select(CatalogueItem)
            .where(CatalogueItem.division_code == division_code)
            .order_by(CatalogueItem.code, CatalogueItem.valid_from.desc())
        )
    )
