"""Keeping social workers, volunteers and trainings; what of it is kept about a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, joined, within
from registry.persons.services import nobody
from registry.workforce import queries, rules
from registry.workforce.models import (
    ATTENDANCES,
    LEVELS,
    SKILLS,
    TRAINING_KINDS,
    Certificate,
    SocialWorker,
    Training,
    TrainingAttendance,
    TrainingPlan,
    Volunteer,
    VolunteerCover,
    VolunteerHours,
    WorkerHours,
)


def _refuse(finding: Finding) -> None:
    if finding.verdict is Verdict.FAIL:
        raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)


def _once(model: Any, agency: Agency, person: Person) -> None:
    if db.session.scalar(select(model.id).where(model.agency_id == agency.id, model.person_id == person.id)):
        raise Refusal(
            Message(N_("%(name)s stands in this list of the unit already."), {"name": person.name}),
            status=409,
        )


# Social workers ---------------------------------------------------------------------------------


def add_worker(
    agency: Agency,
    person: Person,
    *,
    since: date,
    organization: Organization | None = None,
    post: str = "",
    full_time: bool = True,
    by: Actor,
) -> SocialWorker:
    """Take a social worker into the list of a unit. Refuses a second row for one person."""
    _once(SocialWorker, agency, person)
    worker = SocialWorker(
        agency_id=agency.id,
        person_id=person.id,
        organization_id=organization.id if organization else None,
        post=post.strip(),
        full_time=full_time,
        since=since,
    )
    db.session.add(worker)
    db.session.flush()
    record(worker, "added", by=by, details={"person": person.id})
    return worker


def add_certificate(
    worker: SocialWorker, level: str, number: str, issued_on: date, valid_to: date, *, by: Actor
) -> Certificate:
    """Note a certificate, or the renewal of one under its new number. Refuses a number that is known."""
    if level not in LEVELS:
        raise ValueError(f"unknown level {level}")
    number = number.strip().upper()
    if not number:
        raise Refusal(Message(N_("Copy the number of the certificate.")))
    if issued_on > clock.today() or valid_to < issued_on:
        raise Refusal(Message(N_("Check both days: issued today or earlier, and valid beyond that.")))
    if db.session.scalar(select(Certificate.id).where(Certificate.number == number)):
        raise Refusal(
            Message(N_("A certificate of this number is noted already: renew that one.")), status=409
        )
    row = Certificate(worker_id=worker.id, level=level, number=number, issued_on=issued_on, valid_to=valid_to)
    db.session.add(row)
    db.session.flush()
    db.session.refresh(worker, ["certificates"])
    _level(worker)
    record(worker, "certificate_noted", by=by, details={"level": level, "valid_to": valid_to.isoformat()})
    return row


def renew_certificate(certificate: Certificate, valid_to: date, *, by: Actor) -> None:
    """The registration goes on until another day."""
    if valid_to <= certificate.valid_to:
        raise Refusal(Message(N_("A renewal ends later than the registration it renews.")))
    certificate.valid_to = valid_to
    db.session.flush()
    record(
        certificate.worker,
        "certificate_renewed",
        by=by,
        details={"number": certificate.number, "valid_to": valid_to.isoformat()},
    )


def correct_certificate(certificate: Certificate, level: str, issued_on: date, *, by: Actor) -> None:
    """Level or day of issue were written down wrongly."""
    if level not in LEVELS:
        raise ValueError(f"unknown level {level}")
    if issued_on > clock.today() or certificate.valid_to < issued_on:
        raise Refusal(Message(N_("Check both days: issued today or earlier, and valid beyond that.")))
    certificate.level, certificate.issued_on = level, issued_on
    db.session.flush()
    _level(certificate.worker)
    record(
        certificate.worker,
        "certificate_corrected",
        by=by,
        details={"number": certificate.number, "level": level},
    )


def amend(entry: SocialWorker | Volunteer, values: Mapping[str, Any], *, by: Actor) -> None:
    """Change what a unit keeps of an entry beside consent, certificates, insurances and hours."""
    for name, value in values.items():
        setattr(entry, name, value)
    db.session.flush()
    record(entry, "edited", by=by, details={"fields": sorted(values)})


def _level(worker: SocialWorker) -> None:
    held = [item.level for item in worker.certificates]
    worker.level = next((level for level in reversed(LEVELS) if level in held), "")
    db.session.flush()


def leave(thing: SocialWorker | Volunteer, on: date, *, by: Actor) -> None:
    """The last day in the list."""
    begun = thing.since if isinstance(thing, SocialWorker) else thing.registered_on
    if on < begun or on > clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    if isinstance(thing, SocialWorker):
        thing.until = on
    else:
        thing.left_on = on
    db.session.flush()
    record(thing, "left", by=by, details={"on": on.isoformat()})


# Volunteers -------------------------------------------------------------------------------------


def add_volunteer(
    agency: Agency,
    person: Person,
    *,
    skills: Sequence[str] = (),
    organization: Organization | None = None,
    registered_on: date | None = None,
    consented_on: date | None = None,
    consent_form: str = "",
    born_on: date | None = None,
    by: Actor,
) -> Volunteer:
    """Take a volunteer into the list, today or since ``registered_on``. A minor's hours wait for the guardian's
    consent.
    """
    if unknown := set(skills) - SKILLS.keys():
        raise ValueError(f"unknown skills {sorted(unknown)}")
    _once(Volunteer, agency, person)
    if born_on is not None and person.born_on is None:
        if born_on > clock.today():
            raise Refusal(Message(N_("The day of birth lies in the future.")))
        person.born_on = born_on
    volunteer = Volunteer(
        agency_id=agency.id,
        person_id=person.id,
        organization_id=organization.id if organization else None,
        skills=list(skills),
        registered_on=registered_on or clock.today(),
    )
    db.session.add(volunteer)
    db.session.flush()
    record(volunteer, "added", by=by, details={"person": person.id})
    if consented_on is not None:
        note_consent(volunteer, consented_on, form=consent_form, by=by)
    return volunteer


def note_consent(entry: Volunteer | SocialWorker, on: date, *, form: str, by: Actor) -> None:
    """Somebody's own consent, with the paper that holds it."""
    if on > clock.today():
        raise Refusal(Message(N_("The consent was given today or earlier.")))
    if not form.strip():
        raise Refusal(
            Message(N_("Say which paper or page holds the consent.")),
            rule="RWF-1",
            source=rules.CONSENT_SOURCE,
        )
    entry.consented_on, entry.consent_form = on, form.strip()
    db.session.flush()
    record(entry, "consented", by=by, details={"on": on.isoformat(), "note": form.strip()})


