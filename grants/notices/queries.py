"""Which notices and objections there are for whom."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Notice, NoticeItem, Objection

OPEN_STATES = ("received", "reviewed")
_WHOLE = (
    joinedload(Notice.call).joinedload(Call.agency),
    selectinload(Notice.items).joinedload(NoticeItem.application).joinedload(Application.organization),
    selectinload(Notice.objections),
)


def visible_notices(user: Any) -> Select[Any]:
    return select(Notice).where(Notice.agency_id.in_(user.agency_ids("notice.read")))


def notice_in_scope(user: Any, notice_id: int) -> Notice | None:
    return db.session.scalar(visible_notices(user).where(Notice.id == notice_id).options(*_WHOLE))


def objection_in_scope(user: Any, objection_id: int) -> Objection | None:
    return db.session.scalar(
        select(Objection)
        .where(Objection.id == objection_id, Objection.agency_id.in_(user.agency_ids("notice.read")))
        .options(joinedload(Objection.notice), joinedload(Objection.application))
    )


def notice_of(call: Call) -> Notice | None:
    return db.session.scalar(select(Notice).where(Notice.call_id == call.id))


def current_notices(on: date | None = None) -> list[Notice]:
    """Notices that run on a day; public."""
    day = on or clock.today()
    return list(
        db.session.scalars(
            select(Notice)
            .where(Notice.published_on <= day, Notice.ends_on >= day)
            .options(*_WHOLE)
            .order_by(Notice.ends_on, Notice.id)
        )
    )


def open_objections(application: Application) -> list[Objection]:
    """Objections about an application that nobody has decided yet."""
    return list(
        db.session.scalars(
            select(Objection)
            .where(Objection.application_id == application.id, Objection.state.in_(OPEN_STATES))
            .order_by(Objection.id)
        )
    )


def objection_count(application_id: int) -> int:
    return db.session.scalar(select(func.count()).where(Objection.application_id == application_id)) or 0
