"""What everybody may see: published calls, notices, funded projects."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.money import Money
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Notice, NoticeItem
from projects.agreements.models import Agreement, Project

PUBLISHED = ("published", "judged", "concluded")


def published_calls() -> Select[Call]:
    """Calls that were published, with their units."""
    return select(Call).where(Call.state.in_(PUBLISHED)).options(joinedload(Call.agency))


def published_call(number: int) -> Call | None:
    return db.session.scalar(published_calls().where(Call.id == number))


def notices() -> Select[Notice]:
    """Every notice, with its call and unit."""
    return select(Notice).options(joinedload(Notice.call).joinedload(Call.agency))


def notice(number: int) -> Notice | None:
    """A notice with everything its page shows."""
    return db.session.scalar(
        notices()
        .where(Notice.id == number)
        .options(
            selectinload(Notice.items)
            .joinedload(NoticeItem.application)
            .joinedload(Application.organization),
            selectinload(Notice.objections),
        )
    )


def notice_of(call: Call) -> Notice | None:
    return db.session.scalar(select(Notice).where(Notice.call_id == call.id))


def funded_projects() -> Select[Project]:
    """Projects with a signed agreement."""
    return select(Project).options(
        joinedload(Project.organization), joinedload(Project.agreement).joinedload(Agreement.application)
    )


def funded_project(number: int) -> Project | None:
    return db.session.scalar(funded_projects().where(Project.id == number))


def funded_total() -> tuple[int, Money]:
    """How many projects were funded and with how much."""
    count, total = db.session.execute(
        select(func.count(Project.id), func.sum(Agreement.amount)).join(
            Agreement, Project.agreement_id == Agreement.id
        )
    ).one()
    return count, total or Money(0)
