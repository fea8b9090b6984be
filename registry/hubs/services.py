"""Members joining and leaving a hub, and what the hub does for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.hubs import queries
from registry.hubs.models import MEMBERSHIPS, SERVICES, HubService, Membership
from registry.organizations.models import Organization
from registry.organizations.queries import tags_on

SOURCE = "枢纽型社会组织管理服务制度（以社管社）"


def join(hub: Organization, member: Organization, kind: str, *, since: date, by: Actor) -> Membership:
    """Note that an organization belongs to a hub from a day on."""
    if kind not in MEMBERSHIPS:
        raise ValueError(f"unknown membership {kind}")
    if "hub" not in tags_on(hub.id, clock.today()):
        raise Refusal(
            Message(N_("Only an organization recognized as a hub today takes members.")),
            rule="RHB-1",
            source=SOURCE,
        )
    if hub.id == member.id:
        raise Refusal(Message(N_("A hub is no member of itself.")))
    if since > clock.today():
        raise Refusal(Message(N_("The membership begins today or earlier.")))
    if member.status in ("deregistered", "revoked"):
        raise Refusal(Message(N_("The entry of this organization is closed.")))
    if queries.alive_membership(hub.id, member.id) is not None:
        raise Refusal(Message(N_("It is a member already.")), status=409)
    row = Membership(hub_id=hub.id, member_id=member.id, kind=kind, since=since)
    db.session.add(row)
    db.session.flush()
    record(
        member, "member_joined", by=by, details={"hub": hub.id, "since": since.isoformat(), "note": hub.name}
    )
    return row


def leave(row: Membership, *, until: date, by: Actor) -> None:
    if row.until is not None:
        raise Refusal(Message(N_("This membership has ended already.")), status=409)
    if not row.since <= until <= clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    row.until = until
    db.session.flush()
    record(row.member, "member_left", by=by, details={"hub": row.hub_id, "until": until.isoformat()})


def serve(
    hub: Organization, member: Organization, kind: str, *, done_on: date, text: str, by: Any
) -> HubService:
    """Note what the hub did for one of its members."""
    if kind not in SERVICES:
        raise ValueError(f"unknown service {kind}")
    if not text.strip():
        raise Refusal(Message(N_("Say what was done.")))
    if done_on > clock.today():
        raise Refusal(Message(N_("The day lies in the future.")))
    if queries.alive_membership(hub.id, member.id) is None:
        raise Refusal(
            Message(N_("Only what was done for a member is noted here: let it join first.")),
            rule="RHB-2",
            source=SOURCE,
        )
    row = HubService(
        hub_id=hub.id,
        member_id=member.id,
        kind=kind,
        done_on=done_on,
        text=text.strip(),
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(member, "served", by=by, details={"hub": hub.id, "kind": kind, "note": text.strip()[:120]})
    return row
