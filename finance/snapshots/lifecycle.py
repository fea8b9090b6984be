"""A year's figure: frozen, reviewed, published; replaced by a later version, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal, require_distinct
from core.db import db
from core.lifecycle import Lifecycle, State, Transition, fire
from core.text import N_, Message
from finance.contracts.rules import R30_SOURCES
from finance.exceptions.rules import SEPARATION
from finance.snapshots.models import RatioSnapshot


def _review_guard(snapshot: RatioSnapshot, *, by: Any) -> None:
    require_distinct(
        {"prepared": snapshot.prepared_by, "reviewed": by.actor_id}, rule="RAP-2", source=SEPARATION
    )


def _reviewed(snapshot: RatioSnapshot, *, by: Any) -> None:
    snapshot.reviewed_by = by.actor_id


def _publish_guard(snapshot: RatioSnapshot, *, by: Any) -> None:
    require_distinct(
        {"prepared": snapshot.prepared_by, "reviewed": snapshot.reviewed_by, "approved": by.actor_id},
        rule="RAP-3",
        source=SEPARATION,
    )
    if snapshot.below and not (snapshot.reason and snapshot.reason_text):
        raise Refusal(
            Message(N_("The figure lies below the threshold and says no reason: freeze it again with one.")),
            rule="R30",
            source=R30_SOURCES["threshold"],
        )


def _published(snapshot: RatioSnapshot, *, by: Any) -> None:
    snapshot.approved_by = by.actor_id
    snapshot.published_at = clock.now()
    earlier = db.session.scalars(
        select(RatioSnapshot).where(
            RatioSnapshot.division_code == snapshot.division_code,
            RatioSnapshot.fiscal_year == snapshot.fiscal_year,
            RatioSnapshot.state == "published",
            RatioSnapshot.id != snapshot.id,
        )
    )
    for other in earlier.all():
        fire(other, "replace", by=by, details={"version": snapshot.version})


def _withdraw_guard(snapshot: RatioSnapshot, *, by: Any) -> None:
    if not any(
        by.may(permission, agency_id=snapshot.agency_id)
        for permission in ("ratio.prepare", "ratio.review", "ratio.publish")
    ):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)


RATIO_SNAPSHOT = Lifecycle(
    RatioSnapshot,
    states=(
        State("prepared", N_("frozen, waits for review"), "waiting"),
        State("reviewed", N_("reviewed, waits for publication"), "waiting"),
        State("published", N_("published"), "done"),
        State("withdrawn", N_("withdrawn"), "closed"),
        State("replaced", N_("replaced by a later version"), "closed"),
    ),
    transitions=(
        Transition(
            "review", ("prepared",), "reviewed", N_("Review the frozen figure"), "reviewed",
            permission="ratio.review", guard=_review_guard, effect=_reviewed,
        ),
        Transition(
            "publish", ("reviewed",), "published", N_("Publish the figure"), "published",
            permission="ratio.publish", guard=_publish_guard, effect=_published,
        ),
        Transition(
            "withdraw", ("prepared", "reviewed"), "withdrawn", N_("Withdraw the frozen figure"), "withdrawn",
            guard=_withdraw_guard,
        ),
        Transition("replace", ("published",), "replaced", N_("Replace"), "replaced"),
    ),
)  # fmt: skip
