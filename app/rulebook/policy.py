"""Who may change which rules, and for whom they hold."""

from __future__ import annotations

from typing import Any

from app.rulebook.models import RuleDraft
from core.access.policy import Refusal
from core.text import N_, Message
from registry.agencies.models import Agency

STEPS = {"review": "rule.review", "approve": "rule.approve"}

PROGRAMMES = {
    "": N_("all programmes"),
    "venture_grant": N_("venture grants"),
    "service_purchase": N_("purchased services"),
}


def may_draft(user: Any, agency: Agency) -> Refusal | None:
    """A unit writes the rules of its own division only."""
    if user.may("rule.draft", agency_id=agency.id):
        return None
    return Refusal(Message(N_("Rules are drafted for the own unit's division only.")), status=403)


def may_edit(user: Any, draft: RuleDraft) -> Refusal | None:
    if draft.state != "draft":
        return Refusal(
            Message(N_("What was reviewed is no longer edited: send it back to the draft first.")), status=409
        )
    return may_draft(user, draft.agency)
