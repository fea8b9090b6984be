"""What pages of grants show of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.audit.queries import entries_of
from core.text import N_
from core.web.words import moment, say

SHOWN = 30


def _actor(name: str) -> str:
    return say(N_("the system")) if name == "system" else name


def trail(
    thing: Any, events: Mapping[str, str], *, tones: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The newest audit entries of ``thing`` as items of a timeline, each with its note."""
    items = []
    for entry in entries_of(thing)[:SHOWN]:
        details = json.loads(entry.details) if isinstance(entry.details, str) else entry.details
        note = " · ".join(part for part in (_actor(entry.actor_name), str(details.get("note", ""))) if part)
        items.append(
            {
                "what": say(events.get(entry.event, entry.event)),
                "when": moment(entry.at),
                "note": note,
                "tone": (tones or {}).get(entry.event, ""),
            }
        )
    return items
