"""Which applications there are for whom, and the facts the rules are asked about."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.audit.models import AuditEntry
from core.db import db
from finance.commitments.queries import running_commitments
from finance.funds.models import Budget, Earmark
from finance.lines.rules import LineFacts
from grants.applications.models import Application, ApplicationVersion, Attachment, BudgetLine
from grants.applications.rules import ApplicantFacts, Bonus, award_bonus
from grants.calls.models import Call
from grants.calls.queries import rules_of
from registry.credit.queries import standing_facts
from registry.organizations.models import Organization
from registry.particulars.queries import honours_of
from registry.party.queries import five_steps_done
from registry.persons.queries import known_person

# What counts against the number of applications of an organization (E13).
LIVE = ("withdrawn", "draft")


def visible_applications(user: Any) -> Select[Any]:
    """What a unit of government sees: everything that was submitted to it; never a draft."""
    return select(Application).where(
        Application.agency_id.in_(user.agency_ids("application.read")), Application.number.is_not(None)
    )


def own_applications(user: Any) -> Select[Any]:
    """What an applicant sees: the applications of its organizations."""
    return select(Application).where(Application.organization_id.in_(user.organization_ids("own.read")))


def application_in_scope(user: Any, application_id: int) -> Application | None:
    """The application when the user sees it from either side; a stranger's is ``None``."""
    as_funder = and_(
        Application.agency_id.in_(user.agency_ids("application.read")), Application.number.is_not(None)
    )
    as_applicant = Application.organization_id.in_(user.organization_ids("own.read"))
    return db.session.scalar(
        select(Application)
        .where(Application.id == application_id, or_(as_funder, as_applicant))
        .options(
            joinedload(Application.call).options(
                joinedload(Call.agency),
                joinedload(Call.earmark).joinedload(Earmark.budget).joinedload(Budget.fund_source),
            ),
            joinedload(Application.organization),
            selectinload(Application.lines),
            # The submitted text is long and stands on its own page.
            selectinload(Application.versions).defer(ApplicationVersion.content),
            selectinload(Application.attachments).joinedload(Attachment.file),
        )
    )


def eligible_applications(call: Call) -> list[Application]:
    """What may be judged: confirmed as eligible (or already shortlisted from there), by number."""
    return list(
        db.session.scalars(
            select(Application)
            .where(Application.call_id == call.id, Application.state == "eligible")
            .options(joinedload(Application.organization), selectinload(Application.lines))
            .order_by(Application.number)
        )
    )


def applications_of(call: Call, *states: str) -> list[Application]:
    query = select(Application).where(Application.call_id == call.id, Application.number.is_not(None))
    if states:
        query = query.where(Application.state.in_(states))
    return list(
        db.session.scalars(query.options(joinedload(Application.organization)).order_by(Application.number))
    )


def count_by_state(query: Select[Any]) -> dict[str, int]:
    scope = query.subquery()
    rows = db.session.execute(select(scope.c.state, func.count()).group_by(scope.c.state))
    return dict(rows.all())


def totals(query: Select[Any]) -> tuple[int, Any, Any]:
    """Number of applications, requested and own money of a filtered list."""
    scope = query.subquery()
    count, requested, own = db.session.execute(
        select(func.count(), func.sum(scope.c.requested), func.sum(scope.c.own_funds))
    ).one()
    return count, requested, own


def submitted_in_call(call_id: int, organization_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).where(
                Application.call_id == call_id,
                Application.organization_id == organization_id,
                Application.number.is_not(None),
                Application.state.not_in(LIVE),
            )
        )
        or 0
    )


def applicant_facts(application: Application, *, on: date) -> ApplicantFacts:
    """What the register, the credit file and the till know about the applicant."""
    organization = db.session.get_one(
        Organization,
        application.organization_id,
        options=[
            selectinload(Organization.grades),
            selectinload(Organization.inspections),
            joinedload(Organization.party),
        ],
    )
    known = standing_facts(
        organization, leader=known_person(application.leader_name, application.leader_phone)
    )
    party = organization.party
    return ApplicantFacts(
        kind=organization.kind,
        register_class=organization.register_class,
        credit_code=organization.credit_code,
        status=organization.status,
        registered_on=organization.registered_on,
        has_host=organization.host_id is not None,
        under_investigation=known.under_investigation,
        inspections=known.inspections,
        grades=[(item.grade, item.valid_from, item.valid_to) for item in organization.grades],
        full_members=party.full_members if party else 0,
        party_org=party.party_org_kind if party else "none",
        party_in_charter=party.party_in_charter if party else False,
        has_instructor=party.instructor_id is not None if party else False,
        five_steps=five_steps_done(organization.id),
        credit=known.credit,
        adverse=known.adverse,
        applications_in_call=submitted_in_call(application.call_id, organization.id),
        running=[item.title for item in running_commitments(organization.id, on)],
        business_scope=organization.business_scope,
        honours=honours_of([organization.id]).get(organization.id, ()),
    )


def bonuses(call: Call, applications: Iterable[Application]) -> dict[int, Bonus]:
    """The points for awards of each application that gets any, by its id, as the register stands about the
    day of the deadline; nothing is read where the call gives none."""
    values = rules_of(call)
    if not int(values["bonus_cap"]):
        return {}
    day = clock.local(call.deadline_at).date()
    rows = list(applications)
    honours = honours_of(item.organization_id for item in rows)
    found = {item.id: award_bonus(honours.get(item.organization_id, ()), values, on=day) for item in rows}
    return {key: bonus for key, bonus in found.items() if bonus.points}


def line_facts(application: Application) -> list[LineFacts]:
    return [LineFacts(line.code, line.grant, line.own, line.basis) for line in application.lines]


def applied_on(application: Application, *, on: date) -> date:
    """The day whose facts decide about age, inspections and grade: that of the first submission."""
    return clock.local(application.submitted_at).date() if application.submitted_at else on


def version_of(application: Application, version: int | None) -> ApplicationVersion | None:
    """A submitted version by number; the latest without one."""
    query = select(ApplicationVersion).where(ApplicationVersion.application_id == application.id)
    if version is not None:
        query = query.where(ApplicationVersion.version == version)
    return db.session.scalar(query.order_by(ApplicationVersion.version.desc()).limit(1))


def last_number(prefix: str) -> str | None:
    """The highest number given under ``prefix``."""
    return db.session.scalar(
        select(Application.number)
        .where(Application.number.startswith(prefix, autoescape=True))
        .order_by(func.length(Application.number).desc(), Application.number.desc())
        .limit(1)
    )


def saved_lately(application: Application, *, by: Any) -> set[str]:
    """The fields named by the savings of this person within the last hour, since anything else happened."""
    names: set[str] = set()
    since = clock.now() - timedelta(hours=1)
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.object_type == Application.__tablename__, AuditEntry.object_id == application.id)
        .order_by(AuditEntry.seq.desc())
        .limit(len(Application.__table__.columns))
    )
    for entry in entries:
        if entry.event != "saved" or entry.actor_id != by.actor_id or entry.at < since:
            break
        names.update(json.loads(entry.details).get("fields", ()))
    return names


def lines_of(application: Application) -> list[BudgetLine]:
    return list(
        db.session.scalars(
            select(BudgetLine)
            .where(BudgetLine.application_id == application.id)
            .order_by(BudgetLine.position)
        )
    )
