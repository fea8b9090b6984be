"""Handing open work over."""

from __future__ import annotations

from app.handover.models import Handover
from app.handover.queries import Work
from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from registry.accounts.models import User

RULE = "RAP-4"
SOURCE = "内部控制 工作交接"


def hand_over(user: User, work: list[Work], successor: User, *, by: Actor) -> list[Handover]:
    """Let ``successor`` carry on what ``user`` prepared; logged at each object and at both accounts.

    Who prepared a thing stays on the thing, so that neither approves it. Raises :class:`Refusal`
    when the successor does not hold the same role at the same unit.
    """
    if not work:
        raise Refusal(Message(N_("Choose what is handed over.")))
    made = []
    for item in work:
        if successor.id not in {colleague.id for colleague in item.colleagues}:
            raise Refusal(
                Message(
                    N_(
                        "%(name)s does not hold the same role at the unit of “%(title)s”: choose a colleague who does."
                    ),
                    {"name": successor.name, "title": item.named.title},
                ),
                rule=RULE,
                source=SOURCE,
            )
        row = Handover(
            user_id=user.id,
            successor_id=successor.id,
            object_type=item.source.object_type,
            object_id=item.row.id,
            handed_at=clock.now(),
            handed_by=by.actor_id,
        )
        db.session.add(row)
        record(
            item.row,
            "handed_over",
            by=by,
            details={
                "from_user": user.id,
                "to_user": successor.id,
                "note": f"{user.name} → {successor.name}",
            },
        )
        made.append(row)
    db.session.flush()
    things = [f"{item.source.object_type}/{item.row.id}" for item in work]
    for account in (user, successor):
        record(
            account,
            "handed_over",
            by=by,
            details={"note": f"{user.name} → {successor.name}", "things": things},
        )
    return made
