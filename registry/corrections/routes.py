"""One page for every correction of what was noted about an organization."""

from __future__ import annotations

from flask import Blueprint, abort
from flask_login import current_user

from core.text import N_
from core.web.gate import allow
from registry.corrections import services
from registry.corrections.forms import FORMS
from registry.particulars.routes import Answer, answer, editable_or_404

bp = Blueprint("corrections", __name__, url_prefix="/organizations/<int:organization_id>/corrections")


@bp.route("/<any(grade,tag,department,qualification,filing,fund):kind>/<int:row_id>", methods=["GET", "POST"])
@allow("organization.edit")
def correct(organization_id: int, kind: str, row_id: int) -> Answer:
    """Put a row right, or strike it out; both with a reason."""
    organization = editable_or_404(organization_id)
    row = services.row_of(organization, kind, row_id)
    if row is None:
        abort(404)
    form = FORMS[kind](obj=row)

    def write() -> None:
        if form["struck"].data:
            services.strike(organization, kind, row, reason=form["reason"].data, by=current_user)
            return
        values = {name: form[name].data for name in services.KINDS[kind].columns}
        services.correct(organization, kind, row, values, reason=form["reason"].data, by=current_user)

    return answer(
        organization, form, write, title=services.KINDS[kind].title, action=N_("Keep the correction"),
        done=N_("The correction is kept."), back="organizations.show" if kind == "grade" else "particulars.show",
    )  # fmt: skip
