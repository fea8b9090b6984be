"""Pages of similar names and of joins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.delegations.queries import names_of
from registry.duplicates import queries, services
from registry.duplicates.forms import MergeForm, NoteForm, OtherForm
from registry.duplicates.models import REASONS, TABLE_WORDS, OrganizationMerge
from registry.duplicates.reports import PAIRS
from registry.duplicates.rules import likeness
from registry.organizations.models import FIELDS, REGISTER_CLASSES, Organization
from registry.organizations.queries import named, organization_in_scope, visible_organizations

bp = Blueprint("duplicates", __name__, url_prefix="/duplicates")

navigation.add_entry(
    "duplicates.list", N_("Similar names"), icon="search", group="register", order=40,
    permissions=("organization.edit", "organization.verify"),
)  # fmt: skip

EVENTS = {
    "proposed": N_("Join proposed"),
    "confirmed": N_("Entries joined"),
    "dropped": N_("Join dropped"),
}
COMPARED = (
    "name", "credit_code", "kind", "register_class", "status", "division_code", "registered_on", "address", "phone",
    "business_scope",
)  # fmt: skip
Answer = str | tuple[str, int] | Response


def tasks(user: Any) -> Iterator[navigation.Task]:
    for merge in queries.waiting_for(user):
        yield navigation.Task(
            title=Message(
                N_("Join “%(gone)s” into “%(kept)s”"), {"gone": merge.gone_name, "kept": merge.kept.name}
            ),
            url=url_for("duplicates.merge", merge_id=merge.id),
            action=Message(N_("Compare and confirm")),
        )


navigation.add_tasks("duplicates", tasks)


@bp.get("/", endpoint="list")
@allow("organization.read")
def list_pairs() -> str:
    """Entries that may be one body, by bare name."""
    table = tables.show(PAIRS, current_user)
    return render_template(
        "duplicates/list.html",
        table=table,
        page=table.page,
        reasons=REASONS,
        state=request.args.get("state", ""),
        waiting=queries.uncompared(current_user),
        merges=[
            *db.session.scalars(
                queries.visible_merges(current_user).order_by(OrganizationMerge.id.desc()).limit(10)
            )
        ],
        names=names_of({pair.dismissed_by for pair in table.page.rows if pair.dismissed_by is not None}),
    )


@bp.route("/pairs/<int:pair_id>/dismiss", methods=["GET", "POST"])
@allow("organization.edit")
def dismiss(pair_id: int) -> Answer:
    """These are two bodies."""
    pair = queries.pair_in_scope(current_user, pair_id)
    if pair is None or pair.dismissed_at is not None:
        abort(404)
    form = NoteForm()
    if form.validate_on_submit():
        try:
            services.dismiss(pair, note=form.note.data or "", by=current_user)
            flash(gettext("The pair is noted as two bodies."), "ok")
            return redirect(url_for("duplicates.list"), code=303)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.form_errors.append(say(refusal.sentence))
    return render_template(
        "duplicates/dismiss.html", pair=pair, form=form
    ), 422 if form.is_submitted() else 200


def _both(first_id: int, second_id: int) -> tuple[Organization, Organization]:
    first = organization_in_scope(current_user, first_id)
    second = organization_in_scope(current_user, second_id)
    if first is None or second is None or first.id == second.id:
        abort(404)
    return first, second


@bp.route("/compare/<int:first_id>/<int:second_id>", methods=["GET", "POST"])
@allow("organization.edit")
def compare(first_id: int, second_id: int) -> Answer:
    """Two entries side by side, and the proposal to join them."""
    first, second = _both(first_id, second_id)
    suggested = first if first.credit_code or not second.credit_code else second
    form = MergeForm(first, second, data={"keep": str(suggested.id)})
    if form.validate_on_submit():
        kept, gone = (first, second) if form.keep.data == str(first.id) else (second, first)
        try:
            merge = services.propose_merge(kept, gone, reason=form.reason.data, by=current_user)
            flash(
                gettext(
                    "The join is proposed. Another person of the unit that keeps the other entry confirms it."
                ),
                "ok",
            )
            return redirect(url_for("duplicates.merge", merge_id=merge.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("duplicates/compare.html", form=form, **_side_by_side(first, second)),
        422 if form.is_submitted() else 200,
    )


def _side_by_side(first: Organization, second: Organization) -> dict[str, Any]:
    return {
        "first": first,
        "second": second,
        "compared": COMPARED,
        "likeness": likeness(first.business_scope, second.business_scope),
        "common": [FIELDS[name] for name in first.fields if name in second.fields and name in FIELDS],
        "counts": [(item, queries.counts_of(item.id)) for item in (first, second)],
        "tables": TABLE_WORDS,
        "classes": REGISTER_CLASSES,
    }


@bp.route("/of/<int:organization_id>", methods=["GET", "POST"])
@allow("organization.edit")
def other(organization_id: int) -> Answer:
    """Look for a double of one entry: those with a similar name, or any other."""
    organization = organization_in_scope(current_user, organization_id)
    if organization is None:
        abort(404)
    form = OtherForm()
    if form.validate_on_submit():
        found = named(visible_organizations(current_user), form.other.data)
        if (
            found is None
            and form.other.data.strip().lstrip("#").isascii()
            and form.other.data.strip().lstrip("#").isdigit()
        ):
            found = organization_in_scope(current_user, int(form.other.data.strip().lstrip("#")[:15]))
        if found is not None and found.id != organization.id:
            return redirect(
                url_for("duplicates.compare", first_id=organization.id, second_id=found.id), code=303
            )
        form.other.errors = [gettext("No other organization of this name or code is on your register.")]
    return (
        render_template(
            "duplicates/other.html",
            organization=organization,
            pairs=queries.similar_to(current_user, organization),
            merges=queries.merges_of(organization),
            reasons=REASONS,
            form=form,
        ),
        422 if form.is_submitted() else 200,
    )


@bp.get("/joins/<int:merge_id>")
@allow("organization.read")
def merge(merge_id: int) -> str:
    return _page(_merge(merge_id), NoteForm())


def _merge(merge_id: int) -> OrganizationMerge:
    found = queries.merge_in_scope(current_user, merge_id)
    if found is None:
        abort(404)
    return found


def _page(item: OrganizationMerge, form: NoteForm) -> str:
    gone = db.session.get(Organization, item.gone_id) if item.state == "proposed" else None
    people = {item.proposed_by, item.decided_by} - {None}
    may_confirm = (
        item.state == "proposed"
        and current_user.may("organization.verify", agency_id=item.agency_id)
        and item.proposed_by != current_user.id
    )
    return render_template(
        "duplicates/merge.html",
        item=item,
        sides=_side_by_side(item.kept, gone) if gone is not None else None,
        against=services.why_not(item.kept, gone) if gone is not None else [],
        tables=TABLE_WORDS,
        may_confirm=may_confirm,
        may_drop=item.state == "proposed" and (may_confirm or item.proposed_by == current_user.id),
        form=form,
        names=names_of({who for who in people if who is not None}),
        history=history_of(item),
        events=EVENTS,
    )


@bp.post("/joins/<int:merge_id>/<any(confirm, drop):step>")
@allow("organization.verify", "organization.edit")
def act(merge_id: int, step: str) -> Answer:
    item = _merge(merge_id)
    form = NoteForm()
    try:
        if step == "confirm":
            services.confirm_merge(item, by=current_user)
            flash(gettext("The two entries are one; every link moved."), "ok")
        else:
            services.drop_merge(item, note=form.note.data or "", by=current_user)
            flash(gettext("The join is dropped."), "ok")
        return redirect(url_for("duplicates.merge", merge_id=item.id), code=303)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        form.form_errors.append(say(refusal.sentence))
    return _page(item, form), 422
