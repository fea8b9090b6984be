"""Agencies: the units of government that call, decide and pay.

They form one tree: city, banner or county, township, community. ``path`` is the chain of ids from
the root ("/1/4/9/"), so that "my unit and everything under it" is one prefix. A unit belongs to a
division (GB/T 2260, 6 digits; 9 for townships, 12 for communities); that is the level at which
budgets and the 30% figure are kept.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk

# kind: civil_affairs_bureau, finance_bureau, subdistrict, sumu_township, community, gacha_village,
# party_social_work_dept, organizer_unit, supervisor, other


class Agency(Model):
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    division_code: Mapped[str] = mapped_column(String(12), index=True)
    parent_id: Mapped[int | None] = fk("agency.id")
    path: Mapped[str] = mapped_column(String(255), default="")
    # The code words of its documents: 鄂民发
    document_prefix: Mapped[str] = mapped_column(String(16), default="")

    parent: Mapped[Agency | None] = relationship(remote_side="Agency.id")

    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_own_parent"),
        Index(None, "path"),
    )
