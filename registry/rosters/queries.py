"""Reading lists of people: those of one's units, whom their rows mean, and what they would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.sealing import fingerprint, unseal
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.intake.queries import units_under
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import identity_fingerprint
from registry.rosters.models import Roster, RosterRow
from registry.rosters.rules import Draft, draft_of
from registry.workforce import rules as workforce_rules
from registry.workforce.models import Certificate, SocialWorker, Volunteer, VolunteerCover, VolunteerHours

PURPOSE = "roster"
KEYS = 500


def units_for_rosters(user: Any) -> Sequence[Agency]:
    """The units for which a person brings in lists of people: where that person keeps the workforce."""
    ids = user.agency_ids("workforce.edit")
    return db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()


def visible_rosters(user: Any) -> Select[Roster]:
    return select(Roster).where(Roster.agency_id.in_(user.agency_ids("workforce.edit")))


def rows_of(roster: Roster, action: str) -> Select[RosterRow]:
    return select(RosterRow).where(RosterRow.roster_id == roster.id, RosterRow.action == action)


def opened(row: RosterRow) -> Draft:
    """What a row says, unsealed for this look."""
    return draft_of(row.number, unseal(PURPOSE, row.sealed).decode())


def contact_mark(name: str, phone: str) -> str | None:
    """The keyed hash under which a row is found by name and mobile number; ``None`` without a number."""
    return fingerprint(PURPOSE, f"{name}\n{phone}".encode()) if name and phone else None


def rows_naming(person: Person) -> Select[RosterRow]:
    """The rows of any list that name this person, as the person of the row or as a guardian."""
    mark = contact_mark(person.name, person.phone)
    named = [RosterRow.person_id == person.id]
    if person.identity_hash:
        named.append(RosterRow.identity_hash == person.identity_hash)
    if mark:
        named += [RosterRow.contact_hash == mark, RosterRow.guardian_hash == mark]
    return select(RosterRow).where(or_(*named)).options(joinedload(RosterRow.roster)).order_by(RosterRow.id)


@dataclass(frozen=True, slots=True)
class Match:
    """Whom a row means: the known person and the entry in the unit's subtree, if there are."""

    person: Person | None = None
    entry: SocialWorker | Volunteer | None = None


