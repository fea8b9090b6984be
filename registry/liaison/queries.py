"""Liaison officers, notices and receipts in scope; who holds which step at a unit; what is not covered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.access.policy import ROLES
from core.access.words import STEPS, Step
from core.db import db
from core.text import N_
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import Agency
from registry.agencies.queries import standing
from registry.liaison.models import LiaisonNotice, LiaisonOfficer, LiaisonReceipt
from registry.organizations.models import Organization
from registry.proof.queries import add_check

# Townships and communities: where a department needs somebody who answers.
PLACES = ("subdistrict", "sumu_township", "community", "gacha_village")


def in_office(on: date) -> Any:
    """The condition that an officer's term runs on that day."""
    return and_(LiaisonOfficer.since <= on, or_(LiaisonOfficer.until.is_(None), LiaisonOfficer.until >= on))


def visible_officers(user: Any) -> Select[LiaisonOfficer]:
    return (
        select(LiaisonOfficer)
        .where(LiaisonOfficer.agency_id.in_(user.agency_ids("liaison.read")))
        .options(
            joinedload(LiaisonOfficer.person),
            joinedload(LiaisonOfficer.unit),
            joinedload(LiaisonOfficer.organization),
        )
    )


def editable_officer(user: Any, officer_id: int) -> LiaisonOfficer | None:
    """The officer, while the term runs, when the user's unit appointed them."""
    return db.session.scalar(
        visible_officers(user).where(
            LiaisonOfficer.id == officer_id,
            LiaisonOfficer.until.is_(None),
            LiaisonOfficer.agency_id.in_(user.agency_ids("liaison.keep")),
        )
    )


def officers_of_unit(agency: Agency) -> list[LiaisonOfficer]:
    """Who answers for a unit today."""
    return list(
        db.session.scalars(
            select(LiaisonOfficer)
            .where(LiaisonOfficer.unit_id == agency.id, in_office(clock.today()))
            .options(joinedload(LiaisonOfficer.person))
            .order_by(LiaisonOfficer.id)
        )
    )


def recipients(agency: Agency, on: date) -> list[LiaisonOfficer]:
    """The officers that a notice of this unit goes to: its own and those of the units under it."""
    return list(
        db.session.scalars(
            select(LiaisonOfficer)
            .join(LiaisonOfficer.agency)
            .where(Agency.path.startswith(agency.path), in_office(on))
            .order_by(LiaisonOfficer.id)
        )
    )


def visible_notices(user: Any) -> Select[LiaisonNotice]:
    return (
        select(LiaisonNotice)
        .where(LiaisonNotice.agency_id.in_(user.agency_ids("liaison.read")))
        .options(joinedload(LiaisonNotice.agency))
    )


def notice_in_scope(user: Any, notice_id: int) -> LiaisonNotice | None:
    """A notice of the units a person reads, or one that was sent to that person."""
    mine = select(LiaisonReceipt.notice_id).where(LiaisonReceipt.person_id == user.person_id)
    return db.session.scalar(
        select(LiaisonNotice).where(
            LiaisonNotice.id == notice_id,
            or_(
                LiaisonNotice.agency_id.in_(user.agency_ids("liaison.read")),
                LiaisonNotice.id.in_(mine),
            ),
        )
    )


def visible_receipts(user: Any) -> Select[LiaisonReceipt]:
    return (
        select(LiaisonReceipt)
        .join(LiaisonNotice, LiaisonNotice.id == LiaisonReceipt.notice_id)
        .where(LiaisonNotice.agency_id.in_(user.agency_ids("liaison.read")))
        .options(
            joinedload(LiaisonReceipt.notice),
            joinedload(LiaisonReceipt.person),
            joinedload(LiaisonReceipt.officer).joinedload(LiaisonOfficer.unit),
            joinedload(LiaisonReceipt.officer).joinedload(LiaisonOfficer.organization),
        )
    )


def receipts_of(notice: LiaisonNotice) -> list[LiaisonReceipt]:
    return list(
        db.session.scalars(
            select(LiaisonReceipt)
            .where(LiaisonReceipt.notice_id == notice.id)
            .options(
                joinedload(LiaisonReceipt.person),
                joinedload(LiaisonReceipt.officer).joinedload(LiaisonOfficer.unit),
                joinedload(LiaisonReceipt.officer).joinedload(LiaisonOfficer.organization),
            )
            .order_by(LiaisonReceipt.read_at.is_not(None), LiaisonReceipt.id)
        )
    )


def own_receipts(user: Any, *, unread: bool = False) -> list[LiaisonReceipt]:
    """What was sent to this person, the newest first."""
    query = select(LiaisonReceipt).where(LiaisonReceipt.person_id == user.person_id)
    if unread:
        query = query.where(LiaisonReceipt.read_at.is_(None))
    return list(
        db.session.scalars(
            query.options(joinedload(LiaisonReceipt.notice).joinedload(LiaisonNotice.agency))
            .order_by(LiaisonReceipt.id.desc())
            .limit(200)
        )
    )


