"""Regular work of the audit trail: what a process left unsealed between commit and seal is sealed."""

from __future__ import annotations

import logging
from datetime import timedelta

from core.audit.chains import append_seals, read_seals, unsealed_heads
from core.db import db
from core.jobs.services import add_regular

log = logging.getLogger(__name__)


def seal_what_was_left() -> None:
    """Seal the chains that are longer than their newest seal, and say so: seal lines may be gone."""
    try:
        left = unsealed_heads(read_seals())
    finally:
        db.session.rollback()
    append_seals(left)
    if left:
        log.warning(
            "%s chain(s) were longer than their newest seal; compare the seals with a copy", len(left)
        )


add_regular("seal the heads of all chains", timedelta(hours=1), seal_what_was_left)
