"""The rule book in pages: what holds where and when, its versions, and changes under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from app.rulebook import queries, services
from app.rulebook.families import FAMILIES, Family
from app.rulebook.forms import DraftForm, form_of
from app.rulebook.models import RuleDraft
from app.rulebook.policy import PROGRAMMES, STEPS, may_edit
from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.lifecycle import available
from core.text import N_, Message
from core.web import navigation
from core.web.forms import asked_day
from core.web.gate import allow
from core.web.words import say
from registry.agencies.rules import DivisionError, normalise_division

bp = Blueprint("rulebook", __name__)

navigation.add_entry(
    "rulebook.list", N_("Rule book"), icon="book", group="register", order=80, permissions=()
)

EVENTS = {
    "drafted": N_("Drafted"), "edited": N_("Edited"), "reviewed": N_("Reviewed"),
    "put_in_force": N_("Put in force"), "sent_back": N_("Sent back"), "withdrawn": N_("Withdrawn"),
}  # fmt: skip
ACTIONS = {"review": N_("Review"), "approve": N_("Put in force")}


def _tasks(user: Any) -> Iterable[navigation.Task]:
    for draft, step in queries.waiting_for(user):
        yield navigation.Task(
            title=Message(
                N_("Change of rules %(family)s, from %(day)s"),
                {"family": draft.family, "day": draft.valid_from},
            ),
            url=url_for("rulebook.draft", draft_id=draft.id),
            action=Message(ACTIONS[step]),
            due=draft.valid_from,
        )


navigation.add_tasks("rulebook", _tasks)


def _family(code: str) -> Family:
    return FAMILIES.get(code) or abort(404)


def _asked_for() -> tuple[str, str, date]:
    """The division, the programme and the day that the address asks for."""
    division = request.args.get("division", "")
    if not division and current_user.is_authenticated:
        held = current_user.main_assignment
        unit = (held.agency or held.organization) if held is not None else None
        division = (unit.division_code if unit is not None else "") or ""
    try:
        division = normalise_division(division) if division else ""
    except DivisionError:
        abort(404)
    programme = request.args.get("programme", "")
    if programme not in PROGRAMMES:
        abort(404)
    return division, programme, asked_day("as-of") or clock.today()


def _overview(division: str, programme: str, day: date) -> Sequence[dict[str, Any]]:
    return [
        {
            "family": family,
            "lines": queries.in_force(family, on=day, jurisdiction=division, programme=programme),
        }
        for family in FAMILIES.values()
    ]


@bp.get("/rules")
@allow.signed_in
def list() -> str:
    """Every family with what holds for a division on a day; changes under way for those who work on them."""
    division, programme, day = _asked_for()
    return render_template(
        "rulebook/list.html",
        families=_overview(division, programme, day),
        division=division,
        programme=programme,
        day=day,
        divisions=queries.divisions_offered(current_user),
        PROGRAMMES=PROGRAMMES,
        open_drafts=queries.open_drafts(current_user),
        closed_drafts=queries.closed_drafts(current_user),
    )


@bp.get("/rules/<family>")
@allow.signed_in
def family(family: str) -> str:
    """A family as it holds on a day, where each value comes from, and all versions."""
    found = _family(family)
    division, programme, day = _asked_for()
    rows = queries.versions(found.code, division)
    return render_template(
        "rulebook/family.html",
        family=found,
        lines=queries.in_force(found, on=day, jurisdiction=division, programme=programme),
        division=division,
        programme=programme,
        day=day,
        divisions=queries.divisions_offered(current_user),
        PROGRAMMES=PROGRAMMES,
        versions=[(row, queries.changes_of_set(row)) for row in rows],
        may_draft=bool(queries.agencies_drafting(current_user)),
    )


@bp.get("/rules/sets/<int:set_id>")
@allow.signed_in
def rule_set(set_id: int) -> str:
    """One rule set: what it changed, its source, the three people."""
    found = queries.rule_set(set_id) or abort(404)
    return render_template(
        "rulebook/set.html",
        row=found,
        family=FAMILIES[found.family],
        changes=queries.changes_of_set(found),
        draft=queries.draft_of(found),
        divisions=queries.divisions_offered(current_user),
        PROGRAMMES=PROGRAMMES,
    )


@bp.route("/rules/<family>/draft", methods=["GET", "POST"])
@allow("rule.draft")
def new(family: str) -> Any:
    """Draft a change; the fields begin with what holds today."""
    found = _family(family)
    form = form_of(found)()
    agencies = queries.agencies_drafting(current_user)
    form.agency_id.choices = [(agency.id, agency.name) for agency in agencies]
    if not form.is_submitted():
        agency = agencies[0] if agencies else abort(403)
        form.agency_id.data = agency.id
        form.valid_from.data = clock.today()
        form.show_values(
            queries.values_in_force(
                found, on=clock.today(), jurisdiction=normalise_division(agency.division_code)
            )
        )
    elif form.validate():
        agency = next(item for item in agencies if item.id == form.agency_id.data)
        try:
            draft = services.draft_change(
                agency,
                found,
                form.values,
                valid_from=form.valid_from.data,
                source=form.source.data.strip(),
                reason=form.reason.data.strip(),
                programme=form.programme.data,
                by=current_user,
            )
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Drafted. Somebody else reviews it next."), "ok")
            return redirect(url_for("rulebook.draft", draft_id=draft.id), code=303)
    return _form_page(form, found, None)


def _form_page(form: DraftForm, family: Family, draft: RuleDraft | None) -> Any:
    status = 422 if form.errors or form.form_errors else 200
    return render_template("rulebook/edit.html", form=form, family=family, draft=draft), status


@bp.get("/rules/drafts/<int:draft_id>")
@allow("rule.read")
def draft(draft_id: int) -> str:
    """A change: what it does, what the figure would be, who acts next."""
    found = queries.draft_in_scope(current_user, draft_id) or abort(404)
    # Tried on the years that have contracts, whatever the day from which it is to hold.
    year = clock.today().year
    return render_template(
        "rulebook/draft.html",
        draft=found,
        family=FAMILIES[found.family],
        changes=queries.changes_of(found),
        effects=queries.effect_on_ratio(found, [year, year - 1])
        if found.family == "R30" and found.state in ("draft", "reviewed")
        else [],
        steps=[item for item in available(found, current_user) if item.name in STEPS],
        may_return=_may_close(found),
        may_edit=may_edit(current_user, found) is None,
        history=history_of(found),
        EVENTS=EVENTS,
        PROGRAMMES=PROGRAMMES,
        divisions=queries.divisions_offered(current_user),
    )


def _may_close(draft: RuleDraft) -> bool:
    return draft.state in ("draft", "reviewed") and any(
        current_user.may(permission, agency_id=draft.agency_id)
        for permission in ("rule.draft", "rule.review", "rule.approve")
    )


@bp.route("/rules/drafts/<int:draft_id>/edit", methods=["GET", "POST"])
@allow("rule.draft")
def edit(draft_id: int) -> Any:
    found = queries.draft_in_scope(current_user, draft_id) or abort(404)
    refused = may_edit(current_user, found)
    if refused is not None:
        raise refused
    family = FAMILIES[found.family]
    form = form_of(family)()
    form.agency_id.choices = [(found.agency_id, found.agency.name)]
    if not form.is_submitted():
        form.agency_id.data, form.programme.data = found.agency_id, found.programme
        form.valid_from.data, form.source.data, form.reason.data = (
            found.valid_from,
            found.source,
            found.reason,
        )
        base = queries.values_in_force(
            family, on=found.valid_from, jurisdiction=found.jurisdiction, programme=found.programme
        )
        form.show_values({**base, **found.parameters})
    elif form.validate():
        try:
            services.edit_draft(
                found,
                family,
                form.values,
                valid_from=form.valid_from.data,
                source=form.source.data.strip(),
                reason=form.reason.data.strip(),
                by=current_user,
            )
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Saved."), "ok")
            return redirect(url_for("rulebook.draft", draft_id=found.id), code=303)
    return _form_page(form, family, found)


@bp.post("/rules/drafts/<int:draft_id>/<any(review, approve, return, withdraw):step>")
@allow("rule.draft", "rule.review", "rule.approve")
def step(draft_id: int, step: str) -> Any:
    """Review, put in force, send back or withdraw."""
    found = queries.draft_in_scope(current_user, draft_id) or abort(404)
    services.take_step(found, step, by=current_user, note=request.form.get("note", "").strip()[:400])
    done = {
        "review": _("Reviewed. The leader puts it in force."),
        "approve": _("In force from %(day)s.", day=found.valid_from.isoformat()),
        "return": _("Sent back to the draft."),
        "withdraw": _("Withdrawn; nothing was changed."),
    }
    flash(done[step], "ok")
    return redirect(url_for("rulebook.draft", draft_id=found.id), code=303)


@bp.get("/public/rules")
@allow.public
def published() -> str:
    """What holds where and since when, for everybody; changes under way are not shown."""
    division, programme, day = _asked_for()
    return render_template(
        "rulebook/published.html",
        families=_overview(division, programme, day),
        division=division,
        programme=programme,
        day=day,
        divisions=queries.divisions_offered(),
        PROGRAMMES=PROGRAMMES,
    )
