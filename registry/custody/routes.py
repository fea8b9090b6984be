"""Which department is responsible for an organization, and handing it on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.lifecycle import state_of
from core.text import N_, Message
from core.web import navigation, tables
from core.web.forms import asked_day
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.agencies.queries import standing
from registry.custody import queries, services
from registry.custody.forms import TransferForm
from registry.custody.lifecycle import TRANSFER
from registry.custody.reports import TRANSFERS
from registry.organizations.models import Organization
from registry.organizations.queries import editable_organization, visible_organizations

bp = Blueprint("custody", __name__, url_prefix="/custody")

EVENTS = {
    "proposed": N_("Transfer proposed"),
    "accepted": N_("Taken over"),
    "declined": N_("Declined"),
    "withdrawn": N_("Withdrawn"),
}
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "directory.list"


def tasks(user: Any) -> Iterable[navigation.Task]:
    if user.may_somewhere("organization.edit"):
        for row in queries.waiting_for(user):
            yield navigation.Task(
                title=Message(N_("%(unit)s hands over %(name)s"), {"unit": row.agency.name, "name": row.organization.name}),
                url=url_for("custody.show", transfer_id=row.id),
                action=Message(N_("Take over or decline")),
            )  # fmt: skip


navigation.add_tasks("custody", tasks)


@bp.get("/", endpoint="list")
@allow("organization.read")
def list_transfers() -> str:
    table = tables.show(TRANSFERS, current_user)
    return render_template("custody/list.html", table=table, page=table.page, states=TRANSFER.states)


@bp.get("/of/<int:organization_id>")
@allow("organization.read")
def history(organization_id: int) -> str:
    """Who was responsible when, and who on a day that is asked for."""
    organization = db.session.scalar(
        visible_organizations(current_user).where(
            Organization.id == organization_id,
            Organization.agency_id.in_(current_user.agency_ids("organization.read")),
        )
    )
    if organization is None:
        abort(404)
    on = asked_day("on") or clock.today()
    return render_template(
        "custody/history.html",
        organization=organization,
        transfers=queries.transfers_of(organization),
        on=on,
        department=queries.department_on(organization, on),
        state_of=state_of,
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id)
        and queries.open_transfer(organization) is None,
    )


@bp.route("/of/<int:organization_id>/new", methods=["GET", "POST"])
@allow("organization.edit")
def propose(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "organization.edit")
    if organization is None:
        abort(404)
    form = TransferForm(_others(organization))
    back = url_for("custody.history", organization_id=organization.id)
    if form.validate_on_submit():
        try:
            row = services.propose_transfer(
                organization,
                db.session.get_one(Agency, int(form.to.data)),
                reason=form.reason.data,
                document=form.document.data or "",
                by=current_user,
            )
            flash(gettext("Proposed. The other department takes over, or declines."), "ok")
            return redirect(url_for("custody.show", transfer_id=row.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "components/form_page.html",
        form=form,
        title=gettext("Hand the responsibility on"),
        act=gettext("Propose the transfer"),
        intro=organization.name,
        back=back,
    )
    return page, 422 if form.is_submitted() else 200


def _others(organization: Organization) -> list[Agency]:
    """The departments of the same tree that exist today."""
    root = organization.agency.path.split("/")[1]
    return list(
        db.session.scalars(
            select(Agency)
            .where(
                Agency.path.startswith(f"/{root}/"),
                Agency.id != organization.agency_id,
                standing(clock.today()),
            )
            .order_by(Agency.path)
        )
    )


@bp.get("/<int:transfer_id>")
@allow("organization.read")
def show(transfer_id: int) -> str:
    row = queries.transfer_in_scope(current_user, transfer_id)
    if row is None:
        abort(404)
    waiting = row.state == "proposed"
    return render_template(
        "custody/show.html",
        transfer=row,
        state=state_of(row),
        may_answer=waiting
        and current_user.may("organization.edit", agency_id=row.to_agency_id)
        and row.proposed_by != current_user.id,
        may_withdraw=waiting and current_user.may("organization.edit", agency_id=row.agency_id),
        sees_organization=row.organization.agency_id in current_user.agency_ids("organization.read"),
        events=history_of(row),
        words=EVENTS,
    )


@bp.post("/<int:transfer_id>/answer")
@allow("organization.edit")
def answer(transfer_id: int) -> Response:
    """Take over or decline (the other department), or withdraw (the one that proposed)."""
    row = queries.transfer_in_scope(current_user, transfer_id)
    if row is None:
        abort(404)
    asked = request.form.get("answer")
    act, words = {
        "accept": (services.accept_transfer, gettext("Your department is responsible from today.")),
        "decline": (services.decline_transfer, gettext("Declined: the responsibility stays where it is.")),
        "withdraw": (services.withdraw_transfer, gettext("Withdrawn: the responsibility stays where it is.")),
    }.get(asked or "") or abort(400)
    act(row, by=current_user)
    flash(words, "ok")
    return redirect(url_for("custody.show", transfer_id=row.id), code=303)