def withdraw_consent(entry: Volunteer | SocialWorker, *, by: Actor) -> None:
    """The consent is taken back (个人信息保护法 Art. 15): a volunteer leaves the list today, what was given
    stays as numbers; a social worker stays, and is picked for projects of others no more.
    """
    entry.consented_on, entry.consent_form = None, ""
    if isinstance(entry, Volunteer):
        entry.left_on = entry.left_on or clock.today()
    db.session.flush()
    record(entry, "consent_withdrawn", by=by)


def note_guardian(volunteer: Volunteer, guardian: Person, on: date, *, by: Actor) -> None:
    """A guardian's consent for a minor."""
    if guardian.id == volunteer.person_id:
        raise Refusal(
            Message(N_("The guardian is another person.")), rule="RWF-1", source=rules.CONSENT_SOURCE
        )
    if rules.is_minor(guardian.born_on, clock.today()):
        raise Refusal(Message(N_("A guardian is grown up.")), rule="RWF-1", source=rules.CONSENT_SOURCE)
    if on > clock.today():
        raise Refusal(Message(N_("The consent was given today or earlier.")))
    volunteer.guardian_id, volunteer.guardian_consented_on = guardian.id, on
    db.session.flush()
    record(volunteer, "guardian_consented", by=by, details={"guardian": guardian.id, "on": on.isoformat()})


def note_cover(
    volunteer: Volunteer, insurer: str, number: str, valid_from: date, valid_to: date, *, by: Actor
) -> VolunteerCover:
    """An accident insurance from a day to a day."""
    if not insurer.strip() or not number.strip():
        raise Refusal(Message(N_("Name the insurer and the number of the policy.")))
    if valid_to < valid_from:
        raise Refusal(Message(N_("The insurance ends before it begins: check both days.")))
    row = VolunteerCover(
        volunteer_id=volunteer.id,
        insurer=insurer.strip(),
        number=number.strip(),
        valid_from=valid_from,
        valid_to=valid_to,
    )
    db.session.add(row)
    db.session.flush()
    record(volunteer, "cover_noted", by=by, details={"valid_to": valid_to.isoformat()})
    return row


