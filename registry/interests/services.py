"""Declaring interests and ending them."""

from __future__ import annotations

from datetime import date

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.interests.models import KINDS, Interest
from registry.organizations.models import Organization
from registry.persons.models import Person


def declare_interest(
    person: Person,
    organization: Organization,
    kind: str,
    since: date,
    *,
    until: date | None = None,
    note: str = "",
    by: Actor,
) -> Interest:
    """Note what ties a person to an organization, from a day to a day (``None``: still)."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of interest {kind}")
    if since > clock.today():
        raise Refusal(Message(N_("An interest begins today or earlier.")))
    if until is not None and until < since:
        raise Refusal(Message(N_("The interest ends before it begins: check both days.")))
    interest = Interest(
        person_id=person.id,
        organization_id=organization.id,
        kind=kind,
        since=since,
        until=until,
        note=note.strip(),
    )
    db.session.add(interest)
    db.session.flush()
    record(
        interest,
        "declared",
        by=by,
        details={
            "person": person.id,
            "organization": organization.id,
            "kind": kind,
            "since": since.isoformat(),
        },
    )
    return interest


def end_interest(interest: Interest, until: date, *, by: Actor) -> None:
    """Note the last day of an interest; recusal still asks for the three years after it."""
    if until < interest.since:
        raise Refusal(Message(N_("The interest ends before it begins: check both days.")))
    if until > clock.today():
        raise Refusal(Message(N_("The last day lies in the future: end it when it has ended.")))
    interest.until = until
    db.session.flush()
    record(interest, "ended", by=by, details={"until": until.isoformat()})
