"""Lists of people brought in: kept sealed, compared with the register, taken in whole or thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, insert, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db
from core.sealing import fingerprint, seal
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, identity_fingerprint, joined
from registry.persons.rules import masked_identity
from registry.persons.services import edit_person, record_person, set_identity
from registry.rosters import queries
from registry.rosters.models import KINDS, Roster, RosterRow
from registry.rosters.queries import PURPOSE, Known, Match, changes, contact_mark, known, opened
from registry.rosters.rules import GUARDIAN, TIME_WORDS, WORDS, Draft
from registry.workforce import rules as workforce_rules
from registry.workforce.models import LEVELS, SKILLS, Volunteer
from registry.workforce.services import (
    add_certificate,
    add_volunteer,
    add_worker,
    amend,
    bring_hours,
    correct_certificate,
    correct_cover,
    note_consent,
    note_cover,
    note_guardian,
    renew_certificate,
)

# Opening and reading ------------------------------------------------------------------------------


def open_roster(
    agency: Agency, kind: str, file_name: str, *, digest: bytes, header: Sequence[str], by: Actor
) -> Roster:
    """A list that was uploaded for a unit; its rows follow with :func:`keep_reading`."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of list {kind}")
    roster = Roster(
        agency_id=agency.id,
        kind=kind,
        file_name=file_name[-200:],
        mark=fingerprint(PURPOSE, digest),
        header=list(header),
        opened_by=by.actor_id,
        opened_at=clock.now(),
    )
    db.session.add(roster)
    db.session.flush()
    record(roster, "uploaded", by=by, details={"file": roster.file_name, "kind": kind})
    return roster