def correct_cover(
    cover: VolunteerCover, volunteer: Volunteer, insurer: str, valid_from: date, valid_to: date, *, by: Actor
) -> None:
    """Insurer or days of a policy are others than they were noted."""
    if valid_to < valid_from:
        raise Refusal(Message(N_("The insurance ends before it begins: check both days.")))
    cover.insurer, cover.valid_from, cover.valid_to = insurer, valid_from, valid_to
    db.session.flush()
    record(volunteer, "cover_noted", by=by, details={"valid_to": valid_to.isoformat()})


def bring_hours(volunteer: Volunteer, minutes: int, until: date, *, by: Actor) -> None:
    """What was given up to a day and counted elsewhere, ``minutes`` in all; hours noted here come on top.

    Refuses it without consent (RWF-1).
    """
    if until > clock.today():
        raise Refusal(Message(N_("Hours are written down when they were given.")))
    _refuse(queries.consent_of(volunteer, clock.today()))
    before = volunteer.brought_minutes
    volunteer.brought_minutes, volunteer.brought_to = minutes, until
    db.session.flush()
    record(
        volunteer, "hours_brought", by=by,
        details={"on": until.isoformat(), "minutes": minutes, "before": before},
    )  # fmt: skip


def note_hours(
    volunteer: Volunteer, on: date, minutes: int, activity: str, *, dangerous: bool = False, by: Any
) -> VolunteerHours:
    """Time given on a day. Refuses it without consent (RWF-1), uninsured danger (RWF-2), a future day, and
    more than a day has.
    """
    if on > clock.today():
        raise Refusal(Message(N_("Hours are written down when they were given.")))
    if on < volunteer.registered_on or (volunteer.left_on is not None and on > volunteer.left_on):
        raise Refusal(Message(N_("On that day the volunteer was not in the list.")))
    if not activity.strip():
        raise Refusal(Message(N_("Say what was done.")), rule="RWF-4", source=rules.RECORD_SOURCE)
    _refuse(queries.consent_of(volunteer, on))
    _refuse(rules.cover(covered=queries.is_covered(volunteer, on), dangerous=dangerous))
    already = sum(item.minutes for item in queries.hours_of(volunteer) if item.served_on == on)
    if minutes < 1 or already + minutes > 1440:
        raise Refusal(
            Message(N_("A day has 24 hours; %(count)s minutes of it are noted already."), {"count": already}),
            rule="RWF-4",
            source=rules.RECORD_SOURCE,
        )
    row = VolunteerHours(
        volunteer_id=volunteer.id,
        served_on=on,
        minutes=minutes,
        activity=activity.strip(),
        dangerous=dangerous,
        noted_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(volunteer, "hours_noted", by=by, details={"on": on.isoformat(), "minutes": minutes})
    return row


def note_work(worker: SocialWorker, on: date, minutes: int, activity: str, *, by: Any) -> WorkerHours:
    """Time of a social worker in a project on a day. Refuses a future day, one outside the entry, and more
    than a day has.
    """
    if on > clock.today():
        raise Refusal(Message(N_("Hours are written down when they were given.")))
    if on < worker.since or (worker.until is not None and on > worker.until):
        raise Refusal(Message(N_("On that day the social worker was not in the list.")))
    if not activity.strip():
        raise Refusal(Message(N_("Say what was done.")))
    already = queries.minutes_worked(worker, on)
    if minutes < 1 or already + minutes > 1440:
        raise Refusal(
            Message(N_("A day has 24 hours; %(count)s minutes of it are noted already."), {"count": already})
        )
    row = WorkerHours(
        worker_id=worker.id,
        worked_on=on,
        minutes=minutes,
        activity=activity.strip(),
        noted_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(worker, "hours_noted", by=by, details={"on": on.isoformat(), "minutes": minutes})
    return row


# Trainings --------------------------------------------------------------------------------------


def plan_training(
    agency: Agency, title: str, kind: str, held_on: date, hours: int, *, place: str = "", by: Actor
) -> Training:
    if kind not in TRAINING_KINDS:
        raise ValueError(f"unknown kind of training {kind}")
    row = Training(
        agency_id=agency.id,
        title=title.strip(),
        kind=kind,
        held_on=held_on,
        hours=hours,
        place=place.strip(),
    )
    db.session.add(row)
    db.session.flush()
    record(row, "planned", by=by, details={"title": row.title})
    return row


def record_plan(
    agency: Agency,
    year: int,
    kind: str,
    *,
    trainings: int,
    hours: int,
    persons: int,
    document: str,
    by: Actor,
) -> TrainingPlan:
    """What the unit means to hold of a kind in a year; noted again, the figures of that kind change."""
    if kind not in TRAINING_KINDS:
        raise ValueError(f"unknown kind of training {kind}")
    if min(trainings, hours, persons) < 1:
        raise Refusal(Message(N_("A plan has at least one training, one hour and one person.")))
    if not document.strip():
        raise Refusal(Message(N_("Name the document that holds the plan.")))
    row = db.session.scalar(
        select(TrainingPlan).where(
            TrainingPlan.agency_id == agency.id, TrainingPlan.year == year, TrainingPlan.kind == kind
        )
    )
    figures = {
        "trainings": trainings,
        "hours": hours,
        "persons": persons,
        "document": document.strip(),
        "recorded_by": by.actor_id,
    }
    if row is None:
        row = TrainingPlan(agency_id=agency.id, year=year, kind=kind, **figures)
        db.session.add(row)
    for name, value in figures.items():
        setattr(row, name, value)
    db.session.flush()
    record(
        row, "plan_recorded", by=by,
        details={"year": year, "kind": kind, "trainings": trainings, "hours": hours, "persons": persons},
    )  # fmt: skip
    return row


def invite(training: Training, people: Sequence[Person], *, by: Actor) -> int:
    """Put persons on the list of a training; how many are new there."""
    known = set(
        db.session.scalars(
            select(TrainingAttendance.person_id).where(TrainingAttendance.training_id == training.id)
        )
    )
    fresh = {person.id: person for person in people if person.id not in known}.values()
    db.session.add_all(TrainingAttendance(training_id=training.id, person_id=item.id) for item in fresh)
    db.session.flush()
    if fresh:
        record(training, "invited", by=by, details={"count": len(fresh)})
    return len(fresh)


def note_attendance(training: Training, states: Mapping[int, str], *, by: Actor) -> None:
    """Who came (attendance id to state), once the training has been held."""
    if training.held_on > clock.today():
        raise Refusal(Message(N_("The training has not been held yet: attendance is noted afterwards.")))
    rows = db.session.scalars(select(TrainingAttendance).where(TrainingAttendance.training_id == training.id))
    for row in rows:
        state = states.get(row.id, row.state)
        if state not in ATTENDANCES:
            raise ValueError(f"unknown attendance {state}")
        row.state = state
    db.session.flush()
    record(training, "attendance_noted", by=by)


# What is kept about a person ---------------------------------------------------------------------


def _worker_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    today = clock.today()
    rows = list(
        db.session.scalars(
            select(SocialWorker).where(
                SocialWorker.person_id == person_id, *within(SocialWorker.agency_id, agencies)
            )
        )
    )
    worked = queries.minutes_worked_of([item.id for item in rows])
    return [
        Entry(
            item.id,
            Message(
                N_("social worker at %(place)s"),
                {"place": item.organization.name if item.organization else item.agency.name},
            ),
            item.since,
            item.until,
            {
                N_("Post"): item.post,
                N_("Hours in projects"): f"{worked.get(item.id, 0) / 60:.1f}",
                N_("Consent"): f"{item.consented_on or ''} {item.consent_form}".strip(),
                N_("Certificates"): "; ".join(
                    f"{row.number} {row.issued_on}–{row.valid_to}" for row in item.certificates
                ),
            },
            Message(N_("A certificate that is in force stands in the register.")) if any(row.valid_to >= today for row in item.certificates) and item.until is None else None,
            source="社会工作者职业水平证书登记办法",
            link=("workforce.read", item.agency_id, "workforce.worker", {"worker_id": item.id}),
        )
        for item in rows
    ]  # fmt: skip


def _erase_workers(ids: Sequence[int]) -> None:
    """The row stays as a number of the statistics, under nobody's name."""
    db.session.execute(delete(Certificate).where(Certificate.worker_id.in_(ids)))
    db.session.execute(update(WorkerHours).where(WorkerHours.worker_id.in_(ids)).values(activity=""))
    db.session.execute(
        update(SocialWorker)
        .where(SocialWorker.id.in_(ids))
        .values(
            person_id=nobody().id, post="", level="", until=clock.today(), consented_on=None, consent_form=""
        )
    )


def _volunteer_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    rows = list(
        db.session.scalars(
            select(Volunteer).where(Volunteer.person_id == person_id, *within(Volunteer.agency_id, agencies))
        )
    )
    minutes = queries.minutes_of([item.id for item in rows])
    return [
        Entry(
            item.id,
            Message(
                N_("volunteer of %(place)s"),
                {"place": item.organization.name if item.organization else item.agency.name},
            ),
            item.registered_on,
            item.left_on,
            {
                N_("Consent"): f"{item.consented_on or ''} {item.consent_form}".strip(),
                N_("Hours given"): f"{minutes.get(item.id, 0) / 60:.1f}",
                N_("Skills"): joined([Message(SKILLS[name]) for name in item.skills]),
            },
            link=("workforce.read", item.agency_id, "workforce.volunteer", {"volunteer_id": item.id}),
        )
        for item in rows
    ]


def _erase_volunteers(ids: Sequence[int]) -> None:
    """Hours stay as numbers of the statistics, under nobody's name."""
    db.session.execute(delete(VolunteerCover).where(VolunteerCover.volunteer_id.in_(ids)))
    db.session.execute(update(VolunteerHours).where(VolunteerHours.volunteer_id.in_(ids)).values(activity=""))
    for number in ids:
        row = db.session.get_one(Volunteer, number)
        row.person_id, row.left_on = nobody().id, clock.today()
        row.guardian_id = row.guardian_consented_on = row.consented_on = None
        row.skills, row.consent_form = [], ""
    db.session.flush()


def _guardian_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            item.id,
            Message(N_("guardian of a volunteer who is a minor")),
            item.guardian_consented_on,
            duty=Message(N_("The guardian's consent is kept as long as the minor is a volunteer.")),
            source=rules.CONSENT_SOURCE,
        )
        for item in db.session.scalars(
            select(Volunteer).where(
                Volunteer.guardian_id == person_id,
                Volunteer.left_on.is_(None),
                *within(Volunteer.agency_id, agencies),
            )
        )
    ]


