"""Who asked for a job: the account with the rights it holds when the work is done."""

from __future__ import annotations

from core.db import db
from core.jobs.services import use_people
from registry.accounts.models import User


def asker(user_id: int) -> User | None:
    user = db.session.get(User, user_id)
    return user if user is not None and user.is_active else None


use_people(asker)
