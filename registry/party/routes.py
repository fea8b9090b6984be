"""Party building: the figures, the lists behind them, the file of an organization and its forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve, store
from core.money import percent
from core.text import N_, Message
from core.web import charts, navigation, tables
from core.web.forms import asked_day, sent_day
from core.web.gate import allow
from core.web.reporting import workbook
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.party import policy, queries, services
from registry.party.forms import (
    ActivityFilterForm,
    ActivityForm,
    AsOfForm,
    CharterForm,
    FilterForm,
    MemberForm,
    PostForm,
    RouteForm,
    StepForm,
    SurveyForm,
    WorkerForm,
    YearStepForm,
)
from registry.party.models import (
    ACTIVITY_KINDS,
    MEMBER_KINDS,
    POSTS,
    ROUTES,
    STEPS,
    WORKER_SOURCES,
    PartyActivity,
    PartyFile,
    PartyMember,
    PartyPost,
    PartyWorker,
)
from registry.party.reports import ACTIVITIES, ORGANIZATIONS, SHARE_WORDS, WORKERS, by_unit, share
from registry.party.rules import SOURCES, party_findings
from registry.party_orgs.models import ORG_KINDS
from registry.party_orgs.queries import covers_of, org_figures
from registry.party_orgs.rules import good_share
from registry.persons.models import Person
from registry.persons.services import record_person

bp = Blueprint("party", __name__, url_prefix="/party")
Answer = str | tuple[str, int] | Response

navigation.add_entry(
    "party.overview", N_("Party building"), icon="flag", group="register", order=40, permissions=("party.read",)
)  # fmt: skip

WORKER_EVENTS = {"added": N_("Taken into the pool"), "left": N_("Left the pool")}
SCHEMES = {"five": N_("Five steps at once"), "three": N_("Three occasions of the register")}
GAP_TASKS = {
    "should_form": N_("Organizations with three or more members and no party organization: %(count)s"),
    "no_instructor": N_("Organizations without members enough and without an instructor: %(count)s"),
}


@bp.before_request
def place_in_menu() -> None:
    """An organization's own people find its party file under their organization."""
    if current_user.is_authenticated and not current_user.may_somewhere("party.read"):
        g.menu_entry = "organizations.own"


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """The gaps as work: one entry for each list that is not empty."""
    if not user.may_somewhere("party.edit"):
        return
    for name, count in queries.gap_counts(user, GAP_TASKS).items():
        if count:
            yield navigation.Task(
                title=Message(GAP_TASKS[name], {"count": count}),
                url=url_for("party.list", view=name),
                action=Message(N_("Close the gap")),
            )


navigation.add_tasks("party", _tasks)


# Figures ----------------------------------------------------------------------------------------


@bp.get("/")
@allow("party.read")
def overview() -> str:
    """The figures of party building; each opens to its rows."""
    day = asked_day("on") or clock.today()
    whole = tables.totals_wanted()
    found = queries.figures(current_user, whole=whole)
    orgs = org_figures(current_user, day, whole=whole)
    return render_template(
        "party/overview.html",
        form=AsOfForm(data={"on": day}),
        day=day,
        counts=found.total if found else {},
        uncounted=tables.Count(queries.COUNTED, more=True),
        orgs=orgs,
        kpis=_kpis(found.total) if found else [],
        good=good_share(orgs["good"], orgs["alive"], on=day) if orgs else None,
        views=queries.VIEWS,
        gaps=queries.GAPS,
        report=by_unit(found, on=day) if found else None,
        chart=_routes_chart(found.routes) if found and found.routes else None,
        source=SOURCES["P8"],
        may_edit=current_user.may_somewhere("party.edit"),
    )


