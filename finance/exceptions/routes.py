"""Pages of exceptions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.words import say
from finance.contracts.queries import division_labels
from finance.contracts.rules import R30_SOURCES
from finance.exceptions import queries, services
from finance.exceptions.forms import OverrideForm
from registry.agencies.models import Agency

bp = Blueprint("exceptions", __name__)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "ratios.show"


@bp.get("/ratio/exceptions")
@allow("purchase.read")
def list() -> Any:
    """Contractors that count otherwise than their code says, and proposals about them."""
    found = queries.overrides_in_force(current_user)
    return render_template(
        "exceptions/list.html",
        overrides=found,
        proposals=queries.proposals(current_user),
        labels=division_labels({item.division_code for item in found}),
        deciding=current_user.agency_ids("ratio.review"),
        may_propose=current_user.may_somewhere("ratio.prepare"),
        R30_SOURCES=R30_SOURCES,
    )


@bp.route("/ratio/exceptions/new", methods=["GET", "POST"])
@allow("ratio.prepare")
def new() -> Any:
    """Propose an exception; a second person confirms it."""
    form = OverrideForm()
    agencies = db.session.scalars(
        select(Agency)
        .where(Agency.id.in_(current_user.agency_ids("ratio.prepare")), Agency.division_code != "")
        .order_by(Agency.id)
    ).all()
    form.agency_id.choices = [(agency.id, agency.name) for agency in agencies]
    if not form.is_submitted():
        form.contractor_code.data = request.args.get("code", "")[:18]
        form.contractor.data = request.args.get("name", "")[:120]
    elif form.validate():
        try:
            services.propose_override(
                next(agency for agency in agencies if agency.id == form.agency_id.data),
                code=form.contractor_code.data,
                contractor=form.contractor.data.strip(),
                counts=form.wish,
                reason=form.reason.data.strip(),
                by=current_user,
            )
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Proposed. The finance head confirms or refuses it."), "ok")
            return redirect(url_for("exceptions.list"), code=303)
    status = 422 if form.errors or form.form_errors else 200
    return render_template("exceptions/new.html", form=form, R30_SOURCES=R30_SOURCES), status


@bp.post("/ratio/exceptions/<int:proposal_id>/<any(confirm, refuse):step>")
@allow("ratio.review")
def decide(proposal_id: int, step: str) -> Any:
    proposal = queries.proposal_in_scope(current_user, proposal_id) or abort(404)
    services.decide_override(proposal, confirmed=step == "confirm", by=current_user)
    flash(
        _("Confirmed: the figures follow it from this year on.") if step == "confirm" else _("Refused."), "ok"
    )
    return redirect(url_for("exceptions.list"), code=303)
