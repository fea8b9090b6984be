"""Which units somebody reaches."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, false, or_, select

from core.db import db
from registry.agencies.models import Agency


def visible_agencies(user: Any) -> Select[Agency]:
    """The units a person may see, with those above them first (the tree's order)."""
    return select(Agency).where(Agency.id.in_(user.agency_ids("agency.read"))).order_by(Agency.path)


def subtree(agencies: list[Agency]) -> Select[Agency]:
    """These units and everything under them, in the tree's order."""
    prefixes = [Agency.path.startswith(agency.path) for agency in agencies if agency.path]
    return select(Agency).where(or_(false(), *prefixes)).order_by(Agency.path)


def administered_agencies(user: Any) -> Select[Agency]:
    """The units whose people and tree this person administers: where the role is held, and below."""
    return subtree([item.agency for item in user.held("account.read") if item.agency is not None])


def agency_by_name(name: str) -> Agency | None:
    return db.session.scalar(select(Agency).where(Agency.name == name.strip()))
