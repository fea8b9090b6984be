"""Regular work of the web floor."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from core import clock
from core.db import transaction
from core.files.jobs import check_uploads, sweep_orphans
from core.jobs.services import add_regular, forget
from core.web.models import UsedKey

KEEP_KEYS = timedelta(days=30)


def forget_old_keys() -> None:
    """A form is not sent again after a month; its key need not be remembered."""
    with transaction() as session:
        session.execute(delete(UsedKey).where(UsedKey.used_at < clock.now() - KEEP_KEYS))


add_regular("forget old form keys", timedelta(hours=6), forget_old_keys)
add_regular("check uploaded files", timedelta(seconds=5), check_uploads)
add_regular("forget finished jobs", timedelta(hours=6), forget)
add_regular("sweep orphaned files", timedelta(hours=6), sweep_orphans)