def _training_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    return [
        Entry(
            attendance.id,
            Message(
                N_("training “%(title)s”: %(state)s"),
                {"title": training.title, "state": Message(ATTENDANCES[attendance.state])},
            ),
            training.held_on,
            training.held_on,
            {N_("Hours"): str(training.hours)},
            link=("workforce.read", training.agency_id, "workforce.training", {"training_id": training.id}),
        )
        for attendance, training in queries.trainings_of(person_id)
        if agencies is None or training.agency_id in agencies
    ]


def _erase_attendances(ids: Sequence[int]) -> None:
    db.session.execute(
        update(TrainingAttendance).where(TrainingAttendance.id.in_(ids)).values(person_id=None)
    )


def _listed(model: Any) -> Any:
    return lambda agencies: (
        select(model.id).where(model.person_id == Person.id, model.agency_id.in_(agencies)).exists()
    )


add_part(
    Part(
        "social_worker",
        N_("Social workers"),
        "workforce.read",
        _worker_entries,
        _listed(SocialWorker),
        _erase_workers,
    )
)
add_part(
    Part(
        "volunteer",
        N_("Volunteers"),
        "workforce.read",
        _volunteer_entries,
        _listed(Volunteer),
        _erase_volunteers,
    )
)
add_part(Part("guardian", N_("Guardians"), "workforce.read", _guardian_entries))
add_part(Part("training_attendance", N_("Trainings"), "workforce.read", _training_entries, None, _erase_attendances))  # fmt: skip
