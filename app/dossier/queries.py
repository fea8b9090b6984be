"""Dossier: one organization across the floors, each part within the reader's own scope.

What somebody may not read elsewhere is not read here either: money of another unit, projects of another
unit, credit without the right to it. Each figure is a sum over rows that the reader can open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import Select, extract, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.lifecycle import state_of
from core.money import Money
from core.text import N_, Message
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.queries import visible_checkpoints
from finance.commitments.models import Commitment
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import visible_disbursements
from finance.recoveries.models import Recovery
from finance.recoveries.queries import OPEN, visible_recoveries
from grants.applications.models import Application
from grants.applications.queries import own_applications, visible_applications
from projects.agreements.models import Project
from projects.agreements.queries import UNFINISHED, visible_projects
from projects.claims.models import Claim
from projects.claims.queries import visible_claims
from projects.supervision.models import Rectification
from registry.hubs.models import Membership
from registry.hubs.queries import hubs_of, visible_hubs
from registry.organizations.models import Organization
from registry.outcomes.models import OutcomeCase
from registry.outcomes.queries import visible_cases
from registry.updates.models import UpdateRequest
from registry.updates.queries import ALIVE, visible_updates

# Payments that reached the organization; of a recovered one the money was there and came back.
RECEIVED = ("paid", "recovered")


def acts_for(user: Any, organization: Organization) -> bool:
    return bool(user.may("own.read", organization_id=organization.id))


def payments_of(user: Any, organization_id: int) -> Select[Any]:
    """Payments that reached the organization, as far as the reader sees them."""
    return visible_disbursements(user).where(
        Commitment.organization_id == organization_id, Disbursement.state.in_(RECEIVED)
    )


def projects_of(user: Any, organization_id: int) -> Select[Any]:
    return visible_projects(user).where(Project.organization_id == organization_id)


def applications_of(user: Any, organization_id: int) -> Select[Any]:
    own = organization_id in user.organization_ids("own.read")
    query = own_applications(user) if own else visible_applications(user)
    return query.where(Application.organization_id == organization_id)


@dataclass(frozen=True, slots=True)
class Received:
    """Payments of one year."""

    year: int
    count: int
    amount: Money


def received_by_year(user: Any, organization_id: int) -> list[Received]:
    year = extract("year", Disbursement.paid_on)
    rows = db.session.execute(
        payments_of(user, organization_id)
        .with_only_columns(year, func.count(), func.sum(Disbursement.amount), maintain_column_froms=True)
        .where(Disbursement.paid_on.is_not(None))
        .group_by(year)
        .order_by(year.desc())
    )
    return [Received(int(when), count, amount) for when, count, amount in rows.all()]


def returned_total(user: Any, organization_id: int) -> Money:
    """What came back of what it received, as far as the reader sees the cases."""
    total = db.session.scalar(
        visible_recoveries(user)
        .where(Commitment.organization_id == organization_id)
        .with_only_columns(func.sum(Recovery.recovered), maintain_column_froms=True)
    )
    return total or Money(0)


def project_counts(user: Any, organization_id: int) -> dict[str, int]:
    """How many projects are in which state."""
    rows = db.session.execute(
        projects_of(user, organization_id)
        .with_only_columns(Project.state, func.count())
        .group_by(Project.state)
    )
    return dict(rows.all())


def latest_projects(user: Any, organization_id: int, *, limit: int = 10) -> list[Project]:
    return list(
        db.session.scalars(
            projects_of(user, organization_id)
            .options(joinedload(Project.agreement))
            .order_by(Project.id.desc())
            .limit(limit)
        )
    )


def running(counts: dict[str, int]) -> int:
    return sum(number for state, number in counts.items() if state in UNFINISHED)


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Something about the organization that somebody has still to do."""

    what: Message
    url: str
    state: Any
    due: date | None = None

    @property
    def days_left(self) -> int | None:
        return clock.working_days_left(self.due) if self.due else None


def open_tasks(user: Any, organization: Organization) -> list[OpenTask]:
    """Everything open about the organization that the reader may see, what is due first first."""
    found = [*_of_projects(user, organization), *_of_register(user, organization)]
    return sorted(found, key=lambda task: (task.due is None, task.due or date.max))


def _of_projects(user: Any, organization: Organization) -> Iterator[OpenTask]:
    number = organization.id
    mine = projects_of(user, number).with_only_columns(Project.id)
    for row in db.session.scalars(
        select(Rectification)
        .where(
            Rectification.organization_id == number,
            Rectification.state.in_(("open", "answered")),
            Rectification.project_id.in_(mine),
        )
        .options(joinedload(Rectification.project))
    ):
        yield OpenTask(
            Message(N_("Rectification: %(title)s"), {"title": row.project.title}),
            url_for("supervision.show", rectification_id=row.id), state_of(row), row.due_on,
        )  # fmt: skip
    for item in db.session.scalars(
        visible_checkpoints(user)
        .where(
            Checkpoint.organization_id == number,
            Checkpoint.state.in_(("planned", "self_reported", "under_review", "rectifying")),
        )
        .options(joinedload(Checkpoint.project))
    ):
        yield OpenTask(
            Message(
                N_("Mid-term evaluation: %(title)s") if item.kind == "midterm" else N_("Final evaluation: %(title)s"),
                {"title": item.project.title},
            ),
            url_for("checkpoints.show", checkpoint_id=item.id), state_of(item), item.due_on,
        )  # fmt: skip
    for claim in db.session.scalars(
        visible_claims(user).where(Claim.organization_id == number, Claim.state == "submitted")
    ):
        yield OpenTask(
            Message(N_("Claim: %(title)s"), {"title": claim.project.title}),
            url_for("claims.show", claim_id=claim.id), state_of(claim),
        )  # fmt: skip
    for case in db.session.scalars(
        visible_recoveries(user).where(Commitment.organization_id == number, Recovery.state.in_(OPEN))
    ):
        yield OpenTask(
            Message(N_("Money to come back: %(number)s"), {"number": case.number}),
            url_for("recoveries.show", recovery_id=case.id), state_of(case), case.due_on,
        )  # fmt: skip


def _of_register(user: Any, organization: Organization) -> Iterator[OpenTask]:
    for case in db.session.scalars(
        visible_cases(user).where(
            OutcomeCase.organization_id == organization.id,
            OutcomeCase.state.in_(("proposed", "reviewed", "winding_up")),
        )
    ):
        yield OpenTask(
            Message(N_("Outcome of its standing")),
            url_for("outcomes.show", case_id=case.id), state_of(case), case.liquidation_until,
        )  # fmt: skip
    for request in db.session.scalars(
        visible_updates(user).where(
            UpdateRequest.organization_id == organization.id, UpdateRequest.state.in_(ALIVE)
        )
    ):
        yield OpenTask(
            Message(N_("Reported change")), url_for("updates.show", request_id=request.id), state_of(request)
        )


def hubs_seen(user: Any, organization: Organization, on: date) -> list[Membership]:
    """The hubs it belongs to: its own people see all, others those on their register."""
    found = hubs_of(organization, on)
    if acts_for(user, organization) or not found:
        return found
    seen = set(
        db.session.scalars(
            visible_hubs(user)
            .with_only_columns(Organization.id)
            .where(Organization.id.in_([row.hub_id for row in found]))
        )
    )
    return [row for row in found if row.hub_id in seen]
