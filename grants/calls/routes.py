"""Pages of calls for the unit that calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from finance.commitments.queries import tranche_parameters, whole_at_once
from finance.funds.models import Earmark
from finance.funds.queries import earmark_available, earmark_in_scope, visible_earmarks
from finance.funds.reports import WhatIf
from finance.lines.rules import RBL_DEFAULTS
from grants.calls.forms import RULE_FIELDS, CallForm, offered
from grants.calls.models import Call
from grants.calls.policy import must_be_draft
from grants.calls.queries import call_in_scope, calls_by_state, is_open, publicity, rules_of
from grants.calls.reports import CALLS, trail, what_if_granted
from grants.calls.rules import RAW_DEFAULTS, REL_DEFAULTS, RPN_DEFAULTS, announced, notice_problem
from grants.calls.services import (
    approve_call,
    cancel_call,
    draft_call,
    fail_call,
    publish_call,
    return_call,
    review_call,
    update_call,
)
from grants.rubrics.models import Rubric
from grants.rubrics.queries import rubrics_of
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("calls", __name__, url_prefix="/calls")

navigation.add_entry(
    "calls.list", N_("Calls"), icon="call", group="grants", order=10, permissions=("call.read",)
)

_STEPS = {
    "draft": ("call.review", N_("Review the call “%(title)s”"), N_("Review")),
    "reviewed": ("call.approve", N_("Approve the call “%(title)s”"), N_("Approve")),
    "approved": ("call.publish", N_("Publish the call “%(title)s”"), N_("Publish")),
}


def _tasks(user: Any) -> Iterable[navigation.Task]:
    """Calls whose next step this person may take, not having taken an earlier one."""
    units = {state: user.agency_ids(permission) for state, (permission, _title, _act) in _STEPS.items()}
    if not any(units.values()):
        return
    rows = db.session.scalars(
        select(Call).where(
            Call.agency_id.in_(set().union(*units.values())), Call.state.in_([s for s in units if units[s]])
        )
    )
    for call in rows:
        if call.agency_id not in units[call.state]:
            continue
        if call.state != "approved" and user.id in (call.drafted_by, call.reviewed_by):
            continue
        _permission, title, act = _STEPS[call.state]
        yield navigation.Task(
            title=Message(title, {"title": call.title}),
            url=url_for("calls.show", call_id=call.id),
            action=Message(act),
            due=clock.local(call.opens_at).date(),
            meta=Message(N_("opens %(day)s"), {"day": clock.local(call.opens_at).date()}),
        )


navigation.add_tasks("calls", _tasks)


@bp.get("/", endpoint="list")
@allow("call.read")
def list_calls() -> str:
    counts = calls_by_state(current_user)
    table = tables.show(CALLS, current_user, joinedload(Call.agency))
    return render_template(
        "calls/list.html",
        table=table,
        page=table.page,
        counts=counts,
        state=request.args.get("state", ""),
        open_now=is_open,
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("call.draft")
def new() -> Any:
    earmarks = _earmarks()
    form = CallForm() if request.method == "POST" else CallForm(data=_fresh(earmarks))
    _choices(form, earmarks)
    if (
        request.method == "POST"
        and form.validate()
        and _fits_the_place(form, earmarks)
        and "check" not in request.form
    ):
        agency = db.session.get_one(
            Agency, {item.id: item for item in earmarks}[form.earmark_id.data].agency_id
        )
        call = draft_call(agency, by=current_user, **form.fields_of_call())
        flash(_("The draft is saved. The next step is the review by another person."), "ok")
        return redirect(url_for("calls.show", call_id=call.id), code=303)
    page = render_template(
        "calls/edit.html",
        form=form,
        call=None,
        earmarks=earmarks,
        templates=_templates(earmarks),
        found=_what_if(form, earmarks),
    )
    return page, 422 if form.errors else 200


@bp.route("/<int:call_id>/edit", methods=["GET", "POST"])
@allow("call.draft")
def edit(call_id: int) -> Any:
    call = _load(call_id)
    if call.agency_id not in current_user.agency_ids("call.draft"):
        abort(404)
    must_be_draft(call)
    earmarks = _earmarks(call.earmark)
    form = CallForm() if request.method == "POST" else CallForm(data=_data_of(call))
    _choices(form, earmarks)
    if (
        request.method == "POST"
        and form.validate()
        and _fits_the_place(form, earmarks, call.programme)
        and "check" not in request.form
    ):
        update_call(call, by=current_user, **form.fields_of_call())
        flash(_("The draft is saved."), "ok")
        return redirect(url_for("calls.show", call_id=call.id), code=303)
    page = render_template(
        "calls/edit.html",
        form=form,
        call=call,
        earmarks=earmarks,
        templates=_templates(earmarks),
        found=_what_if(form, earmarks),
    )
    return page, 422 if form.errors else 200


def _what_if(form: CallForm, earmarks: Sequence[Earmark]) -> WhatIf | None:
    """What the call would change once all of its money is granted; ``None`` before an earmark is chosen."""
    chosen = next((item for item in earmarks if item.id == form.earmark_id.data), None)
    return what_if_granted(chosen, form.title.data or "") if chosen is not None else None


@bp.get("/what-if")
@allow("call.draft")
def what_if() -> str:
    """The same for the earmark chosen now; reads only. The form's fields come as the query."""
    earmarks = _earmarks()
    known = request.args.get("earmark_id", 0, type=int)
    own = earmark_in_scope(current_user, known)
    if own is not None and own.agency_id in current_user.agency_ids("call.draft"):
        earmarks = [own]
    form = CallForm(request.args)
    _choices(form, earmarks)
    return render_template("calls/what_if.html", found=_what_if(form, earmarks))


