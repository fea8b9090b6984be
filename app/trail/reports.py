"""The audit trail as a table to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from core import clock
from core.audit.chains import canonical
from core.audit.models import AuditEntry
from core.audit.queries import shown_details

HEAD = ("at", "actor_id", "actor", "object_type", "object_id", "seq", "event", "details", "prev_hash", "hash")
# A cell that begins like this is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(entries: Iterable[AuditEntry]) -> bytes:
    """UTF-8 with a mark that spreadsheets understand; instants in Asia/Shanghai with their offset."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for entry in entries:
        writer.writerow(
            [
                clock.local(entry.at).isoformat(timespec="seconds"),
                "" if entry.actor_id is None else entry.actor_id,
                _cell(entry.actor_name),
                entry.object_type,
                entry.object_id,
                entry.seq,
                _cell(entry.event),
                _cell(_details(entry)),
                entry.prev_hash,
                entry.hash,
            ]
        )
    return text.getvalue().encode("utf-8-sig")


def _details(entry: AuditEntry) -> str:
    """The details as written, or, where a person's name is withheld, the rest of them."""
    try:
        shown = shown_details(entry)
    except ValueError:
        return entry.details
    return entry.details if shown == json.loads(entry.details) else canonical(shown)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
