"""Pages of panels: plan, draw on the record, witness, draw again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import joinedload

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from evaluation.panels import queries, rules, services
from evaluation.panels.forms import PlanForm
from evaluation.panels.models import Panel
from grants.applications.models import Application
from grants.calls.models import Call
from grants.calls.queries import call_in_scope
from registry.accounts.models import User

bp = Blueprint("panels", __name__, url_prefix="/panels")

navigation.add_entry(
    "panels.list", N_("Expert draws"), icon="users", group="grants", order=40, permissions=("panel.read",)
)

EVENTS = {
    "planned": N_("Panel planned"),
    "drawn": N_("Panel drawn"),
    "witnessed": N_("Draw witnessed"),
    "interest_declared": N_("A member stepped back from an application"),
    "member_released": N_("A member was released from an application"),
    "substitute_seated": N_("A substitute was seated"),
    "scoring_closed": N_("All sheets in"),
}
FIELDS = {
    "elderly": N_("elderly"),
    "children": N_("children"),
    "disability": N_("disability"),
    "community": N_("community"),
    "social_work": N_("social work"),
    "finance": N_("finance"),
    "party": N_("Party building"),
}
SEATS = {"subject": N_("subject"), "finance": N_("finance"), "substitute": N_("substitute")}


def tasks(user: Any) -> Iterator[navigation.Task]:
    """Panels to plan, to draw and to witness."""
    if user.may_somewhere("panel.plan"):
        for call in queries.calls_to_plan(user):
            yield navigation.Task(
                title=Message(N_("Plan the panel for “%(call)s”"), {"call": call.title}),
                url=url_for("panels.plan", call=call.id),
                action=Message(N_("Plan")),
            )
    for permission, state, title, action in (
        ("panel.draw", "planned", N_("Draw the panel for “%(call)s”"), N_("Draw")),
        ("panel.witness", "drawn", N_("Witness the draw for “%(call)s”"), N_("Witness")),
    ):
        if user.may_somewhere(permission):
            for panel in queries.panels_awaiting(user, permission, state):
                yield navigation.Task(
                    title=Message(title, {"call": panel.call.title}),
                    url=url_for("panels.show", panel_id=panel.id),
                    action=Message(action),
                )


navigation.add_tasks("panels", tasks)


@bp.get("/")
@allow("panel.read")
def list() -> Any:
    """Panels of one's units, and the calls that wait for one."""
    page = paginate(queries.visible_panels(current_user).options(joinedload(Panel.call)), (Panel.id, True))
    return render_template("panels/list.html", page=page, waiting=queries.calls_to_plan(current_user))


def _call_to_plan(call_id: int | None) -> Call:
    call = call_in_scope(current_user, call_id) if call_id else None
    if call is None or call.agency_id not in current_user.agency_ids("panel.plan"):
        abort(404)
    return call


@bp.route("/new", methods=["GET", "POST"])
@allow("panel.plan")
def plan() -> Any:
    call = _call_to_plan(request.args.get("call", type=int))
    form = PlanForm(size=queries.recusal_rules(call)["panel_size"], finance_experts=1)
    if request.method == "POST" and form.validate():
        panel = services.plan_panel(
            call, size=form.size.data, finance_experts=form.finance_experts.data, by=current_user
        )
        flash(_("The panel is planned. Now the organizer draws it."), "ok")
        return redirect(url_for("panels.show", panel_id=panel.id), code=303)
    applications = queries.applicants(call.id)
    pool = queries.candidates(call, applications)
    shown = render_template(
        "panels/plan.html",
        form=form,
        call=call,
        applications=len(applications),
        undecided=queries.undecided(call.id),
        free=sum(not item.barred and not item.conflicts for item in pool),
        tied=sum(bool(item.conflicts) and not item.barred for item in pool),
        barred=sum(bool(item.barred) for item in pool),
        accountants=sum("finance" in item.fields and not item.barred for item in pool),
    )
    return shown, 422 if form.errors else 200


def _panel(panel_id: int, permission: str = "panel.read") -> Panel:
    panel = queries.panel_in_scope(current_user, panel_id, permission)
    if panel is None:
        abort(404)
    return panel


@bp.get("/<int:panel_id>")
@allow("panel.read")
def show(panel_id: int) -> Any:
    """The record of a draw: pool, digest, seed, order, seats and recusals."""
    panel = _panel(panel_id)
    return _record(panel, again=None)


def _record(panel: Panel, *, again: bool | None) -> str:
    pool = rules.thawed(panel.pool)
    applications = {
        item.id: item
        for item in db.session.query(Application).filter(
            Application.id.in_({key for item in pool for key in item.conflicts})
        )
    }
    users = {
        user.id: user
        for user in db.session.query(User).filter(
            User.id.in_([key for key in (panel.planned_by, panel.drawn_by, panel.witnessed_by) if key])
        )
    }
    recusals = queries.recusals(panel)
    return render_template(
        "panels/show.html",
        panel=panel,
        order=[(rules.ticket(panel.seed, item.expert), item) for item in rules.order(pool, panel.seed)]
        if panel.seed
        else [],
        seats={item.expert_id: item for item in panel.members},
        applications=applications,
        people=users,
        recusals=recusals,
        names={item.person_id: item.expert.person.name for item in panel.members},
        again=again,
        events=history_of(panel),
        words=EVENTS,
        fields=FIELDS,
        seat_words=SEATS,
        eligible=len(queries.applicants(panel.call_id)) if panel.state == "planned" else None,
        undecided=queries.undecided(panel.call_id) if panel.state == "planned" else 0,
        past_deadline=clock.now() >= panel.call.deadline_at,
    )


@bp.get("/<int:panel_id>/check")
@allow("panel.read")
def check(panel_id: int) -> Any:
    """Draw again from the record and say whether the same people come out."""
    panel = _panel(panel_id)
    if not panel.seed:
        abort(404)
    again, _seats = queries.drawn_again(panel)
    return _record(panel, again=again)


@bp.post("/<int:panel_id>/draw")
@allow("panel.draw")
def draw(panel_id: int) -> Any:
    panel = _panel(panel_id, "panel.draw")
    services.draw(panel, by=current_user)
    flash(_("The panel is drawn. A supervisor now witnesses the draw."), "ok")
    return redirect(url_for("panels.show", panel_id=panel.id), code=303)


@bp.post("/<int:panel_id>/witness")
@allow("panel.witness")
def witness(panel_id: int) -> Any:
    panel = _panel(panel_id, "panel.witness")
    services.witness(panel, by=current_user)
    flash(_("The draw is witnessed. The experts can score now."), "ok")
    return redirect(url_for("panels.show", panel_id=panel.id), code=303)