@bp.get("/<int:call_id>")
@allow("call.read")
def show(call_id: int) -> str:
    call = _load(call_id)
    rules = rules_of(call)
    people = _people(call)
    return render_template(
        "calls/show.html",
        call=call,
        rules=announced(rules, max_applications=call.max_applications),
        rule_label=rules.label,
        available=earmark_available(call.earmark),
        shares=Money.split(call.project_cap, list(call.tranche_weights)),
        legs=_legs(call, people),
        history=trail(call, EVENTS),
        open_now=is_open(call),
        days_left=clock.working_days_left(clock.local(call.deadline_at).date()),
        may=_may(call),
    )


@bp.post("/<int:call_id>/review")
@allow("call.review")
def review(call_id: int) -> Any:
    return _step(
        call_id, lambda call: review_call(call, by=current_user), _("Reviewed. Next: the approving leader.")
    )


@bp.post("/<int:call_id>/approve")
@allow("call.approve")
def approve(call_id: int) -> Any:
    return _step(
        call_id, lambda call: approve_call(call, by=current_user), _("Approved. It can be published.")
    )


@bp.post("/<int:call_id>/publish")
@allow("call.publish")
def publish(call_id: int) -> Any:
    return _step(
        call_id,
        lambda call: publish_call(call, by=current_user),
        _("Published. Rules and rubrics are fixed from here on."),
    )


@bp.post("/<int:call_id>/return", endpoint="return")
@allow("call.draft", "call.review", "call.approve")
def send_back(call_id: int) -> Any:
    reason = request.form.get("reason", "")
    return _step(
        call_id, lambda call: return_call(call, reason=reason, by=current_user), _("Sent back to draft.")
    )


@bp.post("/<int:call_id>/cancel")
@allow("call.draft", "call.approve")
def cancel(call_id: int) -> Any:
    reason = request.form.get("reason", "")
    return _step(call_id, lambda call: cancel_call(call, reason=reason, by=current_user), _("Cancelled."))


@bp.post("/<int:call_id>/fail")
@allow("call.approve")
def fail(call_id: int) -> Any:
    reason = request.form.get("reason", "")
    return _step(call_id, lambda call: fail_call(call, reason=reason, by=current_user), _("Declared failed."))


def _step(call_id: int, act: Any, done: str) -> Any:
    call = _load(call_id)
    act(call)
    flash(done, "ok")
    return redirect(url_for("calls.show", call_id=call.id), code=303)


def _load(call_id: int) -> Call:
    return call_in_scope(current_user, call_id) or abort(404)


def _may(call: Call) -> dict[str, bool]:
    """Which acts the page offers; the services ask again."""
    own = {
        name: current_user.may(f"call.{name}", agency_id=call.agency_id)
        for name in ("draft", "review", "approve", "publish")
    }
    earlier = (call.drafted_by, call.reviewed_by)
    return {
        "edit": call.state == "draft" and own["draft"],
        "review": call.state == "draft" and own["review"] and current_user.id not in earlier,
        "approve": call.state == "reviewed" and own["approve"] and current_user.id not in earlier,
        "publish": call.state == "approved" and own["publish"],
        "return": call.state in ("reviewed", "approved")
        and (own["draft"] or own["review"] or own["approve"]),
        "cancel": (call.state in ("draft", "reviewed", "approved") and own["draft"])
        or (call.state == "published" and own["approve"]),
        "fail": call.state in ("published", "judged") and own["approve"] and call.deadline_at <= clock.now(),
    }


