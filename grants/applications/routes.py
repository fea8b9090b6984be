"""Pages of applications: for applicants, and for the unit that called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.files.services import serve, store
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow, keep
from core.web.paging import paginate
from core.web.words import say
from finance.lines.rules import LINES, percent_beside, share_limit
from grants.applications.forms import ATTACHMENT_KINDS, ApplicationForm, StartForm
from grants.applications.lifecycle import HOLDERS, lifecycle
from grants.applications.models import Application, Attachment
from grants.applications.policy import may_see_as_applicant, may_write, must_be_writable
from grants.applications.queries import application_in_scope, own_applications, version_of
from grants.applications.reports import (
    APPLICATIONS,
    REVIEW_DAYS,
    caps_of,
    in_every_state,
    line_rows,
    stages_of,
    whose_turn,
)
from grants.applications.services import (
    EDITABLE,
    OPTIMIZABLE,
    add_attachment,
    ask_to_optimize,
    confirm_eligibility,
    findings_for,
    missing,
    remove_attachment,
    return_for_supplement,
    save_application,
    start_application,
    submit_application,
    withdraw,
)
from grants.calls.forms import offered
from grants.calls.models import Call
from grants.calls.queries import is_open, open_calls, published_call, rules_of
from grants.calls.reports import trail
from grants.calls.rules import CATEGORIES, announced
from registry.accounts.models import User
from registry.organizations.models import Organization
from registry.organizations.queries import own_organizations, readable

bp = Blueprint("applications", __name__, url_prefix="/applications")

navigation.add_entry(
    "applications.list",
    N_("Applications"),
    icon="form",
    group="grants",
    order=20,
    permissions=("application.read",),
)

navigation.add_entry(
    "applications.opportunities", N_("Open calls"), icon="call", group="grants", order=11,
    permissions=("application.write",),
)  # fmt: skip

navigation.add_entry(
    "applications.mine", N_("My applications"), icon="form", group="grants", order=21,
    permissions=("application.write",),
)  # fmt: skip


@bp.before_request
def place_in_menu() -> None:
    """Applicants and officers read the same pages from different places."""
    if request.endpoint in ("applications.opportunities", "applications.start"):
        g.menu_entry = "applications.opportunities"
    elif current_user.is_authenticated and current_user.may_somewhere("application.write"):
        g.menu_entry = "applications.mine"
    else:
        g.menu_entry = "applications.list"


SUPPLEMENT_DAYS = 5

EVENTS = {
    "started": N_("Started"),
    "saved": N_("Saved"),
    "attached": N_("File attached"),
    "detached": N_("File removed"),
    "submitted": N_("Submitted"),
    "supplemented": N_("Supplement submitted"),
    "returned": N_("Supplement asked for"),
    "confirmed_eligible": N_("Confirmed as eligible"),
    "declared_ineligible": N_("Declared not eligible"),
    "shortlisted": N_("Shortlisted"),
    "optimization_asked": N_("Asked to optimize the plan"),
    "optimized": N_("Optimized plan submitted"),
    "proposed": N_("Proposed"),
    "put_in_notice": N_("Put in public notice"),
    "objected": N_("Objected to"),
    "objection_cleared": N_("Objection settled"),
    "awarded": N_("Awarded"),
    "rejected": N_("Not awarded"),
    "withdrawn": N_("Withdrawn"),
}

# What the audit trail says was changed by a saving.
FIELDS = {
    "title": N_("Name of the project"), "category": N_("Category"), "need": N_("Need"), "goals": N_("Goals"),
    "plan": N_("Plan"), "risks": N_("Risks and answers"), "party_building": N_("Party building in the project"),
    "place": N_("Place"), "beneficiaries": N_("People served"), "person_times": N_("Times served (person-times)"),
    "starts_on": N_("First day of the project"), "ends_on": N_("Last day of the project"),
    "leader_name": N_("Project leader"), "leader_phone": N_("Leader's phone"),
    "integrity_committed": N_("Integrity commitment"), "party_committed": N_("Party building commitment"),
    "requested": N_("Grant asked for"), "budget": N_("Budget"),
}  # fmt: skip

TONES = {"declared_ineligible": "wrong", "rejected": "wrong", "objected": "wrong"}


# What waits for whom ---------------------------------------------------------------------------


def _tasks(user: Any) -> Iterable[navigation.Task]:
    yield from _applicant_tasks(user)
    yield from _officer_tasks(user)


def _applicant_tasks(user: Any) -> Iterable[navigation.Task]:
    own = user.organization_ids("application.write")
    if not own:
        return
    now = clock.now()
    rows = db.session.scalars(
        select(Application)
        .join(Application.call)
        .where(
            Application.organization_id.in_(own),
            or_(
                (Application.state == "draft") & (Call.state == "published") & (Call.deadline_at > now),
                Application.state.in_(("returned", "optimizing")),
            ),
        )
        .options(joinedload(Application.call))
        .order_by(Application.id)
    )
    for row in rows:
        leads = user.may("application.submit", organization_id=row.organization_id)
        due: date | None
        if row.state == "draft":
            due = clock.local(row.call.deadline_at).date()
            title = N_("Check and submit “%(title)s”") if leads else N_("Finish the application “%(title)s”")
        elif row.state == "returned":
            due, title = row.supplement_due_on, N_("Send the supplement for “%(title)s”")
        else:
            due, title = None, N_("Optimize the plan of “%(title)s”")
        yield navigation.Task(
            title=Message(title, {"title": row.title}),
            url=url_for("applications.edit", application_id=row.id),
            action=Message(N_("Open")),
            due=due,
            meta=Message(N_("%(call)s"), {"call": row.call.title}),
            amount=row.requested or None,
        )


def _officer_tasks(user: Any) -> Iterable[navigation.Task]:
    """One line for each call with applications that wait for the eligibility review."""
    units = user.agency_ids("application.confirm_eligibility")
    if not units:
        return
    rows = db.session.execute(
        select(Call, func.count(), func.sum(Application.requested))
        .join(Application, Application.call_id == Call.id)
        .where(Call.agency_id.in_(units), Application.state == "submitted", Call.state == "published")
        .group_by(Call.id)
    )
    for call, count, requested in rows:
        closes = clock.local(call.deadline_at).date()
        yield navigation.Task(
            title=Message(N_("Review the eligibility of applications (%(count)s)"), {"count": count}),
            url=url_for("applications.list", call=call.id, state="submitted"),
            action=Message(N_("Review")),
            due=clock.add_working_days(closes, REVIEW_DAYS),
            meta=Message(N_("%(call)s"), {"call": call.title}),
            amount=requested,
        )


navigation.add_tasks("applications", _tasks)


# The applicant ---------------------------------------------------------------------------------


@bp.get("/calls")
@allow("application.write")
def opportunities() -> str:
    """Open calls, and what one's organizations already have in them."""
    calls = open_calls()
    mine: dict[int, list[Application]] = {}
    for row in db.session.scalars(
        own_applications(current_user).where(
            Application.call_id.in_([call.id for call in calls]), Application.state != "withdrawn"
        )
    ):
        mine.setdefault(row.call_id, []).append(row)
    return render_template("applications/opportunities.html", calls=calls, mine=mine, today=clock.today())


