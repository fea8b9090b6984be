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
from core.text import N_

KINDS = {
    "civil_affairs_bureau": N_("civil affairs bureau"),
    "finance_bureau": N_("finance bureau"),
    "subdistrict": N_("subdistrict"),
    "sumu_township": N_("sumu or township"),
    "community": N_("community"),
    "gacha_village": N_("gacha or village"),
    "party_social_work_dept": N_("party department of social work"),
    "organizer_unit": N_("organizer of a round"),
    "supervisor": N_("supervisory body"),
    "other": N_("other unit"),
}


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

    @property
    def depth(self) -> int:
        """0 for a root, 1 for the units right under it."""
        return self.path.count("/") - 2

    def is_within(self, other: Agency) -> bool:
        """Whether this is ``other`` or lies under it; "/1/" is no prefix of "/11/"."""
        return bool(other.path) and self.path.startswith(other.path)
