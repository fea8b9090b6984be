"""Appointing who accompanies a project; opening and closing what must be put right."""

from __future__ import annotations

from datetime import date
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.files.services import store
from core.lifecycle import fire
from core.text import N_, Message
from finance.commitments.models import Hold
from finance.commitments.services import lift_hold, place_hold
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.supervision.models import Appointment, Rectification
from projects.supervision.queries import appointed
from registry.accounts.models import User
from registry.accounts.services import notify_organization
from registry.interests.queries import conflict
from registry.persons.queries import Entry, Part, add_part, within

ROLES = ("supervisor", "evaluator")


def appoint(project: Project, user: User, role: str, *, by: Any) -> Appointment:
    """Appoint a supervisor or an evaluator.

    One person has one of the two in a project (final evaluator ≠ 督导, DOMAIN 5), never
    belongs to the organization and has no interest in it within three years (L2 Art. 9).
    """
    require_permission(by, "project.follow", agency_id=project.agency_id)
    if role not in ROLES:
        raise ValueError(f"unknown role {role}")
    earlier = appointed(project, user.person_id)
    if earlier is not None:
        raise Refusal(
            Message(
                N_("%(name)s already has a part in this project: nobody both accompanies and evaluates it."),
                {"name": user.name},
            ),
            rule="RSV-1",
            source="评估人员不得同时担任同一项目的督导",
            status=409,
        )
    if any(item.organization_id == project.organization_id for item in user.roles):
        raise Refusal(
            Message(
                N_("%(name)s belongs to the organization that carries out the project."), {"name": user.name}
            ),
            rule="REX-2",
            source="政府采购法实施条例 第九条",
        )
    if conflict(user.person_id, project.organization_id, on=clock.today()) is not None:
        raise Refusal(
            Message(
                N_("%(name)s has an interest in the organization within the last three years."),
                {"name": user.name},
            ),
            rule="REX-2",
            source="政府采购法实施条例 第九条",
        )
    row = Appointment(
        project_id=project.id,
        person_id=user.person_id,
        user_id=user.id,
        role=role,
        appointed_on=clock.today(),
        appointed_by=by.id,
    )
    db.session.add(row)
    db.session.flush()
    record(project, "appointed", by=by, details={"role": role, "name": user.name})
    return row


def open_rectification(project: Project, *, items: str, due_on: date, by: Any) -> Rectification:
    """Say what must be put right until when; nothing is released meanwhile.

    ``by`` holds rectification.open at the agency, or evaluates the project by appointment.
    """
    evaluates = appointed(project, by.person_id) is not None
    if not evaluates:
        require_permission(by, "rectification.open", agency_id=project.agency_id)
    if project.state not in ("running", "suspended", "closing"):
        raise Refusal(Message(N_("This project is settled: nothing can be put right any more.")), status=409)
    if not items.strip():
        raise Refusal(Message(N_("Write what must be put right.")))
    if due_on < clock.today():
        raise Refusal(Message(N_("The day until which it must be put right lies in the past.")))
    commitment = project.agreement.commitment
    assert commitment is not None
    hold = place_hold(commitment, reason="rectification", text=items.strip(), by=by)
    row = Rectification(
        project_id=project.id,
        agency_id=project.agency_id,
        organization_id=project.organization_id,
        hold_id=hold.id,
        items=items.strip(),
        due_on=due_on,
        opened_by=by.id,
        opened_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(row, "opened", by=by, details={"project": project.number, "due_on": due_on})
    notify_organization(
        project.organization_id,
        "rectification_opened",
        {"title": project.title, "number": project.number, "due": due_on, "items": items.strip()},
        agency_id=project.agency_id,
    )
    return row


def answer_rectification(
    rectification: Rectification,
    *,
    answer: str,
    file: tuple[IO[bytes], str] | None = None,
    by: Any,
) -> None:
    """The organization says what it did."""
    if not answer.strip():
        raise Refusal(Message(N_("Write what was done about each point.")))
    fire(rectification, "answer", by=by)
    rectification.answer = answer.strip()
    if file is not None:
        rectification.file_id = store(file[0], file[1], by=by).id
    db.session.flush()


def ask_again(rectification: Rectification, *, reason: str, due_on: date, by: Any) -> None:
    """Not enough yet: back to the organization with a new day."""
    if not reason.strip():
        raise Refusal(Message(N_("Write what is still missing.")))
    if due_on < clock.today():
        raise Refusal(Message(N_("The day until which it must be put right lies in the past.")))
    fire(rectification, "ask_again", by=by, note=reason.strip())
    rectification.items = f"{rectification.items}\n\n{reason.strip()}"
    rectification.due_on = due_on
    db.session.flush()


def close_rectification(rectification: Rectification, *, by: Any) -> None:
    """Put right: payments may go on."""
    fire(rectification, "close", by=by)
    lift_hold(db.session.get_one(Hold, rectification.hold_id), by=by)


def fail_rectification(rectification: Rectification, *, reason: str = "", by: Any) -> None:
    """Not put right: the hold stays, nothing more is paid."""
    fire(rectification, "fail", by=by, note=reason.strip())


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    """Whom a project names as its supervisor or evaluator: the file of a project is kept whole."""
    rows = db.session.scalars(
        select(Appointment)
        .join(Appointment.project)
        .where(Appointment.person_id == person_id, *within(Project.agency_id, agencies))
        .options(joinedload(Appointment.project))
        .order_by(Appointment.id)
    )
    return [
        Entry(
            row.id,
            Message(N_("accompanies the project “%(title)s”"), {"title": row.project.title}),
            row.appointed_on,
            duty=Message(N_("Records of a selection are kept for fifteen years.")),
            source="政府采购法 第四十二条",
            link=(
                "project.read",
                row.project.agency_id,
                "agreements.project",
                {"project_id": row.project_id},
            ),
        )
        for row in rows
    ]


add_part(Part("appointment", N_("Supervision and evaluation of projects"), "project.read", _entries))