@bp.get("/mine")
@allow("application.write")
def mine() -> str:
    query = own_applications(current_user).options(
        joinedload(Application.call), joinedload(Application.organization)
    )
    return render_template("applications/mine.html", page=paginate(query, (Application.id, True)))


@bp.route("/start/<int:call_id>", methods=["GET", "POST"])
@allow("application.write")
def start(call_id: int) -> Any:
    """The call as published, and the button that starts an application."""
    call = published_call(call_id) or abort(404)
    writable = current_user.organization_ids("application.write")
    organizations = [item for item in own_organizations(current_user) if item.id in writable]
    form = StartForm()
    form.organization_id.choices = offered((item.id, item.name) for item in organizations)
    if request.method == "POST" and form.validate():
        organization = db.session.get_one(Organization, form.organization_id.data)
        application = start_application(call, organization, title=form.title.data or "", by=current_user)
        return redirect(url_for("applications.edit", application_id=application.id), code=303)
    rules = rules_of(call)
    page = render_template(
        "applications/start.html",
        call=call,
        form=form,
        rules=announced(rules, max_applications=call.max_applications),
        open_now=is_open(call),
        days_left=clock.working_days_left(clock.local(call.deadline_at).date()),
    )
    return page, 422 if form.errors else 200


@bp.route("/<int:application_id>/edit", methods=["GET", "POST"])
@allow("application.write")
def edit(application_id: int) -> Any:
    """One long form: saving keeps what is there, submitting asks for everything."""
    application = _own(application_id)
    must_be_writable(application)
    form = ApplicationForm() if request.method == "POST" else ApplicationForm(data=_data_of(application))
    form.category.choices = offered(
        [("", _("choose")), *((item["code"], item["name"]) for item in application.call.categories)]
    )
    if application.state == "optimizing":
        form.keep_only(OPTIMIZABLE)
    submitting = request.method == "POST" and request.form.get("do") == "submit"
    if request.method == "POST" and form.validate():
        save_application(application, fields=form.fields_given(), lines=form.lines_given(), by=current_user)
        _store_files(application, form)
        if not submitting:
            flash(_("Saved. Nothing is submitted yet."), "ok")
            return redirect(url_for("applications.edit", application_id=application.id), code=303)
        found = missing(application)
        if not found:
            version = submit_application(application, by=current_user)
            flash(_("Submitted. This is the receipt."), "ok")
            return redirect(
                url_for("applications.receipt", application_id=application.id, version=version.version),
                code=303,
            )
        # What was typed is kept as a draft, together with the files.
        keep()
        _mark(form, found)
    page = render_template(
        "applications/edit.html",
        application=application,
        call=application.call,
        form=form,
        lines=LINES,
        caps=caps_of(application.call),
        table=_table(form, application),
        may_submit=current_user.may("application.submit", organization_id=application.organization_id),
        kinds=ATTACHMENT_KINDS,
        version=len(application.versions) + 1,
    )
    return page, 422 if form.errors else 200


