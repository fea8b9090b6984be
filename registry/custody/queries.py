"""Who is responsible for an organization, on a day, and which transfers wait."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.text import N_
from registry.agencies.models import Agency
from registry.custody.models import CustodyTransfer
from registry.organizations.models import Organization
from registry.proof.queries import add_check


def visible_transfers(user: Any) -> Select[CustodyTransfer]:
    """Transfers that one of the units a person reads gives or takes."""
    agencies = user.agency_ids("organization.read")
    return (
        select(CustodyTransfer)
        .where(or_(CustodyTransfer.agency_id.in_(agencies), CustodyTransfer.to_agency_id.in_(agencies)))
        .options(
            joinedload(CustodyTransfer.organization),
            joinedload(CustodyTransfer.agency),
            joinedload(CustodyTransfer.to_agency),
        )
    )


def transfer_in_scope(user: Any, transfer_id: int) -> CustodyTransfer | None:
    return db.session.scalar(visible_transfers(user).where(CustodyTransfer.id == transfer_id))


def transfers_of(organization: Organization) -> list[CustodyTransfer]:
    """The history of an organization, the oldest first; refused ones too."""
    return list(
        db.session.scalars(
            select(CustodyTransfer)
            .where(CustodyTransfer.organization_id == organization.id)
            .order_by(CustodyTransfer.id)
        )
    )


def department_on(organization: Organization, on: date) -> Agency:
    """The one responsible department on a day: who gave the organization away next, or who has it now."""
    for transfer in transfers_of(organization):
        if transfer.effective_on is not None and transfer.effective_on > on:
            return transfer.agency
    return db.session.get_one(Agency, organization.agency_id)


def open_transfer(organization: Organization) -> CustodyTransfer | None:
    return db.session.scalar(
        select(CustodyTransfer).where(
            CustodyTransfer.organization_id == organization.id, CustodyTransfer.state == "proposed"
        )
    )


def waiting_for(user: Any, *, limit: int = 20) -> list[CustodyTransfer]:
    """Transfers that wait for the person's unit."""
    return list(
        db.session.scalars(
            select(CustodyTransfer)
            .where(
                CustodyTransfer.to_agency_id.in_(user.agency_ids("organization.edit")),
                CustodyTransfer.state == "proposed",
                CustodyTransfer.proposed_by != user.id,
            )
            .options(joinedload(CustodyTransfer.organization), joinedload(CustodyTransfer.agency))
            .order_by(CustodyTransfer.id)
            .limit(limit)
        )
    )


def _without_department() -> Any:
    """The department must exist: the column itself is never empty."""
    return (
        select(Organization.name.label("name"), Agency.name.label("unit"))
        .join(Agency, Agency.id == Organization.agency_id)
        .where(Agency.valid_to < clock.today())
    )


def _elsewhere() -> Any:
    """The last transfer that was accepted leads to where the organization is."""
    later = CustodyTransfer.__table__.alias()
    return (
        select(Organization.name.label("name"))
        .join(CustodyTransfer, CustodyTransfer.organization_id == Organization.id)
        .where(
            CustodyTransfer.state == "accepted",
            CustodyTransfer.to_agency_id != Organization.agency_id,
            ~select(later.c.id)
            .where(
                later.c.organization_id == Organization.id,
                later.c.state == "accepted",
                later.c.id > CustodyTransfer.id,
            )
            .exists(),
        )
    )


add_check(
    "organization-without-department",
    N_("%(name)s has no responsible department: %(unit)s was dissolved."),
    _without_department,
)
add_check(
    "custody-leads-elsewhere", N_("The last transfer of %(name)s leads to another department than it has."), _elsewhere
)  # fmt: skip