def _kpis(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Name, share, parts with their addresses, and whether the hundred percent of S0-16 and S0-17 is met."""
    found = []
    for part, whole, gap, wanted in (
        ("formed", "able", "should_form", True),
        ("instructed", "below", "no_instructor", True),
        ("charter", "all", "no_charter", False),
        ("stepped", "all", "steps_open", False),
    ):
        ratio = share(counts[part], counts[whole])
        found.append(
            {
                "label": SHARE_WORDS[part],
                "share": percent(ratio),
                "part": counts[part],
                "whole": counts[whole],
                "part_url": url_for("party.list", view=part),
                "whole_url": url_for("party.list", view=None if whole == "all" else whole),
                "gap": counts[gap],
                "gap_url": url_for("party.list", view=gap),
                "met": None if not wanted or ratio is None else ratio == 1,
            }
        )
    return found


def _routes_chart(counts: dict[str, int]) -> charts.Chart:
    names = [name for name in (*ROUTES, "") if counts.get(name)]
    return charts.bars(
        gettext("Organizations by route of supervision"),
        charts.COUNT,
        [say(ROUTES[name]) if name else gettext("none named") for name in names],
        [
            charts.Series(
                "",
                [counts[name] for name in names],
                [url_for("party.list", route=name or "none") for name in names],
            )
        ],
        horizontal=True,
        head=gettext("Route of supervision"),
    )


@bp.get("/table.xlsx")
@allow("party.read")
def table() -> Response:
    """The figures by unit as a workbook (S0-12)."""
    found = queries.figures(current_user, whole=True) or abort(404)
    report = by_unit(found, on=clock.today())
    return send_file(
        workbook(report),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"{report.title}.xlsx",
    )


@bp.get("/organizations", endpoint="list")
@allow("party.read")
def list_organizations() -> str:
    shown = tables.show(ORGANIZATIONS, current_user, joinedload(Organization.party))
    ids = [row.id for row in shown.page.rows]
    files = {
        row.organization_id: row
        for row in db.session.scalars(
            select(PartyFile)
            .where(PartyFile.organization_id.in_(ids))
            .options(joinedload(PartyFile.responsible_agency))
        )
    }
    instructors = {row.party.instructor_id for row in shown.page.rows if row.party} - {None}
    unit = request.args.get("unit", "")
    return render_template(
        "party/list.html",
        form=FilterForm(request.args),
        table=shown,
        page=shown.page,
        files=files,
        people={
            row.id: row.name for row in db.session.scalars(select(Person).where(Person.id.in_(instructors)))
        },
        unit=db.session.scalar(
            select(Agency).where(Agency.id == int(unit), Agency.id.in_(current_user.agency_ids("party.read")))
        )
        if unit.isdecimal() and len(unit) < 19
        else None,
        views=queries.VIEWS,
        gaps=queries.GAPS,
        view=request.args.get("view", ""),
        kinds=ORG_KINDS,
        routes=ROUTES,
    )


# One organization -------------------------------------------------------------------------------


def _in_scope(organization_id: int) -> Organization:
    return queries.organization_in_scope(current_user, organization_id) or abort(404)


def _editable(organization_id: int) -> Organization:
    organization = _in_scope(organization_id)
    if not policy.may_edit(current_user, organization, queries.file_of(organization)):
        abort(404)
    return organization


def _reportable(organization_id: int) -> Organization:
    organization = _in_scope(organization_id)
    if not policy.may_report(current_user, organization, queries.file_of(organization)):
        abort(404)
    return organization


def _to(organization: Organization, message: str) -> Response:
    flash(message, "ok")
    return redirect(url_for("party.show", organization_id=organization.id), code=303)


def _record(organization: Organization, form: Any, title: str, action: str) -> tuple[str, int]:
    return (
        render_template("party/record.html", organization=organization, form=form, title=title, action=action),
        422 if form.is_submitted() else 200,
    )  # fmt: skip


def _kept(sent: Any) -> StoredFile | None:
    return store(sent.stream, sent.filename, by=current_user) if sent and sent.filename else None


@bp.get("/of/<int:organization_id>")
@allow("party.read", "own.read")
def show(organization_id: int) -> str:
    organization = _in_scope(organization_id)
    row = queries.file_of(organization)
    steps = queries.steps_of(organization)
    covers = covers_of(organization)
    office = current_user.may_somewhere("party.read")
    return render_template(
        "party/show.html",
        today=clock.today(),
        organization=organization,
        row=row,
        findings=party_findings(queries.state_of_party(organization)),
        schemes=SCHEMES,
        steps=STEPS,
        done={(item.scheme, item.step): item for item in reversed(steps)},
        surveys=queries.surveys_of(organization),
        members=queries.members_of(organization),
        posts=queries.posts_of(organization),
        covers=covers,
        open_orgs={
            item.party_org_id
            for item in covers
            if office and item.party_org.agency_id in current_user.agency_ids("party.read")
        },
        activities=queries.activities_of(organization),
        words={
            "routes": ROUTES,
            "kinds": ORG_KINDS,
            "posts": POSTS,
            "sources": WORKER_SOURCES,
            "members": MEMBER_KINDS,
            "activities": ACTIVITY_KINDS,
        },
        may_edit=policy.may_edit(current_user, organization, row),
        may_report=policy.may_report(current_user, organization, row),
    )


@bp.route("/of/<int:organization_id>/route", methods=["GET", "POST"])
@allow("party.edit")
def route(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    row = queries.file_of(organization)
    root = organization.agency.path.split("/")[1]
    agencies = {
        str(item.id): item
        for item in db.session.scalars(
            select(Agency).where(Agency.path.startswith(f"/{root}/")).order_by(Agency.path)
        )
    }
    known = (
        {
            "route": row.route,
            "responsible": str(row.responsible_agency_id or ""),
            "responsible_name": row.responsible_name,
            "since": row.since or clock.today(),
            "grid_code": row.grid_code,
        }
        if row
        else None
    )
    form = RouteForm([*agencies.values()], data=known)
    if form.validate_on_submit():
        try:
            services.set_route(
                organization,
                form.route.data,
                responsible=agencies.get(form.responsible.data or ""),
                responsible_name=form.responsible_name.data or "",
                since=form.since.data,
                grid_code=form.grid_code.data or "",
                by=current_user,
            )
            return _to(organization, gettext("The route of supervision is noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Route of supervision"), N_("Note the route"))


@bp.route("/of/<int:organization_id>/charter", methods=["GET", "POST"])
@allow("party.edit")
def charter(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    row = queries.file_of(organization)
    form = CharterForm(
        data={
            "leadership": row.leadership_in_charter,
            "values": row.values_in_charter,
            "community": row.community_in_charter,
            "charter_on": row.charter_on,
        }
        if row
        else None
    )
    if form.validate_on_submit():
        try:
            services.set_charter(
                organization,
                leadership=form.leadership.data,
                values=form.values.data,
                community=form.community.data,
                charter_on=form.charter_on.data,
                by=current_user,
            )
            return _to(organization, gettext("The clauses of the charter are noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Party building in the charter"), N_("Note the clauses"))


@bp.route("/of/<int:organization_id>/steps/<any(five,three):scheme>/<step>", methods=["GET", "POST"])
@allow("party.edit")
def step(organization_id: int, scheme: str, step: str) -> Answer:
    if step not in STEPS[scheme]:
        abort(404)
    organization = _editable(organization_id)
    yearly = step == "annual_report"
    form = YearStepForm(data={"year": clock.today().year - 1}) if yearly else StepForm()
    if form.validate_on_submit():
        try:
            services.record_step(
                organization,
                scheme,
                step,
                done_on=form.done_on.data,
                officer=form.officer.data,
                year=form.year.data if isinstance(form, YearStepForm) else 0,
                note=form.note.data or "",
                file=_kept(form.file.data),
                by=current_user,
            )
            return _to(organization, gettext("The step is noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, STEPS[scheme][step], N_("Note the step"))


@bp.route("/of/<int:organization_id>/surveys/new", methods=["GET", "POST"])
@allow("party.edit", "own.edit")
def survey(organization_id: int) -> Answer:
    organization, form = _reportable(organization_id), SurveyForm()
    if form.validate_on_submit():
        try:
            services.record_survey(
                organization,
                surveyed_on=form.surveyed_on.data,
                employees=form.employees.data,
                full_members=form.full_members.data,
                probationary_members=form.probationary_members.data,
                relation_elsewhere=form.relation_elsewhere.data,
                file=_kept(form.file.data),
                by=current_user,
            )
            return _to(organization, gettext("The survey is kept; the latest one counts."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Survey of party members"), N_("Keep the survey"))


@bp.route("/of/<int:organization_id>/members/new", methods=["GET", "POST"])
@allow("party.edit")
def member(organization_id: int) -> Answer:
    organization, form = _editable(organization_id), MemberForm()
    if form.validate_on_submit():
        try:
            services.add_member(
                organization,
                record_person(form.name.data, phone=form.phone.data, by=current_user),
                kind=form.kind.data,
                since=form.since.data,
                home_unit=form.home_unit.data or "",
                grid_code=form.grid_code.data or "",
                by=current_user,
            )
            return _to(organization, gettext("The member is on the roster."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Add a member to the roster"), N_("Add the member"))


@bp.post("/members/<int:member_id>/leave")
@allow("party.edit")
def member_leaves(member_id: int) -> Response:
    row = db.session.get(PartyMember, member_id) or abort(404)
    organization = _editable(row.organization_id)
    services.end_member(row, organization, on=sent_day("on"), by=current_user)
    return _to(organization, gettext("The day the member leaves is noted."))


@bp.route("/of/<int:organization_id>/instructors/new", methods=["GET", "POST"])
@allow("party.edit")
def post(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    workers = {str(item.id): item for item in queries.workers_to_post(current_user)}
    form = PostForm([*workers.values()])
    if form.validate_on_submit():
        try:
            services.give_post(
                organization,
                workers[form.worker.data],
                form.post.data,
                since=form.since.data,
                by=current_user,
            )
            return _to(organization, gettext("The post is given."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Send an instructor"), N_("Give the post"))


@bp.post("/instructors/<int:post_id>/end")
@allow("party.edit")
def end_post(post_id: int) -> Response:
    row = db.session.get(PartyPost, post_id) or abort(404)
    organization = _editable(row.organization_id)
    services.end_post(row, on=sent_day("on"), by=current_user)
    return _to(organization, gettext("The last day of the post is noted."))


@bp.route("/of/<int:organization_id>/activities/new", methods=["GET", "POST"])
@allow("party.edit", "own.edit")
def activity(organization_id: int) -> Answer:
    organization, form = _reportable(organization_id), ActivityForm()
    if form.validate_on_submit():
        try:
            made = services.record_activity(
                organization,
                kind=form.kind.data,
                title=form.title.data,
                held_on=form.held_on.data,
                attended=form.attended.data,
                place=form.place.data or "",
                account=form.account.data or "",
                files=[file for sent in form.files.data or [] if (file := _kept(sent)) is not None],
                by=current_user,
            )
            flash(gettext("The activity is kept."), "ok")
            return redirect(url_for("party.show_activity", activity_id=made.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(organization, form, N_("Record a party activity"), N_("Keep the activity"))


@bp.get("/activities")
@allow("party.read")
def activities() -> str:
    shown = tables.show(ACTIVITIES, current_user, joinedload(PartyActivity.organization))
    return render_template(
        "party/activities.html",
        form=ActivityFilterForm(request.args),
        table=shown,
        page=shown.page,
        kinds=ACTIVITY_KINDS,
    )


@bp.get("/activities/<int:activity_id>")
@allow("party.read", "own.read")
def show_activity(activity_id: int) -> str:
    row = queries.activity_in_scope(current_user, activity_id) or abort(404)
    return render_template("party/show_activity.html", row=row, kinds=ACTIVITY_KINDS)


@bp.get("/of/<int:organization_id>/files/<int:file_id>")
@allow("party.read", "own.read")
def file(organization_id: int, file_id: int) -> Response:
    organization = _in_scope(organization_id)
    stored = queries.stored_for_organization(organization, file_id) or abort(404)
    return serve(stored, inline_image=True)


# The pool ---------------------------------------------------------------------------------------


@bp.get("/workers")
@allow("party.read")
def workers() -> str:
    shown = tables.show(
        WORKERS,
        current_user,
        joinedload(PartyWorker.person),
        selectinload(PartyWorker.posts).joinedload(PartyPost.organization),
    )
    return render_template(
        "party/workers.html",
        today=clock.today(),
        table=shown,
        page=shown.page,
        sources=WORKER_SOURCES,
        posts=POSTS,
        editable=current_user.agency_ids("party.edit"),
        readable=current_user.agency_ids("party.read"),
    )


@bp.route("/workers/new", methods=["GET", "POST"])
@allow("party.edit")
def add_worker() -> Answer:
    agencies = {
        str(item.id): item
        for item in db.session.scalars(
            select(Agency).where(Agency.id.in_(current_user.agency_ids("party.edit"))).order_by(Agency.path)
        )
    }
    form = WorkerForm([*agencies.values()])
    if form.validate_on_submit():
        try:
            services.add_worker(
                agencies[form.agency.data],
                record_person(form.name.data, phone=form.phone.data, by=current_user),
                source=form.source.data,
                unit=form.unit.data or "",
                since=form.since.data,
                by=current_user,
            )
            flash(gettext("The person is in the pool."), "ok")
            return redirect(url_for("party.workers"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("party/add_worker.html", form=form), 422 if form.is_submitted() else 200


@bp.post("/workers/<int:worker_id>/leave")
@allow("party.edit")
def worker_leaves(worker_id: int) -> Response:
    row = db.session.get(PartyWorker, worker_id)
    if row is None or row.agency_id not in current_user.agency_ids("party.edit"):
        abort(404)
    services.end_worker(row, on=sent_day("on"), by=current_user)
    flash(gettext("The person leaves the pool, and with it every post."), "ok")
    return redirect(url_for("party.workers"), code=303)
