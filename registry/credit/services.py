"""Entering into, and removing from, an organization's credit file."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal, require_distinct
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.credit.lifecycle import SEVERAL_PEOPLE
from registry.credit.models import (
    ADVERSE_KINDS,
    KINDS,
    LISTS,
    PENALTIES,
    AdverseRecord,
    CreditEntry,
    CreditProposal,
    CreditRemoval,
)
from registry.credit.queries import PROPOSAL_WAITS, REMOVAL_WAITS
from registry.credit.rules import CREDIT_LAW, overlaps
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, within


def record_entry(
    organization: Organization,
    kind: str,
    *,
    entered_on: date,
    grounds: str,
    source: str = "",
    grade: str = "",
    penalty: str = "",
    fine: Money | None = None,
    by: Actor,
) -> CreditEntry:
    """Note what stands against (or for) an organization, with its grounds.

    Raises :class:`Refusal` for a list the organization is on already on that day, and for a penalty
    without its kind, or a fine without its amount.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of entry {kind}")
    if not grounds.strip():
        raise Refusal(Message(N_("Give the grounds of the entry.")))
    if entered_on > clock.today():
        raise Refusal(Message(N_("The day of entry lies in the future.")))
    _require_penalty(kind, penalty, fine)
    if kind in LISTS:
        _require_free(organization, kind, entered_on)
    entry = CreditEntry(
        organization_id=organization.id,
        kind=kind,
        entered_on=entered_on,
        grounds=grounds.strip(),
        source=source.strip(),
        grade=grade,
        penalty=penalty,
        fine=fine,
        recorded_by=by.actor_id,
    )
    db.session.add(entry)
    db.session.flush()
    details = {"kind": kind, "entered_on": entered_on.isoformat(), "entry": entry.id}
    record(entry, "recorded", by=by, details=details)
    record(organization, "credit_entered", by=by, details=details)
    return entry


def _require_penalty(kind: str, penalty: str, fine: Money | None) -> None:
    if kind != "penalty":
        if penalty or fine is not None:
            raise Refusal(
                Message(N_("Only a penalty has a kind of penalty and an amount: leave them empty."))
            )
        return
    if penalty not in PENALTIES:
        raise Refusal(Message(N_("Say which penalty it is.")))
    if (penalty == "fine") != (fine is not None and fine > Money(0)):
        raise Refusal(Message(N_("A fine has an amount above zero; another penalty has none.")))


def _require_free(organization: Organization, kind: str, entered_on: date) -> None:
    """The periods of one list never overlap: the organization's row is held while they are compared."""
    db.session.execute(select(Organization.id).where(Organization.id == organization.id).with_for_update())
    for entry in db.session.scalars(
        select(CreditEntry).where(CreditEntry.organization_id == organization.id, CreditEntry.kind == kind)
    ):
        if overlaps((entry.entered_on, entry.removed_on), (entered_on, None)):
            raise Refusal(
                Message(
                    N_(
                        "It is on this list already since %(since)s: one period ends before the next begins. Remove that entry first, or enter a day after its removal."
                    ),
                    {"since": entry.entered_on},
                ),
                status=409,
            )


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


# Off again, on application ----------------------------------------------------------------------


def apply_for_removal(
    entry: CreditEntry, *, reason: str, file: StoredFile | None = None, by: Any
) -> CreditRemoval:
    """The organization, or its unit for it, asks that an entry be taken off: what was put right, with proof."""
    if entry.kind == "project_grade":
        raise Refusal(Message(N_("A final grade stays on record.")))
    if entry.removed_on is not None:
        raise Refusal(Message(N_("This entry has been removed already.")), status=409)
    if not reason.strip():
        raise Refusal(Message(N_("Say what was put right and when.")))
    waiting = db.session.scalar(
        select(CreditRemoval.id).where(
            CreditRemoval.entry_id == entry.id, CreditRemoval.state.in_(REMOVAL_WAITS)
        )
    )
    if waiting is not None:
        raise Refusal(Message(N_("An application for this entry is under way already.")), status=409)
    removal = CreditRemoval(
        agency_id=entry.organization.agency_id,
        entry_id=entry.id,
        reason=reason.strip(),
        file_id=file.id if file else None,
        applied_by=by.actor_id,
        applied_on=clock.today(),
    )
    db.session.add(removal)
    db.session.flush()
    record(removal, "applied", by=by, details={"entry": entry.id, "note": reason.strip()})
    return removal


def examine_removal(removal: CreditRemoval, *, opinion: str, by: Any) -> None:
    """The clerk: what was looked at and found."""
    if not opinion.strip():
        raise Refusal(Message(N_("Say what you looked at and what you found.")))
    fire(removal, "examine", by=by, opinion=opinion.strip(), note=opinion.strip())


def verify_removal(removal: CreditRemoval, *, note: str = "", by: Any) -> None:
    """The reviewing officer agrees that it is put right; the leader decides."""
    fire(removal, "verify", by=by, note=note.strip())


def grant_removal(removal: CreditRemoval, *, note: str = "", by: Any) -> None:
    """The leader takes the entry off, from today on."""
    fire(removal, "grant", by=by, note=note.strip())
    remove_entry(removal.entry, removed_on=clock.today(), by=by)


