"""Handing the responsibility for an organization from one department to another."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.agencies.services import tell_heirs
from registry.custody.models import CustodyTransfer
from registry.custody.queries import open_transfer
from registry.organizations.models import Organization


def propose_transfer(
    organization: Organization, to: Agency, *, reason: str, document: str = "", by: Any
) -> CustodyTransfer:
    """Offer an organization to another department. Refuses a second offer while one is open."""
    if to.id == organization.agency_id:
        raise Refusal(Message(N_("%(unit)s is responsible for it already."), {"unit": to.name}))
    if not to.stands(clock.today()):
        raise Refusal(Message(N_("%(unit)s was dissolved: choose its successor."), {"unit": to.name}))
    if not reason.strip():
        raise Refusal(Message(N_("Say why another department becomes responsible.")))
    if open_transfer(organization) is not None:
        raise Refusal(Message(N_("A transfer of this organization is waiting already.")), status=409)
    row = CustodyTransfer(
        organization_id=organization.id,
        agency_id=organization.agency_id,
        to_agency_id=to.id,
        reason=reason.strip(),
        document=document.strip(),
        proposed_at=clock.now(),
        proposed_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(row, "proposed", by=by, details={"organization": organization.name, "to": to.name})
    return row


def accept_transfer(transfer: CustodyTransfer, *, by: Any) -> None:
    """From today the other department is responsible."""
    fire(transfer, "accept", by=by)
    record(
        transfer.organization,
        "department_changed",
        by=by,
        details={"from": transfer.agency.name, "to": transfer.to_agency.name},
    )


def decline_transfer(transfer: CustodyTransfer, *, by: Any) -> None:
    fire(transfer, "decline", by=by)


def withdraw_transfer(transfer: CustodyTransfer, *, by: Any) -> None:
    fire(transfer, "withdraw", by=by)


def _inherit(old: Agency, successor: Agency, on: date, basis: str, by: Actor) -> None:
    """The successor of a dissolved unit becomes responsible for what that one had."""
    bodies = db.session.scalars(
        select(Organization).where(Organization.agency_id == old.id).order_by(Organization.id)
    ).all()
    now = clock.now()
    for body in bodies:
        waiting = open_transfer(body)
        if waiting is not None:
            waiting.state = "withdrawn"
        db.session.add(
            CustodyTransfer(
                organization_id=body.id,
                agency_id=old.id,
                to_agency_id=successor.id,
                state="accepted",
                reason=basis,
                proposed_at=now,
                proposed_by=by.actor_id,
                effective_on=on,
            )
        )
        body.agency_id = successor.id
        record(body, "department_changed", by=by, details={"from": old.name, "to": successor.name})
    db.session.flush()


tell_heirs(_inherit)
