"""Who is tied to an organization: what draws, approvals and payments ask about."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.words import say
from registry.interests.forms import EndForm, PersonInterestForm
from registry.interests.models import KINDS, Interest
from registry.interests.queries import interests_of_organization
from registry.interests.rules import counts
from registry.interests.services import declare_interest, end_interest
from registry.organizations.models import Organization
from registry.organizations.queries import editable_organization
from registry.persons.services import record_person

bp = Blueprint("interests", __name__, url_prefix="/interests")
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    """These are pages of an organization."""
    office = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    g.menu_entry = "directory.list" if office else "organizations.own"


@bp.get("/of/<int:organization_id>", endpoint="list")
@allow("organization.read")
def list_interests(organization_id: int) -> str:
    organization = db.session.scalar(
        select(Organization).where(
            Organization.id == organization_id,
            Organization.agency_id.in_(current_user.agency_ids("organization.read")),
        )
    )
    if organization is None:
        abort(404)
    return render_template(
        "interests/list.html",
        organization=organization,
        interests=interests_of_organization(organization.id),
        kinds=KINDS,
        counts=counts,
        today=clock.today(),
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id),
    )


@bp.route("/of/<int:organization_id>/new", methods=["GET", "POST"])
@allow("organization.edit")
def declare(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "organization.edit")
    if organization is None:
        abort(404)
    form = PersonInterestForm()
    if form.validate_on_submit():
        try:
            declare_interest(
                record_person(form.person.data, phone=form.phone.data or "", by=current_user),
                organization,
                form.kind.data,
                form.since.data,
                until=form.until.data,
                note=form.note.data or "",
                by=current_user,
            )
            flash(gettext("The tie is noted; draws and approvals ask about it from now on."), "ok")
            return redirect(url_for("interests.list", organization_id=organization.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("interests/declare.html", form=form, organization=organization),
        422 if form.is_submitted() else 200,
    )


@bp.route("/<int:interest_id>/end", methods=["GET", "POST"])
@allow("organization.edit")
def end(interest_id: int) -> Answer:
    interest = db.session.scalar(
        select(Interest)
        .join(Organization, Organization.id == Interest.organization_id)
        .where(
            Interest.id == interest_id,
            Interest.until.is_(None),
            Organization.agency_id.in_(current_user.agency_ids("organization.edit")),
        )
    )
    if interest is None:
        abort(404)
    form = EndForm(data={"until": clock.today()})
    if form.validate_on_submit():
        try:
            end_interest(interest, form.until.data, by=current_user)
            flash(gettext("The last day is noted. Recusal still asks for the three years after it."), "ok")
            return redirect(url_for("interests.list", organization_id=interest.organization_id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("interests/end.html", form=form, interest=interest, kinds=KINDS),
        422 if form.is_submitted() else 200,
    )