def _mark(form: ApplicationForm, found: list[tuple[str, Message]]) -> None:
    """Put each missing thing at its field, so that the summary links to it."""
    for name, sentence in found:
        if name in form:
            form[name].errors = [*form[name].errors, say(sentence)]
        else:
            form.form_errors.append(say(sentence))


def _store_files(application: Application, form: ApplicationForm) -> None:
    for upload in form.attachments.data or []:
        if upload and getattr(upload, "filename", ""):
            file = store(upload.stream, upload.filename, by=current_user)
            add_attachment(application, file, kind=form.attachment_kind.data or "other", by=current_user)


@bp.post("/<int:application_id>/files/<int:attachment_id>/remove")
@allow("application.write")
def remove_file(application_id: int, attachment_id: int) -> Any:
    application = _own(application_id)
    remove_attachment(application, _attachment(application, attachment_id), by=current_user)
    return redirect(url_for("applications.edit", application_id=application.id) + "#files", code=303)


@bp.get("/<int:application_id>/files/<int:attachment_id>")
@allow("application.read", "own.read")
def file(application_id: int, attachment_id: int) -> Any:
    return serve(_attachment(_load(application_id), attachment_id).file)


@bp.get("/<int:application_id>/receipt")
@allow("application.read", "own.read")
def receipt(application_id: int) -> str:
    """The proof of submission: number, time by the server's clock, digest of the content."""
    application = _load(application_id)
    version = version_of(application, request.args.get("version", type=int)) or abort(404)
    return render_template(
        "applications/receipt.html",
        application=application,
        version=version,
        content=json.loads(version.content),
        lines=LINES,
        categories=CATEGORIES,
        kinds=ATTACHMENT_KINDS,
        money=Money.parse,
    )


@bp.get("/<int:application_id>/receipt.json")
@allow("application.read", "own.read")
def content(application_id: int) -> Any:
    """The locked content word for word: its SHA-256 is the digest on the receipt."""
    application = _load(application_id)
    version = version_of(application, request.args.get("version", type=int)) or abort(404)
    name = f"{application.number}-v{version.version}.json"
    return version.content, 200, {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }  # fmt: skip


@bp.post("/<int:application_id>/withdraw", endpoint="withdraw")
@allow("application.write")
def take_back(application_id: int) -> Any:
    application = _own(application_id)
    withdraw(application, by=current_user)
    flash(_("Withdrawn."), "ok")
    return redirect(url_for("applications.mine"), code=303)


