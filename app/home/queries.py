"""What the front page shows."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import func, select

from core import clock
from core.db import db
from core.text import N_, Message
from core.web.navigation import Task
from finance.funds.models import Budget
from finance.funds.queries import figures_of_budgets, visible_budgets
from grants.applications.models import Application
from grants.calls.models import Call
from grants.calls.queries import is_open, visible_calls


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


METERS = 3
CALLS = 6


def budget_meters(user: Any) -> list[dict[str, Any]]:
    """This year's budgets of the user's own unit, the largest first."""
    own = {item.agency_id for item in user.held("fund.read")}
    budgets = list(
        db.session.scalars(
            visible_budgets(user)
            .where(
                Budget.fiscal_year == clock.today().year,
                Budget.state == "approved",
                Budget.agency_id.in_(own),
            )
            .order_by(Budget.amount.desc(), Budget.id)
            .limit(METERS)
        )
    )
    figures = figures_of_budgets(budgets)
    meters = []
    for budget in budgets:
        figure, url = figures[budget.id], url_for("funds.budget", budget_id=budget.id)
        meters.append(
            {
                "title": f"{budget.fund_source.name} {budget.fiscal_year}",
                "paid": figure.paid,
                "committed": figure.bound,
                "available": figure.available + figure.set_aside,
                "total": figure.budgeted,
                "url": url,
                "paid_url": url,
                "committed_url": url,
                "note": "",
            }
        )
    return meters


def calls_at_a_glance(user: Any) -> list[Call]:
    """The newest calls of the user's own unit that are under way."""
    own = {item.agency_id for item in user.held("call.read")}
    return list(
        db.session.scalars(
            visible_calls(user)
            .where(Call.agency_id.in_(own), Call.state.in_(("published", "judged")))
            .order_by(Call.deadline_at.desc(), Call.id.desc())
            .limit(CALLS)
        )
    )


def call_rows(user: Any, calls: list[Call]) -> list[dict[str, Any]]:
    """The calls with the number of their applications and where they stand; who may read those is led to them."""
    led = user.may_somewhere("application.read")
    counts = dict(
        db.session.execute(
            select(Application.call_id, func.count())
            .where(Application.call_id.in_([call.id for call in calls]), Application.state != "draft")
            .group_by(Application.call_id)
        ).all()
    )
    return [
        {
            "call": call,
            "url": url_for("calls.show", call_id=call.id),
            "applications": counts.get(call.id, 0),
            "applications_url": url_for("applications.list", call=call.id) if led else None,
            "open": is_open(call),
        }
        for call in calls
    ]
