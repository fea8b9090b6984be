"""What a person has in hand, and who may carry it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from app.handover.models import Handover
from app.trail.queries import Named, names
from core import clock
from core.access.policy import ROLES
from core.db import db
from core.text import N_
from evaluation.decisions.models import Decision
from evaluation.panels.models import Panel
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.funds.models import Budget
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Objection
from projects.agreements.models import Agreement
from projects.claims.models import Claim
from projects.closure.models import Closure
from projects.supervision.models import Rectification
from registry.accounts.models import RoleAssignment, User
from registry.organizations.models import Organization


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of work: whose column says who prepared it, while it is open, and what permission carries it
    on. ``holder`` says at which unit of the row that is held.
    """

    model: Any
    person: str
    states: tuple[str, ...]
    permission: str
    holder: str = "agency"

    @property
    def object_type(self) -> str:
        return self.model.__tablename__

    def open(self) -> list[Any]:
        """The conditions under which a row still waits for somebody."""
        if self.model is PayeeAccount:
            return [PayeeAccount.confirmed_by.is_(None), PayeeAccount.closed_on.is_(None)]
        if self.model is Organization:
            return [Organization.verified_by.is_(None)]
        return [self.model.state.in_(self.states)]

    def unit_id(self, row: Any) -> int:
        if self.model is PayeeAccount:
            return row.organization.agency_id
        return getattr(row, f"{self.holder}_id")


SOURCES: tuple[Source, ...] = (
    Source(Call, "drafted_by", ("draft", "reviewed", "approved"), "call.draft"),
    Source(Panel, "planned_by", ("planned", "drawn", "scoring"), "panel.plan"),
    Source(Decision, "proposed_by", ("draft", "reviewed", "budget_reviewed"), "decision.propose"),
    Source(Objection, "answered_by", ("reviewed",), "objection.answer"),
    Source(
        Agreement,
        "drafted_by",
        ("draft", "legal_reviewed", "finance_reviewed", "offered", "accepted"),
        "agreement.draft",
    ),
    Source(
        Disbursement,
        "requested_by",
        ("requested", "reviewed", "approved", "released", "returned"),
        "disbursement.request",
    ),
    Source(Rectification, "opened_by", ("open", "answered"), "rectification.open"),
    Source(Budget, "entered_by", ("draft",), "fund.manage"),
    Source(PayeeAccount, "recorded_by", (), "account.payee"),
    Source(Organization, "recorded_by", (), "organization.edit"),
    Source(
        Application, "created_by", ("draft", "returned", "optimizing"), "application.write", "organization"
    ),
    Source(Claim, "submitted_by", ("submitted", "returned"), "claim.write", "organization"),
    Source(Closure, "reported_by", ("reported", "returned"), "closure.report", "organization"),
)
BY_TYPE = {source.object_type: source for source in SOURCES}


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of open work, in words, with the colleagues who may carry it on."""

    source: Source
    row: Any
    named: Named
    colleagues: list[User]
    handed_to: User | None

    @property
    def key(self) -> str:
        return f"{self.source.object_type}-{self.row.id}"


def open_work(user: User) -> list[Work]:
    """What ``user`` prepared and what still waits, whoever has it now."""
    found = [
        (source, row)
        for source in SOURCES
        for row in db.session.scalars(
            select(source.model)
            .where(getattr(source.model, source.person) == user.id, *source.open())
            .order_by(source.model.id)
        )
    ]
    pairs = [(source.object_type, row.id) for source, row in found]
    named, taken = names(pairs), _latest(pairs)
    return [
        Work(
            source=source,
            row=row,
            named=named[source.object_type, row.id],
            colleagues=colleagues(user, source, row),
            handed_to=taken[source.object_type, row.id].successor
            if (source.object_type, row.id) in taken
            else None,
        )
        for source, row in found
    ]


def colleagues(user: User, source: Source, row: Any) -> list[User]:
    """Others who hold today, at the unit of the work, the role in which ``user`` prepared it."""
    unit_id, today = source.unit_id(row), clock.today()
    unit = RoleAssignment.organization_id if source.holder == "organization" else RoleAssignment.agency_id
    attribute = f"{source.holder}_id"
    roles = {
        item.role
        for item in user.roles
        if getattr(item, attribute) == unit_id and source.permission in ROLES[item.role].permissions
    }
    return list(
        db.session.scalars(
            select(User)
            .join(RoleAssignment, RoleAssignment.user_id == User.id)
            .where(
                RoleAssignment.role.in_(roles),
                RoleAssignment.delegated_by.is_(None),
                unit == unit_id,
                RoleAssignment.revoked_at.is_(None),
                RoleAssignment.valid_from <= today,
                or_(RoleAssignment.valid_to.is_(None), RoleAssignment.valid_to >= today),
                User.id != user.id,
                User.active,
                User.locked_at.is_(None),
            )
            .distinct()
            .order_by(User.id)
        ).unique()
    )


def _latest(pairs: list[tuple[str, int]]) -> dict[tuple[str, int], Handover]:
    """The newest handover of each object."""
    newest = (
        select(func.max(Handover.id))
        .where(Handover.object_id.in_({object_id for _type, object_id in pairs}))
        .group_by(Handover.object_type, Handover.object_id)
    )
    rows = db.session.scalars(
        select(Handover)
        .where(Handover.id.in_(newest))
        .options(joinedload(Handover.successor), joinedload(Handover.user))
    )
    wanted = set(pairs)
    return {
        (row.object_type, row.object_id): row for row in rows if (row.object_type, row.object_id) in wanted
    }


def taken_over(user: User) -> list[tuple[Handover, Named]]:
    """What was handed to ``user``, was not handed on, and is still open."""
    mine = db.session.scalars(select(Handover).where(Handover.successor_id == user.id)).all()
    if not mine:
        return []
    latest = _latest([(item.object_type, item.object_id) for item in mine])
    waiting = [item for item in latest.values() if item.successor_id == user.id and _is_open(item)]
    named = names((item.object_type, item.object_id) for item in waiting)
    return [(item, named[item.object_type, item.object_id]) for item in waiting]


def _is_open(item: Handover) -> bool:
    source = BY_TYPE.get(item.object_type)
    if source is None:
        return False
    query = select(source.model.id).where(source.model.id == item.object_id, *source.open())
    return db.session.scalar(query) is not None


TAKEN_OVER = N_("%(label)s taken over from %(name)s: %(title)s")
