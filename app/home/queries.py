"""What the front page shows."""

from __future__ import annotations

from typing import Any

from flask import url_for

from core import clock
from core.money import Money
from core.text import Message, N_
from core.web.navigation import Task
from finance.funds.queries import budget_positions, visible_budgets


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


def budget_meters(user: Any) -> list[dict[str, Any]]:
    """This year's budgets in the user's reach, the largest three."""
    if not user.may_somewhere("fund.read"):
        return []
    year = clock.today().year
    budgets = [item for item in visible_budgets(user, fiscal_year=year) if item.state == "approved"]
    budgets.sort(key=lambda item: item.amount, reverse=True)
    positions = budget_positions([item.id for item in budgets[:3]])
    meters = []
    for budget in budgets[:3]:
        position = positions[budget.id]
        url = url_for("funds.budget", budget_id=budget.id)
        meters.append(
            {
                "title": f"{budget.fund_source.name} {budget.fiscal_year}",
                "paid": position.get("paid", Money(0)),
                "committed": position.get("reserved", Money(0))
                + position.get("committed", Money(0))
                + position.get("payable", Money(0)),
                "available": position.get("budget", Money(0)) + position.get("earmark", Money(0)),
                "total": budget.amount,
                "url": url,
                "paid_url": url,
                "committed_url": url,
                "note": "",
            }
        )
    return meters