# The unit that called ---------------------------------------------------------------------------


@bp.get("/", endpoint="list")
@allow("application.read")
def list_applications() -> str:
    args = tables.arguments()
    call_id = request.args.get("call", type=int)
    call = db.session.scalar(
        select(Call).where(Call.id == call_id, Call.agency_id.in_(current_user.agency_ids("application.read")))
    ) if call_id else None  # fmt: skip
    scope = in_every_state(current_user, args)
    counts = tables.counts_by(scope, Application.state, [*lifecycle.by_state])
    state = request.args.get("state", "")
    table = tables.show(
        APPLICATIONS, current_user, joinedload(Application.organization), joinedload(Application.call)
    )
    total, sums = tables.summary(table.query, Application.requested, Application.own_funds)
    return render_template(
        "applications/list.html",
        table=table,
        page=table.page,
        counts=counts,
        all_states=tables.total_of(counts),
        states=[lifecycle.by_state[name] for name in counts],
        state=state,
        call=call,
        category=request.args.get("category", ""),
        words=request.args.get("q", "").strip(),
        categories=CATEGORIES,
        total=total,
        sums=sums,
        next_one=_next_to_review(scope),
        checks={row.id: _checked(row) for row in table.page.rows},
        holders=HOLDERS,
    )


def _checked(application: Application) -> tuple[str, int] | None:
    """What the stored findings come to: the gravest verdict and how many have it; none before the decision."""
    verdicts = [item["verdict"] for item in application.findings]
    for grave in ("fail", "manual"):
        if grave in verdicts:
            return grave, verdicts.count(grave)
    return ("pass", verdicts.count("pass")) if verdicts else None


def _next_to_review(scope: Any) -> Application | None:
    units = current_user.agency_ids("application.confirm_eligibility")
    if not units:
        return None
    return db.session.scalar(
        scope.where(Application.state == "submitted", Application.agency_id.in_(units))
        .order_by(Application.id)
        .limit(1)
    )


@bp.get("/<int:application_id>")
@allow("application.read", "own.read")
def show(application_id: int) -> str:
    return _page(_load(application_id))


def _page(application: Application, problem: Refusal | None = None) -> str:
    call = application.call
    as_applicant = may_see_as_applicant(current_user, application)
    as_officer = current_user.may("application.read", agency_id=application.agency_id)
    decided = bool(application.findings)
    findings = (
        [Finding.from_dict(item) for item in application.findings]
        if decided
        else findings_for(application, on=clock.today())
        if as_officer and application.state != "withdrawn"
        else []
    )
    amount = application.proposed_amount or application.requested
    return render_template(
        "applications/show.html",
        application=application,
        call=call,
        findings=findings,
        decided=decided,
        lines=line_rows(application),
        shares=amount.split(list(call.tranche_weights)) if amount else [],
        amount=amount,
        stages=stages_of(application),
        whose_turn=whose_turn(application),
        history=trail(application, EVENTS, tones=TONES),
        people=_names(application),
        categories=CATEGORIES,
        kinds=ATTACHMENT_KINDS,
        may=_may(application, as_officer),
        as_applicant=as_applicant,
        supplement_due=clock.add_working_days(clock.today(), SUPPLEMENT_DAYS),
        problem=problem,
        typed=request.form,
    )


@bp.post("/<int:application_id>/return", endpoint="return")
@allow("application.confirm_eligibility")
def ask_supplement(application_id: int) -> Any:
    application = _to_judge(application_id)

    def act() -> None:
        try:
            due_on = date.fromisoformat(request.form.get("due_on", ""))
        except ValueError:
            raise Refusal(Message(N_("Give the day until which the supplement is awaited."))) from None
        return_for_supplement(
            application, items=request.form.get("items", ""), due_on=due_on, by=current_user
        )

    refused = _attempt(application, act)
    if refused is not None:
        return refused
    flash(_("The supplement is asked for."), "ok")
    return redirect(url_for("applications.show", application_id=application.id), code=303)


