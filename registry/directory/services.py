"""Verifying many entries of the register at once, each with its own trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from registry.organizations.models import Organization
from registry.organizations.policy import CONTROL
from registry.organizations.services import confirm_unchanged, verify_organization

MOST = 1_000
"""Entries that are verified by one act."""


def check_choice(chosen: int, evidence: str, *, compared: bool) -> None:
    """Refuses an act without entries, with too many, without the comparison or without what they were compared with."""
    if not chosen:
        raise Refusal(Message(N_("Choose at least one entry that you may verify.")))
    if chosen > MOST:
        raise Refusal(
            Message(
                N_("At most %(most)s entries are verified at once: narrow the filter."),
                {"most": MOST},
            )
        )
    if not compared:
        raise Refusal(
            Message(N_("Confirm that each entry was compared with its certificate.")),
            rule="RAP-2",
            source=CONTROL,
        )
    if not evidence.strip():
        raise Refusal(Message(N_("Say what the entries were compared with.")))


def verify_entries(ids: Sequence[int], *, evidence: str, by: Any) -> int:
    """Verify entries as of today, all in the present transaction; how many.

    Left out are those of units where the person may not verify, those whose latest change is the person's own
    (RAP-2), and those that were verified today already: by whoever was faster.
    """
    done = 0
    rows = db.session.scalars(
        select(Organization)
        .where(
            Organization.id.in_(ids),
            Organization.agency_id.in_(by.agency_ids("organization.verify")),
            Organization.recorded_by.is_distinct_from(by.actor_id),
        )
        .order_by(Organization.id)
    ).all()
    for organization in rows:
        if organization.verified_by is None:
            verify_organization(organization, evidence=evidence, by=by)
        elif organization.verified_on != clock.today():
            confirm_unchanged(organization, evidence=evidence, by=by)
        else:
            continue
        done += 1
    return done
