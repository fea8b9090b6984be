"""Who keeps the team of a project, and when."""

from __future__ import annotations

from typing import Any

from core.access.policy import Refusal
from core.text import N_, Message
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.team.models import OPEN


def may_keep(user: Any, project: Project) -> bool:
    """Whether the person picks and releases members today."""
    return project.state in OPEN and user.may("delivery.record", organization_id=project.organization_id)


def may_note_hours(user: Any, project: Project) -> bool:
    return project.state == "running" and may_keep(user, project)


def require_keeper(project: Project, *, by: Any) -> None:
    """Refuse anybody who is not of the organization's people, and a project that takes nobody any more."""
    require_permission(by, "delivery.record", organization_id=project.organization_id)
    if project.state not in OPEN:
        raise Refusal(
            Message(
                N_("The team changes while the project is prepared or running; it ends with the project.")
            ),
            status=409,
        )
