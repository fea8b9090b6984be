"""The front page: for people with an account what waits for them, for everybody else the public pages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user

from app.home.queries import budget_meters, call_rows, calls_at_a_glance, grouped
from core import clock
from core.text import N_
from core.web import navigation
from core.web.gate import allow

bp = Blueprint("home", __name__)

navigation.add_entry("home.show", N_("Worklist"), icon="inbox", group="", order=0, permissions=())


@bp.get("/")
@allow.public
def start() -> Any:
    if current_user.is_authenticated:
        return redirect(url_for("home.show"), code=303)
    return redirect(url_for("portal.show"), code=303)


@bp.get("/home")
@allow.signed_in
def show() -> Any:
    """What waits for me, by date."""
    groups, counts = grouped(navigation.tasks_for(current_user))
    return render_template(
        "home/show.html",
        today=clock.today(),
        groups=groups,
        counts=counts,
        budget_meters=budget_meters(current_user) if current_user.may_somewhere("fund.read") else [],
        call_rows=call_rows(current_user, calls_at_a_glance(current_user))
        if current_user.may_somewhere("call.read")
        else [],
    )
