"""Pages of the guiding catalogue."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core import clock
from core.db import db
from core.text import N_
from core.web import navigation
from core.web.gate import allow
from finance.catalogue.forms import ItemForm
from finance.catalogue.queries import in_force, items_of
from finance.catalogue.services import add_item
from registry.agencies.models import Agency

bp = Blueprint("catalogue", __name__, url_prefix="/catalogue")

navigation.add_entry(
    "catalogue.list",
    N_("Guiding catalogue"),
    icon="form",
    group="money",
    order=70,
    permissions=("purchase.read",),
)


def _divisions(permission: str) -> dict[str, str]:
    """Division codes of the units this permission reaches, with the unit that stands for each."""
    rows = db.session.execute(
        select(Agency.division_code, Agency.name)
        .where(Agency.id.in_(current_user.agency_ids(permission)))
        .order_by(Agency.division_code, Agency.id.desc())
    )
    return {row.division_code: f"{row.division_code} {row.name}" for row in rows}


@bp.get("/")
@allow("purchase.read")
def list() -> Any:
    divisions = _divisions("purchase.read")
    division = request.args.get("division", "")
    if division not in divisions:
        division = next(iter(divisions), "")
    today = clock.today()
    items = in_force(division, today) if division else []
    own = items_of(division) if division else []
    return render_template(
        "catalogue/list.html",
        divisions=divisions,
        division=division,
        items=items,
        inherited=bool(items) and items[0].division_code != division,
        other=[item for item in own if item not in items],
        may_add=current_user.may_somewhere("fund.manage"),
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("fund.manage")
def new() -> Any:
    form = ItemForm(valid_from=clock.today(), division_code=request.args.get("division", ""))
    form.division_code.choices = [
        SelectChoice(code, label) for code, label in _divisions("fund.manage").items()
    ]
    if form.validate_on_submit():
        item = add_item(
            division_code=form.division_code.data,
            code=form.code.data,
            name=form.name.data,
            public_service=form.branch.data == "public",
            valid_from=form.valid_from.data,
            valid_to=form.valid_to.data,
            by=current_user,
        )
        flash(_("%(code)s was added to the catalogue.", code=item.code))
        return redirect(url_for("catalogue.list", division=item.division_code), code=303)
    return render_template("catalogue/new.html", form=form), 422 if form.is_submitted() else 200
