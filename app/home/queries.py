"""What the front page shows."""

from __future__ import annotations

from typing import Any

from core.text import N_, Message
from core.web.navigation import Task


def grouped(tasks: list[Task]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Tasks by how soon: overdue and today, within ten working days, later, without a date."""
    soon: list[Task] = []
    month: list[Task] = []
    later: list[Task] = []
    undated: list[Task] = []
    for task in tasks:
        left = task.days_left
        if left is None:
            undated.append(task)
        elif left <= 0:
            soon.append(task)
        else:
            (month if left <= 10 else later).append(task)
    groups = [
        {"title": Message(N_("Overdue and today")), "tasks": soon},
        {"title": Message(N_("Within ten working days")), "tasks": month},
        {"title": Message(N_("Later")), "tasks": later},
        {"title": Message(N_("Without a date")), "tasks": undated},
    ]
    counts = {
        "mine": len(tasks),
        "late": sum(1 for task in soon if (task.days_left or 0) < 0),
        "today": sum(1 for task in soon if task.days_left == 0),
    }
    return groups, counts
