"""Who somebody is and what they may do."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core.db import db
from registry.accounts.models import RoleAssignment, User


def user_of_session(token: str) -> User | None:
    """The user of a session cookie; ``None`` when the password or the account changed since."""
    number, _, stamp = token.partition(".")
    if not number.isdecimal() or len(number) > 18:
        return None
    user = db.session.scalar(
        select(User)
        .where(User.id == int(number))
        .options(
            joinedload(User.roles).joinedload(RoleAssignment.agency),
            joinedload(User.roles).joinedload(RoleAssignment.organization),
        )
        .execution_options(populate_existing=True)
    )
    return user if user is not None and user.active and user.session_stamp == stamp else None


def user_by_login(login: str) -> User | None:
    return db.session.scalar(select(User).where(User.login == login.strip().lower()))
