"""The worker empties the outbox."""

from __future__ import annotations

from datetime import timedelta

from core.jobs.services import add_regular
from core.mail.services import deliver_due

add_regular("mail", timedelta(seconds=5), deliver_due)
