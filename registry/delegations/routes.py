"""The page where somebody who will be away lends payment steps."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core import clock
from core.access.policy import ROLES, Refusal
from core.web.gate import allow
from core.web.words import say
from registry.delegations import queries, services
from registry.delegations.forms import DelegationForm

bp = Blueprint("delegations", __name__, url_prefix="/account/delegations")


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "accounts.own"


@bp.route("/", methods=["GET", "POST"])
@allow.signed_in
def show() -> Any:
    """What I lent and what was lent to me; a form where there is something to lend."""
    user = current_user._get_current_object()
    roles = {item.id: item for item in queries.lendable(user)}
    people = {person.id: person for item in roles.values() for person in queries.colleagues(item)}
    form = DelegationForm(data={"valid_from": clock.today(), "valid_to": clock.today()})
    form.assignment.choices = [
        (item.id, f"{say(ROLES[item.role].label)} · {item.unit_name}") for item in roles.values()
    ]
    form.colleague.choices = [(person.id, person.name) for person in people.values()]
    if form.validate_on_submit():
        try:
            services.delegate(
                roles[form.assignment.data],
                people[form.colleague.data],
                valid_from=form.valid_from.data,
                valid_to=form.valid_to.data,
                by=user,
            )
            flash(_("Lent. Each step taken says that it was in your place."), "ok")
            return redirect(url_for("delegations.show"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    lent, borrowed = queries.lent_by(user), queries.lent_to(user)
    return render_template(
        "delegations/show.html",
        form=form if roles and people else None,
        lent=lent,
        borrowed=borrowed,
        names=queries.names_of({item.delegated_by for item in borrowed if item.delegated_by is not None}),
        today=clock.today(),
    ), (422 if form.is_submitted() else 200)


@bp.post("/<int:assignment_id>/revoke")
@allow.signed_in
def revoke(assignment_id: int) -> Any:
    lent = queries.lent_assignment(current_user, assignment_id) or abort(404)
    services.take_back(lent, by=current_user)
    flash(_("Taken back: nothing more is done in your place."), "ok")
    return redirect(url_for("delegations.show"), code=303)
