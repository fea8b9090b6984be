"""Making and changing units, and the tree as it stood on a day. A unit's page with its people is above."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.web.forms import asked_day
from core.web.gate import allow
from core.web.words import say
from registry.agencies.forms import AgencyForm, DissolveForm, SectionForm, TermForm
from registry.agencies.models import KINDS, Agency, AgencySection
from registry.agencies.queries import (
    administered_agencies,
    present_unit,
    standing,
    tree_on,
    units_of_division,
)
from registry.agencies.services import (
    add_section,
    change_agency,
    close_section,
    create_agency,
    dissolve_agency,
)

bp = Blueprint("agencies", __name__, url_prefix="/agencies")
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "accounts.units"


@bp.route("/new", methods=["GET", "POST"])
@allow("account.manage")
def create() -> Answer:
    form = AgencyForm(_administered())
    if form.validate_on_submit():
        try:
            agency = create_agency(
                form.name.data,
                form.kind.data,
                form.division_code.data,
                db.session.get_one(Agency, int(form.parent.data)),
                form.document_prefix.data or "",
                valid_from=form.valid_from.data,
                by=current_user,
            )
            flash(gettext("“%(name)s” is part of the tree.", name=agency.name), "ok")
            return redirect(url_for("accounts.units"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("agencies/create.html", form=form), 422 if form.is_submitted() else 200


def _administered() -> list[Agency]:
    """The units this administrator keeps that exist today."""
    return list(db.session.scalars(administered_agencies(current_user).where(standing(clock.today()))))


def _own(agency_id: int) -> Agency:
    found = next((unit for unit in _administered() if unit.id == agency_id), None)
    return found or abort(404)


@bp.get("/tree")
@allow("agency.read")
def tree() -> str:
    """The tree as it stood on a day; a code finds who bore it then and who stands for it today."""
    on = asked_day("on") or clock.today()
    code = request.args.get("code", "").strip()
    found = units_of_division(current_user, code, on) if code else []
    return render_template(
        "agencies/tree.html",
        on=on,
        code=code,
        found=[(place, present_unit(place.agency)) for place in found],
        places=tree_on(current_user, on),
        kinds=KINDS,
        today=clock.today(),
    )


def _form_page(agency: Agency, form: Any, title: str, act: str, **more: Any) -> Answer:
    page = render_template(
        "components/form_page.html", form=form, title=title, act=act, intro=agency.name,
        back=url_for("liaison.unit", agency_id=agency.id), **more,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@bp.route("/<int:agency_id>/change", methods=["GET", "POST"])
@allow("account.manage")
def change(agency_id: int) -> Answer:
    agency = _own(agency_id)
    form = TermForm(
        agency,
        _administered(),
        data={
            "on": clock.today(),
            "name": agency.name,
            "division_code": agency.division_code,
            "parent": str(agency.parent_id or ""),
        },
    )
    if form.validate_on_submit():
        try:
            change_agency(
                agency,
                form.on.data,
                name=form.name.data,
                division_code=form.division_code.data,
                parent=db.session.get(Agency, int(form.parent.data)) if form.parent.data else None,
                basis=form.basis.data,
                by=current_user,
            )
            flash(gettext("The change is noted; what was before stays readable by its day."), "ok")
            return redirect(url_for("liaison.unit", agency_id=agency.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(agency, form, gettext("Note a new name, division or place"), gettext("Note the change"))


@bp.route("/<int:agency_id>/dissolve", methods=["GET", "POST"])
@allow("account.manage")
def dissolve(agency_id: int) -> Answer:
    agency = _own(agency_id)
    form = DissolveForm(agency, _administered(), data={"on": clock.today()})
    if form.validate_on_submit():
        try:
            dissolve_agency(
                agency,
                db.session.get_one(Agency, int(form.successor.data)),
                form.on.data,
                basis=form.basis.data,
                by=current_user,
            )
            flash(gettext("The unit has ended; its successor stands for it."), "ok")
            return redirect(url_for("liaison.unit", agency_id=agency.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(agency, form, gettext("Dissolve the unit"), gettext("Dissolve the unit"), tone="wrong")


@bp.route("/<int:agency_id>/sections/new", methods=["GET", "POST"])
@allow("account.manage")
def section(agency_id: int) -> Answer:
    agency = _own(agency_id)
    form = SectionForm()
    if form.validate_on_submit():
        try:
            add_section(
                agency,
                form.name.data,
                duty=form.duty.data or "",
                phone=form.phone.data or "",
                by=current_user,
            )
            flash(gettext("The section is part of the unit."), "ok")
            return redirect(url_for("liaison.unit", agency_id=agency.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(agency, form, gettext("Add a section"), gettext("Add the section"))


@bp.post("/sections/<int:section_id>/close")
@allow("account.manage")
def end_section(section_id: int) -> Response:
    row = db.session.get(AgencySection, section_id)
    if row is None or row.agency_id not in {unit.id for unit in _administered()}:
        abort(404)
    close_section(row, by=current_user)
    flash(gettext("The section is closed."), "ok")
    return redirect(url_for("liaison.unit", agency_id=row.agency_id), code=303)
