"""Writing service records."""

from __future__ import annotations

from datetime import date
from typing import IO, Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.files.services import store
from core.text import N_, Message
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.delivery.models import ServiceRecord

PHOTOS = {"image/jpeg", "image/png", "image/webp"}


def add_record(
    project: Project,
    *,
    held_on: date,
    title: str,
    place: str,
    persons: int,
    person_times: int,
    volunteers: int = 0,
    account: str = "",
    photo: tuple[IO[bytes], str] | None = None,
    shows_sign: bool = False,
    by: Any,
) -> ServiceRecord:
    """Note one activity. ``photo`` is a stream and its name; its content must be a picture.

    ``shows_sign`` says that the photo shows the sign of the lottery where its money is at work.
    """
    require_permission(by, "delivery.record", organization_id=project.organization_id)
    if project.state != "running":
        raise Refusal(Message(N_("Activities are recorded while the project is running.")), status=409)
    if held_on > clock.today():
        raise Refusal(Message(N_("The activity lies in the future: record it after it took place.")))
    if held_on < project.agreement.starts_on:
        raise Refusal(
            Message(
                N_("The activity lies before the project began on %(day)s."),
                {"day": project.agreement.starts_on},
            )
        )
    if persons < 0 or volunteers < 0 or person_times < persons:
        raise Refusal(
            Message(N_("Person-times cannot be fewer than persons: each person came at least once."))
        )
    if shows_sign and photo is None:
        raise Refusal(Message(N_("Add the photo that shows the sign of the lottery.")))
    row = ServiceRecord(
        project_id=project.id,
        organization_id=project.organization_id,
        held_on=held_on,
        title=title.strip(),
        place=place.strip(),
        persons=persons,
        person_times=person_times,
        volunteers=volunteers,
        account=account.strip(),
        recorded_by=by.id,
        recorded_at=clock.now(),
        shows_sign=shows_sign,
    )
    if photo is not None:
        row.photo_id = store(photo[0], photo[1], by=by, allowed=PHOTOS).id
    db.session.add(row)
    db.session.flush()
    record(
        row,
        "recorded",
        by=by,
        details={"project": project.number, "persons": persons, "person_times": person_times},
    )
    return row
