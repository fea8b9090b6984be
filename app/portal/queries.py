"""What everybody may see: published calls, notices, funded projects and what was paid for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.money import Money
from finance.disbursements.models import Disbursement
from finance.funds.models import Earmark
from finance.snapshots.models import RatioSnapshot
from finance.snapshots.queries import published_snapshots
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Notice, NoticeItem
from projects.agreements.models import Agreement, Project
from projects.delivery.models import ServiceRecord
from registry.credit.models import CreditEntry
from registry.organizations.models import Organization
from registry.organizations.queries import matching, named

PUBLISHED = ("published", "judged", "concluded")
# What a project is for: the category it applied in, else what its money was set aside for. Both speak the same codes.
FIELD: ColumnElement[str] = func.coalesce(Application.category, Earmark.purpose)
# The lists that are public by law (社会组织信用信息管理办法), and the bodies whose entry has a public part.
PUBLIC_LISTS = ("abnormal_list", "dishonesty_list")
SOCIAL = ("social_association", "social_service_agency", "foundation")
UNDER_WAY = ("preparing", "running", "suspended", "closing")


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
    return (
        select(Project)
        .join(Agreement, Project.agreement_id == Agreement.id)
        .join(Earmark, Agreement.earmark_id == Earmark.id)
        .outerjoin(Application, Agreement.application_id == Application.id)
        .options(
            joinedload(Project.organization),
            joinedload(Project.agreement).joinedload(Agreement.application),
            joinedload(Project.agreement).joinedload(Agreement.earmark),
        )
    )


def public_organizations() -> Select[Organization]:
    """Registered social organizations, with their units."""
    return (
        select(Organization)
        .where(Organization.kind.in_(SOCIAL), Organization.register_class == "registered")
        .options(joinedload(Organization.agency))
    )


def public_organization(number: int) -> Organization | None:
    return db.session.scalar(
        public_organizations()
        .where(Organization.id == number)
        .options(selectinload(Organization.inspections), selectinload(Organization.grades))
    )


def looked_up(words: str) -> Organization | None:
    """The one organization of exactly this name or credit code."""
    return named(public_organizations(), words)


def listed(kind: str = "", words: str = "") -> Select[CreditEntry]:
    """What stands on a public list today; an entry that was taken off is public no more."""
    query = (
        select(CreditEntry)
        .join(Organization, Organization.id == CreditEntry.organization_id)
        .where(
            CreditEntry.kind == kind if kind in PUBLIC_LISTS else CreditEntry.kind.in_(PUBLIC_LISTS),
            CreditEntry.removed_on.is_(None),
            Organization.kind.in_(SOCIAL),
            Organization.register_class == "registered",
        )
        .options(joinedload(CreditEntry.organization).joinedload(Organization.agency))
    )
    return matching(query, words)


def listed_of(organization: Organization) -> list[CreditEntry]:
    return list(
        db.session.scalars(
            listed()
            .where(CreditEntry.organization_id == organization.id)
            .order_by(CreditEntry.entered_on.desc(), CreditEntry.id.desc())
        )
    )


def funded_of(organization: Organization) -> list[Project]:
    """The organization's funded projects, the latest twenty."""
    return list(
        db.session.scalars(
            funded_projects()
            .where(Project.organization_id == organization.id)
            .order_by(Project.id.desc())
            .limit(20)
        )
    )


def latest_projects(limit: int) -> list[Project]:
    return list(db.session.scalars(funded_projects().order_by(Project.id.desc()).limit(limit)))


def latest_snapshot() -> RatioSnapshot | None:
    """The published ratio of the newest year."""
    found: RatioSnapshot | None = db.session.scalars(
        published_snapshots()
        .where(RatioSnapshot.state == "published")
        .order_by(
            RatioSnapshot.fiscal_year.desc(), RatioSnapshot.published_at.desc(), RatioSnapshot.id.desc()
        )
        .limit(1)
    ).first()
    return found


def under_way() -> ColumnElement[bool]:
    return Project.state.in_(UNDER_WAY)


def funded_project(number: int) -> Project | None:
    return db.session.scalar(funded_projects().where(Project.id == number))


