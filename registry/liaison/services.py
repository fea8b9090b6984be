"""Appointing liaison officers, publishing notices to them, and who has read what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.mail.services import Recipient, send
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.liaison import queries
from registry.liaison.models import LiaisonNotice, LiaisonOfficer, LiaisonReceipt
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, within


def appoint(
    agency: Agency,
    person: Person,
    since: date,
    *,
    unit: Agency | None = None,
    organization: Organization | None = None,
    by: Actor,
) -> LiaisonOfficer:
    """Let a person answer for one unit or one organization. Refuses overlapping terms of one person for it."""
    if (unit is None) == (organization is None):
        raise Refusal(Message(N_("A liaison officer answers for one unit or for one organization.")))
    if since > clock.today():
        raise Refusal(Message(N_("The term begins today or earlier.")))
    row = LiaisonOfficer(
        agency_id=agency.id,
        person_id=person.id,
        unit_id=unit.id if unit else None,
        organization_id=organization.id if organization else None,
        since=since,
    )
    if queries.overlapping_terms(row):
        raise Refusal(
            Message(
                N_("%(name)s answers for this place already: end that term first."), {"name": person.name}
            ),
            status=409,
        )
    db.session.add(row)
    db.session.flush()
    record(row, "appointed", by=by, details={"person": person.id})
    return row


def end_term(officer: LiaisonOfficer, until: date, *, by: Actor) -> None:
    """The last day of a term; unread notices stay with who had them."""
    if until < officer.since or until > clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    officer.until = until
    db.session.flush()
    record(officer, "term_ended", by=by, details={"until": until.isoformat()})


def publish_notice(
    agency: Agency, title: str, text: str, *, due_on: date | None = None, by: Any
) -> LiaisonNotice:
    """Send a notice to the officers of this unit and of the units under it; each gets a receipt, and mail.

    Refuses a notice that would reach nobody, and a day that is over.
    """
    if not title.strip() or not text.strip():
        raise Refusal(Message(N_("A notice has a title and a text.")))
    if due_on is not None and due_on < clock.today():
        raise Refusal(Message(N_("The day until which it is to be read lies in the past.")))
    officers = queries.recipients(agency, clock.today())
    if not officers:
        raise Refusal(Message(N_("The unit has no liaison officer: appoint one, then publish the notice.")))
    notice = LiaisonNotice(
        agency_id=agency.id,
        title=title.strip(),
        text=text.strip(),
        published_at=clock.now(),
        published_by=by.actor_id,
        due_on=due_on,
    )
    db.session.add(notice)
    db.session.flush()
    db.session.add_all(
        LiaisonReceipt(notice_id=notice.id, officer_id=item.id, person_id=item.person_id) for item in officers
    )
    db.session.flush()
    record(notice, "published", by=by, details={"title": notice.title, "recipients": len(officers)})
    _write(notice, queries.receipts_of(notice))
    return notice


def _write(notice: LiaisonNotice, receipts: Sequence[LiaisonReceipt]) -> None:
    """Mail to those who can be reached by it; one letter a person, however many places they answer for."""
    people = {item.person_id: item.person for item in receipts}
    accounts = queries.accounts_of(set(people))
    send(
        "liaison_notice",
        {"title": notice.title, "unit": notice.agency.name, "due": notice.due_on or ""},
        to=[
            Recipient(person.email, person.name, accounts[key].locale if key in accounts else "zh")
            for key, person in people.items()
            if person.email
        ],
        agency_id=notice.agency_id,
    )


def confirm_reading(notice: LiaisonNotice, *, by: Any) -> int:
    """The officer has read it, for every place they answer for; how many receipts that were."""
    rows = db.session.scalars(
        select(LiaisonReceipt).where(
            LiaisonReceipt.notice_id == notice.id,
            LiaisonReceipt.person_id == by.person_id,
            LiaisonReceipt.read_at.is_(None),
        )
    ).all()
    for row in rows:
        row.read_at = clock.now()
    db.session.flush()
    if rows:
        record(notice, "read_by", by=by, details={"receipts": len(rows)})
    return len(rows)


def note_told(receipt: LiaisonReceipt, how: str, *, by: Any) -> None:
    """The officer was told otherwise (by telephone, in person), by whom and how."""
    if receipt.read_at is not None:
        raise Refusal(Message(N_("This notice was read already.")), status=409)
    if not how.strip():
        raise Refusal(Message(N_("Say how the officer was told: by telephone, in person.")))
    receipt.read_at, receipt.told_by, receipt.told_how = clock.now(), by.actor_id, how.strip()
    db.session.flush()
    record(receipt.notice, "told", by=by, details={"person": receipt.person_id, "note": how.strip()})


def remind(notice: LiaisonNotice, *, by: Actor) -> int:
    """Remind those who have not read it, at most once a day; how many."""
    today = clock.today()
    rows = [
        row
        for row in queries.receipts_of(notice)
        if row.read_at is None and (row.reminded_at is None or clock.local(row.reminded_at).date() < today)
    ]
    if not rows:
        raise Refusal(
            Message(N_("Nobody is to be reminded: all have read it, or were reminded today.")), status=409
        )
    for row in rows:
        row.reminders, row.reminded_at = row.reminders + 1, clock.now()
    db.session.flush()
    record(notice, "reminded", by=by, details={"count": len(rows)})
    _write(notice, rows)
    return len(rows)


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            row.id,
            Message(N_("liaison officer for %(place)s"), {"place": row.place_name}),
            row.since,
            row.until,
            duty=Message(N_("Receipts of official notices name who read them.")),
            source="机关档案管理规定",
            link=("liaison.read", row.agency_id, "liaison.officers", {}),
        )
        for row in db.session.scalars(
            select(LiaisonOfficer)
            .where(LiaisonOfficer.person_id == person_id, *within(LiaisonOfficer.agency_id, agencies))
            .order_by(LiaisonOfficer.id)
        )
    ]


def _appointed(agencies: set[int]) -> Any:
    return (
        select(LiaisonOfficer.id)
        .where(LiaisonOfficer.person_id == Person.id, LiaisonOfficer.agency_id.in_(agencies))
        .exists()
    )


add_part(Part("liaison_officer", N_("Liaison officers"), "liaison.read", _entries, _appointed))
