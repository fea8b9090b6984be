"""Making units. The tree with its people is a page of the accounts room, which knows the people."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.words import say
from registry.agencies.forms import AgencyForm
from registry.agencies.models import Agency
from registry.agencies.queries import administered_agencies
from registry.agencies.services import create_agency

bp = Blueprint("agencies", __name__, url_prefix="/agencies")


@bp.route("/new", methods=["GET", "POST"])
@allow("account.manage")
def create() -> str | tuple[str, int] | Response:
    g.menu_entry = "accounts.units"
    form = AgencyForm(db.session.scalars(administered_agencies(current_user)).all())
    if form.validate_on_submit():
        try:
            agency = create_agency(
                form.name.data,
                form.kind.data,
                form.division_code.data,
                db.session.get_one(Agency, int(form.parent.data)),
                form.document_prefix.data or "",
                by=current_user,
            )
            flash(gettext("“%(name)s” is part of the tree.", name=agency.name), "ok")
            return redirect(url_for("accounts.units"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("agencies/create.html", form=form), 422 if form.is_submitted() else 200
