"""Reading what an organization holds and does beside its entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from registry.organizations.models import Organization
from registry.particulars.models import (
    CommunityFund,
    DepartmentRole,
    FundraisingFiling,
    Honour,
    Qualification,
    StaffCount,
)
from registry.particulars.rules import HonourFact


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything on the page of particulars, the youngest first."""

    qualifications: list[Qualification]
    filings: list[FundraisingFiling]
    funds: list[CommunityFund]
    honours: list[Honour]
    staff: list[StaffCount]
    departments: list[DepartmentRole]


def holdings_of(organization: Organization) -> Holdings:
    number = organization.id
    return Holdings(
        qualifications=_all(
            select(Qualification)
            .where(Qualification.organization_id == number)
            .order_by(Qualification.valid_from.desc(), Qualification.id.desc())
        ),
        filings=_all(
            select(FundraisingFiling)
            .where(FundraisingFiling.organization_id == number)
            .order_by(FundraisingFiling.starts_on.desc(), FundraisingFiling.id.desc())
        ),
        funds=_all(
            select(CommunityFund)
            .where(CommunityFund.host_id == number)
            .order_by(CommunityFund.set_up_on.desc(), CommunityFund.id.desc())
        ),
        honours=_all(
            select(Honour)
            .where(Honour.organization_id == number)
            .order_by(Honour.given_on.desc(), Honour.id.desc())
        ),
        staff=_all(
            select(StaffCount).where(StaffCount.organization_id == number).order_by(StaffCount.year.desc())
        ),
        departments=_all(
            select(DepartmentRole)
            .where(DepartmentRole.organization_id == number)
            .options(joinedload(DepartmentRole.agency))
            .order_by(DepartmentRole.until.isnot(None), DepartmentRole.role, DepartmentRole.since.desc())
        ),
    )


def _all(query: object) -> list:
    return list(db.session.scalars(query))  # type: ignore[call-overload]


def honours_of(organization_ids: Iterable[int]) -> dict[int, list[HonourFact]]:
    """Every brand and award of each organization, in one reading; those without any are left out."""
    found: dict[int, list[HonourFact]] = {}
    for row in db.session.scalars(
        select(Honour).where(Honour.organization_id.in_(set(organization_ids))).order_by(Honour.id)
    ):
        found.setdefault(row.organization_id, []).append(
            HonourFact(
                row.id,
                row.kind,
                row.title,
                row.level,
                row.given_by,
                row.given_on,
                row.valid_to,
                row.revoked_on,
            )
        )
    return found


def honour_of(organization: Organization, honour_id: int) -> Honour | None:
    return db.session.scalar(
        select(Honour).where(Honour.id == honour_id, Honour.organization_id == organization.id)
    )


def has_qualification(organization_id: int, kind: str, *, on: date) -> bool:
    """Whether the organization holds a qualification on ``on``."""
    return (
        db.session.scalar(
            select(Qualification.id)
            .where(
                Qualification.organization_id == organization_id,
                Qualification.kind == kind,
                Qualification.valid_from <= on,
                or_(Qualification.valid_to.is_(None), Qualification.valid_to >= on),
            )
            .limit(1)
        )
        is not None
    )


def filing_exists(number: str) -> bool:
    return (
        db.session.scalar(select(FundraisingFiling.id).where(FundraisingFiling.number == number)) is not None
    )


def fund_exists(host_id: int, name: str) -> bool:
    return (
        db.session.scalar(
            select(CommunityFund.id).where(CommunityFund.host_id == host_id, CommunityFund.name == name)
        )
        is not None
    )
