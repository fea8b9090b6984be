"""Finding one row per human being."""

from __future__ import annotations

from sqlalchemy import select

from core.db import db
from registry.persons.models import Person


def known_person(name: str, phone: str) -> Person | None:
    """The person of that name and telephone; two people may share a name, so the name is not enough."""
    if not phone.strip():
        return None
    return db.session.scalar(
        select(Person)
        .where(Person.name == name.strip(), Person.phone == phone.strip())
        .order_by(Person.id)
        .limit(1)
    )