@dataclass
class Known:
    """What the register has of the people of one list, loaded for all rows at once."""

    units: set[int]
    by_identity: dict[str, Person] = field(default_factory=dict)
    by_contact: dict[tuple[str, str], Person] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    entries: dict[int, list[Any]] = field(default_factory=dict)
    covers: dict[tuple[int, str], VolunteerCover] = field(default_factory=dict)
    hours: dict[int, list[tuple[date, int]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def noted(self, volunteer: Volunteer, until: date) -> int:
        """Minutes that the register itself has noted of a volunteer, up to a day."""
        return sum(minutes for day, minutes in self.hours.get(volunteer.id, []) if day <= until)

    def match(self, draft: Draft, unit: int) -> Match:
        """Whom the row means; what does not fit together is added to its reasons."""
        values = draft.values
        mark = identity_fingerprint(values["identity"]) if "identity" in values else ""
        certificate = self.certificates.get(values.get("certificate", ""))
        if certificate is not None and certificate.worker.agency_id not in self.units:
            draft.reasons.append(
                ("certificate", Message(N_("a certificate of this number stands at another unit: ask that unit")))
            )  # fmt: skip
            return Match()
        person = self.by_identity.get(mark)
        holder = certificate.worker.person if certificate is not None else None
        if person is not None and holder is not None and holder.id != person.id:
            draft.reasons.append(
                ("certificate", Message(N_("this certificate stands under another person: compare it with the identity card")))
            )  # fmt: skip
            return Match()
        if person is None:
            person = holder or self.by_contact.get((values["name"], values.get("phone", "")))
            if person is not None and mark and person.identity_hash:
                draft.reasons.append(
                    ("identity", Message(N_("the register has this person with another identity number: compare it with the identity card")))
                )  # fmt: skip
                return Match()
        if person is not None and person.name != values["name"]:
            draft.reasons.append(
                ("name", Message(N_("the register has this number under another name: compare name and number with the card")))
            )  # fmt: skip
            return Match()
        entries = self.entries.get(person.id, []) if person is not None else []
        entry = next((item for item in entries if item.agency_id == unit), entries[0] if entries else None)
        return Match(person, entry)


def known(roster: Roster, drafts: Sequence[Draft]) -> Known:
    """Load what the rows may mean, in a number of statements that depends on the list's length alone."""
    found = Known(units={number for number, _code in units_under(roster.agency).values()})
    told = [draft.values for draft in drafts]
    _each(
        {identity_fingerprint(values["identity"]) for values in told if "identity" in values},
        lambda keys: select(Person).where(Person.identity_hash.in_(keys)),
        lambda person: found.by_identity.setdefault(person.identity_hash, person),
    )
    _each(
        {(values["name"], values["phone"]) for values in told if values.get("name") and values.get("phone")},
        lambda keys: (
            select(Person)
            .where(tuple_(Person.name, Person.phone).in_(keys), Person.merged_into_id.is_(None))
            .order_by(Person.id)
        ),
        lambda person: found.by_contact.setdefault((person.name, person.phone), person),
    )
    _each(
        {values["certificate"] for values in told if "certificate" in values},
        lambda keys: (
            select(Certificate)
            .where(Certificate.number.in_(keys))
            .options(joinedload(Certificate.worker).joinedload(SocialWorker.person))
        ),
        lambda row: found.certificates.setdefault(row.number, row),
    )
    people = {
        person.id
        for person in (*found.by_identity.values(), *found.by_contact.values())
    } | {row.worker.person_id for row in found.certificates.values()}  # fmt: skip
    model: Any = SocialWorker if roster.kind == "workers" else Volunteer
    _each(
        people,
        lambda keys: (
            select(model)
            .where(model.person_id.in_(keys), model.agency_id.in_(found.units))
            .options(
                joinedload(model.person),
                selectinload(SocialWorker.certificates)
                if roster.kind == "workers"
                else joinedload(Volunteer.guardian),
            )
            .order_by(model.id)
        ),
        lambda entry: found.entries.setdefault(entry.person_id, []).append(entry),
    )
    if roster.kind == "volunteers":
        volunteers = {entry.id for entries in found.entries.values() for entry in entries}
        _each(
            volunteers,
            lambda keys: select(VolunteerHours).where(VolunteerHours.volunteer_id.in_(keys)),
            lambda row: found.hours.setdefault(row.volunteer_id, []).append((row.served_on, row.minutes)),
        )
        _each(
            volunteers,
            lambda keys: (
                select(VolunteerCover)
                .where(VolunteerCover.volunteer_id.in_(keys))
                .order_by(VolunteerCover.id)
            ),
            lambda row: found.covers.update({(row.volunteer_id, row.number.upper()): row}),
        )
    bodies = {values["organization"] for values in told if "organization" in values}
    bodies |= {entry.organization_id for entries in found.entries.values() for entry in entries} - {None}
    _each(
        bodies,
        lambda keys: select(Organization).where(Organization.id.in_(keys)),
        lambda body: found.names.update({body.id: body.name}),
    )
    return found


def _each(keys: Iterable[Any], query: Callable[[list[Any]], Any], keep: Callable[[Any], Any]) -> None:
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS):
        for row in db.session.scalars(query(ordered[start : start + KEYS])).unique():
            keep(row)


# What a row changes of an entry ------------------------------------------------------------------

Change = tuple[str, Any, Any]


def changes(found: Known, draft: Draft, entry: SocialWorker | Volunteer) -> list[Change]:
    """Column, before and after, as stored values; an empty cell changes nothing. Adds what cannot be to the reasons."""
    values, person = draft.values, entry.person
    told: list[Change] = []
    if "identity" in values and not person.identity_hash:
        told.append(("identity", "", values["identity"]))
    if values.get("phone", person.phone) != person.phone:
        told.append(("phone", person.phone, values["phone"]))
    body = values.get("organization")
    if body is not None and body != entry.organization_id:
        told.append(
            ("organization", found.names.get(entry.organization_id or 0, ""), found.names.get(body, ""))
        )
    if values.get("unit", entry.agency_id) != entry.agency_id:
        told.append(("unit", entry.agency_id, values["unit"]))
    if isinstance(entry, SocialWorker):
        return told + _worker_changes(draft, entry)
    return told + _volunteer_changes(found, draft, entry)


def _worker_changes(draft: Draft, entry: SocialWorker) -> list[Change]:
    values = draft.values
    told: list[Change] = []
    since = values.get("since", entry.since.isoformat())
    if entry.until is not None and since <= entry.until.isoformat():
        draft.reasons.append(
            ("since", Message(N_("this person left the list on %(day)s: give the first day of the new employment"), {"day": entry.until}))
        )  # fmt: skip
        return []
    if since != entry.since.isoformat():
        told.append(("since", entry.since.isoformat(), since))
    if values.get("post", entry.post) != entry.post:
        told.append(("post", entry.post, values["post"]))
    full_time = "yes" if entry.full_time else "no"
    if values.get("full_time", full_time) != full_time:
        told.append(("full_time", full_time, values["full_time"]))
    if "certificate" not in values:
        return told
    held = next((row for row in entry.certificates if row.number == values["certificate"]), None)
    if held is None:
        return [*told, ("certificate", "", values["certificate"])]
    if values["valid_to"] < held.valid_to.isoformat():
        draft.reasons.append(
            ("valid_to", Message(N_("the register has this certificate until %(day)s: a list that is older is not taken"), {"day": held.valid_to}))
        )  # fmt: skip
    for name in ("level", "issued_on", "valid_to"):
        before = getattr(held, name)
        before = before if isinstance(before, str) else before.isoformat()
        if values[name] != before:
            told.append((name, before, values[name]))
    return told


def _volunteer_changes(found: Known, draft: Draft, entry: Volunteer) -> list[Change]:
    values, person = draft.values, entry.person
    told: list[Change] = []
    born = values.get("born_on")
    if born and person.born_on is None:
        told.append(("born_on", "", born))
    elif born and person.born_on is not None and person.born_on.isoformat() != born:
        draft.reasons.append(("born_on", Message(N_("the register has another day of birth: compare it with the card"))))  # fmt: skip
    if entry.left_on is not None and values["consented_on"] <= entry.left_on.isoformat():
        draft.reasons.append(
            ("consented_on", Message(
                N_("this volunteer left the list on %(day)s: a consent of a later day is needed (%(rule)s %(source)s)"),
                {"day": entry.left_on, "rule": "RWF-1", "source": workforce_rules.CONSENT_SOURCE},
            ))
        )  # fmt: skip
        return []
    given = entry.consented_on.isoformat() if entry.consented_on else ""
    if not given or entry.left_on is not None or values["consented_on"] < given:
        # Of two consents that hold the earlier one stands; who left gives it anew.
        told.append(("consented_on", given, values["consented_on"]))
        told.append(("consent_form", entry.consent_form, values["consent_form"]))
    if "skills" in values and values["skills"] != sorted(entry.skills):
        told.append(("skills", sorted(entry.skills), values["skills"]))
    if values.get("registered_on", entry.registered_on.isoformat()) < entry.registered_on.isoformat():
        told.append(("registered_on", entry.registered_on.isoformat(), values["registered_on"]))
    if "guardian" in values:
        guardian = entry.guardian
        if guardian is None or (guardian.name, guardian.phone) != (
            values["guardian"],
            values["guardian_phone"],
        ):
            told.append(("guardian", guardian.name if guardian else "", values["guardian"]))
        elif entry.guardian_consented_on is None:
            told.append(("guardian_consented_on", "", values["guardian_consented_on"]))
    if "policy" in values:
        held = found.covers.get((entry.id, values["policy"]))
        if held is None:
            told.append(("policy", "", values["policy"]))
        else:
            before = (held.insurer, held.valid_from.isoformat(), held.valid_to.isoformat())
            names = ("insurer", "cover_from", "cover_to")
            told += [
                (name, old, values[name])
                for name, old in zip(names, before, strict=True)
                if old != values[name]
            ]
    if "hours" in values:
        own = found.noted(entry, date.fromisoformat(values["hours_to"]))
        if values["hours"] < own:
            draft.reasons.append(
                ("hours", Message(
                    N_("until %(day)s the register itself has noted %(own)s hours, more than the list"),
                    {"day": date.fromisoformat(values["hours_to"]), "own": f"{own / 60:.1f}"},
                ))
            )  # fmt: skip
        elif values["hours"] - own != entry.brought_minutes:
            told.append(("hours", entry.brought_minutes + own, values["hours"]))
    return told
