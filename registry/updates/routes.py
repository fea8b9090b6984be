"""Pages of reported changes: the organization's form, the difference, the department's answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.files.services import serve, store
from core.lifecycle import available
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.organizations.models import Organization
from registry.organizations.queries import organization_in_scope
from registry.organizations.reports import FIELD_WORDS, VALUE_WORDS
from registry.updates import queries, services
from registry.updates.forms import AnswerForm, UpdateForm
from registry.updates.lifecycle import UPDATE
from registry.updates.models import UpdateRequest
from registry.updates.reports import UPDATES

bp = Blueprint("updates", __name__)

navigation.add_entry(
    "updates.list", N_("Reported changes"), icon="pen", group="register", order=15,
    permissions=("organization.read", "own.read"),
)  # fmt: skip

EVENTS = {
    "drafted": N_("Drafted"),
    "evidence_filed": N_("Evidence filed"),
    "submitted": N_("Sent to the department"),
    "returned": N_("Given back"),
    "accepted": N_("Accepted"),
    "withdrawn": N_("Withdrawn"),
}
TITLES = {
    "submitted": N_("Reported change: %(name)s"),
    "draft": N_("Send the change of the entry: %(name)s"),
    "returned": N_("Put the reported change right: %(name)s"),
}
ACTIONS = {"submitted": N_("Look at it"), "draft": N_("Read and send"), "returned": N_("Put it right")}
FIELDS_HERE = {
    "leader": N_("Legal representative"),
    "leader_phone": N_("Telephone of the legal representative"),
}
Answer = str | tuple[str, int] | Response


def tasks(user: Any) -> Iterator[navigation.Task]:
    for item in queries.waiting_for(user):
        yield navigation.Task(
            title=Message(TITLES[item.state], {"name": item.organization.name}),
            url=url_for("updates.show", request_id=item.id),
            action=Message(ACTIONS[item.state]),
        )


navigation.add_tasks("updates", tasks)


@bp.get("/updates/", endpoint="list")
@allow("organization.read", "own.read")
def list_updates() -> str:
    """Changes that organizations reported, the latest first."""
    table = tables.show(UPDATES, current_user)
    everything = queries.visible_updates(current_user)
    return render_template(
        "updates/list.html",
        table=table,
        page=table.page,
        states=UPDATE.states,
        counts=tables.counts_by(everything, UpdateRequest.state, [item.name for item in UPDATE.states]),
        state=request.args.get("state", ""),
    )


@bp.route("/organizations/<int:organization_id>/report", methods=["GET", "POST"])
@allow("own.edit")
def draft(organization_id: int) -> Answer:
    """The organization says what has changed; nothing of it holds before the department accepts it."""
    organization = _own(organization_id)
    alive = queries.alive_update(organization.id)
    if alive is not None and alive.state == "submitted":
        return redirect(url_for("updates.show", request_id=alive.id), code=303)
    form = UpdateForm(data=_shown(organization, alive))
    if form.validate_on_submit():
        try:
            sent = form.file.data
            kept = services.keep_draft(
                organization,
                typed=form.typed(),
                evidence=form.evidence.data or "",
                file=store(sent.stream, sent.filename, by=current_user) if sent and sent.filename else None,
                by=current_user,
            )
            if request.form.get("step") == "send":
                services.submit(kept, by=current_user)
                flash(gettext("The change is with the department."), "ok")
            else:
                flash(gettext("The draft is kept. The leader of the organization sends it."), "ok")
            return redirect(url_for("updates.show", request_id=kept.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "updates/draft.html",
            organization=organization,
            form=form,
            alive=alive,
            may_send=current_user.may("own.submit", organization_id=organization.id),
        ),
        422 if form.is_submitted() else 200,
    )


def _own(organization_id: int) -> Organization:
    organization = organization_in_scope(current_user, organization_id)
    if organization is None or not current_user.may("own.edit", organization_id=organization.id):
        abort(404)
    return organization


def _shown(organization: Organization, alive: UpdateRequest | None) -> dict[str, Any]:
    """The entry with what was typed before laid over it."""
    typed = dict(alive.proposed) if alive else {}
    year = int(typed.get("staff_year") or clock.today().year - 1)
    values = queries.entry_values(organization, year) | typed
    for name in ("certificate_from", "certificate_to", "charter_on"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    values["evidence"] = alive.evidence if alive else ""
    return values


@bp.get("/updates/<int:request_id>")
@allow("organization.read", "own.read")
def show(request_id: int) -> str:
    item = _in_scope(request_id)
    return _page(item, AnswerForm())


@bp.get("/updates/<int:request_id>/evidence")
@allow("organization.read", "own.read")
def evidence(request_id: int) -> Response:
    """The paper that the organization sent with the change."""
    item = _in_scope(request_id)
    return serve(item.evidence_file or abort(404), inline_image=True)


def _page(item: UpdateRequest, form: AnswerForm) -> str:
    steps = {transition.name for transition in available(item, current_user)}
    mine = current_user.id in (item.drafted_by, item.submitted_by)
    return render_template(
        "updates/show.html",
        item=item,
        organization=item.organization,
        differences=queries.differences(item),
        form=form,
        may_decide="accept" in steps and not mine,
        may_send="submit" in steps and bool(item.proposed),
        may_withdraw="withdraw" in steps,
        may_edit=item.state in ("draft", "returned")
        and current_user.may("own.edit", organization_id=item.organization_id),
        fields=FIELD_WORDS | FIELDS_HERE,
        values=VALUE_WORDS,
        history=history_of(item),
        events=EVENTS,
    )


def _in_scope(request_id: int) -> UpdateRequest:
    item = queries.update_in_scope(current_user, request_id)
    if item is None:
        abort(404)
    return item


@bp.post("/updates/<int:request_id>/submit")
@allow("own.submit")
def submit(request_id: int) -> Response:
    item = _in_scope(request_id)
    services.submit(item, by=current_user)
    return _to(item, gettext("The change is with the department."))


@bp.post("/updates/<int:request_id>/withdraw")
@allow("own.edit")
def withdraw(request_id: int) -> Response:
    item = _in_scope(request_id)
    services.withdraw(item, by=current_user)
    return _to(item, gettext("The change is withdrawn."))


@bp.post("/updates/<int:request_id>/decide")
@allow("organization.verify")
def decide(request_id: int) -> Answer:
    """Accept the change, or give it back with what has to be put right."""
    item = _in_scope(request_id)
    form = AnswerForm()
    if form.validate():
        try:
            if request.form.get("step") == "accept":
                services.accept(item, answer=form.answer.data or "", by=current_user)
                return _to(item, gettext("The change is in the entry, and the entry is verified."))
            services.give_back(item, form.answer.data or "", by=current_user)
            return _to(item, gettext("It is back with the organization; nothing it typed is lost."))
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.form_errors.append(say(refusal.sentence))
    return _page(item, form), 422


def _to(item: UpdateRequest, message: str) -> Response:
    flash(message, "ok")
    return redirect(url_for("updates.show", request_id=item.id), code=303)
