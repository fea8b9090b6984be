"""Who may take which step with a call: three people prepare, review and approve it."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal, require_distinct
from core.text import N_, Message
from grants.calls.models import Call

SEPARATION = {"rule": "RAP-2", "source": "政府采购法 第六十一条；内部控制"}


def must_be_another(call: Call, *, by: Any) -> None:
    """The next step is taken by somebody who took none of the earlier ones."""
    require_distinct(
        {"drafted": call.drafted_by, "reviewed": call.reviewed_by, "by": by.actor_id}, **SEPARATION
    )


def must_be_draft(call: Call) -> None:
    if call.state != "draft":
        raise Refusal(
            Message(
                N_(
                    "This call is past its draft: nothing of it can be edited. Send it back to draft first; after publication it stays as it was announced."
                )
            ),
            rule="CALL-FIXED",
            source="政府采购法实施条例 第三十四条",
            status=409,
        )


def must_hold(call: Call, *permissions: str, by: Any) -> None:
    if not any(by.may(item, agency_id=call.agency_id) for item in permissions):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
