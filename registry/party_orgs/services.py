"""Founding and judging party organizations; what eligibility reads is written down with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.organizations.services import record_party_facts
from registry.party_orgs.models import (
    CHECKS,
    MARKS,
    ORG_FORMS,
    ORG_KINDS,
    PAPERS,
    PartyCheck,
    PartyCheckItem,
    PartyCover,
    PartyOrg,
    PartyPaper,
)
from registry.party_orgs.queries import living_cover
from registry.party_orgs.rules import SOURCES, check_met
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, within


def past(day: date) -> None:
    """Refuse a day that has not come."""
    if day > clock.today():
        raise Refusal(Message(N_("This day lies in the future.")))


def note_facts(organization: Organization, *, by: Actor, **changed: Any) -> None:
    """Write down what eligibility reads, where it differs from what stands."""
    facts = organization.party
    now = {
        "full_members": facts.full_members if facts else 0,
        "party_org_kind": facts.party_org_kind if facts else "none",
        "party_in_charter": facts.party_in_charter if facts else False,
        "commitment_on": facts.commitment_on if facts else None,
        "instructor": db.session.get(Person, facts.instructor_id) if facts and facts.instructor_id else None,
    }
    if facts is None or any(now[name] != value for name, value in changed.items()):
        record_party_facts(organization, **{**now, **changed}, by=by)


def end_row(row: Any, on: date | None = None) -> None:
    """What has a day in gets its day out, today unless another is told. Raises :class:`Refusal`."""
    if row.until is not None:
        raise Refusal(Message(N_("This has ended already.")), status=409)
    on = on or clock.today()
    past(on)
    began = row.founded_on if isinstance(row, PartyOrg) else row.since
    if on < began:
        raise Refusal(Message(N_("It began on %(since)s: the last day cannot lie before."), {"since": began}))
    row.until = on
    db.session.flush()


def note_cover(organization: Organization, *, by: Actor) -> None:
    """The kind of party organization that eligibility knows is that of the living cover."""
    cover = living_cover(organization.id)
    note_facts(organization, party_org_kind=cover.party_org.kind if cover else "none", by=by)


def found_org(
    agency: Agency,
    *,
    name: str,
    kind: str,
    form: str,
    superior: str,
    founded_on: date,
    secretary: Person | None = None,
    by: Actor,
) -> PartyOrg:
    """Enter a party organization with its superior; it covers nobody yet."""
    row = PartyOrg(agency_id=agency.id, kind=kind, founded_on=founded_on)
    past(founded_on)
    _fill(row, name=name, form=form, superior=superior, secretary=secretary)
    if kind not in ORG_KINDS:
        raise ValueError(f"unknown kind {kind}")
    db.session.add(row)
    db.session.flush()
    record(row, "founded", by=by, details={"name": row.name, "kind": kind})
    return row


def edit_org(
    row: PartyOrg, *, name: str, form: str, superior: str, secretary: Person | None, by: Actor
) -> None:
    """Change name, form, superior or secretary; the trail keeps what was."""
    before = {"name": row.name, "form": row.form, "superior": row.superior, "secretary": row.secretary_id}
    _fill(row, name=name, form=form, superior=superior, secretary=secretary)
    db.session.flush()
    after = {"name": row.name, "form": row.form, "superior": row.superior, "secretary": row.secretary_id}
    changed = {key: [before[key], after[key]] for key in before if before[key] != after[key]}
    if changed:
        record(row, "edited", by=by, details={"changed": changed})


def _fill(row: PartyOrg, *, name: str, form: str, superior: str, secretary: Person | None) -> None:
    if form not in ORG_FORMS:
        raise ValueError(f"unknown form {form}")
    if not name.strip() or not superior.strip():
        raise Refusal(Message(N_("A party organization needs its name and its superior.")))
    row.name, row.form, row.superior = name.strip(), form, superior.strip()
    row.secretary_id = secretary.id if secretary else None


def cover(row: PartyOrg, organization: Organization, *, since: date, by: Actor) -> PartyCover:
    """The organization belongs to this party organization from a day on; to one at a time."""
    past(since)
    if row.until is not None:
        raise Refusal(Message(N_("This party organization has ended.")), status=409)
    if since < row.founded_on:
        raise Refusal(Message(N_("The day lies before the party organization was founded.")))
    known = living_cover(organization.id)
    if known is not None:
        raise Refusal(
            Message(
                N_("%(organization)s belongs to %(name)s already: end that first."),
                {"organization": organization.name, "name": known.party_org.name},
            ),
            status=409,
        )
    if row.kind == "sole" and any(item.until is None for item in row.covers):
        raise Refusal(
            Message(N_("A sole party organization covers one organization: found a joint one instead."))
        )
    made = PartyCover(party_org_id=row.id, organization_id=organization.id, since=since)
    db.session.add(made)
    db.session.flush()
    db.session.expire(row, ["covers"])
    record(row, "covered", by=by, details={"organization": organization.id, "since": since.isoformat()})
    note_cover(organization, by=by)
    return made


def uncover(made: PartyCover, *, on: date | None = None, by: Actor) -> None:
    """The organization leaves the party organization, today unless another day is told."""
    end_row(made, on)
    record(made.party_org, "uncovered", by=by, details={"organization": made.organization_id})
    note_cover(made.organization, by=by)


def end_org(row: PartyOrg, *, reason: str, by: Actor) -> None:
    """The party organization ends today, and with it every cover."""
    if not reason.strip():
        raise Refusal(Message(N_("Say why it ends and where its members go.")))
    for made in row.covers:
        if made.until is None:
            uncover(made, by=by)
    end_row(row)
    record(row, "ended", by=by, details={"note": reason.strip()})


def keep_paper(row: PartyOrg, kind: str, *, dated_on: date, file: StoredFile, by: Actor) -> PartyPaper:
    """One list, one chart or one table; the latest of its kind counts."""
    if kind not in PAPERS:
        raise ValueError(f"unknown paper {kind}")
    past(dated_on)
    paper = PartyPaper(party_org_id=row.id, kind=kind, dated_on=dated_on, file_id=file.id)
    db.session.add(paper)
    db.session.flush()
    record(row, "paper_kept", by=by, details={"kind": kind, "dated_on": dated_on.isoformat()})
    return paper


def record_check(
    row: PartyOrg,
    scheme: str,
    *,
    assessed_on: date,
    marks: Mapping[str, int],
    notes: Mapping[str, str] | None = None,
    files: Mapping[str, StoredFile] | None = None,
    note: str = "",
    by: Any,
) -> PartyCheck:
    """Fill in a checklist: every item has its mark; ``by`` is the assessor. It is never changed."""
    if scheme not in CHECKS:
        raise ValueError(f"unknown checklist {scheme}")
    past(assessed_on)
    if assessed_on < row.founded_on:
        raise Refusal(Message(N_("The day lies before the party organization was founded.")))
    if set(marks) != set(CHECKS[scheme]) or any(mark not in MARKS[scheme] for mark in marks.values()):
        raise Refusal(Message(N_("Every item of the checklist needs its mark.")))
    notes, files = notes or {}, files or {}
    check = PartyCheck(
        party_org_id=row.id,
        scheme=scheme,
        assessed_on=assessed_on,
        assessor_id=by.actor_id,
        met=check_met(scheme, marks),
        note=note.strip(),
        items=[
            PartyCheckItem(
                position=position,
                item=item,
                mark=marks[item],
                note=notes.get(item, "").strip(),
                file_id=files[item].id if item in files else None,
            )
            for position, item in enumerate(CHECKS[scheme])
        ],
    )
    db.session.add(check)
    db.session.flush()
    record(
        row,
        "checked",
        by=by,
        details={"scheme": scheme, "assessed_on": assessed_on.isoformat(), "met": check.met},
    )
    return check


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            row.id,
            Message(N_("secretary of %(name)s"), {"name": row.name}),
            row.founded_on,
            row.until,
            duty=Message(N_("A party organization names its secretary.")) if row.until is None else None,
            source=SOURCES["P6"] if row.until is None else "",
            link=("party.read", row.agency_id, "party_orgs.show", {"party_org_id": row.id}),
        )
        for row in db.session.scalars(
            select(PartyOrg)
            .where(PartyOrg.secretary_id == person_id, *within(PartyOrg.agency_id, agencies))
            .order_by(PartyOrg.id)
        )
    ]


def _erase(ids: Sequence[int]) -> None:
    db.session.execute(update(PartyOrg).where(PartyOrg.id.in_(ids)).values(secretary_id=None))


def _leads(agencies: set[int]) -> Any:
    return (
        select(PartyOrg.id)
        .where(PartyOrg.secretary_id == Person.id, PartyOrg.agency_id.in_(agencies))
        .exists()
    )


add_part(Part("party_org", N_("Secretaries"), "party.read", _entries, _leads, _erase))
