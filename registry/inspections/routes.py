"""The annual inspections of all organizations, by year."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask_login import current_user

from core.db import db
from core.text import N_
from core.web import navigation, tables
from core.web.gate import allow
from registry.inspections import queries
from registry.inspections.forms import InspectionsFilter
from registry.inspections.reports import INSPECTIONS, WORDS
from registry.organizations.models import KINDS

bp = Blueprint("inspections", __name__, url_prefix="/inspections")

navigation.add_entry(
    "inspections.list", N_("Annual inspections"), icon="check", group="register", order=29,
    permissions=("credit.read",),
)  # fmt: skip


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "inspections.list"


@bp.get("/")
@allow("credit.read")
def list() -> str:
    """Who has been inspected for a year and who has not; the years beside each other."""
    year = queries.asked_year(request.args)
    table = tables.show(INSPECTIONS, current_user)
    ids = [row.id for row in table.page.rows]
    return render_template(
        "inspections/list.html",
        form=InspectionsFilter(request.args, data={"year": str(year)}),
        table=table,
        page=table.page,
        year=year,
        results={(row.organization_id, row.year): row.result for row in db.session.execute(queries.results_of(ids, year))},
        counts=queries.counts(current_user),
        words=WORDS,
        kinds=KINDS,
        not_yet=queries.NOT_YET,
        editable=current_user.agency_ids("organization.edit"),
        may_propose=current_user.may_somewhere("credit.edit"),
    )  # fmt: skip
