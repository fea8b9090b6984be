"""The credit file of an organization."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import or_, select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.words import say
from registry.credit.forms import EntryForm, RemovalForm
from registry.credit.models import KINDS
from registry.credit.queries import editable_entry, entries_of
from registry.credit.services import record_entry, remove_entry
from registry.organizations.models import Organization
from registry.organizations.queries import editable_organization

bp = Blueprint("credit", __name__, url_prefix="/credit")
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    """These are pages of an organization."""
    office = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    g.menu_entry = "organizations.list" if office else "organizations.own"


@bp.get("/of/<int:organization_id>", endpoint="list")
@allow("credit.read", "own.read")
def list_entries(organization_id: int) -> str:
    organization = db.session.scalar(
        select(Organization).where(
            Organization.id == organization_id,
            or_(
                Organization.agency_id.in_(current_user.agency_ids("credit.read")),
                Organization.id.in_(current_user.organization_ids("own.read")),
            ),
        )
    )
    if organization is None:
        abort(404)
    return render_template(
        "credit/list.html",
        organization=organization,
        entries=entries_of(organization),
        kinds=KINDS,
        may_edit=current_user.may("credit.edit", agency_id=organization.agency_id),
    )


@bp.route("/of/<int:organization_id>/new", methods=["GET", "POST"])
@allow("credit.edit")
def record(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "credit.edit")
    if organization is None:
        abort(404)
    form = EntryForm()
    if form.validate_on_submit():
        try:
            record_entry(
                organization,
                form.kind.data,
                entered_on=form.entered_on.data,
                grounds=form.grounds.data,
                source=form.source.data or "",
                by=current_user,
            )
            flash(gettext("The entry is made. Eligibility reads it from now on."), "ok")
            return redirect(url_for("credit.list", organization_id=organization.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("credit/record.html", form=form, organization=organization),
        422 if form.is_submitted() else 200,
    )


@bp.route("/<int:entry_id>/remove", methods=["GET", "POST"])
@allow("credit.edit")
def remove(entry_id: int) -> Answer:
    entry = editable_entry(current_user, entry_id)
    if entry is None:
        abort(404)
    form = RemovalForm(data={"removed_on": clock.today()})
    if form.validate_on_submit():
        try:
            remove_entry(entry, removed_on=form.removed_on.data, by=current_user)
            flash(gettext("The entry is removed from that day on; its history stays."), "ok")
            return redirect(url_for("credit.list", organization_id=entry.organization_id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "credit/remove.html",
            form=form,
            entry=entry,
            kinds=KINDS,
            organization=db.session.get_one(Organization, entry.organization_id),
        ),
        422 if form.is_submitted() else 200,
    )
