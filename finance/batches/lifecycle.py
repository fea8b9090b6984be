"""A batch: made → exported → answered; dropped before the export. A bank's table: read → applied or discarded.

Exporting is one change of state: of two people who export at once one releases the payments, the
other is told.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor
from core.db import db
from core.lifecycle import Lifecycle, State, Transition
from core.money import Money
from core.text import N_, Message
from finance.batches.models import Batch, ReceiptFile
from finance.batches.queries import items_of, why_not


def _export_guard(batch: Batch, *, by: Any, total: Money) -> None:
    # Whoever takes a payment out meanwhile waits here, and so do we.
    db.session.execute(select(Batch.id).where(Batch.id == batch.id).with_for_update())
    items = items_of(batch)
    sum_now = sum((item.amount for item in items), Money(0))
    if total != sum_now:
        raise Refusal(
            Message(
                N_("You confirmed %(typed)s yuan; the batch comes to %(total)s yuan. Look at it again."),
                {"typed": total, "total": sum_now},
            ),
            status=409,
        )
    for item in items:
        reason = why_not(item.disbursement, by)
        if reason is not None:
            raise Refusal(
                Message(
                    N_("Payment %(number)s stands against it: %(reason)s Take it out, or mend it."),
                    {"number": item.disbursement.number, "reason": reason},
                ),
                status=409,
            )


def _export_effect(batch: Batch, *, by: Actor, total: Money) -> None:
    batch.exported_by = by.actor_id
    batch.exported_at = clock.now()


def _drop_effect(batch: Batch, *, by: Actor) -> None:
    for item in items_of(batch):
        item.dropped_at = clock.now()


BATCH = Lifecycle(
    Batch,
    states=(
        State("made", N_("put together"), "waiting"),
        State("exported", N_("sent to the treasury"), "active"),
        State("answered", N_("answered"), "done"),
        State("dropped", N_("dissolved"), "closed"),
    ),
    transitions=(
        Transition(
            "export",
            ("made",),
            "exported",
            N_("Send to the treasury"),
            "exported",
            permission="disbursement.pay",
            guard=_export_guard,
            effect=_export_effect,
        ),
        Transition(
            "drop",
            ("made",),
            "dropped",
            N_("Dissolve the batch"),
            "dropped",
            permission="disbursement.pay",
            effect=_drop_effect,
        ),
        # When the last of its payments has an end.
        Transition("answer", ("exported",), "answered", N_("Answered"), "answered"),
    ),
)


def _applied_effect(file: ReceiptFile, *, by: Actor) -> None:
    file.applied_by = by.actor_id


RECEIPTS = Lifecycle(
    ReceiptFile,
    states=(
        State("read", N_("compared, not applied"), "waiting"),
        State("applied", N_("applied"), "done"),
        State("discarded", N_("discarded"), "closed"),
    ),
    transitions=(
        Transition(
            "apply",
            ("read",),
            "applied",
            N_("Apply what matches"),
            "applied",
            permission="disbursement.pay",
            effect=_applied_effect,
        ),
        Transition(
            "discard",
            ("read",),
            "discarded",
            N_("Discard the table"),
            "discarded",
            permission="disbursement.pay",
        ),
    ),
)
