"""Reading the pool of experts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from core.db import db
from registry.experts.models import Expert


def pool(agency_id: int) -> list[Expert]:
    """The active experts of one agency by id: the order that a recorded draw starts from."""
    return list(
        db.session.scalars(
            select(Expert)
            .where(Expert.agency_id == agency_id, Expert.active)
            .options(joinedload(Expert.person))
            .order_by(Expert.id)
        )
    )


def visible_experts(user: Any) -> Select[Expert]:
    """Experts of the units a person reads."""
    return (
        select(Expert)
        .where(Expert.agency_id.in_(user.agency_ids("expert.read")))
        .options(joinedload(Expert.person))
    )


def expert_in_scope(user: Any, expert_id: int) -> Expert | None:
    return db.session.scalar(visible_experts(user).where(Expert.id == expert_id))


def editable_expert(user: Any, expert_id: int) -> Expert | None:
    """The expert, when the pool is that of a unit where the person edits it."""
    return db.session.scalar(
        select(Expert).where(Expert.id == expert_id, Expert.agency_id.in_(user.agency_ids("expert.edit")))
    )
