"""When somebody leaves: what is open, and the colleague who carries it on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from app.handover import queries, services
from app.handover.forms import HandoverForm
from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.words import say
from registry.accounts.models import User
from registry.accounts.queries import managed_user

bp = Blueprint("handover", __name__, url_prefix="/accounts")


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "accounts.list"


def _tasks(user: Any) -> Iterable[navigation.Task]:
    for item, named in queries.taken_over(user):
        yield navigation.Task(
            title=Message(
                queries.TAKEN_OVER, {"label": named.label, "name": item.user.name, "title": named.title}
            ),
            url=url_for(named.endpoint, **(named.values or {})) if named.endpoint else url_for("home.show"),
            action=Message(N_("Carry on")),
        )


navigation.add_tasks("handover", _tasks)


@bp.route("/<int:user_id>/handover", methods=["GET", "POST"])
@allow("account.manage", "account.grant")
def show(user_id: int) -> str | tuple[str, int] | Response:
    """The open work of one person; titles only, the pages stay with those whose business it is."""
    user = managed_user(current_user, user_id)
    if user is None:
        abort(404)
    work = queries.open_work(user)
    form = HandoverForm(work)
    status = 200
    if form.validate_on_submit():
        chosen = [item for item in work if item.key in set(form.work.data)]
        successor = db.session.get_one(User, int(form.successor.data))
        try:
            services.hand_over(user, chosen, successor, by=current_user)
            flash(
                gettext(
                    "The work is handed over: it waits on the worklist of %(name)s.", name=successor.name
                ),
                "ok",
            )
            return redirect(url_for("handover.show", user_id=user.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    if form.is_submitted():
        status = 422
    return render_template("handover/show.html", user=user, work=work, form=form), status
