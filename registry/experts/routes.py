"""The pool of experts, and an expert's own declarations."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.text import N_
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.agencies.queries import subtree
from registry.experts import queries, services
from registry.experts.forms import ActivityForm, ExpertForm, FilterForm
from registry.experts.models import Expert
from registry.experts.reports import EXPERTS
from registry.interests.forms import OrganizationInterestForm
from registry.interests.models import KINDS
from registry.interests.queries import interests_of_person
from registry.interests.rules import counts
from registry.interests.services import declare_interest
from registry.organizations.models import FIELDS, Organization
from registry.organizations.queries import named, visible_organizations
from registry.persons.models import Person
from registry.persons.services import record_person

bp = Blueprint("experts", __name__, url_prefix="/experts")

navigation.add_entry(
    "experts.list", N_("Experts"), icon="users", group="register", order=30, permissions=("expert.read",)
)
navigation.add_entry(
    "experts.own", N_("My ties to organizations"), icon="users", group="register", order=40,
    permissions=("expert.declare",),
)  # fmt: skip


@bp.before_request
def place_in_menu() -> None:
    own = request.endpoint in ("experts.own", "experts.declare")
    g.menu_entry = "experts.own" if own else "experts.list"


EVENTS = {
    "added": N_("Taken into the pool"),
    "activated": N_("Back in the draw"),
    "deactivated": N_("Taken out of the draw"),
}
Answer = str | tuple[str, int] | Response


@bp.get("/", endpoint="list")
@allow("expert.read")
def list_experts() -> str:
    form = FilterForm(request.args)
    table = tables.show(EXPERTS, current_user)
    return render_template("experts/list.html", form=form, table=table, page=table.page, fields=FIELDS)


@bp.route("/new", methods=["GET", "POST"])
@allow("expert.edit")
def add() -> Answer:
    ids = current_user.agency_ids("expert.edit")
    agencies = db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()
    form = ExpertForm(agencies)
    if form.validate_on_submit():
        try:
            agency = db.session.get_one(Agency, int(form.agency.data))
            expert = services.add_expert(
                agency,
                record_person(
                    form.name.data, phone=form.phone.data, title=form.title.data or "", by=current_user
                ),
                fields=form.fields.data,
                employer=form.employer.data,
                employer_organization=named(visible_organizations(current_user), form.employer.data),
                employed_by_agency=agency if form.insider.data else None,
                by=current_user,
            )
            flash(gettext("The expert is in the pool and may be drawn."), "ok")
            return redirect(url_for("experts.show", expert_id=expert.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("experts/add.html", form=form), 422 if form.is_submitted() else 200


@bp.get("/<int:expert_id>")
@allow("expert.read")
def show(expert_id: int) -> str:
    expert = queries.expert_in_scope(current_user, expert_id)
    if expert is None:
        abort(404)
    return _expert_page(expert, ActivityForm(formdata=None))


def _expert_page(expert: Expert, form: ActivityForm) -> str:
    return render_template(
        "experts/show.html",
        expert=expert,
        form=form,
        fields=FIELDS,
        events=history_of(expert),
        words=EVENTS,
        may_edit=current_user.may("expert.edit", agency_id=expert.agency_id),
        **_interests(expert.person_id),
    )


def _interests(person_id: int) -> dict[str, Any]:
    return {
        "interests": interests_of_person(person_id),
        "kinds": KINDS,
        "counts": counts,
        "today": clock.today(),
    }


@bp.post("/<int:expert_id>/activity")
@allow("expert.edit")
def set_activity(expert_id: int) -> Answer:
    """Out of the draw when in it, and the other way round."""
    expert = _editable(expert_id)
    form = ActivityForm()
    if not form.validate_on_submit():
        return _expert_page(expert, form), 422
    services.set_active(expert, request.form.get("active") == "1", reason=form.reason.data, by=current_user)
    flash(
        gettext("The expert may be drawn again.")
        if expert.active
        else gettext("The expert is not drawn from now on."),
        "ok",
    )
    return redirect(url_for("experts.show", expert_id=expert.id), code=303)


def _editable(expert_id: int) -> Expert:
    expert = queries.editable_expert(current_user, expert_id)
    if expert is None:
        abort(404)
    return expert


@bp.route("/<int:expert_id>/interests/new", methods=["GET", "POST"])
@allow("expert.edit")
def declare_for(expert_id: int) -> Answer:
    expert = _editable(expert_id)
    return _declare(
        expert.person, visible_organizations(current_user), url_for("experts.show", expert_id=expert.id)
    )


@bp.get("/own")
@allow("expert.declare")
def own() -> str:
    return render_template("experts/own.html", **_interests(current_user.person_id))


@bp.route("/own/declare", methods=["GET", "POST"])
@allow("expert.declare")
def declare() -> Answer:
    """An expert declares; the organizations are those of the units that may draw this expert."""
    agencies = [item.agency for item in current_user.held("expert.declare") if item.agency is not None]
    within = select(Organization).where(
        Organization.agency_id.in_(subtree(agencies).with_only_columns(Agency.id).order_by(None))
    )
    return _declare(current_user.person, within, url_for("experts.own"))


def _declare(person: Person, within: Select[Any], back: str) -> Answer:
    form = OrganizationInterestForm()
    if form.validate_on_submit():
        organization = named(within, form.organization.data)
        if organization is None:
            form.organization.errors = [
                gettext(
                    "No organization of exactly this name or code is on the register. Copy it from the certificate."
                )
            ]
        else:
            try:
                declare_interest(
                    person,
                    organization,
                    form.kind.data,
                    form.since.data,
                    until=form.until.data,
                    note=form.note.data or "",
                    by=current_user,
                )
                flash(gettext("The tie is noted; draws and approvals ask about it from now on."), "ok")
                return redirect(back, code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return (
        render_template("experts/declare.html", form=form, person=person, back=back),
        422 if form.is_submitted() else 200,
    )