def funded_total(*conditions: ColumnElement[bool]) -> tuple[int, Money]:
    """How many projects were funded and with how much; ``conditions`` on Project, Agreement or ``FIELD``."""
    count, total = db.session.execute(
        select(func.count(Project.id), func.sum(Agreement.amount))
        .join(Agreement, Project.agreement_id == Agreement.id)
        .join(Earmark, Agreement.earmark_id == Earmark.id)
        .outerjoin(Application, Agreement.application_id == Application.id)
        .where(*conditions)
    ).one()
    return count, total or Money(0)


# What was paid ------------------------------------------------------------------------------------


def in_year(year: int) -> ColumnElement[bool]:
    return Disbursement.paid_on.between(date(year, 1, 1), date(year, 12, 31))


def in_field(field: str) -> ColumnElement[bool]:
    return FIELD.in_([field])


def payments() -> Select[Disbursement]:
    """Payments that reached the accounts of those who do funded projects; each belongs to one project."""
    return (
        select(Disbursement)
        .join(Agreement, Agreement.commitment_id == Disbursement.commitment_id)
        .join(Project, Project.agreement_id == Agreement.id)
        .join(Earmark, Agreement.earmark_id == Earmark.id)
        .outerjoin(Application, Agreement.application_id == Application.id)
        .where(Disbursement.state == "paid")
    )


def paid(*conditions: ColumnElement[bool]) -> tuple[int, Money]:
    """How many payments, and their sum."""
    count, total = db.session.execute(
        payments()
        .where(*conditions)
        .with_only_columns(func.count(Disbursement.id), func.sum(Disbursement.amount))
    ).one()
    return count, total or Money(0)


def paid_by_field(year: int) -> dict[str, Money]:
    """What was paid in a calendar year in each field, the largest first."""
    total = func.sum(Disbursement.amount)
    found = db.session.execute(
        payments().where(in_year(year)).with_only_columns(FIELD, total).group_by(FIELD)
    ).all()
    return dict(sorted(((field, amount) for field, amount in found), key=lambda item: -item[1].fen))


def years_of_payments() -> list[int]:
    """The calendar years in which something was paid, the newest first."""
    first, last = db.session.execute(
        payments().with_only_columns(func.min(Disbursement.paid_on), func.max(Disbursement.paid_on))
    ).one()
    return list(range(last.year, first.year - 1, -1)) if first and last else []


def projects_of(rows: Iterable[Disbursement]) -> dict[int, Project]:
    """The project of each payment, by the number of its commitment."""
    found = funded_projects().where(Agreement.commitment_id.in_({row.commitment_id for row in rows}))
    return {item.agreement.commitment_id or 0: item for item in db.session.scalars(found)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a project is: what was paid, how often people were served (人次)."""

    paid: Money
    person_times: int


def field_of(project: Project) -> str:
    """``FIELD`` of one project that is at hand."""
    application = project.agreement.application
    return application.category if application else project.agreement.earmark.purpose


def progress_of(projects: Iterable[Project]) -> dict[int, Progress]:
    """By project; two queries for all of them."""
    rows = {item.id: item for item in projects}
    paid_by = _sums(payments().where(Project.id.in_(rows)), Project.id, func.sum(Disbursement.amount))
    served = _sums(
        select(ServiceRecord).where(ServiceRecord.project_id.in_(rows)),
        ServiceRecord.project_id,
        func.sum(ServiceRecord.person_times),
    )
    return {number: Progress(paid_by.get(number, Money(0)), int(served.get(number, 0))) for number in rows}


def _sums(query: Select[Any], key: Any, total: Any) -> dict[int, Any]:
    return {row[0]: row[1] for row in db.session.execute(query.with_only_columns(key, total).group_by(key))}


def running() -> tuple[int, int]:
    """How many projects are under way, and of how many organizations."""
    projects, organizations = db.session.execute(
        select(func.count(Project.id), func.count(Project.organization_id.distinct())).where(under_way())
    ).one()
    return projects, organizations


def served_in(year: int) -> int:
    """Person-times (人次) served in a calendar year, as the service records tell."""
    return int(
        db.session.scalar(
            select(func.sum(ServiceRecord.person_times)).where(
                ServiceRecord.held_on.between(date(year, 1, 1), date(year, 12, 31))
            )
        )
        or 0
    )
