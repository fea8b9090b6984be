"""Persons: one row per human being.

Users, leaders, experts, instructors and volunteers point here, so that a conflict of interest is
asked of the person, whatever hat is worn. The identity number is kept sealed, found again by a keyed
hash that only one row holds, and shown masked; each reading of it is written down. Of two rows for one
human being one is kept and takes over what pointed at the other, which then only names it.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, fk
from core.text import N_

SEXES = {"": N_("not stated"), "female": N_("female"), "male": N_("male")}


class Person(Model):
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(20), default="")
    title: Mapped[str] = mapped_column(String(60), default="")
    email: Mapped[str] = mapped_column(String(120), default="", server_default="")
    sort_key: Mapped[str] = mapped_column(String(160), default="", server_default="")
    sex: Mapped[str] = mapped_column(String(6), default="", server_default="")
    born_on: Mapped[date | None]
    identity_sealed: Mapped[str | None] = mapped_column(Text)
    identity_hash: Mapped[str | None] = mapped_column(String(64))
    identity_masked: Mapped[str] = mapped_column(String(18), default="", server_default="")
    merged_into_id: Mapped[int | None] = fk("person.id")
    # The day on which everything that no duty holds was taken out at the person's wish.
    erased_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("merged_into_id <> id", name="not_merged_into_itself"),
        CheckConstraint("(identity_sealed IS NULL) = (identity_hash IS NULL)", name="identity_is_whole"),
        Index(None, "identity_hash", unique=True),
        Index(None, "name", "phone"),
        Index(None, "sort_key", "id"),
    )
