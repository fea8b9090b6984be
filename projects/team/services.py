"""Picking members from the register, releasing them, and the hours that they gave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.text import N_, Message
from projects.agreements.models import Project
from projects.team import queries
from projects.team.models import HAS_TEAM, KINDS, TeamHours, TeamMember, TeamWork
from projects.team.policy import require_keeper
from registry.persons.queries import Entry, Part, add_part
from registry.workforce import rules
from registry.workforce.models import SocialWorker, Volunteer
from registry.workforce.services import note_hours, note_work


def pick(project: Project, entry: Volunteer | SocialWorker, *, task: str, since: date, by: Any) -> TeamMember:
    """Take somebody of the register into the team.

    Refuses who has not consented (RWF-1), has left the list, stands in a list that does not serve the
    project, or is in the team already; and a day outside the term of the project.
    """
    require_keeper(project, by=by)
    _require_day(project, since)
    kind = "volunteers" if isinstance(entry, Volunteer) else "workers"
    # Two who pick at once: the row of the project is held while the list is asked.
    db.session.execute(select(Project.id).where(Project.id == project.id).with_for_update())
    if queries.candidate(project, kind, entry.id) is None:
        raise Refusal(
            Message(
                N_(
                    "%(name)s cannot be picked: picked is who stands in the register of the project's units, has consented and is not in the team yet."
                ),
                {"name": entry.person.name},
            ),
            rule="RWF-1",
            source=rules.CONSENT_SOURCE,
            status=409,
        )
    member = TeamMember(
        project_id=project.id,
        volunteer_id=entry.id if kind == "volunteers" else None,
        worker_id=entry.id if kind == "workers" else None,
        task=task.strip(),
        since=since,
        picked_by=by.actor_id,
    )
    db.session.add(member)
    db.session.flush()
    details = {"kind": kind, "person": entry.person_id, "member": member.id}
    record(project, "member_picked", by=by, details=details)
    # The register tells its own people who was picked for what.
    record(entry, "picked", by=by, details={"project": project.number})
    return member


def _require_day(project: Project, day: date) -> None:
    term = project.agreement
    if not term.starts_on <= day <= term.ends_on:
        raise Refusal(
            Message(
                N_("The day lies outside the term of the project, %(first)s to %(last)s."),
                {"first": term.starts_on, "last": term.ends_on},
            )
        )


def release(member: TeamMember, on: date, *, by: Any) -> None:
    """The last day of a member; hours given until then stay."""
    require_keeper(member.project, by=by)
    if member.until is not None:
        raise Refusal(Message(N_("This member has left the team already.")), status=409)
    last = queries.last_day(member) or member.since
    if not last <= on <= max(clock.today(), member.since):
        raise Refusal(
            Message(N_("The last day lies between %(day)s, the last on record, and today."), {"day": last})
        )
    member.until = on
    db.session.flush()
    record(
        member.project,
        "member_released",
        by=by,
        details={"person": member.entry.person_id, "member": member.id, "on": on.isoformat()},
    )


def give_hours(
    project: Project,
    members: Sequence[TeamMember],
    on: date,
    minutes: int,
    activity: str,
    *,
    dangerous: bool = False,
    by: Any,
) -> list[TeamHours | TeamWork]:
    """Write down in the register what each of these members gave on a day; all of them or none.

    Refuses what the register refuses (no consent RWF-1, danger without insurance RWF-2, more than a day
    has) and a day outside the membership or the project. ``dangerous`` concerns volunteers: social workers are
    insured by who employs them.
    """
    require_keeper(project, by=by)
    if project.state != "running":
        raise Refusal(Message(N_("Hours are given while the project is running.")), status=409)
    _require_day(project, on)
    if not members:
        raise Refusal(Message(N_("Choose who took part.")))
    done: list[TeamHours | TeamWork] = []
    told = f"{activity.strip()} ({project.number})" if activity.strip() else ""
    for member in members:
        if member.project_id != project.id:
            raise ValueError("the member belongs to another project")
        name = member.entry.person.name
        if on < member.since or (member.until is not None and on > member.until):
            raise Refusal(
                Message(
                    N_("%(name)s came to the team on %(day)s: the hours lie outside."),
                    {"name": name, "day": member.since},
                )
            )
        try:
            if member.volunteer is not None:
                row = note_hours(member.volunteer, on, minutes, told, dangerous=dangerous, by=by)
                done.append(TeamHours(member_id=member.id, hours_id=row.id))
            elif member.worker is not None:
                _require_consent(project, member.worker, on)
                work = note_work(member.worker, on, minutes, told, by=by)
                done.append(TeamWork(member_id=member.id, hours_id=work.id))
        except Refusal as refusal:
            raise Refusal(
                Message(N_("%(name)s: %(why)s"), {"name": name, "why": refusal.sentence}),
                rule=refusal.rule,
                source=refusal.source,
                status=refusal.status,
            ) from refusal
    db.session.add_all(done)
    db.session.flush()
    record(
        project, "hours_given", by=by,
        details={"count": len(done), "minutes": minutes * len(done), "on": on.isoformat()},
    )  # fmt: skip
    return done


def _require_consent(project: Project, worker: SocialWorker, on: date) -> None:
    """Who is employed elsewhere works in the project with consent only."""
    if worker.organization_id == project.organization_id:
        return
    if worker.consented_on is None or worker.consented_on > on:
        raise Refusal(
            Message(
                N_("The social worker has not consented to work in projects of others, or took it back.")
            ),
            rule="RWF-1",
            source=rules.CONSENT_SOURCE,
        )


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    rows = queries.teams_of(person_id, agencies)
    given = queries.minutes_of([row.id for row in rows])
    return [
        Entry(
            row.id,
            Message(N_("in the team of the project %(title)s"), {"title": row.project.title}),
            row.since,
            row.until or (None if row.project.state in HAS_TEAM else row.project.agreement.ends_on),
            {
                N_("Part in the team"): Message(KINDS[row.kind]),
                N_("Task"): row.task,
                N_("Hours in the project"): f"{given.get(row.id, 0) / 60:.1f}",
            },
            link=("project.read", row.project.agency_id, "team.show", {"project_id": row.project_id}),
        )
        for row in rows
    ]


def _erase(ids: Sequence[int]) -> None:
    """The membership stays as a number; what was to be done goes."""
    db.session.execute(update(TeamMember).where(TeamMember.id.in_(ids)).values(task=""))


add_part(Part("team_member", N_("Project teams"), "project.read", _entries, None, _erase))
