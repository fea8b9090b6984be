"""The workspace of a hub: its members, what it did for them, and the place it works in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.text import N_
from core.web import navigation, paging, tables
from core.web.gate import allow
from core.web.words import say
from registry.hubs import queries, services
from registry.hubs.forms import JoinForm, LeaveForm, ServiceForm
from registry.hubs.models import MEMBERSHIPS, SERVICES, Membership
from registry.hubs.reports import HUBS
from registry.organizations.models import COMMUNITY_TYPES, REGISTER_CLASSES, Organization
from registry.organizations.queries import grade_on, register_facts, tags_on, visible_organizations
from registry.organizations.rules import register_findings

bp = Blueprint("hubs", __name__, url_prefix="/hubs")

navigation.add_entry(
    "hubs.list",
    N_("Hub organizations"),
    icon="users",
    group="register",
    order=30,
    permissions=("organization.read",),
)

navigation.add_entry(
    "hubs.own",
    N_("Members of our hub"),
    icon="users",
    group="register",
    order=31,
    permissions=("own.read",),
    only=queries.acts_for_hub,
)

Answer = str | tuple[str, int] | Response


@bp.get("/", endpoint="list")
@allow("organization.read")
def list_hubs() -> str:
    """The hubs of the units in scope, and how many bodies of each register are active there."""
    table = tables.show(HUBS, current_user, joinedload(Organization.agency))
    active = visible_organizations(current_user).where(Organization.status.in_(("normal", "abnormal")))
    return render_template(
        "hubs/list.html",
        table=table,
        page=table.page,
        classes=REGISTER_CLASSES,
        counts=tables.counts_by(active, Organization.register_class, [*REGISTER_CLASSES]),
    )


@bp.get("/own")
@allow("own.read")
def own() -> Answer:
    """The people of a hub go straight to its workspace; those of several choose among their organizations."""
    found = list(db.session.scalars(queries.own_hubs(current_user).order_by(Organization.id).limit(2)))
    if len(found) == 1:
        return redirect(url_for("hubs.show", organization_id=found[0].id), code=303)
    return redirect(url_for("organizations.own"), code=303)


@bp.get("/<int:organization_id>")
@allow("organization.read", "own.read")
def show(organization_id: int) -> str:
    hub = _hub(organization_id)
    today = clock.today()
    alive = queries.memberships(hub, on=today)
    asked = request.args.get("class", "")
    shown = alive.where(Organization.register_class == asked) if asked in REGISTER_CLASSES else alive
    page = paging.paginate(shown, (Membership.id, False))
    begin = today.replace(month=1, day=1)
    return render_template(
        "hubs/show.html",
        hub=hub,
        is_hub="hub" in tags_on(hub.id, today),
        page=page,
        asked=asked,
        counts=tables.counts_by(alive, Organization.register_class, [*REGISTER_CLASSES]),
        classes=REGISTER_CLASSES,
        kinds=MEMBERSHIPS,
        service_words=SERVICES,
        served=queries.served_by_kind(hub.id, begin),
        services=queries.services_of(hub.id, limit=20),
        year=today.year,
        may_keep=queries.may_keep(current_user, hub),
    )


def _hub(organization_id: int) -> Organization:
    hub = queries.hub_in_scope(current_user, organization_id)
    if hub is None:
        abort(404)
    return hub


def _kept(organization_id: int) -> Organization:
    hub = _hub(organization_id)
    if not queries.may_keep(current_user, hub):
        abort(404)
    return hub


def _answer(
    hub: Organization,
    form: Any,
    write: Callable[[], object],
    *,
    title: str,
    action: str,
    done: str,
    back: str,
) -> Answer:
    if form.validate_on_submit():
        try:
            if write() is not None:
                flash(gettext(done), "ok")
                return redirect(back, code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("hubs/record.html", hub=hub, form=form, title=title, action=action, back=back),
        422 if form.is_submitted() else 200,
    )


@bp.route("/<int:organization_id>/join", methods=["GET", "POST"])
@allow("organization.edit", "own.edit")
def join(organization_id: int) -> Answer:
    """Let an organization of the department's register join."""
    hub = _kept(organization_id)
    form = JoinForm(data={"since": clock.today()})

    def write() -> Membership | None:
        member = queries.found_for(hub, form.member.data)
        if member is None:
            form.member.errors = [
                gettext("No organization of this name or code is on the register of your department.")
            ]
            return None
        return services.join(hub, member, form.kind.data, since=form.since.data, by=current_user)

    return _answer(
        hub, form, write,
        title=N_("Let an organization join"), action=N_("Note the membership"), done=N_("The membership is noted."),
        back=url_for("hubs.show", organization_id=hub.id),
    )  # fmt: skip


@bp.get("/<int:organization_id>/members/<int:row_id>")
@allow("organization.read", "own.read")
def member(organization_id: int, row_id: int) -> str:
    """A member as its hub sees it: the public entry, what its register still asks for, what was done."""
    hub = _hub(organization_id)
    row = _membership(hub, row_id)
    organization, today = row.member, clock.today()
    return render_template(
        "hubs/member.html",
        hub=hub,
        row=row,
        organization=organization,
        grade=grade_on(organization, today),
        findings=register_findings(register_facts(organization), on=today),
        services=queries.services_of(hub.id, member_id=organization.id),
        classes=REGISTER_CLASSES,
        kinds=MEMBERSHIPS,
        service_words=SERVICES,
        community_types=COMMUNITY_TYPES,
        may_keep=queries.may_keep(current_user, hub) and row.until is None,
        may_open=current_user.may("organization.read", agency_id=organization.agency_id),
    )


def _membership(hub: Organization, row_id: int) -> Membership:
    row = queries.membership_in(hub, row_id)
    if row is None:
        abort(404)
    return row


@bp.route("/<int:organization_id>/members/<int:row_id>/serve", methods=["GET", "POST"])
@allow("organization.edit", "own.edit")
def serve(organization_id: int, row_id: int) -> Answer:
    hub = _kept(organization_id)
    row = _membership(hub, row_id)
    form = ServiceForm(data={"done_on": clock.today()})
    return _answer(
        hub, form,
        lambda: services.serve(
            hub, row.member, form.kind.data, done_on=form.done_on.data, text=form.text.data, by=current_user
        ),
        title=N_("Note a service"), action=N_("Note the service"), done=N_("The service is noted."),
        back=url_for("hubs.member", organization_id=hub.id, row_id=row.id),
    )  # fmt: skip


@bp.route("/<int:organization_id>/members/<int:row_id>/leave", methods=["GET", "POST"])
@allow("organization.edit", "own.edit")
def leave(organization_id: int, row_id: int) -> Answer:
    hub = _kept(organization_id)
    row = _membership(hub, row_id)
    form = LeaveForm(data={"until": clock.today()})

    def write() -> Membership:
        services.leave(row, until=form.until.data, by=current_user)
        return row

    return _answer(
        hub, form, write,
        title=N_("End the membership"), action=N_("Note the last day"), done=N_("The last day is noted."),
        back=url_for("hubs.show", organization_id=hub.id),
    )  # fmt: skip
