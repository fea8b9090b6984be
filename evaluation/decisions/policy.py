"""Who may not take part in a decision: those who scored, and those tied to an applicant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from evaluation.decisions.models import Decision
from evaluation.panels.models import Panel, PanelMember
from evaluation.panels.rules import SOURCE
from registry.interests.queries import conflicts, reason_of


def refuse_scorer(call_id: int, *, by: Any) -> None:
    """No one who sat on the panel prepares, reviews or approves its decision (DOMAIN 2.5)."""
    seated = db.session.scalar(
        select(PanelMember.id)
        .join(Panel, Panel.id == PanelMember.panel_id)
        .where(Panel.call_id == call_id, PanelMember.person_id == by.person_id)
    )
    if seated is not None:
        raise Refusal(
            Message(N_("You sat on the panel of this call. Whoever scored takes no part in the decision.")),
            rule="REX",
            source=SOURCE,
            whose_turn=Message(N_("somebody who did not score")),
            status=403,
        )


def refuse_interest(decision: Decision, *, by: Any) -> None:
    """No one tied to an applicant within three years decides on the money."""
    names = {item.application.organization_id: item.application.organization.name for item in decision.items}
    tied = conflicts([by.person_id], sorted(names), on=clock.today())
    if tied:
        (_person, organization), tie = min(tied.items(), key=lambda item: item[0])
        raise Refusal(
            Message(
                N_("You have an interest in “%(name)s” (%(reason)s). Somebody without one takes this step."),
                {"name": names[organization], "reason": reason_of(tie)},
            ),
            rule="REX",
            source=SOURCE,
            whose_turn=Message(N_("somebody without an interest in an applicant")),
            status=403,
        )