def require_open(roster: Roster) -> None:
    """Hold the list, and refuse one that was taken in already."""
    db.session.flush()
    db.session.scalar(
        select(Roster)
        .where(Roster.id == roster.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if roster.state == "taken":
        raise Refusal(Message(N_("This table was taken already.")), status=409)


def kept_drafts(roster: Roster) -> list[Draft]:
    """The rows that are kept, unsealed, in their order."""
    rows = db.session.scalars(
        select(RosterRow).where(RosterRow.roster_id == roster.id).order_by(RosterRow.number)
    )
    return [opened(row) for row in rows]


def keep_reading(
    roster: Roster,
    drafts: Sequence[Draft],
    places: dict[str, int],
    unknown: Sequence[str],
    refusals: Sequence[Message],
) -> None:
    """Keep what was read in place of what was kept before: each row compared with the register, and sealed."""
    db.session.execute(delete(RosterRow).where(RosterRow.roster_id == roster.id))
    roster.columns, roster.unknown = places, list(unknown)
    roster.refusals = [message.to_dict() for message in refusals]
    judged = [(draft, "refused", None) for draft in drafts] if refusals else _judged(roster, drafts)
    if judged:
        db.session.execute(insert(RosterRow), [_row(roster, *item) for item in judged])
    recount(roster)


def _row(roster: Roster, draft: Draft, action: str, person_id: int | None) -> dict[str, Any]:
    values = draft.values
    return {
        "roster_id": roster.id, "number": draft.number, "action": action, "person_id": person_id,
        "identity_hash": identity_fingerprint(values["identity"]) if "identity" in values else None,
        "contact_hash": contact_mark(values.get("name", ""), values.get("phone", "")),
        "guardian_hash": contact_mark(values.get("guardian", ""), values.get("guardian_phone", "")),
        "sealed": seal(PURPOSE, draft.text().encode()),
    }  # fmt: skip


def recount(roster: Roster) -> None:
    """The figures of a list from its rows."""
    counts: dict[str, int] = dict(
        db.session.execute(
            select(RosterRow.action, func.count())
            .where(RosterRow.roster_id == roster.id)
            .group_by(RosterRow.action)
        ).all()  # type: ignore[arg-type]
    )
    roster.new_rows, roster.changed_rows = counts.get("new", 0), counts.get("changed", 0)
    roster.same_rows, roster.refused_rows = counts.get("same", 0), counts.get("refused", 0)
    able = roster.new_rows or roster.changed_rows or roster.same_rows
    roster.state = "read" if able and not roster.refusals else "wrong"
    db.session.flush()


# Comparing ----------------------------------------------------------------------------------------


def _judged(roster: Roster, drafts: Sequence[Draft]) -> list[tuple[Draft, str, int | None]]:
    """Each row with what it would do, and the known person it means."""
    found = known(roster, [draft for draft in drafts if not draft.reasons])
    firsts: dict[tuple[Any, ...], int] = {}
    judged: list[tuple[Draft, str, int | None]] = []
    for draft in drafts:
        match = Match()
        draft.changes = []
        if not draft.reasons:
            match = found.match(draft, draft.values.get("unit", roster.agency_id))
        if not draft.reasons:
            _refuse_repeated(draft, match, firsts)
        if not draft.reasons and match.entry is not None:
            draft.changes = changes(found, draft, match.entry)
        if not draft.reasons and roster.kind == "volunteers":
            _require_guardian(draft, match)
        if draft.reasons:
            action = "refused"
        elif match.entry is None:
            action = "new"
        else:
            action = "changed" if draft.changes else "same"
        judged.append((draft, action, match.person.id if match.person else None))
    return judged


def _refuse_repeated(draft: Draft, match: Match, firsts: dict[tuple[Any, ...], int]) -> None:
    """Of several rows about one human being, or with one certificate, the first stands."""
    values = draft.values
    keys: list[tuple[Any, ...]] = [(name, values[name]) for name in ("identity", "certificate") if name in values]  # fmt: skip
    if match.person is not None:
        keys.append(("person", match.person.id))
    if "phone" in values:
        keys.append(("contact", values["name"], values["phone"]))
    first = next((firsts[key] for key in keys if key in firsts), None)
    for key in keys:
        firsts.setdefault(key, draft.number)
    if first is not None:
        draft.reasons.append(
            ("name", Message(N_("the same person or certificate stands in row %(first)s: a further certificate comes with a list of its own"), {"first": first}))
        )  # fmt: skip


def _require_guardian(draft: Draft, match: Match) -> None:
    values = draft.values
    born = date.fromisoformat(values["born_on"]) if "born_on" in values else None
    if born is None and match.entry is not None:
        born = match.entry.person.born_on
    kept = isinstance(match.entry, Volunteer) and match.entry.guardian_consented_on is not None
    finding = workforce_rules.consent(
        consented=True, born_on=born, guardian_consented="guardian" in values or kept, on=clock.today()
    )
    if finding.verdict is workforce_rules.Verdict.FAIL:
        draft.reasons.append(
            ("guardian", Message(
                N_("%(why)s (%(rule)s %(source)s)"),
                {"why": finding.sentence, "rule": finding.rule, "source": finding.source},
            ))
        )  # fmt: skip


# Taking in ----------------------------------------------------------------------------------------


def take_roster(number: int, *, by: Actor) -> Roster:
    """Bring the rows of a list into the register, all in the present transaction; its rows are kept no longer.

    Raises :class:`Refusal` when it was taken already, or when the register has changed since it was read so
    that a row would do something else.
    """
    roster = db.session.get_one(Roster, number)
    require_open(roster)
    if roster.state == "wrong":
        raise Refusal(
            Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
        )
    rows = db.session.scalars(
        select(RosterRow)
        .where(RosterRow.roster_id == roster.id, RosterRow.action != "refused")
        .order_by(RosterRow.number)
    ).all()
    drafts = [opened(row) for row in rows]
    shown = [(row.action, row.person_id, draft.changes) for row, draft in zip(rows, drafts, strict=True)]
    judged = _judged(roster, drafts)
    if [(action, person, _plain(draft.changes)) for draft, action, person in judged] != shown:
        raise Refusal(
            Message(N_("The register has changed since this table was read. Read it again and compare.")),
            status=409,
        )
    found = known(roster, drafts)
    for draft, action, _person in judged:
        if action in ("new", "changed"):
            _enter(roster, draft, found, by)
    db.session.execute(delete(RosterRow).where(RosterRow.roster_id == roster.id))
    roster.state, roster.taken_by, roster.taken_at = "taken", by.actor_id, clock.now()
    db.session.flush()
    record(roster, "taken", by=by, details=_figures(roster))
    return roster


def _plain(told: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [tuple(item) for item in told]


def _figures(roster: Roster) -> dict[str, Any]:
    return {
        "file": roster.file_name,
        "new": roster.new_rows,
        "changed": roster.changed_rows,
        "same": roster.same_rows,
        "left_out": roster.refused_rows,
    }


def _enter(roster: Roster, draft: Draft, found: Known, by: Actor) -> None:
    values = draft.values
    match = found.match(draft, values.get("unit", roster.agency_id))
    person, entry = match.person, match.entry
    if person is None:
        person = record_person(
            values["name"], phone=values.get("phone", ""), identity_number=values.get("identity", ""), by=by
        )
    elif "identity" in values and person.identity_hash is None:
        set_identity(person, values["identity"], by=by)
    if entry is not None and values.get("phone", person.phone) != person.phone:
        edit_person(
            person, name=person.name, phone=values["phone"], title=person.title, sex=person.sex, by=by
        )
    if roster.kind == "workers":
        _enter_worker(roster, draft, person, entry, by)
    else:
        _enter_volunteer(roster, draft, person, entry, found, by)


def _day(values: dict[str, Any], name: str) -> date | None:
    return date.fromisoformat(values[name]) if name in values else None


def _agency_and_body(roster: Roster, values: dict[str, Any]) -> tuple[Agency, Organization | None]:
    body = values.get("organization")
    return (
        db.session.get_one(Agency, values.get("unit", roster.agency_id)),
        db.session.get_one(Organization, body) if body is not None else None,
    )


def _common(values: dict[str, Any]) -> dict[str, Any]:
    """What changes alike of both kinds of entries."""
    told = {}
    if "organization" in values:
        told["organization_id"] = values["organization"]
    if "unit" in values:
        told["agency_id"] = values["unit"]
    return told


def _amend(entry: Any, told: dict[str, Any], by: Actor) -> None:
    changed = {name: value for name, value in told.items() if getattr(entry, name) != value}
    if changed:
        amend(entry, changed, by=by)


def _enter_worker(roster: Roster, draft: Draft, person: Person, entry: Any, by: Actor) -> None:
    values = draft.values
    if entry is None:
        agency, body = _agency_and_body(roster, values)
        entry = add_worker(
            agency, person, since=_day(values, "since") or clock.today(), organization=body,
            post=values.get("post", ""), full_time=values.get("full_time", "yes") == "yes", by=by,
        )  # fmt: skip
    else:
        told = _common(values)
        if "since" in values:
            told |= {"since": _day(values, "since"), "until": None}
        if "post" in values:
            told["post"] = values["post"]
        if "full_time" in values:
            told["full_time"] = values["full_time"] == "yes"
        _amend(entry, told, by)
    if "certificate" not in values:
        return
    level, issued_on = values["level"], date.fromisoformat(values["issued_on"])
    valid_to = date.fromisoformat(values["valid_to"])
    held = next((row for row in entry.certificates if row.number == values["certificate"]), None)
    if held is None:
        add_certificate(entry, level, values["certificate"], issued_on, valid_to, by=by)
        return
    if valid_to > held.valid_to:
        renew_certificate(held, valid_to, by=by)
    if (held.level, held.issued_on) != (level, issued_on):
        correct_certificate(held, level, issued_on, by=by)


def _enter_volunteer(
    roster: Roster, draft: Draft, person: Person, entry: Any, found: Known, by: Actor
) -> None:
    values = draft.values
    told = {column for column, _before, _after in draft.changes}
    consent = date.fromisoformat(values["consented_on"]), values["consent_form"]
    new = entry is None
    if entry is None:
        agency, body = _agency_and_body(roster, values)
        entry = add_volunteer(
            agency, person, skills=values.get("skills", []), organization=body,
            registered_on=_day(values, "registered_on"), born_on=_day(values, "born_on"), by=by,
        )  # fmt: skip
    else:
        if person.born_on is None and "born_on" in values:
            person.born_on = _day(values, "born_on")
        change = _common(values)
        if "skills" in told:
            change["skills"] = values["skills"]
        if "registered_on" in told:
            change["registered_on"] = _day(values, "registered_on")
        if "consented_on" in told:
            change["left_on"] = None
        _amend(entry, change, by)
    if new or "consented_on" in told:
        note_consent(entry, consent[0], form=consent[1], by=by)
    if "guardian" in values and (new or told & {"guardian", "guardian_consented_on"}):
        guardian = record_person(values["guardian"], phone=values["guardian_phone"], by=by)
        note_guardian(entry, guardian, date.fromisoformat(values["guardian_consented_on"]), by=by)
    _enter_cover(entry, values, told, found, by)
    if "hours" in values and (new or "hours" in told):
        until = date.fromisoformat(values["hours_to"])
        bring_hours(entry, values["hours"] - found.noted(entry, until), until, by=by)


def _enter_cover(entry: Volunteer, values: dict[str, Any], told: set[str], found: Known, by: Actor) -> None:
    if "policy" not in values:
        return
    first, last = date.fromisoformat(values["cover_from"]), date.fromisoformat(values["cover_to"])
    held = found.covers.get((entry.id, values["policy"]))
    if held is None:
        note_cover(entry, values["insurer"], values["policy"], first, last, by=by)
    elif told & {"insurer", "cover_from", "cover_to"}:
        correct_cover(held, entry, values["insurer"], first, last, by=by)


def discard_roster(roster: Roster, *, by: Actor) -> None:
    """Forget a list that was not taken in, with all its rows."""
    require_open(roster)
    append("roster", roster.id, "discarded", by=by, details={"file": roster.file_name})
    db.session.execute(delete(RosterRow).where(RosterRow.roster_id == roster.id))
    db.session.delete(roster)
    db.session.flush()


def note_handed_out(roster: Roster, *, by: Actor) -> None:
    """The refused rows were handed out with what they say."""
    record(roster, "marked_workbook_made", by=by, details={"count": roster.refused_rows})


# What is kept about a person ------------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    person = db.session.get_one(Person, person_id)
    return [
        Entry(
            row.id,
            Message(N_("row %(row)s of the list “%(file)s”, not taken in yet"), {"row": row.number, "file": row.roster.file_name}),
            row.roster.opened_at.date(),
            facts=_facts(row, person),
            link=("workforce.edit", row.roster.agency_id, "rosters.show", {"roster_id": row.roster_id}),
        )
        for row in db.session.scalars(queries.rows_naming(person))
        if agencies is None or row.roster.agency_id in agencies
    ]  # fmt: skip


def _facts(row: RosterRow, person: Person) -> dict[str, Any]:
    """What a row says about a person: of a guardian only what concerns the guardian."""
    values = opened(row).values
    own = row.person_id == person.id or (
        (person.identity_hash is not None and row.identity_hash == person.identity_hash)
        or row.contact_hash == contact_mark(person.name, person.phone)
    )
    return {WORDS[name]: _told(name, value) for name, value in values.items() if own or name in GUARDIAN}


def _told(name: str, value: Any) -> Any:
    if name == "identity":
        return masked_identity(value)
    if name == "hours":
        return f"{value / 60:.1f}"
    if name == "organization":
        return db.session.get_one(Organization, value).name
    if name == "unit":
        return db.session.get_one(Agency, value).name
    if name == "level":
        return Message(LEVELS[value])
    if name == "full_time":
        return Message(TIME_WORDS[value])
    return joined([Message(SKILLS[item]) for item in value]) if name == "skills" else value


def _erase(ids: Sequence[int]) -> None:
    rosters = db.session.scalars(
        select(Roster).join(RosterRow, RosterRow.roster_id == Roster.id).where(RosterRow.id.in_(ids))
    ).unique()
    touched = list(rosters)
    db.session.execute(delete(RosterRow).where(RosterRow.id.in_(ids)))
    for roster in touched:
        recount(roster)


add_part(Part("roster_row", N_("Lists not taken in yet"), "workforce.edit", _entries, None, _erase))
