"""Regular work of the web floor."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from core import clock
from core.db import transaction
from core.jobs.services import add_regular
from core.web.models import UsedKey

KEEP_KEYS = timedelta(days=30)


def forget_old_keys() -> None:
    """A form is not sent again after a month; its key need not be remembered."""
    with transaction() as session:
        session.execute(delete(UsedKey).where(UsedKey.used_at < clock.now() - KEEP_KEYS))


add_regular("forget old form keys", timedelta(hours=6), forget_old_keys)