def refuse_removal(removal: CreditRemoval, *, note: str, by: Any) -> None:
    if not note.strip():
        raise Refusal(Message(N_("Say why the entry stays.")))
    fire(removal, "turn_down" if removal.state == "examined" else "refuse", by=by, note=note.strip())


# Proposed and confirmed -------------------------------------------------------------------------


def propose_entry(
    organization: Organization,
    kind: str,
    *,
    finding: Finding | None,
    grounds: str,
    source: str = "",
    by: Any,
) -> CreditProposal:
    """A clerk proposes that an organization goes on a list; another reviews it, the leader confirms it."""
    if kind not in LISTS:
        raise ValueError(f"no list {kind}")
    if not by.may("credit.edit", agency_id=organization.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not grounds.strip():
        raise Refusal(Message(N_("Give the grounds of the entry.")))
    _require_free(organization, kind, clock.today())
    waiting = db.session.scalar(
        select(CreditProposal.id).where(
            CreditProposal.organization_id == organization.id,
            CreditProposal.kind == kind,
            CreditProposal.state.in_(PROPOSAL_WAITS),
        )
    )
    if waiting is not None:
        raise Refusal(Message(N_("This entry is proposed already and waits for its decision.")), status=409)
    proposal = CreditProposal(
        agency_id=organization.agency_id,
        organization_id=organization.id,
        kind=kind,
        finding=finding.to_dict() if finding else {},
        grounds=grounds.strip(),
        source=source.strip(),
        proposed_by=by.actor_id,
        proposed_on=clock.today(),
    )
    db.session.add(proposal)
    db.session.flush()
    record(proposal, "proposed", by=by, details={"kind": kind, "note": grounds.strip()})
    return proposal


def review_proposal(proposal: CreditProposal, *, note: str = "", by: Any) -> None:
    """The reviewing officer agrees; the leader decides."""
    fire(proposal, "review", by=by, note=note.strip())


def confirm_proposal(proposal: CreditProposal, *, note: str = "", by: Any) -> CreditEntry:
    """The leader: the entry is made, with today's day."""
    fire(proposal, "confirm", by=by, note=note.strip())
    entry = record_entry(
        proposal.organization,
        proposal.kind,
        entered_on=clock.today(),
        grounds=proposal.grounds,
        source=proposal.source,
        by=by,
    )
    proposal.entry_id = entry.id
    db.session.flush()
    return entry


def refuse_proposal(proposal: CreditProposal, *, note: str, by: Any) -> None:
    if not note.strip():
        raise Refusal(Message(N_("Say why it is not entered.")))
    fire(proposal, "turn_down" if proposal.state == "proposed" else "refuse", by=by, note=note.strip())


# Persons ----------------------------------------------------------------------------------------


def record_adverse(
    agency: Agency,
    person: Person,
    kind: str,
    *,
    entered_on: date,
    grounds: str,
    source: str = "",
    organization: Organization | None = None,
    by: Actor,
) -> AdverseRecord:
    """Note what stands against a person who starts or leads organizations."""
    if kind not in ADVERSE_KINDS:
        raise ValueError(f"unknown kind of record {kind}")
    if not grounds.strip():
        raise Refusal(Message(N_("Give the grounds of the entry.")))
    if entered_on > clock.today():
        raise Refusal(Message(N_("The day of entry lies in the future.")))
    row = AdverseRecord(
        agency_id=agency.id,
        person_id=person.id,
        organization_id=organization.id if organization else None,
        kind=kind,
        entered_on=entered_on,
        grounds=grounds.strip(),
        source=source.strip(),
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(row, "recorded", by=by, details={"kind": kind, "entered_on": entered_on.isoformat()})
    return row


def remove_adverse(row: AdverseRecord, *, reason: str, by: Actor) -> None:
    """Another person than the recorder ends the record, from today on."""
    if row.removed_on is not None:
        raise Refusal(Message(N_("This entry has been removed already.")), status=409)
    if not reason.strip():
        raise Refusal(Message(N_("Say why the record ends.")))
    require_distinct(
        {"recorded": row.recorded_by, "removed": by.actor_id}, rule="RAP-2", source=SEVERAL_PEOPLE
    )
    row.removed_on, row.removed_by, row.removal_reason = clock.today(), by.actor_id, reason.strip()
    db.session.flush()
    record(row, "removed", by=by, details={"note": reason.strip()})


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            row.id,
            Message(ADVERSE_KINDS[row.kind]),
            row.entered_on,
            row.removed_on,
            {
                N_("Grounds"): row.grounds,
                N_("Document or decision"): row.source,
                N_("Organization it is about"): row.organization.name if row.organization else "",
                N_("Why the record ends"): row.removal_reason,
            },
            Message(N_("Records of initiators stand in the credit file, also once they have ended.")),
            source=CREDIT_LAW,
            link=("credit.read", row.agency_id, "credit.adverse", {}),
        )
        for row in db.session.scalars(
            select(AdverseRecord)
            .where(AdverseRecord.person_id == person_id, *within(AdverseRecord.agency_id, agencies))
            .order_by(AdverseRecord.id)
        )
    ]


def _recorded(agencies: set[int]) -> Any:
    return (
        select(AdverseRecord.id)
        .where(AdverseRecord.person_id == Person.id, AdverseRecord.agency_id.in_(agencies))
        .exists()
    )


add_part(Part("adverse_record", N_("Adverse records"), "credit.read", _entries, _recorded))