def read_counts(notice_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Notice id -> (read, sent)."""
    return {
        number: (read, sent)
        for number, read, sent in db.session.execute(
            select(LiaisonReceipt.notice_id, func.count(LiaisonReceipt.read_at), func.count())
            .where(LiaisonReceipt.notice_id.in_(notice_ids))
            .group_by(LiaisonReceipt.notice_id)
        )
    }


def accounts_of(person_ids: set[int]) -> dict[int, User]:
    """Person id -> open account, of those who have one."""
    return {
        user.person_id: user
        for user in db.session.scalars(select(User).where(User.person_id.in_(person_ids), User.active))
    }


# Powers of a unit (S0-22) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Power:
    """One act with the names of those who may take its steps at the unit today."""

    step: Step
    prepare: list[str]
    review: list[str]
    approve: list[str]

    @property
    def whole(self) -> bool:
        """Whether every step that the act has is somebody's here."""
        told = (self.step.prepare, self.step.review, self.step.approve)
        return all(names or not needed for names, needed in zip((self.prepare, self.review, self.approve), told, strict=True))  # fmt: skip


# The acts with which a unit runs a round of its own from the call to the payment.
OWN_POWERS = ("call.draft", "decision.propose", "agreement.draft", "disbursement.request")


def powers_of(agency: Agency) -> list[Power]:
    """Who may publish calls, decide, sign and pay at this very unit; nobody above it does it in its place."""
    today = clock.today()
    held = list(
        db.session.scalars(
            select(RoleAssignment)
            .join(User, User.id == RoleAssignment.user_id)
            .where(RoleAssignment.agency_id == agency.id, User.active, RoleAssignment.delegated_by.is_(None))
            .options(joinedload(RoleAssignment.user))
            .order_by(RoleAssignment.id)
        )
    )
    alive = [item for item in held if item.alive(today)]

    def names(permissions: tuple[str, ...]) -> list[str]:
        return [item.user.name for item in alive if ROLES[item.role].permissions & set(permissions)]

    return [
        Power(step, names(step.prepare), names(step.review), names(step.approve))
        for step in STEPS
        if set(step.prepare) & set(OWN_POWERS)
    ]


# Coverage -----------------------------------------------------------------------------------------

GAPS = {
    "units_officer": N_("Townships and communities without a liaison officer"),
    "units_department": N_("Townships and communities without a department above them"),
    "organizations_officer": N_("Organizations without a liaison officer"),
    "organizations_department": N_("Organizations whose department was dissolved"),
}


def gap(user: Any, what: str) -> Select[Any]:
    """The units or organizations that a line of the coverage report counts."""
    today, agencies = clock.today(), user.agency_ids("liaison.read")
    if what.startswith("units"):
        units = select(Agency).where(Agency.id.in_(agencies), Agency.kind.in_(PLACES), standing(today))
        if what == "units_officer":
            answered = select(LiaisonOfficer.id).where(LiaisonOfficer.unit_id == Agency.id, in_office(today))
            return units.where(~answered.exists())
        above = aliased(Agency)
        alive = select(above.id).where(
            above.id == Agency.parent_id, or_(above.valid_to.is_(None), above.valid_to >= today)
        )
        return units.where(~alive.exists())
    bodies = select(Organization).where(Organization.agency_id.in_(agencies))
    if what == "organizations_officer":
        answered = select(LiaisonOfficer.id).where(
            LiaisonOfficer.organization_id == Organization.id, in_office(today)
        )
        return bodies.where(~answered.exists())
    return bodies.where(Organization.agency_id.in_(select(Agency.id).where(Agency.valid_to < today)))


def overlapping_terms(officer: LiaisonOfficer) -> bool:
    """Whether the person answers for the same place in another term at the same time."""
    place = (
        LiaisonOfficer.unit_id == officer.unit_id
        if officer.unit_id is not None
        else LiaisonOfficer.organization_id == officer.organization_id
    )
    last = officer.until or date.max
    return (
        db.session.scalar(
            select(LiaisonOfficer.id).where(
                LiaisonOfficer.person_id == officer.person_id,
                place,
                LiaisonOfficer.id != (officer.id or 0),
                LiaisonOfficer.since <= last,
                or_(LiaisonOfficer.until.is_(None), LiaisonOfficer.until >= officer.since),
            ).limit(1)
        )
        is not None
    )  # fmt: skip


def _overlapping() -> Any:
    other = aliased(LiaisonOfficer)
    return (
        select(LiaisonOfficer.id.label("one"), other.id.label("other"))
        .join(
            other,
            and_(
                other.person_id == LiaisonOfficer.person_id,
                or_(
                    other.unit_id == LiaisonOfficer.unit_id,
                    other.organization_id == LiaisonOfficer.organization_id,
                ),
                other.id > LiaisonOfficer.id,
            ),
        )
        .where(
            or_(LiaisonOfficer.until.is_(None), LiaisonOfficer.until >= other.since),
            or_(other.until.is_(None), other.until >= LiaisonOfficer.since),
        )
    )


add_check(
    "overlapping-liaison-terms",
    N_("The terms no. %(one)s and no. %(other)s of one liaison officer for one place overlap."),
    _overlapping,
)
