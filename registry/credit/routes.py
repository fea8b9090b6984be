"""The credit file of an organization, its standing on a day, the lists, and the way on and off them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve, store
from core.lifecycle import available
from core.rules.rules import Finding
from core.text import N_, Message
from core.web import navigation, tables
from core.web.forms import asked_day
from core.web.gate import allow
from core.web.words import in_english, say
from registry.accounts.models import User
from registry.credit import queries, services
from registry.credit.forms import (
    AdverseForm,
    ApplyForm,
    EndForm,
    EntryForm,
    ExamineForm,
    ListsForm,
    NoteForm,
    ProposalForm,
    StandingForm,
)
from registry.credit.models import (
    ADVERSE_KINDS,
    KINDS,
    LISTS,
    PENALTIES,
    AdverseRecord,
    CreditEntry,
    CreditProposal,
    CreditRemoval,
)
from registry.credit.reports import ADVERSE, ENTRIES
from registry.credit.rules import (
    CONSEQUENCES,
    CREDIT_LAW,
    CreditFact,
    bars,
    consequences,
    standing,
)
from registry.organizations.models import Organization
from registry.organizations.queries import editable_organization, named, visible_organizations
from registry.persons.services import record_person

bp = Blueprint("credit", __name__, url_prefix="/credit")
Answer = str | tuple[str, int] | Response

navigation.add_entry(
    "credit.lists", N_("Credit lists"), icon="shield", group="register", order=30, permissions=("credit.read",)
)  # fmt: skip

EVENTS = {
    "proposed": N_("Entry proposed"),
    "reviewed": N_("Proposal reviewed"),
    "confirmed": N_("Entry confirmed"),
    "refused": N_("Refused"),
    "applied": N_("Removal applied for"),
    "examined": N_("Correction examined"),
    "verified": N_("Correction verified"),
    "granted": N_("Taken off"),
}
REMOVAL_ACTS = {"applied": N_("Examine"), "examined": N_("Verify"), "verified": N_("Decide")}
PROPOSAL_ACTS = {"proposed": N_("Review the proposal"), "reviewed": N_("Confirm or refuse")}
LIST_PAGES = ("credit.lists", "credit.due", "credit.adverse", "credit.new_adverse", "credit.end_adverse",
              "credit.show_proposal", "credit.show_removal")  # fmt: skip


@bp.before_request
def place_in_menu() -> None:
    """The file is a page of an organization; the lists have their own place."""
    office = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    if office and request.endpoint in LIST_PAGES:
        g.menu_entry = "credit.lists"
    else:
        g.menu_entry = "directory.list" if office else "organizations.own"


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {"CREDIT_KINDS": KINDS, "CREDIT_PENALTIES": PENALTIES}


def _tasks(user: Any) -> Iterator[navigation.Task]:
    for removal in queries.removals_waiting(user):
        days = int(queries.credit_rules(removal.entry.organization, on=clock.today())["removal_days"])
        yield navigation.Task(
            title=Message(
                N_("Removal from a list: %(kind)s, %(name)s"),
                {"kind": Message(KINDS[removal.entry.kind]), "name": removal.entry.organization.name},
            ),
            url=url_for("credit.show_removal", removal_id=removal.id),
            action=Message(REMOVAL_ACTS[removal.state]),
            due=clock.add_working_days(removal.examined_on or removal.applied_on, days),
        )
    for proposal in queries.proposals_waiting(user):
        yield navigation.Task(
            title=Message(
                N_("Proposed entry: %(kind)s, %(name)s"),
                {"kind": Message(KINDS[proposal.kind]), "name": proposal.organization.name},
            ),
            url=url_for("credit.show_proposal", proposal_id=proposal.id),
            action=Message(PROPOSAL_ACTS[proposal.state]),
        )


navigation.add_tasks("credit", _tasks)


def _readable(organization_id: int) -> Organization:
    organization = db.session.scalar(
        select(Organization).where(
            Organization.id == organization_id,
            or_(
                Organization.agency_id.in_(current_user.agency_ids("credit.read")),
                Organization.id.in_(current_user.organization_ids("own.read")),
            ),
        )
    )
    return organization or abort(404)


@bp.get("/of/<int:organization_id>", endpoint="list")
@allow("credit.read", "own.read")
def list_entries(organization_id: int) -> str:
    organization = _readable(organization_id)
    today = clock.today()
    entries = queries.entries_of(organization)
    months = int(queries.standing_rules(organization, on=today)["ban_months"])
    return render_template(
        "credit/list.html",
        organization=organization,
        entries=entries,
        removals=queries.living_removals(current_user, entries),
        barred={
            entry.id: clock.add_months(entry.entered_on, months)
            for entry in entries
            if bars(CreditFact(entry.kind, entry.entered_on, entry.removed_on), "E16")
        },
        today=today,
        may_edit=current_user.may("credit.edit", agency_id=organization.agency_id),
        may_apply=current_user.may("credit.edit", agency_id=organization.agency_id)
        or current_user.may("own.edit", organization_id=organization.id),
    )


@bp.get("/of/<int:organization_id>/standing", endpoint="standing")
@allow("credit.read", "own.read")
def show_standing(organization_id: int) -> str:
    """Whether anything stands against the organization on a day, by the rules that eligibility asks."""
    organization = _readable(organization_id)
    day = asked_day("on") or clock.today()
    facts = queries.standing_facts(organization)
    rules = queries.standing_rules(organization, on=day)
    lists = queries.credit_rules(organization, on=day)
    return render_template(
        "credit/standing.html",
        organization=organization,
        form=StandingForm(data={"on": day}),
        day=day,
        findings=[*standing(facts, rules, on=day, applied_on=day, rule_set=rules.label).values()],
        rule_set=rules.label,
        consequences=consequences(facts, lists, on=day),
        consequence_words=CONSEQUENCES,
        source=lists.source or CREDIT_LAW,
    )


@bp.route("/of/<int:organization_id>/new", methods=["GET", "POST"])
@allow("credit.edit")
def record(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "credit.edit") or abort(404)
    form = EntryForm()
    if form.validate_on_submit():
        try:
            services.record_entry(
                organization,
                form.kind.data,
                entered_on=form.entered_on.data,
                grounds=form.grounds.data,
                source=form.source.data or "",
                penalty=form.penalty.data or "",
                fine=form.fine.data,
                by=current_user,
            )
            flash(gettext("The entry is made. Eligibility reads it from now on."), "ok")
            return redirect(url_for("credit.list", organization_id=organization.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("credit/record.html", form=form, organization=organization),
        422 if form.is_submitted() else 200,
    )


# Off again --------------------------------------------------------------------------------------


@bp.route("/<int:entry_id>/remove", methods=["GET", "POST"])
@allow("credit.edit", "own.edit")
def remove(entry_id: int) -> Answer:
    """Apply that an entry be taken off: the organization itself, or its unit for it."""
    entry = queries.reachable_entry(current_user, entry_id) or abort(404)
    form = ApplyForm()
    if form.validate_on_submit():
        try:
            sent = form.file.data
            file = store(sent.stream, sent.filename, by=current_user) if sent and sent.filename else None
            removal = services.apply_for_removal(entry, reason=form.reason.data, file=file, by=current_user)
            flash(
                gettext("The application is made. It is examined and verified, then the leader decides."),
                "ok",
            )
            return redirect(url_for("credit.show_removal", removal_id=removal.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("credit/remove.html", form=form, entry=entry, organization=entry.organization),
        422 if form.is_submitted() else 200,
    )


def _removal(removal_id: int) -> CreditRemoval:
    return queries.removal_in_scope(current_user, removal_id) or abort(404)


@bp.get("/removals/<int:removal_id>")
@allow("credit.read", "own.read")
def show_removal(removal_id: int) -> str:
    return _removal_page(_removal(removal_id))


def _removal_page(removal: CreditRemoval, **forms: Any) -> str:
    steps = {item.name for item in available(removal, current_user)}
    before = (removal.applied_by, removal.examined_by, removal.verified_by)
    fresh = current_user.id not in before
    days = int(queries.credit_rules(removal.entry.organization, on=clock.today())["removal_days"])
    return render_template(
        "credit/show_removal.html",
        removal=removal,
        entry=removal.entry,
        organization=removal.entry.organization,
        file=db.session.get(StoredFile, removal.file_id) if removal.file_id else None,
        due=clock.add_working_days(removal.examined_on or removal.applied_on, days),
        examine=(forms.get("examine") or ExamineForm()) if "examine" in steps else None,
        decide=(forms.get("decide") or NoteForm()) if fresh and steps & {"verify", "grant"} else None,
        people=_people(*before, removal.decided_by),
        history=history_of(removal),
        events=EVENTS,
        source=CREDIT_LAW,
    )


def _people(*ids: int | None) -> dict[int, str]:
    known = [item for item in ids if item is not None]
    return {row.id: row.name for row in db.session.scalars(select(User).where(User.id.in_(known)))}


@bp.get("/removals/<int:removal_id>/proof")
@allow("credit.read", "own.read")
def proof(removal_id: int) -> Response:
    removal = _removal(removal_id)
    if removal.file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, removal.file_id))


@bp.post("/removals/<int:removal_id>/examine")
@allow("credit.edit")
def examine(removal_id: int) -> Any:
    removal = _removal(removal_id)
    form = ExamineForm()
    if not form.validate():
        return _removal_page(removal, examine=form), 422
    services.examine_removal(removal, opinion=form.opinion.data, by=current_user)
    flash(gettext("It is examined. A reviewing officer verifies it, then the leader decides."), "ok")
    return redirect(url_for("credit.show_removal", removal_id=removal.id), code=303)


@bp.post("/removals/<int:removal_id>/<any(verify,grant,refuse):step>")
@allow("credit.review", "credit.approve")
def decide_removal(removal_id: int, step: str) -> Any:
    removal = _removal(removal_id)
    form = NoteForm()
    if step == "refuse" and not (form.note.data or "").strip():
        form.note.errors = [gettext("Say why the entry stays.")]
        return _removal_page(removal, decide=form), 422
    if not form.validate():
        return _removal_page(removal, decide=form), 422
    if step == "verify":
        services.verify_removal(removal, note=form.note.data or "", by=current_user)
        flash(gettext("It is verified. The leader decides."), "ok")
    elif step == "grant":
        services.grant_removal(removal, note=form.note.data or "", by=current_user)
        flash(gettext("The entry is removed from that day on; its history stays."), "ok")
    else:
        services.refuse_removal(removal, note=form.note.data, by=current_user)
        flash(gettext("The entry stays. The organization sees why."), "ok")
    return redirect(url_for("credit.show_removal", removal_id=removal.id), code=303)


# The lists --------------------------------------------------------------------------------------


@bp.get("/lists")
@allow("credit.read")
def lists() -> str:
    form = ListsForm(request.args)
    everything = queries.visible_entries(current_user)
    return render_template(
        "credit/lists.html",
        form=form,
        table=(table := tables.show(ENTRIES, current_user, joinedload(CreditEntry.organization))),
        page=table.page,
        counts=tables.counts_by(everything.where(CreditEntry.removed_on.is_(None)), CreditEntry.kind, LISTS),
        kind=request.args.get("kind", ""),
        proposals=queries.proposals_shown(current_user),
        removals=queries.removals_shown(current_user),
        living=queries.living_removals(current_user, table.page.rows),
        editable=current_user.agency_ids("credit.edit"),
        may_edit=current_user.may_somewhere("credit.edit"),
    )


@bp.get("/due")
@allow("credit.edit")
def due() -> str:
    """What the rules find due for a list and nobody has proposed yet."""
    return render_template(
        "credit/due.html",
        due=queries.due_entries(current_user),
        shown=queries.DUE_SHOWN,
        kinds=KINDS,
        without_results=queries.without_results(current_user),
        may_read=current_user.may_somewhere("credit.read"),
    )


@bp.route(
    "/of/<int:organization_id>/propose/<any(abnormal_list,dishonesty_list,zombie_list):kind>",
    methods=["GET", "POST"],
)
@allow("credit.edit")
def propose(organization_id: int, kind: str) -> Answer:
    organization = editable_organization(current_user, organization_id, "credit.edit") or abort(404)
    finding = queries.due_of(organization, kind)
    apart = " " if in_english() else ""
    text = f"{say(finding.sentence)}{apart}{say(finding.numbers)}" if finding else ""
    form = ProposalForm(data={"grounds": text, "source": finding.source if finding else ""})
    if form.validate_on_submit():
        try:
            proposal = services.propose_entry(
                organization,
                kind,
                finding=finding,
                grounds=form.grounds.data,
                source=form.source.data or "",
                by=current_user,
            )
            flash(gettext("The entry is proposed. It is reviewed, then the leader decides."), "ok")
            return redirect(url_for("credit.show_proposal", proposal_id=proposal.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "credit/propose.html", form=form, organization=organization, kind=kind, finding=finding
        ),
        422 if form.is_submitted() else 200,
    )


def _proposal(proposal_id: int) -> CreditProposal:
    return queries.proposal_in_scope(current_user, proposal_id) or abort(404)


@bp.get("/proposals/<int:proposal_id>")
@allow("credit.read")
def show_proposal(proposal_id: int) -> str:
    return _proposal_page(_proposal(proposal_id))


def _proposal_page(proposal: CreditProposal, form: NoteForm | None = None) -> str:
    steps = {item.name for item in available(proposal, current_user)}
    fresh = current_user.id not in (proposal.proposed_by, proposal.reviewed_by)
    rules = queries.credit_rules(proposal.organization, on=clock.today())
    return render_template(
        "credit/show_proposal.html",
        proposal=proposal,
        organization=proposal.organization,
        finding=Finding.from_dict(proposal.finding) if proposal.finding else None,
        forbids=rules[f"{proposal.kind.removesuffix('_list')}_forbids"],
        consequence_words=CONSEQUENCES,
        form=(form or NoteForm()) if fresh and steps & {"review", "confirm"} else None,
        people=_people(proposal.proposed_by, proposal.reviewed_by, proposal.decided_by),
        history=history_of(proposal),
        events=EVENTS,
    )


@bp.post("/proposals/<int:proposal_id>/<any(review,confirm,refuse):step>")
@allow("credit.review", "credit.approve")
def decide_proposal(proposal_id: int, step: str) -> Any:
    proposal = _proposal(proposal_id)
    form = NoteForm()
    if step == "refuse" and not (form.note.data or "").strip():
        form.note.errors = [gettext("Say why it is not entered.")]
        return _proposal_page(proposal, form), 422
    if not form.validate():
        return _proposal_page(proposal, form), 422
    if step == "review":
        services.review_proposal(proposal, note=form.note.data or "", by=current_user)
        flash(gettext("It is reviewed. The leader decides."), "ok")
    elif step == "confirm":
        services.confirm_proposal(proposal, note=form.note.data or "", by=current_user)
        flash(gettext("The entry is made. Eligibility reads it from now on."), "ok")
    else:
        services.refuse_proposal(proposal, note=form.note.data, by=current_user)
        flash(gettext("The proposal is refused."), "ok")
    return redirect(url_for("credit.show_proposal", proposal_id=proposal.id), code=303)


# Persons ----------------------------------------------------------------------------------------


@bp.get("/adverse")
@allow("credit.read")
def adverse() -> str:
    table = tables.show(
        ADVERSE, current_user, joinedload(AdverseRecord.person), joinedload(AdverseRecord.organization)
    )
    return render_template(
        "credit/adverse.html",
        table=table,
        page=table.page,
        kinds=ADVERSE_KINDS,
        may_edit=current_user.may_somewhere("credit.edit"),
        may_end=current_user.agency_ids("credit.review"),
    )


@bp.route("/adverse/new", methods=["GET", "POST"])
@allow("credit.edit")
def new_adverse() -> Answer:
    form = AdverseForm()
    if form.validate_on_submit():
        organization = None
        if (form.organization.data or "").strip():
            organization = named(visible_organizations(current_user), form.organization.data)
            if organization is None:
                form.organization.errors = [
                    gettext("No organization of this name or code is on your register.")
                ]
        if not form.organization.errors:
            try:
                services.record_adverse(
                    next(current_user.held("credit.edit")).agency,
                    record_person(form.name.data, phone=form.phone.data, by=current_user),
                    form.kind.data,
                    entered_on=form.entered_on.data,
                    grounds=form.grounds.data,
                    source=form.source.data or "",
                    organization=organization,
                    by=current_user,
                )
                flash(gettext("The record is made. Eligibility asks for it wherever the person leads."), "ok")
                return redirect(url_for("credit.adverse"), code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return render_template("credit/new_adverse.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/adverse/<int:record_id>/end", methods=["GET", "POST"])
@allow("credit.review")
def end_adverse(record_id: int) -> Answer:
    row = queries.adverse_in_scope(current_user, record_id) or abort(404)
    form = EndForm()
    if form.validate_on_submit():
        try:
            services.remove_adverse(row, reason=form.reason.data, by=current_user)
            flash(gettext("The record ends today; its history stays."), "ok")
            return redirect(url_for("credit.adverse"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("credit/end_adverse.html", form=form, row=row, kinds=ADVERSE_KINDS),
        422 if form.is_submitted() else 200,
    )
