"""Persons: one row per human being.

Users, leaders, experts, instructors and volunteers point here, so that a conflict of interest is
asked of the person, whatever hat is worn.
"""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model


class Person(Model):
    name: Mapped[str] = mapped_column(String(60), index=True)
    phone: Mapped[str] = mapped_column(String(20), default="")
    title: Mapped[str] = mapped_column(String(60), default="")
    email: Mapped[str] = mapped_column(String(120), default="", server_default="")
