"""Entering into, and removing from, an organization's credit file."""

from __future__ import annotations

from datetime import date

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.credit.models import KINDS, CreditEntry
from registry.organizations.models import Organization


def record_entry(
    organization: Organization,
    kind: str,
    *,
    entered_on: date,
    grounds: str,
    source: str = "",
    grade: str = "",
    by: Actor,
) -> CreditEntry:
    """Note what stands against (or for) an organization, with its grounds."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of entry {kind}")
    if not grounds.strip():
        raise Refusal(Message(N_("Give the grounds of the entry.")))
    if entered_on > clock.today():
        raise Refusal(Message(N_("The day of entry lies in the future.")))
    entry = CreditEntry(
        organization_id=organization.id,
        kind=kind,
        entered_on=entered_on,
        grounds=grounds.strip(),
        source=source.strip(),
        grade=grade,
        recorded_by=by.actor_id,
    )
    db.session.add(entry)
    db.session.flush()
    details = {"kind": kind, "entered_on": entered_on.isoformat(), "entry": entry.id}
    record(entry, "recorded", by=by, details=details)
    record(organization, "credit_entered", by=by, details=details)
    return entry


def remove_entry(entry: CreditEntry, *, removed_on: date, by: Actor) -> None:
    """The entry no longer holds from ``removed_on`` on; the row and its history stay."""
    if entry.removed_on is not None:
        raise Refusal(Message(N_("This entry has been removed already.")), status=409)
    if removed_on < entry.entered_on:
        raise Refusal(Message(N_("The removal lies before the entry: check the day.")))
    if removed_on > clock.today():
        raise Refusal(Message(N_("The day of removal lies in the future.")))
    entry.removed_on = removed_on
    db.session.flush()
    details = {"kind": entry.kind, "removed_on": removed_on.isoformat(), "entry": entry.id}
    record(entry, "removed", by=by, details=details)
    record(db.session.get_one(Organization, entry.organization_id), "credit_removed", by=by, details=details)