def _people(call: Call) -> dict[int, User]:
    ids = {number for number in (call.drafted_by, call.reviewed_by, call.approved_by) if number}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _legs(call: Call, people: dict[int, User]) -> list[dict[str, Any]]:
    """Prepared, reviewed, approved: who did it, or whose turn it is."""
    now = {"draft": 1, "reviewed": 2}.get(call.state, 3)
    legs = []
    for place, (role, number) in enumerate(
        (
            (_("Prepared"), call.drafted_by),
            (_("Reviewed"), call.reviewed_by),
            (_("Approved"), call.approved_by),
        )
    ):
        status = "done" if number else ("now" if place == now else "wait")
        legs.append({"role": role, "who": people[number].name if number else "", "status": status})
    return legs


def _earmarks(chosen: Earmark | None = None) -> list[Earmark]:
    """Earmarks of the units where this person drafts calls, with money left; and the one chosen before."""
    rows: list[Earmark] = db.session.scalars(
        visible_earmarks(current_user)
        .where(Earmark.agency_id.in_(current_user.agency_ids("call.draft")))
        .order_by(Earmark.id.desc())
    ).all()  # type: ignore[assignment]
    return [item for item in rows if earmark_available(item) > Money(0) or (chosen and item.id == chosen.id)]


def _choices(form: CallForm, earmarks: list[Earmark]) -> None:
    form.earmark_id.choices = offered(
        (
            item.id,
            _(
                "%(title)s · %(source)s · %(available)s yuan available",
                title=item.title,
                source=item.budget.fund_source.name,
                available=earmark_available(item).format(),
            ),
        )
        for item in earmarks
    )
    units = sorted(current_user.agency_ids("call.draft"))
    for family, field in (
        ("selection", form.selection_rubric_id),
        ("midterm", form.midterm_rubric_id),
        ("final", form.final_rubric_id),
    ):
        found: list[Rubric] = [rubric for unit in units for rubric in rubrics_of(unit, family)]
        field.choices = offered((item.id, item.name) for item in found)
    form.min_grade.choices = offered(
        [(0, _("none")), *((grade, _("%(grade)sA and above", grade=grade)) for grade in range(1, 6))]
    )


def _fits_the_place(form: CallForm, earmarks: list[Earmark], programme: str = "venture_grant") -> bool:
    """Whether grants of this size may be paid in these tranches, and stand in public for so few days;
    the reason stands at the field."""
    chosen = {item.id: item for item in earmarks}[form.earmark_id.data]
    problem = whole_at_once(chosen.agency_id, programme, form.weights, form.project_cap.data)
    if problem is not None:
        form.tranche_1.errors = [*form.tranche_1.errors, say(problem)]
    short = notice_problem(form.notice_days.data or 0, publicity(chosen.agency_id, programme))
    if short is not None:
        form.notice_days.errors = [*form.notice_days.errors, say(short)]
    return problem is None and short is None


def _templates(earmarks: list[Earmark]) -> list[str]:
    """How grants are usually split at these units."""
    found = [
        template
        for agency_id in dict.fromkeys(item.agency_id for item in earmarks)
        for template in tranche_parameters(agency_id, "venture_grant")["tranche_templates"]
    ]
    return list(dict.fromkeys(found))


def _fresh(earmarks: list[Earmark]) -> dict[str, Any]:
    """The defaults of a new call."""
    public = publicity(earmarks[0].agency_id) if earmarks else RPN_DEFAULTS
    return {
        "year": clock.today().year,
        "round_number": 1,
        "max_applications": 1,
        "notice_days": public["notice_days"],
        "count_start_day": public["count_start_day"],
        "tranche_1": 50,
        "tranche_2": 40,
        "tranche_3": 10,
        "earmark_id": earmarks[0].id if earmarks else None,
        **REL_DEFAULTS,
        **RBL_DEFAULTS,
        **RAW_DEFAULTS,
    }


def _data_of(call: Call) -> dict[str, Any]:
    rules = rules_of(call)
    weights = [*call.tranche_weights, 0, 0, 0]
    names = (
        "title", "document_number", "year", "round_number", "summary", "contact", "earmark_id", "project_cap",
        "max_applications", "selection_rubric_id", "midterm_rubric_id", "final_rubric_id", "opens_at",
        "deadline_at", "notice_days", "count_start_day",
    )  # fmt: skip
    return {
        **{name: getattr(call, name) for name in names},
        "categories": [item["code"] for item in call.categories],
        "tranche_1": weights[0],
        "tranche_2": weights[1],
        "tranche_3": weights[2],
        **{name: rules[name] for name in RULE_FIELDS},
    }


EVENTS = {
    "drafted": N_("Drafted"),
    "changed": N_("Changed"),
    "reviewed": N_("Reviewed"),
    "approved": N_("Approved"),
    "returned": N_("Sent back"),
    "published": N_("Published"),
    "judged": N_("Judging closed"),
    "concluded": N_("Concluded"),
    "cancelled": N_("Cancelled"),
    "failed": N_("Declared failed"),
}