@bp.post("/<int:application_id>/eligibility")
@allow("application.confirm_eligibility")
def eligibility(application_id: int) -> Any:
    """A person confirms: every rule that needs a person is answered yes or no."""
    application = _to_judge(application_id)
    answers = {
        name.removeprefix("answer_"): value == "yes"
        for name, value in request.form.items()
        if name.startswith("answer_") and value in ("yes", "no")
    }

    def act() -> None:
        confirm_eligibility(
            application,
            eligible=request.form.get("result") == "eligible",
            note=request.form.get("note", ""),
            answers=answers,
            by=current_user,
        )

    refused = _attempt(application, act)
    if refused is not None:
        return refused
    flash(_("The decision is recorded together with its findings."), "ok")
    return redirect(url_for("applications.show", application_id=application.id), code=303)


@bp.post("/<int:application_id>/optimize")
@allow("decision.propose")
def optimize(application_id: int) -> Any:
    application = _load(application_id)
    refused = _attempt(
        application,
        lambda: ask_to_optimize(application, note=request.form.get("note", ""), by=current_user),
    )
    if refused is not None:
        return refused
    flash(_("The applicant is asked to optimize the plan."), "ok")
    return redirect(url_for("applications.show", application_id=application.id), code=303)


def _attempt(application: Application, act: Callable[[], None]) -> tuple[str, int] | None:
    """Run a step; when it is refused for what was typed, the page again with that and the reason."""
    try:
        # What a refusal leaves half-written is taken back, so that the page shows what is stored.
        with db.session.begin_nested():
            act()
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return _page(_load(application.id), problem=refusal), 422
    return None


# Loading and composing ----------------------------------------------------------------------------


def _load(application_id: int) -> Application:
    return application_in_scope(current_user, application_id) or abort(404)


def _own(application_id: int) -> Application:
    application = _load(application_id)
    if not current_user.may("application.write", organization_id=application.organization_id):
        abort(404)
    return application


def _to_judge(application_id: int) -> Application:
    application = _load(application_id)
    if application.agency_id not in current_user.agency_ids("application.confirm_eligibility"):
        abort(404)
    return application


def _attachment(application: Application, attachment_id: int) -> Attachment:
    return next((item for item in application.attachments if item.id == attachment_id), None) or abort(404)


def _data_of(application: Application) -> dict[str, Any]:
    data = {name: getattr(application, name) for name in EDITABLE}
    for line in application.lines:
        data[f"line_{line.code}_basis"] = line.basis
        data[f"line_{line.code}_grant"] = line.grant
        data[f"line_{line.code}_own"] = line.own
    return data


def _table(form: ApplicationForm, application: Application) -> dict[str, Any]:
    """Sums of the budget as typed, and what is over its cap."""
    requested: Money = (form.requested.data if "requested" in form else application.requested) or Money(0)
    grants = sum((form[f"line_{code}_grant"].data or Money(0) for code in LINES), Money(0))
    own = sum((form[f"line_{code}_own"].data or Money(0) for code in LINES), Money(0))
    over = {}
    for code, limit in caps_of(application.call).items():
        ratio = (form[f"line_{code}_grant"].data or Money(0)).ratio_to(requested)
        if ratio is not None and ratio > share_limit(limit):
            over[code] = percent_beside(ratio, share_limit(limit))
    return {"grant": grants, "own": own, "over": over, "requested": requested}


def _names(application: Application) -> dict[int, str]:
    ids = {application.submitted_by, application.eligibility_by} - {None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _may(application: Application, as_officer: bool) -> dict[str, bool]:
    """Which acts the page offers; the services ask again."""
    judge = application.agency_id in current_user.agency_ids("application.confirm_eligibility")
    overdue = bool(application.supplement_due_on and application.supplement_due_on < clock.today())
    return {
        "write": may_write(current_user, application),
        "judge": judge and application.state == "submitted",
        "judge_overdue": judge and application.state == "returned" and overdue,
        "return": judge and application.state == "submitted" and application.supplement_due_on is None,
        "optimize": application.state == "shortlisted" and current_user.may("decision.propose", agency_id=application.agency_id),
        "withdraw": application.state in ("draft", "submitted", "returned")
        and current_user.may("application.submit" if application.number else "application.write", organization_id=application.organization_id)
        and (application.number is None or is_open(application.call)),
        "phone": as_officer or may_see_as_applicant(current_user, application),
        "findings": as_officer,
        "register": bool(readable(current_user, [application.organization_id])),
    }  # fmt: skip
